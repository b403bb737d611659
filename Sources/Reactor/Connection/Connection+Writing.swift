import Glibc

/// How a connection sends its own output and that of topics.
extension Connection {
    /// How many of the bytes that were passed to `send` the kernel has not taken yet; with a transport, how many are not
    /// sealed yet. A topic's messages do not count.
    public var pendingOutput: Int { output?.ownCount ?? 0 }

    /// How many bytes the connection holds: own output, the rest of a topic's message, and sealed bytes. What is still in the
    /// topics' logs does not count.
    package var waitingCount: Int { (output?.count ?? 0) &+ (transport?.sealedCount ?? 0) }

    package var hasWaitingOutput: Bool { waitingCount > 0 }

    /// Whether a topic may call send(2) on the descriptor itself while nothing else waits: the descriptor is a socket, and has no
    /// transport.
    package var takesDirectSends: Bool { kind == .socket && transport == nil }

    /// Whether `send` accepts bytes.
    private var acceptsOutput: Bool { isTakingMessages && !hasFailedOutput }

    /// Whether the connection's state allows it to write. The kernel may be full all the same.
    private var canWrite: Bool { isOpen && phase != .lingering && !hasFailedOutput }

    /// Sends bytes at the end of the turn, after those of earlier calls. Returns whether they were accepted. A connection
    /// accepts none if it is finishing or closed, or if sending to it has failed before. If more than
    /// `Options.maximumPendingOutput` would wait, it closes with the reason `outputOverflow`.
    ///
    /// The bytes are sent as they are: a line needs its newline, and a message with a length needs its length in front, as
    /// `LengthPrefixedFraming` makes it.
    ///
    /// If a topic keeps the socket full, the bytes that were passed to `send` and the topic's messages take turns.
    ///
    /// The corresponding C function is `sendmsg`, or `writev` for what is no socket.
    ///
    /// - Complexity: O(*n*) for *n* bytes, which are copied.
    @discardableResult
    public func send(_ bytes: Span<UInt8>) -> Bool {
        if acceptsOutput, !hasRoom(for: bytes.count) { close(reason: .outputOverflow) }
        return sendUnlimited(bytes)
    }

    /// Whether so many bytes more may wait for the peer.
    func hasRoom(for count: Int) -> Bool { count == 0 || pendingOutput &+ count <= sharedOptions.value.maximumPendingOutput }

    /// Does what `send` does, however much waits already.
    package func sendUnlimited(_ bytes: Span<UInt8>) -> Bool {
        guard acceptsOutput else { return false }
        if bytes.isEmpty { return true }
        unsafe bytes.withUnsafeBufferPointer { bytes in
            changeOutput { unsafe $0.append(bytes) }
        }
        owesDrain = true
        inputLimits?.hasHadMessage = true
        if !isBlocked { scheduleFlush() }
        return true
    }

    /// Sends a text, in UTF-8, at the end of the turn, as the other `send` does.
    @discardableResult
    public func send(_ text: String) -> Bool {
        send(text.utf8.span)
    }

    /// Sends one message at the end of the turn, as the connection's framing has it: a line with its newline, a content with its length in
    /// front. So a handler need not know which framing its peer has. All else is as with `send`.
    ///
    /// ```swift
    /// func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
    ///     messages.forEach { connection.sendMessage($0) }
    /// }
    /// ```
    ///
    /// - Returns: Whether it was accepted. A content that cannot be a message is not: one that is too long for its length, for example.
    /// - Complexity: O(*n*) for *n* bytes, which are copied.
    @discardableResult
    public func sendMessage(_ content: Span<UInt8>) -> Bool {
        var message: [UInt8] = []
        return options.framing.appendMessage(content, to: &message) && send(message.span)
    }

    /// Sends a text, in UTF-8, as one message, as the other `sendMessage` does.
    @discardableResult
    public func sendMessage(_ text: String) -> Bool {
        sendMessage(text.utf8.span)
    }

    /// Has all own output that waits leave before what the topics have. Without this, it might be a topic's turn.
    package func giveOwnOutputItsTurn() {
        if output?.isUnused == false { withOutput { $0.beginTurn() } }
    }

    /// Keeps the rest of a topic's message, of which the kernel has taken the beginning. The connection sends it before anything
    /// else. It does not count as pending output.
    package func keepRest(_ bytes: UnsafeBufferPointer<UInt8>) {
        if hasFailedOutput || phase == .closed { return }
        changeOutput { unsafe $0.insertRest(bytes) }
    }

    /// Changes the output, and tells the topics if that has become empty or has ceased to be: they call send(2) themselves only
    /// while it is empty.
    private func changeOutput(_ change: (inout OutputBuffer) -> Void) {
        let wasEmpty = output?.isEmpty ?? true
        withOutput(change)
        if (output?.isEmpty ?? true) != wasEmpty { outputSource?.connectionStateDidChange(self) }
    }

