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
        if kind == .file { loop.addAlwaysReady(id) } else { updateInterest(interest.union(.readable)) }
    }

    private func stopWatchingForInput() {
        if kind == .file { loop.removeAlwaysReady(id) } else { updateInterest(interest.subtracting(.readable)) }
    }

    func read() {
        guard wantsInput else { return stopWatchingForInput() }
        readOnce()
        if hasFailedOutput, !hasUnreadInput { readToEnd() }
    }

    private func readOnce() {
        if transport != nil, phase == .open { return readSealed() }
        let buffer = loop.readBuffer
        buffer.reserveHeadroom(options.longestTail)
        let count = unsafe kind.read(rawDescriptor, into: buffer.start, count: buffer.readSize)
        if count > 0 {
            loop.didRead(count)
            if phase == .open { receive(count) }
        } else if count == 0 {
            readToEnd()
        } else {
            readFailed(.last)
        }
    }

    func readFailed(_ error: Errno) {
        if error == .wouldBlock || error == .interrupted { return }
        guard kind.isEndOfInput(error) else { return close(reason: .failed(error)) }
        if kind.isInBackground(rawDescriptor) { awaitForeground() } else { readToEnd() }
    }

    /// Another job has the terminal, which stays readable meanwhile: asks again a little later, and not in every turn.
    private func awaitForeground() {
        armTimer(.foreground, at: .now.advanced(by: .milliseconds(500)))
        stopWatchingForInput()
    }

    /// Makes messages of bytes that were read to the loop's read buffer, and delivers them.
    func receive(_ count: Int) {
        let buffer = loop.readBuffer
        let limit = options.value.maximumMessageLength
        var idleTime: Duration?
        switch options.format {
        case .chunks:
            let start = buffer.headroom
            unsafe buffer.ends[0] = UInt32(truncatingIfNeeded: start &+ count)
            let batch = unsafe MessageBatch(
                base: buffer.base, start: start, ends: buffer.ends, count: 1, terminatorLength: 0)
            return handler.connection(self, didReceive: batch)
        case .lines: break
        case .automatic(let idle): idleTime = idle
        case .other:
            let reason = withMessages { messages, receiver in
                messages.receive(
                    count, in: buffer, framing: options.value.framing, limit: limit, envelopeLimit: options.envelopeLimit,
                    to: &receiver)
            }
            if let reason { finish(reason: reason) }
            return
        }
        withMessages { messages, receiver in messages.receiveLines(count, in: buffer, limit: limit, to: &receiver) }
        guard let idleTime, isTakingMessages else { return }
        if messages.isUnfinished, !messages.hasSeenNewline {
            if !isTimerArmed(.flushing) { armTimer(.idleInput, at: .now.advanced(clamping: idleTime)) }
        } else {
            disarmTimer(.idleInput)
        }
    }

    /// The peer has sent nothing more of an unfinished message for a while.
    func inputIsIdle() {
        guard isTakingMessages, !hasReadToEnd, !messages.hasSeenNewline else { return }
        finishLine()
    }

    private func finishLine() {
        let limit = options.value.maximumMessageLength
        loop.readBuffer.reserveHeadroom(options.longestTail)
        withMessages { messages, receiver in messages.finishLine(in: loop.readBuffer, limit: limit, to: &receiver) }
    }

    /// While `body` runs, the connection's own message buffer is empty: handlers are called meanwhile, and may call back.
    private func withMessages<Result>(_ body: (inout MessageBuffer, inout Receiver) -> Result) -> Result {
        var taken = MessageBuffer()
        swap(&taken, &messages)
        defer { swap(&taken, &messages) }
        var receiver = Receiver(connection: self)
        return body(&taken, &receiver)
    }

    private struct Receiver: MessageReceiver {
        let connection: Connection

        func receive(_ messages: borrowing MessageBatch) -> Bool {
            connection.handler.connection(connection, didReceive: messages)
            return connection.isTakingMessages
        }

        func messageWasTooLong() -> Bool {
            connection.handler.connectionDidDiscardMessage(connection)
            return connection.isTakingMessages
        }
    }

    /// There is nothing more to read.
    func readToEnd() {
        if hasReadToEnd || phase == .closed { return }
        hasReadToEnd = true
        // A descriptor at its end stays readable; watched any longer, it would spin the loop.
        stopWatchingForInput()
        disarmTimer(.idleInput)
        if phase == .lingering { return close() }
        if let transport, !transport.transport.hasEnded { return finish(reason: .truncated) }
        if case .other = options.format {
            if messages.isUnfinished { return finish(reason: .incompleteMessage) }
        } else {
            finishLine()
        }
        guard isTakingMessages else { return }
        if hasFailedOutput || !options.value.allowsHalfClose { return finish(reason: .endOfInput) }
        watchForReset()
        handler.connectionDidReadToEnd(self)
    }

    /// Watches for nothing but what epoll reports unasked: a hang-up or an error. It must be asked for something, so that is urgent data,
    /// which nobody sends after the end.
    private func watchForReset() {
        if kind == .socket { updateInterest(interest.union(.priority)) }
    }
}
