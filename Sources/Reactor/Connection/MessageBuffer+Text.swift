/// Lines that people send, under `AutomaticFraming`: mixed with the commands of telnet, letter by letter, or without a newline.
extension MessageBuffer {
    /// Does what `receiveLines` does, takes out the commands of telnet, and takes `\r\0` for the end of a line.
    ///
    /// Text is parsed where it lies, from one command to the next, so what follows the place where this stops is as it came. Once something
    /// would be taken out of what is no UTF-8, this connection's bytes are never looked at again in this way.
    ///
    /// - Parameters:
    ///   - range: What has come, counted from the buffer's `base`, at most `readSize` bytes.
    ///   - limit: How long a line may be, without its newline. There must be room for two bytes more before `range`.
    mutating func receiveText(
        _ range: Range<Int>, in buffer: ReadBuffer, limit: Int, to receiver: inout some TextReceiver
    ) -> Int {
        let wasUnfinished = isUnfinished
        let end = parseText(range, in: buffer, limit: limit, to: &receiver)
        if !wasUnfinished, !hasSeenNewline { isTyped = !tail.isEmpty && tail.count <= Self.letterLength(tail[0]) }
        return end
    }

    private mutating func parseText(
        _ range: Range<Int>, in buffer: ReadBuffer, limit: Int, to receiver: inout some TextReceiver
    ) -> Int {
        let end = range.upperBound
        // Text that was not parsed yet, and what of it was not searched yet for something to take out.
        var start = range.lowerBound
        var unsearched = start
        // Where the next command and the next NUL are; before `unsearched` if that is not known.
        var command = start &- 1
        var zero = start &- 1
        while start < end, telnet != .binary {
            if telnet != .text {
                unsearched = receiveCommand(from: start, to: end, in: buffer, to: &receiver, textStart: &start)
                if telnet != .text { break }
            }
            if command < unsearched { command = buffer.firstIndex(of: TelnetState.interpretAsCommand, in: unsearched..<end) }
            if zero < unsearched { zero = buffer.firstIndex(of: 0, in: unsearched..<end) }
            while zero < command, !isAfterCarriageReturn(zero, start: start, in: buffer) {
                zero = buffer.firstIndex(of: 0, in: zero &+ 1..<end)
            }
            let stop = min(command, zero)
            if stop == end { break }
            guard buffer.isText(unsearched..<stop) else {
                telnet = .binary
                break
            }
            guard receiveLines(of: start..<stop, in: buffer, limit: limit, to: &receiver, end: &start) else { return start }
            if stop == zero {
                unsafe buffer.base[stop] = UInt8(ascii: "\n")
                guard receiveLines(of: stop..<stop &+ 1, in: buffer, limit: limit, to: &receiver, end: &start) else {
                    return start
                }
            } else {
                telnet = .command
                start = stop &+ 1
            }
            unsearched = start
        }
        // What is left has nothing to be taken out, or is the beginning of a command, which has been taken.
        _ = receiveLines(of: start..<end, in: buffer, limit: limit, to: &receiver, end: &start)
        return start
    }

    /// Ends the unfinished line, because nothing more has come for a while. A carriage return at its end belongs to the end.
    mutating func endLineAtPause(in buffer: ReadBuffer, limit: Int, to receiver: inout some MessageReceiver) {
        isDiscarding = false
        let isContinued = hasEndedLineAtPause
        hasEndedLineAtPause = true
        if tail.last == UInt8(ascii: "\r") {
            tail.removeLast()
            // One that comes alone, after a line that a pause has ended, is the first half of that line's terminator.
            if tail.isEmpty {
                tail = []
                if isContinued { return }
            }
        } else if tail.isEmpty {
            return
        }
        deliverTail(in: buffer, limit: limit, to: &receiver)
    }

    /// How long a pause must be to end the unfinished line; nil if a pause does not end it: after the first newline, and in the
    /// middle of a letter.
    func pauseThatEndsLine(_ framing: AutomaticFraming) -> Duration? {
        if hasSeenNewline || !isUnfinished || isUnparsed || isInsideLetter { return nil }
        return isTyped ? max(framing.idle, framing.letterIdle) : framing.idle
    }

    /// Whether the tail ends with the beginning of a letter that has more bytes in UTF-8.
    private var isInsideLetter: Bool {
        for count in 1...3 where count <= tail.count {
            let byte = tail[tail.count &- count]
            // Bytes 10xxxxxx continue a letter.
            if byte & 0xC0 != 0x80 { return Self.letterLength(byte) > count }
        }
        return false
    }

    /// How many bytes a letter has in UTF-8 that begins with the given one. A byte that begins none counts as a letter of its own.
    private static func letterLength(_ first: UInt8) -> Int {
        switch first {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 1
        }
    }

    /// Takes bytes until a command has ended. Returns where the search for the next one begins. Text begins at `textStart`, which is
    /// earlier if bytes that look like a command are text.
    private mutating func receiveCommand(
        from start: Int, to end: Int, in buffer: ReadBuffer, to receiver: inout some TextReceiver, textStart: inout Int
    ) -> Int {
        var position = start
        while telnet != .text, telnet != .binary, position < end {
            let byte = unsafe buffer.base[position]
            position &+= 1
            textStart = position
            switch telnet.receive(byte, length: &awaited) {
            case .skip: break
            case .refuse(let refusal): receiver.refuse(refusal, option: byte)
            case .text: textStart = position &- 1
            case .notACommand:
                textStart = position &- 2
                // It may have come with an earlier read.
                unsafe buffer.base[textStart] = TelnetState.interpretAsCommand
            }
        }
        return position
    }

    private func isAfterCarriageReturn(_ place: Int, start: Int, in buffer: ReadBuffer) -> Bool {
        place > start ? unsafe buffer.base[place &- 1] == UInt8(ascii: "\r") : hasSeenCarriageReturn
    }

    /// Delivers the lines of a part of the buffer in which there are no commands. Returns whether to go on after `end`.
    private mutating func receiveLines(
        of range: Range<Int>, in buffer: ReadBuffer, limit: Int, to receiver: inout some TextReceiver, end: inout Int
    ) -> Bool {
        end = range.upperBound
        if range.isEmpty { return true }
        let endsInCarriageReturn = unsafe buffer.base[range.upperBound &- 1] == UInt8(ascii: "\r")
        let start = skipTerminator(in: range, of: buffer)
        end = receiveLines(start..<range.upperBound, in: buffer, limit: limit, to: &receiver)
        hasSeenCarriageReturn = endsInCarriageReturn && end == range.upperBound
        return end == range.upperBound && receiver.goesOn
    }

    /// The first newline ends the line that a pause has ended, if nothing has come in between. Returns where the next line begins.
    private mutating func skipTerminator(in range: Range<Int>, of buffer: ReadBuffer) -> Int {
        guard hasEndedLineAtPause, !hasSeenNewline, !isDiscarding else { return range.lowerBound }
        var position = range.lowerBound
        if tail.isEmpty {
            if unsafe buffer.base[position] == UInt8(ascii: "\r") { position &+= 1 }
        } else if tail != [UInt8(ascii: "\r")] {
            return range.lowerBound
        }
        guard position < range.upperBound, unsafe buffer.base[position] == UInt8(ascii: "\n") else { return range.lowerBound }
        tail = []
        hasSeenNewline = true
        return position &+ 1
    }
}

/// Gets the lines that people send, and what of telnet's options has to be refused.
protocol TextReceiver: MessageReceiver {
    /// Whether to go on.
    var goesOn: Bool { get }
    mutating func refuse(_ refusal: TelnetState.Refusal, option: UInt8)
}
