import Glibc

/// What a connection reads, and how it becomes messages.
extension Connection {
    var wantsInput: Bool {
        !isClosed && !hasReadToEnd && !isConnecting && (isLingering || (pauses == 0 && !isFinishing))
    }

    func watchForInputIfWanted() {
        guard wantsInput else { return }
        if isAlwaysReady { loop.addAlwaysReady(id) } else { updateInterest(interest.union(.readable)) }
    }

    func stopWatchingForInput() {
        if isAlwaysReady { loop.removeAlwaysReady(id) } else { updateInterest(interest.subtracting(.readable)) }
    }

    func read() {
        guard wantsInput else { return stopWatchingForInput() }
        let buffer = loop.readBuffer
        let limit = options.value.maximumMessageLength
        buffer.reserveHeadroom(options.longestTail)
        let start = unsafe buffer.start
        let count =
            isSocket
            ? unsafe recv(rawDescriptor, start, buffer.readSize, 0) : unsafe Glibc.read(rawDescriptor, start, buffer.readSize)
        if count > 0 {
            loop.didRead(count)
            if isLingering { return }
            receive(count, in: buffer, limit: limit)
        } else if count == 0 {
            readToEnd()
        } else {
            let error = Errno.last
            switch error {
            case .wouldBlock, .interrupted: break
            // What a terminal says once it has hung up, or to a background process.
            case Errno(rawValue: EIO) where !isSocket: readToEnd()
            default: close(reason: .failed(error))
            }
        }
    }

    private func receive(_ count: Int, in buffer: ReadBuffer, limit: Int) {
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
                messages.receive(count, in: buffer, framing: options.value.framing, limit: limit, to: &receiver)
            }
            if let reason { finish(reason: reason) }
            return
        }
        withMessages { messages, receiver in messages.receiveLines(count, in: buffer, limit: limit, to: &receiver) }
        guard let idleTime, isTakingMessages else { return }
        if messages.isUnfinished, !messages.hasSeenNewline {
            let timer = timer ?? loop.makeTimer { [weak self] in self?.lineIsIdle() }
            self.timer = timer
            timer.arm(after: idleTime)
        } else if let timer {
            timer.cancel()
            self.timer = nil
        }
    }

    private func lineIsIdle() {
        guard wantsInput || pauses > 0, !messages.hasSeenNewline else { return }
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

    var isTakingMessages: Bool { !isClosed && !isFinishing }

    private func readToEnd() {
        hasReadToEnd = true
        // A descriptor at its end stays readable; watched any longer, it would spin the loop.
        stopWatchingForInput()
        timer?.cancel()
        timer = nil
        if isLingering { return close() }
        if case .other = options.format { return finish(reason: messages.isUnfinished ? .incompleteMessage : .endOfInput) }
        finishLine()
        finish(reason: .endOfInput)
    }
}
