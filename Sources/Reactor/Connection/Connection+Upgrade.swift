/// A connection's framing and handler can be replaced between two messages.
extension Connection {
    /// What the connection is set to: with values out of range brought into it.
    public var options: Options { sharedOptions.value }

    /// Replaces the connection's options and its handler, so that it goes on in another way: with frames after lines that agree on
    /// them, or with messages after a login.
    ///
    /// Called while a handler gets messages, this takes effect after the last of them: what has been read after that is parsed by the
    /// new framing and delivered to the new handler. A handler that has to upgrade after a certain message sets
    /// `Options.batchesMessages` to false, so that it gets each message alone. Called at any other time, what has come of an
    /// unfinished message goes to the new framing and the new handler, at the end of the turn.
    ///
    /// ```swift
    /// var options = connection.options
    /// options.framing = .lengthPrefixed(.fourBytes)
    /// options.batchesMessages = true
    /// connection.upgrade(to: options, handler: handler)
    /// ```
    ///
    /// The former handler is told nothing more, and the new one is not told that the connection opens. Output that waits and
    /// subscriptions to topics stay. A connection that is finishing or closed stays as it is. One that is just discarding a message
    /// that is too long finishes, with the reason `messageTooLong`: it is not between two messages.
    ///
    /// A WebSocket ends with this: who replaces the handler behind one gets its frames.
    ///
    /// All options count from now on, except `unsentLowWater`, which is set when a connection is made. A connection of tasks must not
    /// be upgraded: what awaits its messages would wait for ever.
    ///
    /// - Complexity: O(*n*) for *n* bytes of an unfinished message. What has been read after the messages that are being delivered is
    ///   not copied.
    public func upgrade(to options: Options, handler: any ConnectionHandler) {
        upgrade(to: SharedOptions(options), handler: handler)
    }

    /// Upgrades the connection, and tells the new handler that it opens: for a handler that finds out who is at the other end, and serves
    /// nobody itself. A connection that is finishing or closed stays as it is.
    package func handOver(to handler: any ConnectionHandler, options: SharedOptions) {
        guard isTakingMessages, !messages.isDiscarding else { return }
        // Their time begins now.
        forgetLimits()
        upgrade(to: options, handler: handler)
        handler.connectionDidOpen(self)
        noteTopicPosition()
    }

    private func upgrade(to options: SharedOptions, handler: any ConnectionHandler) {
        guard isTakingMessages else { return }
        if messages.isDiscarding { return finish(reason: .messageTooLong) }
        // Kept until the end: their deinits may call anything, and must not run while a property is being changed.
        let replaced = (directHandler, sharedOptions)
        directHandler = handler
        sharedOptions = options
        disarmTimer(.idleInput)
        if isOpen { applyLimits(replacing: replaced.1.value) }
        messages.leaveTail()
        if messages.isUnparsed { scheduleFlush() }
        withExtendedLifetime(replaced) {}
    }

    /// Has the connection's options be others of which only the limits differ. It must not be called while messages are delivered.
    package func setOptions(_ options: SharedOptions) {
        guard isTakingMessages else { return }
        let replaced = sharedOptions
        sharedOptions = options
        applyLimits(replacing: replaced.value)
        withExtendedLifetime(replaced) {}
    }

    /// Parses what an upgrade or a pause has left, in pieces as long as a read.
    func receiveUnparsed() {
        guard isTakingMessages, !isHoldingMessages else { return }
        let buffer = loop.readBuffer
        var unparsed: [UInt8] = []
        withTail { unparsed = $0.takeUnparsed() }
        var rest = unparsed[...]
        while !rest.isEmpty, isTakingMessages {
            let piece = rest.prefix(buffer.readSize)
            rest = rest.dropFirst(piece.count)
            // A handler may have upgraded the connection again, to longer messages.
            buffer.reserveHeadroom(sharedOptions.longestTail)
            unsafe piece.withUnsafeBufferPointer { bytes in
                if let source = bytes.baseAddress { unsafe buffer.start.update(from: source, count: bytes.count) }
            }
            receive(piece.count)
            if messages.isUnparsed {
                // A handler has paused: what `receive` has left comes before the pieces that are still here.
                withTail { $0.leave(rest) }
                return
            }
        }
        readToEndOfTransport()
    }
}