    /// Writes what leads in the output, and then two runs of a topic's bytes, by one system call.
    ///
    /// Returns how many bytes of the two runs were taken. If not all were, the connection is blocked or closed, or it is a file,
    /// and the next turn tries again. Own output that does not have its turn yet leaves after the topic's bytes.
    ///
    /// The corresponding C functions are `sendmsg`, and `writev` for what is no socket.
    package func write(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Int {
        guard canWrite else { return 0 }
        let given = first.count &+ second.count
        // A second reference to the bytes: a send that fails drops the output, and a transport is foreign code. Neither may
        // happen during an access to `output`.
        let waiting = output ?? OutputBuffer()
        let (leading, written) = unsafe waiting.withUnsafeLeadingBytes { leading in
            unsafe (leading.count, transport == nil ? writeOnce(leading, first, second) : sealAndWrite(leading, first, second))
        }
        if written < 0 {
            sendFellShort(.last)
            return 0
        }
        if phase == .closed || hasFailedOutput { return 0 }
        if !waiting.isUnused {
            changeOutput { output in
                output.removeFirst(min(written, leading))
                // The kernel is full just where the topic's bytes would have begun: they go first the next time.
                if written == leading, given > 0 { output.endTurn() }
                if written > leading { output.beginTurn() }
            }
        }
        if written < leading &+ given { block() }
        if hasWaitingOutput, !isBlocked { scheduleFlush() }
        return max(written &- leading, 0)
    }

    /// No run of bytes.
    var noBytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: nil, count: 0) }

    /// Writes up to three runs of bytes by one system call, and returns its result. Three empty runs make no call, which would
    /// send an empty packet on a socket of packets.
    func writeOnce(
        _ leading: UnsafeRawBufferPointer, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> Int {
        if leading.count &+ first.count &+ second.count == 0 { return 0 }
        func vector(_ bytes: UnsafeRawBufferPointer) -> iovec {
            unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
        }
        var vectors: (iovec, iovec, iovec) = unsafe (vector(leading), vector(first), vector(second))
        let written = unsafe withUnsafeMutablePointer(to: &vectors) { pointer in
            unsafe pointer.withMemoryRebound(to: iovec.self, capacity: 3) { vectors in
                unsafe kind.write(rawDescriptor, UnsafeMutableBufferPointer(start: vectors, count: 3))
            }
        }
        loop.didSend(calls: 1, bytes: max(written, 0))
        return written
    }

    /// The kernel has not taken all of the bytes: because of `error`, or because it is full for now.
    package func sendFellShort(_ error: Errno?) {
        guard let error, error != .wouldBlock, error != .interrupted else { return block() }
        failOutput(error)
    }

    /// The kernel takes nothing more for now: waits for EPOLLOUT. The connection watches for that in no other case.
    func block() {
        if isBlocked || phase == .closed { return }
        isBlocked = true
        updateInterest(interest.union(.writable))
        if kind == .file {
            // epoll does not report files. The next attempt fails with the reason why this one fell short, a full disk perhaps.
            isBlocked = false
            return scheduleFlush()
        }
        outputSource?.connectionStateDidChange(self)
        limitFlush()
    }

    func descriptorIsWritable() {
        guard isBlocked else { return }
        isBlocked = false
        outputSource?.connectionStateDidChange(self)
        outputSource?.connectionCanSend(self)
        scheduleFlush()
    }

    func scheduleFlush() {
        if isFlushScheduled { return }
        isFlushScheduled = true
        loop.scheduleFlush(self)
    }

    /// Tells the handler that nothing waits any more. One that has paused until its output has left would otherwise wait for ever,
    /// and what the peer said last would not be heard.
    private func tellOfFailedOutput() {
        guard owesDrain, phase == .open else { return }
        owesDrain = false
        directHandler.connectionDidDrain(self)
    }

    /// Delivers to a new handler what an upgrade has left, and writes what waits. The loop calls this at the end of a turn,
    /// after it has flushed the topics.
    ///
    /// EPOLLOUT is disarmed here, and only if everything has left: a slow peer costs no epoll_ctl each time that it takes a
    /// little.
    func flush() {
        isFlushScheduled = false
        if hasFailedOutput { tellOfFailedOutput() }
        if messages.isUnparsed { receiveUnparsed() }
        // What the handler still holds back by pausing is no end of a line.
        if hasFailedOutput, !messages.isUnparsed, wantsInput || !messages.isUnfinished, !hasUnreadInput { readToEnd() }
        guard canWrite else { return }
        // The loop has flushed the topics already, so it is the own output's turn.
        if !isBlocked, output?.isUnused == false { withOutput { $0.beginTurn() } }
        if !isBlocked, hasWaitingOutput {
            _ = unsafe write(noBytes, noBytes)
            guard canWrite else { return }
        }
        releaseUnusedDetails()
        if owesDrain, pendingOutput == 0 {
            owesDrain = false
            directHandler.connectionDidDrain(self)
        }
        // The handler may have closed the connection, or have sent more.
        guard canWrite, !isBlocked, !hasWaitingOutput else { return }
        if phase == .finishing {
            if let outputSource, outputSource.hasOutput(for: self) { return scheduleFlush() }
            guard let lastBytes = takeLastBytes() else { return completeFinish() }
            unsafe lastBytes.withUnsafeBufferPointer { bytes in changeOutput { unsafe $0.append(bytes) } }
            scheduleFlush()
        } else if interest.contains(.writable) {
            updateInterest(interest.subtracting(.writable))
        }
    }
}
