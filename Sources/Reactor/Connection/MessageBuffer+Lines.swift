import Glibc

/// Lines, which are found sixteen bytes at a time, without asking a framing.
extension MessageBuffer {
    /// Delivers the lines that end in the given part of the read buffer, and keeps the beginning of the next. Returns where it has
    /// stopped: at the end of the part, or after the line at which the receiver said so.
    ///
    /// - Parameters:
    ///   - range: What has come, counted from the buffer's `base`, at most `readSize` bytes.
    ///   - limit: How long a line may be, without its newline. There must be room for one byte more before `range`.
    mutating func receiveLines(
        _ range: Range<Int>, in buffer: ReadBuffer, limit: Int, to receiver: inout some MessageReceiver
    ) -> Int {
        let (found, hasCarriageReturn) = buffer.findNewlines(in: range)
        var lineStart = range.lowerBound
        var newlines = 0..<found
        if found > 0 { hasSeenNewline = true }
        if isDiscarding {
            if found == 0 { return range.upperBound }
            isDiscarding = false
            lineStart = unsafe Int(buffer.ends[0])
            newlines = 1..<found
        }
        if let last = newlines.last {
            // Its terminator may have begun in an earlier read.
            let endsInCarriageReturn = tail.last == UInt8(ascii: "\r")
            lineStart &-= moveTail(before: lineStart, in: buffer)
            let end = unsafe Int(buffer.ends[last])
            // Lines are relayed from where they lie, untouched, unless one of them may have to be shortened or left out.
            if hasCarriageReturn || endsInCarriageReturn || end &- lineStart > limit {
                let stop = Self.deliverEditedLines(newlines, from: lineStart, in: buffer, limit: limit, to: &receiver)
                if let stop { return stop }
            } else if !Self.deliverLines(newlines, from: lineStart, in: buffer, to: &receiver) {
                return end
            }
            lineStart = end
        }
        keepLine(lineStart..<range.upperBound, of: buffer, limit: limit, to: &receiver)
        return range.upperBound
    }

    /// Delivers the unfinished line as a whole one, because no more of it will come.
    mutating func finishLine(in buffer: ReadBuffer, limit: Int, to receiver: inout some MessageReceiver) {
        isDiscarding = false
        if !tail.isEmpty { deliverTail(in: buffer, limit: limit, to: &receiver) }
    }

    /// Delivers the tail as a line.
    mutating func deliverTail(in buffer: ReadBuffer, limit: Int, to receiver: inout some MessageReceiver) {
        let length = tail.count
        // A carriage return was allowed beyond the limit, and has turned out not to be half of a terminator.
        if length > limit {
            tail = []
            _ = receiver.messageWasTooLong()
            return
        }
        _ = moveTail(before: length, in: buffer)
        unsafe buffer.base[length] = UInt8(ascii: "\n")
        unsafe buffer.ends[0] = UInt32(truncatingIfNeeded: length &+ 1)
        _ = Self.deliverLines(0..<1, from: 0, in: buffer, to: &receiver)
    }

    private mutating func keepLine(_ rest: Range<Int>, of buffer: ReadBuffer, limit: Int, to receiver: inout some MessageReceiver)
    {
        if rest.isEmpty { return }
        // A carriage return at the end may be half of the terminator.
        let allowed = unsafe buffer.base[rest.upperBound &- 1] == UInt8(ascii: "\r") ? limit &+ 1 : limit
        if tail.count &+ rest.count <= allowed {
            unsafe tail.append(contentsOf: UnsafeBufferPointer(start: buffer.base + rest.lowerBound, count: rest.count))
        } else {
            tail = []
            isDiscarding = true
            _ = receiver.messageWasTooLong()
        }
    }

    /// Delivers the lines that end at some of the buffer's newlines. Returns whether to go on.
    private static func deliverLines(
        _ newlines: Range<Int>, from lineStart: Int, in buffer: ReadBuffer, to receiver: inout some MessageReceiver
    ) -> Bool {
        if newlines.isEmpty { return true }
        return unsafe receiver.receive(
            MessageBatch(
                base: buffer.base, start: lineStart, ends: buffer.ends + newlines.lowerBound, count: newlines.count,
                terminatorLength: 1))
    }

    /// Does what `deliverLines` does, without the carriage return of each terminator and without the lines that are too long. What follows
    /// a dropped byte moves up, to `output`, and `ends` is written anew, at places that have been read already.
    ///
    /// Returns where to stop, or nil to go on. What lies beyond that is as it came.
    private static func deliverEditedLines(
        _ newlines: Range<Int>, from start: Int, in buffer: ReadBuffer, limit: Int, to receiver: inout some MessageReceiver
    ) -> Int? {
        let base = unsafe buffer.base
        var lineStart = start
        var batchStart = start
        var output = start
        var batch = newlines.lowerBound..<newlines.lowerBound
        for newline in newlines {
            let end = unsafe Int(buffer.ends[newline])
            var length = end &- 1 &- lineStart
            if length > 0, unsafe base[lineStart &+ length &- 1] == UInt8(ascii: "\r") { length &-= 1 }
            if length <= limit {
                if output != lineStart { unsafe memmove(base + output, base + lineStart, length) }
                unsafe base[output &+ length] = UInt8(ascii: "\n")
                output &+= length &+ 1
                unsafe buffer.ends[batch.upperBound] = UInt32(truncatingIfNeeded: output)
                batch = batch.lowerBound..<batch.upperBound &+ 1
            } else {
                guard deliverLines(batch, from: batchStart, in: buffer, to: &receiver) else { return lineStart }
                guard receiver.messageWasTooLong() else { return end }
                batchStart = end
                output = end
                batch = newline &+ 1..<newline &+ 1
            }
            lineStart = end
        }
        return deliverLines(batch, from: batchStart, in: buffer, to: &receiver) ? nil : lineStart
    }
}
