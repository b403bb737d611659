import Glibc

/// What a connection reads, and how it becomes messages.
extension Connection {
    /// Whether the descriptor is to be read.
    var wantsInput: Bool {
        switch phase {
        case .connecting, .finishing, .closed: false
        case .establishing: true
        case .open: !hasReadToEnd && pauses == 0 && !isTimerArmed(.foreground)
        case .lingering: !hasReadToEnd
        }
    }

    func watchForInputIfWanted() {
        guard wantsInput else { return }
        updateInterest(interest.union(.readable))
        // Perhaps only since epoll has refused to watch it.
        if kind == .file { loop.addAlwaysReady(id) }
    }

    private func stopWatchingForInput() {
        if kind == .file { loop.removeAlwaysReady(id) } else { updateInterest(interest.subtracting(.readable)) }
    }

    func read() {
        guard wantsInput else { return stopWatchingForInput() }
        if messages.isUnparsed {
            receiveUnparsed()
            guard wantsInput else { return }
        }
        readOnce()
        // What a handler has held back by pausing comes first, when it resumes.
        if hasFailedOutput, !messages.isUnparsed, !hasUnreadInput { readToEnd() }
    }

    private func readOnce() {
        if transport != nil, phase == .open { return readSealed() }
        let buffer = loop.readBuffer
        buffer.reserveHeadroom(sharedOptions.longestTail)
        let count = unsafe kind.read(rawDescriptor, into: buffer.start, count: min(buffer.readSize, sharedOptions.readLimit))
        if count > 0 {
            loop.didRead(count)
            if phase == .open {
                receive(count)
                if inputLimits != nil { countBytes(count) }
            }
        } else if count == 0 {
            readToEnd()
        } else {
            readFailed(.last)
        }
    }

    func readFailed(_ error: Errno) {
        if error == .wouldBlock || error == .interrupted { return }
        if kind.isEndOfInput(error) {
            return kind.wasInBackground(rawDescriptor) ? awaitForeground() : readToEnd()
        }
        // A peer that resets the connection has said what came before, a line without a newline, too. After `finish` it is not heard.
        if transport == nil, phase == .open {
            // Nothing is sent any more: that would fail with another error, which would then be the reason.
            if kind == .socket { failOutput(error) }
            finishUnfinishedLine()
        }
        close(reason: .failed(error))
    }

    /// Another job has the terminal, which stays readable meanwhile: asks again a little later, and not in every turn.
    func awaitForeground() {
        armTimer(.foreground, at: .now.advanced(by: .milliseconds(500)))
        stopWatchingForInput()
    }

    /// Nothing could be read for half a second. That ends a line as any other pause does; the timer was not free to wait for one.
    func lookForForeground() {
        if case .automatic(let framing) = sharedOptions.format, messages.pauseThatEndsLine(framing) != nil { inputIsIdle() }
        watchForInputIfWanted()
    }

    // MARK: - Messages

    /// Whether the next message has to wait until the handler resumes: it gets each alone, and has paused.
    var isHoldingMessages: Bool { pauses > 0 && sharedOptions.deliversSingly }

    /// Makes messages of the bytes that were read to the loop's read buffer, and delivers them.
    func receive(_ count: Int) {
        let buffer = loop.readBuffer
        let end = buffer.headroom &+ count
        var position = buffer.headroom
        // A transport goes on with what it has opened, although a handler has paused.
        if isHoldingMessages { return withTail { $0.leave(position..<end, of: buffer) } }
        repeat {
            let options = sharedOptions
            // What a handler that upgrades the connection leaves is parsed where it lies, by the new framing. It may be more than a
            // read, and the buffer has room for as many messages as a read has bytes.
            position = parse(position..<min(end, position &+ buffer.readSize), in: buffer, as: options)
            if options !== sharedOptions, messages.isDiscarding { return finish(reason: .messageTooLong) }
        } while position < end && isTakingMessages && !isHoldingMessages
        if position < end, isTakingMessages { withTail { $0.leave(position..<end, of: buffer) } }
        if !awaitsPause() { disarmTimer(.idleInput) }
    }

    /// Has a pause end the line that has come in part, if it is to. Returns whether it is.
    @discardableResult
    func awaitsPause() -> Bool {
        guard case .automatic(let framing) = sharedOptions.format, isTakingMessages,
            let pause = messages.pauseThatEndsLine(framing)
        else { return false }
        if !isTimerArmed(.flushing), !isTimerArmed(.foreground) { armTimer(.idleInput, at: .now.advanced(clamping: pause)) }
        return true
    }

