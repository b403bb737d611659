import Glibc

/// What a connection is sent: its own output, and that of topics.
extension Connection {
    /// How many bytes that were passed to `send` the kernel has not taken yet; with a transport, how many it has not sealed yet. What a
    /// topic still has for the peer does not count.
    public var pendingOutput: Int { output?.ownCount ?? 0 }

    /// How many bytes wait besides what is still in the topics' logs: own output, the rest of a message, and what is sealed.
    package var waitingCount: Int { (output?.count ?? 0) &+ (transport?.sealedCount ?? 0) }

    package var hasWaitingOutput: Bool { waitingCount > 0 }

    /// Whether a topic may send straight to the descriptor, as long as nothing else waits: it is a socket without a transport.
    package var takesDirectSends: Bool { kind == .socket && transport == nil }

    /// Whether `send` takes anything.
    private var acceptsOutput: Bool { isTakingMessages && !hasFailedOutput }

    /// Whether anything can be written, as far as the connection is concerned.
    private var canWrite: Bool { isOpen && phase != .lingering && !hasFailedOutput }

    /// Sends bytes at the end of the turn, after those that were passed before. Returns whether they were accepted: a connection
    /// that is closed or finishing takes none, and one for which more would wait than `Options.maximumPendingOutput` is closed for it.
    ///
    /// The bytes are sent as they are: a line needs its newline, and a message with a length needs that before it, which
    /// `LengthPrefixedFraming` makes.
    ///
    /// Beside a topic that keeps the socket full, what was passed to `send` and what the topic has take turns.
    ///
    /// The corresponding C function is `sendmsg`, or `writev` for what is no socket.
    ///
    /// - Complexity: O(n) of the bytes, which are copied.
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
        if !isBlocked { scheduleFlush() }
        return true
    }

    /// Sends a text, in UTF-8, at the end of the turn, as the other `send` does.
    @discardableResult
    public func send(_ text: String) -> Bool {
        send(text.utf8.span)
    }

    /// Keeps the rest of a topic's message that has begun to leave. It leaves before anything else, and does not count as pending.
    package func keepRest(_ bytes: UnsafeBufferPointer<UInt8>) {
        if hasFailedOutput || phase == .closed { return }
        changeOutput { unsafe $0.insertRest(bytes) }
    }

    /// A topic sends directly only while nothing waits, so it has to know when that changes.
    private func changeOutput(_ change: (inout OutputBuffer) -> Void) {
        let wasEmpty = output?.isEmpty ?? true
        withOutput(change)
        if (output?.isEmpty ?? true) != wasEmpty { outputSource?.connectionStateDidChange(self) }
    }

    /// Writes what waits and then two given runs of bytes of a topic, in one system call.
    ///
    /// Returns how many bytes of the two runs were taken. If those are not all, the connection is blocked or closed, or it is a file, which is
    /// tried again in the next turn.
    ///
    /// What of the own output does not have its turn yet stays, and leaves after the topic's.
    ///
    /// The corresponding C functions are `sendmsg`, and `writev` for what is no socket.
    package func write(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Int {
        guard canWrite else { return 0 }
        let given = first.count &+ second.count
        // A copy: a send that fails drops the output, and a transport is foreign code. Neither may happen while `output` is accessed.
        let waiting = output ?? OutputBuffer()
        let (leading, written) = unsafe waiting.withUnsafeLeadingBytes { leading in
            unsafe (leading.count, transport == nil ? writeOnce(leading, first, second) : sealAndWrite(leading, first, second))
        }
        if written < 0 {
            sendFellShort(.last)
            return 0
        }
        if phase == .closed || hasFailedOutput { return 0 }
        if !waiting.isEmpty {
            changeOutput { output in
                output.removeFirst(min(written, leading))
                // The kernel is full just where the topic's output would have begun: that goes first the next time.
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

    /// Writes up to three runs of bytes by one system call, and returns what that does. Three empty ones are no call: on a socket of
    /// packets it would send an empty packet.
    func writeOnce(
        _ leading: UnsafeRawBufferPointer, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> Int {
        if leading.count &+ first.count &+ second.count == 0 { return 0 }
        func vector(_ bytes: UnsafeRawBufferPointer) -> iovec {
            unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
        }
        var vectors: (iovec, iovec, iovec) = unsafe (vector(leading), vector(first), vector(second))
        return unsafe withUnsafeMutablePointer(to: &vectors) { pointer in
            unsafe pointer.withMemoryRebound(to: iovec.self, capacity: 3) { vectors in
                unsafe kind.write(rawDescriptor, UnsafeMutableBufferPointer(start: vectors, count: 3))
            }
        }
    }

    /// The kernel has not taken all that was sent: because of `error`, or because it is full for now.
    package func sendFellShort(_ error: Errno?) {
        guard let error, error != .wouldBlock, error != .interrupted else { return block() }
        failOutput(error)
    }

    /// The kernel takes nothing more for now: waits for EPOLLOUT, which is watched for in no other case.
    func block() {
        if isBlocked || phase == .closed { return }
        isBlocked = true
        updateInterest(interest.union(.writable))
        if kind == .file {
            // A file never says that it takes more. The next attempt tells why it took less, a full disk perhaps.
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

    /// Delivers what an upgrade has left to the new handler, and writes what waits. EPOLLOUT is disarmed here, after all of the turn's output has been tried, so a peer that stays slow costs no
    /// epoll_ctl for each time that it takes a little.
    func flush() {
        isFlushScheduled = false
        if messages.isUnparsed { receiveUnparsed() }
        if hasFailedOutput, wantsInput, !hasUnreadInput { readToEnd() }
        guard canWrite else { return }
        if !isBlocked, hasWaitingOutput {
            // The topics have had their turn: a loop flushes them before its connections.
            withOutput { $0.beginTurn() }
            _ = unsafe write(noBytes, noBytes)
            guard canWrite else { return }
        }
        releaseUnusedDetails()
        if owesDrain, pendingOutput == 0 {
            owesDrain = false
            handler.connectionDidDrain(self)
        }
        // The handler may have closed the connection, and more may be due in the next turn.
        guard canWrite, !isBlocked, !hasWaitingOutput else { return }
        if phase == .finishing {
            if let outputSource, outputSource.hasOutput(for: self) { scheduleFlush() } else { completeFinish() }
        } else if interest.contains(.writable) {
            updateInterest(interest.subtracting(.writable))
        }
    }
}