    /// Delivers the messages in a part of the read buffer. Returns where it has stopped: at the end of the part, or after the message
    /// at which the handler closed or upgraded the connection, or after a line that had to be delivered alone.
    private func parse(_ range: Range<Int>, in buffer: ReadBuffer, as options: SharedOptions) -> Int {
        let limit = options.value.maximumMessageLength
        let isSingle = options.deliversSingly
        switch options.format {
        case .chunks:
            unsafe buffer.ends[0] = UInt32(truncatingIfNeeded: range.upperBound)
            let batch = unsafe MessageBatch(base: buffer.base, start: range.lowerBound, ends: buffer.ends, count: 1)
            if inputLimits != nil { countMessages(1) }
            directHandler.connection(self, didReceive: batch)
            return range.upperBound
        case .lines:
            let lines = isSingle ? range.lowerBound..<buffer.endOfFirstLine(in: range) : range
            return withMessages { messages, receiver in
                messages.receiveLines(lines, in: buffer, limit: limit, to: &receiver)
            }
        case .automatic:
            let lines = isSingle ? range.lowerBound..<buffer.endOfFirstLine(in: range) : range
            return withMessages { messages, receiver in
                messages.receiveText(lines, in: buffer, limit: limit, to: &receiver)
            }
        case .other:
            let (end, reason) = withMessages { messages, receiver in
                messages.receive(
                    range, in: buffer, framing: options.value.framing, isSingle: isSingle, limit: limit,
                    envelopeLimit: options.envelopeLimit, to: &receiver)
            }
            if let reason { finish(reason: reason) }
            return end
        }
    }

    /// The peer has sent nothing more of an unfinished message for a while.
    func inputIsIdle() {
        // While the handler pauses, no line ends: `resumeReading` waits for a pause anew.
        guard isTakingMessages, !hasReadToEnd, !isHoldingMessages else { return }
        let limit = sharedOptions.value.maximumMessageLength
        loop.readBuffer.reserveHeadroom(sharedOptions.longestTail)
        let options = sharedOptions
        withMessages { messages, receiver in messages.endLineAtPause(in: loop.readBuffer, limit: limit, to: &receiver) }
        // The handler may have upgraded the connection, and a command of telnet may have begun before the pause. The new framing
        // must not know of that command, or it would wait for as many bytes as have come of it.
        if options !== sharedOptions { messages.leaveTail() }
    }

    /// At the end of input the rest of a line is a line. With the other framings it is not a message, and is dropped.
    private func finishUnfinishedLine() {
        if case .other = sharedOptions.format { return }
        finishLine()
    }

    private func finishLine() {
        let limit = sharedOptions.value.maximumMessageLength
        loop.readBuffer.reserveHeadroom(sharedOptions.longestTail)
        withMessages { messages, receiver in messages.finishLine(in: loop.readBuffer, limit: limit, to: &receiver) }
    }

    /// While `body` runs, the connection's own message buffer is empty: handlers are called meanwhile, and may call back.
    private func withMessages<Result>(_ body: (inout MessageBuffer, inout Receiver) -> Result) -> Result {
        var taken = MessageBuffer()
        swap(&taken, &messages)
        let before = taken.tail.capacity
        defer {
            loop.bufferedByteCount &+= taken.tail.capacity &- before
            swap(&taken, &messages)
        }
        var receiver = Receiver(connection: self, options: sharedOptions)
        return body(&taken, &receiver)
    }

    /// Passes on messages to the handler, until that closes or upgrades the connection.
    private struct Receiver: TextReceiver {
        let connection: Connection
        let options: SharedOptions

        var goesOn: Bool {
            connection.isTakingMessages && connection.sharedOptions === options && !connection.isHoldingMessages
        }

        func receive(_ messages: borrowing MessageBatch) -> Bool {
            if connection.inputLimits != nil { connection.countMessages(messages.count) }
            connection.directHandler.connection(connection, didReceive: messages)
            return goesOn
        }

        func messageWasTooLong() -> Bool {
            if connection.inputLimits != nil { connection.countMessages(1) }
            connection.directHandler.connectionDidDiscardMessage(connection)
            return goesOn
        }

        func refuse(_ refusal: TelnetState.Refusal, option: UInt8) {
            // A peer that asks and does not read the answers gets no more of them. And only a socket leads back to who has asked.
            guard connection.kind == .socket, connection.pendingOutput < 4_096 else { return }
            let answer: [3 of UInt8] = [TelnetState.interpretAsCommand, refusal.rawValue, option]
            _ = connection.sendUnlimited(answer.span)
        }
    }

    // MARK: - The end of input

    /// There is nothing more to read.
    func readToEnd() {
        if hasReadToEnd || phase == .closed { return }
        hasReadToEnd = true
        // A descriptor at its end stays readable; watched any longer, it would spin the loop.
        stopWatchingForInput()
        disarmTimer(.idleInput)
        if phase == .lingering { return close() }
        if let transport, !transport.transport.hasEnded { return finish(reason: .truncated) }
        if case .other = sharedOptions.format, messages.isUnfinished { return finish(reason: .incompleteMessage) }
        finishUnfinishedLine()
        guard isTakingMessages else { return }
        if hasFailedOutput || !sharedOptions.value.allowsHalfClose { return finish(reason: .endOfInput) }
        watchForReset()
        directHandler.connectionDidReadToEnd(self)
    }

    /// Watches for nothing but what epoll reports unasked: a hang-up or an error. It must be asked for something, so that is urgent data,
    /// which nobody sends after the end.
    private func watchForReset() {
        if kind == .socket { updateInterest(interest.union(.priority)) }
    }
}
