import Glibc

/// A stream of messages in and bytes out: an accepted or a connecting socket, or any descriptor that can be read or written.
///
/// A listener makes a connection for each client that it accepts (`EventLoop.listen`), `EventLoop.connect` makes one to a server,
/// and `EventLoop.adopt` makes one of an open descriptor. The connection tells its `ConnectionHandler` what happens to it.
///
/// The connection collects the output of a turn and sends it at the end of the turn, by one system call. It keeps what the kernel
/// does not take, and sends that when the kernel takes more.
///
///      connecting ──→ open ──→ finishing ──→ closed
///           │           │          │           ↑
///           └───────────┴──────────┴───────────┘
///
///      open         the handler gets messages, and `send` accepts bytes
///      finishing    after `finish`, and at the end of input: the connection sends what waits, and neither reads nor accepts more
///      closed       from `close` on; the loop calls the handler's `connectionDidClose` at the end of the turn
///
/// The loop retains a connection until it is closed. A connection belongs to its loop's thread. Other threads refer to it by its
/// `id`.
public final class Connection {
    /// The loop that the connection belongs to.
    public let loop: EventLoop
    /// The connection's name, for other threads and for tables. `EventLoop.connection(_:)` finds an open connection by it.
    public private(set) var id = ID.none

    // There may be ten thousand connections. This order of the properties leaves no gaps: an object has 120 bytes, and with one
    // more malloc would take 16 more.

    /// The object that the connection itself calls.
    var directHandler: any ConnectionHandler
    var sharedOptions: SharedOptions
    package var outputSource: (any OutputSource)?
    private var details: Details?
    var messages = MessageBuffer()
    var kind: DescriptorKind
    /// A place for the output source to keep its index of this connection.
    package var outputIndex: UInt32 = 0
    /// How many pauses keep the peer from being heard. UInt32, because a handler may pause once for each message of a read.
    package internal(set) var pauses: UInt32 = 0
    private var descriptor: OwnedDescriptor
    private(set) var phase: Phase
    var interest: Interest = []
    /// Whether `finish` was called, or the input has ended: the connection closes once all of its output is sent. This may be
    /// so before the connection is open.
    public private(set) var isFinishing = false
    var isFlushScheduled = false
    /// Whether the handler gets `connectionDidDrain` when no own output waits any more.
    var owesDrain = false
    /// Whether all input has been read, up to its end.
    var hasReadToEnd = false
    /// Whether the kernel takes no output for now, so that the connection waits for EPOLLOUT.
    package var isBlocked = false
    /// Whether sending has failed for good. The connection still reads what the peer sent before that, and then closes.
    package private(set) var hasFailedOutput = false

    /// What a connection needs only while something is under way, or at its end. A quiet connection has no such object.
    private final class Details {
        var output = OutputBuffer()
        var transport: TransportState?
        var timer: EventLoop.Timer?
        var timerPurpose = TimerPurpose.connecting
        var reason = CloseReason.requested
        var inputLimits: InputLimits?
        var farewell: [UInt8]?

        var isUnused: Bool {
            output.isUnused && transport == nil && timer == nil && reason == .requested && inputLimits == nil && farewell == nil
        }
    }

    enum Phase: UInt8 {
        /// connect(2) is under way.
        case connecting
        /// The transport's handshake is under way.
        case establishing
        case open
        /// The connection sends what waits, and neither reads nor accepts more.
        case finishing
        /// Everything is sent, and the output is shut down. The connection discards what the peer still sends until the peer
        /// shuts down its side, too.
        case lingering
        case closed
    }

    /// What the one timer of a connection limits. Two are never needed at a time: `foreground` stands in for `idleInput`.
    enum TimerPurpose: UInt8 {
        case connecting
        case establishing
        /// A pause within a line that counts as its end, under `AutomaticFraming`.
        case idleInput
        /// Sending what waits to a peer that has been told of the end; reading what a peer left that cannot be sent to any more.
        case flushing
        /// Waiting for the peer to shut down its side.
        case lingering
        /// The next attempt to read a terminal that another job has in the foreground.
        case foreground
    }

    init(
        taking descriptor: consuming OwnedDescriptor, kind: DescriptorKind, isConnecting: Bool = false, on loop: EventLoop,
        options: SharedOptions, handler: any ConnectionHandler
    ) {
        self.loop = loop
        directHandler = handler
        sharedOptions = options
        self.kind = kind
        phase = isConnecting ? .connecting : .establishing
        self.descriptor = consume descriptor
    }

    /// Begins to watch the descriptor. If that fails, the caller must drop the connection, which closes the descriptor.
    func start(
        as role: TransportRole = .server, over transport: TransportFactory? = nil, reading: Bool = true,
        deadline: ContinuousClock.Instant? = nil
    ) throws(Errno) {
        id = ID(token: try loop.register(self))
        if !reading { pauses = 1 }
        do throws(Errno) {
            if kind != .file { try setInterest(phase == .connecting ? .writable : reading ? .readable : []) }
        } catch .notPermitted where kind != .socket {
            kind = .file
        } catch {
            loop.unregister(id.token)
            throw error
        }
        if kind == .file, reading { loop.addAlwaysReady(id) }
        loop.connectionCount &+= 1
        if phase == .connecting {
            if let deadline { armTimer(.connecting, at: deadline) }
        } else {
            loop.onOwnThread { establish(as: role, over: transport ?? sharedOptions.value.transport) }
        }
    }

    /// The object that is told what happens to the connection. `upgrade` replaces it. Where a protocol such as WebSocket lies between, it is
    /// the one behind that.
    public var handler: any ConnectionHandler { (directHandler as? any ProtocolHandler)?.handler ?? directHandler }

    /// The descriptor's number, for system calls; -1 once it is closed.
    package var rawDescriptor: Int32 { descriptor.rawValue }

    private func makeDetails() -> Details {
        if let details { return details }
        let details = Details()
        self.details = details
        return details
    }

    /// Called where something has come to its end.
    func releaseUnusedDetails() {
        if details?.isUnused == true { details = nil }
    }

    /// The bytes that wait for the peer. Nil, or empty, if there are none.
    var output: OutputBuffer? { details?.output }

    /// Changes the bytes that wait for the peer.
    func withOutput(_ change: (inout OutputBuffer) -> Void) {
        let details = makeDetails()
        let before = details.output.capacity
        change(&details.output)
        loop.bufferedByteCount &+= details.output.capacity &- before
    }

    /// Changes what is kept of a message that is not complete.
    func withTail(_ change: (inout MessageBuffer) -> Void) {
        let before = messages.tail.capacity
        change(&messages)
        loop.bufferedByteCount &+= messages.tail.capacity &- before
    }

    /// How many bytes of memory the connection holds for its peer.
    var bufferedByteCount: Int {
        let ofProtocol = (directHandler as? any ProtocolHandler)?.heldByteCount ?? 0
        return messages.tail.capacity &+ (details?.output.capacity ?? 0) &+ (transport?.sealedCapacity ?? 0) &+ ofProtocol
    }

    /// What a `ProtocolHandler` holds for the peer has become more, or less.
    package func heldByteCountDidChange(by change: Int) { loop.bufferedByteCount &+= change }

    /// How much is known of the message that is arriving: another number means that more of it has come.
    package var unfinishedByteCount: Int { messages.tail.count &- messages.awaited }

    /// Nil for a plain connection.
    var transport: TransportState? { details?.transport }

    /// The transport itself. Nil for a plain connection.
    package var establishedTransport: (any Transport)? { details?.transport?.transport }

    /// Nil for a connection whose peer may send as much as it likes, and be silent as long.
    var inputLimits: InputLimits? { details?.inputLimits }

    func setInputLimits(_ limits: InputLimits?) { makeDetails().inputLimits = limits }

    /// Why the connection is finishing or closed, or why nothing can be sent to it any more.
    private(set) var reason: CloseReason {
        get { details?.reason ?? .requested }
        set { if newValue != reason { makeDetails().reason = newValue } }
    }

    /// Whether the connection has opened and is not closed. It may be finishing.
    public var isOpen: Bool { phase == .open || phase == .finishing || phase == .lingering }

    /// Whether messages are still delivered.
    var isTakingMessages: Bool { phase != .closed && !isFinishing }

    /// The peer's address; nil if the descriptor is no socket, or the peer is gone. A client on a Unix-domain socket has an empty
    /// path as a rule. Each access is a system call.
    ///
    /// The corresponding C function is `getpeername`.
    public var remoteAddress: SocketAddress? { try? Socket.remoteAddress(of: rawDescriptor) }

    /// This side's address; nil if the descriptor is no socket. Each access is a system call.
    ///
    /// The corresponding C function is `getsockname`.
    public var localAddress: SocketAddress? { try? Socket.localAddress(of: rawDescriptor) }

    // MARK: - Pausing

    /// Stops reading. When the kernel's buffers are full, TCP then stops the peer's sending. Pauses are counted: each needs a
    /// `resumeReading` of its own.
    ///
    /// A handler that passes messages on can so slow down their sender:
    ///
    /// ```swift
    /// if other.pendingOutput > 262_144 { connection.pauseReading() }    // and resumes in `connectionDidDrain` of the other
    /// ```
    ///
    /// The handler still gets the messages that were read before, up to `EventLoop.Configuration.readSize` bytes of them, unless it
    /// gets each message alone: with `Options.batchesMessages` set to false, the next message comes after `resumeReading`. So a limit
    /// for a rate counts what has come, and pauses for longer when that was more. While reading is paused, the connection does not
    /// notice the end of the peer's input, nor that the peer has reset the connection.
    public func pauseReading() {
        // epoll learns of the pause only when the descriptor turns readable: to pause ten thousand quiet peers costs nothing.
        pauses += 1
        if pauses == 1, inputLimits != nil { readingDidPause() }
    }

    /// Takes back one `pauseReading`. Without one to take back, this does nothing in a release build, and ends a debug build.
    public func resumeReading() {
        assert(pauses > 0, "resumeReading without pauseReading")
        if pauses == 0 { return }
        pauses -= 1
        if pauses == 0, inputLimits != nil { readingDidResume() }
        watchForInputIfWanted()
        if messages.isUnparsed { scheduleFlush() } else if pauses == 0, sharedOptions.deliversSingly { awaitsPause() }
        // It was kept open for what its peer had begun to say. No event may come for that any more.
        if hasFailedOutput { scheduleFlush() }
    }

    // MARK: - Opening

    private func finishConnecting() {
        if let error = Socket.takeError(of: rawDescriptor) { return close(reason: .failed(error)) }
        // An event may be spurious: without an error and without a peer, connect(2) is still under way.
        do throws(Errno) {
            _ = try Socket.remoteAddress(of: rawDescriptor)
        } catch .notConnected {
            return
        } catch {
            return close(reason: .failed(error))
        }
        disarmTimer(.connecting)
        updateInterest(.readable)
        if phase == .connecting { establish(as: .client, over: sharedOptions.value.transport) }
    }

    /// Begins the transport's handshake, or opens at once without one.
    private func establish(as role: TransportRole, over transport: TransportFactory?) {
        phase = .establishing
        guard let transport else { return open() }
        do throws(TransportFailure) {
            makeDetails().transport = TransportState(try transport.makeTransport(role))
        } catch {
            return close(reason: .transportFailed(error))
        }
        armTimer(.establishing, at: .now.advanced(clamping: sharedOptions.value.handshakeTimeout))
        scheduleHandshake()
    }

    func open() {
        disarmTimer(.establishing)
        phase = .open
        applyLimits()
        directHandler.connectionDidOpen(self)
        noteTopicPosition()
        if isFinishing, phase == .open { phase = .finishing }
        // The handshake has stopped reading if its output was blocked.
        watchForInputIfWanted()
        if isBlocked { limitFlush() }
        // A handshake may leave EPOLLOUT armed. Only a flush disarms it, and without one the loop would spin.
        if hasWaitingOutput || isFinishing || interest.contains(.writable) { scheduleFlush() }
    }

    // MARK: - Closing

    /// Sends everything that waits for the peer, and then closes the connection. From now on the connection neither reads nor
    /// accepts bytes to send.
    ///
    /// When everything is sent, the connection shuts down its output, and waits up to `Options.lingerTimeout` for the peer to
    /// shut down its own. If the socket were closed while the peer still sends, the kernel would reset the connection, and
    /// the peer would lose what it has not read yet. Does nothing if the connection is finishing or closed.
    ///
    /// The corresponding C function is `shutdown`.
    public func finish() {
        finish(reason: .requested)
    }

    /// Does what `finish()` does; `connectionDidClose` gets the given reason.
    public func finish(reason: CloseReason) {
        guard isTakingMessages else { return }
        // Nothing can be sent any more, so there is nothing to wait for.
        if hasFailedOutput { return close(reason: reason) }
        self.reason = reason
        isFinishing = true
        // Before it is open, the connection keeps its phase and with it the deadline for connecting or for the handshake.
        if phase == .open { phase = .finishing }
        disarmTimer(.idleInput)
        inputLimits?.timer?.cancel()
        outputSource?.connectionStateDidChange(self)
        if isBlocked { limitFlush() } else { scheduleFlush() }
    }

    /// Does what `finish()` does, and sends a farewell last: behind all that waits, also of topics, the messages of which might follow what
    /// was passed to `send`.
    ///
    /// ```swift
    /// connection.finish(sending: "! goodbye: you were silent for too long\n", reason: .idleTimedOut)
    /// ```
    ///
    /// - Complexity: O(*n*) for *n* bytes, which are copied.
    public func finish(sending farewell: String, reason: CloseReason = .requested) {
        finish(sending: Array(farewell.utf8), reason: reason)
    }

    package func finish(sending farewell: [UInt8], reason: CloseReason) {
        guard isTakingMessages else { return }
        if !farewell.isEmpty, !hasFailedOutput { makeDetails().farewell = farewell }
        finish(reason: reason)
    }

    /// Does what `finish(sending:reason:)` does, with a message as `sendMessage` makes it.
    public func finish(sendingMessage farewell: String, reason: CloseReason = .requested) {
        var message: [UInt8] = []
        _ = options.framing.appendMessage(farewell.utf8.span, to: &message)
        finish(sending: message, reason: reason)
    }

    /// What is to be sent last, a piece at a time: the farewell, and then the end that the handler's protocol has.
    func takeLastBytes() -> [UInt8]? {
        details?.farewell.take() ?? (directHandler as? any ProtocolHandler)?.takeEnd(of: self, reason: reason)
    }

    /// Limits the time for sending what waits. A peer that takes nothing would otherwise keep a finishing connection for ever.
    func limitFlush() {
        guard phase == .finishing, !isTimerArmed(.flushing), let timeout = sharedOptions.value.flushTimeout else { return }
        armTimer(.flushing, at: .now.advanced(clamping: timeout))
    }

    /// Everything is sent: shuts down the output, and lingers until the peer shuts down its side.
    func completeFinish() {
        if transport != nil, !sealEnd() { return }
        disarmTimer(.flushing)
        guard !hasReadToEnd, sharedOptions.value.lingerTimeout > .zero, kind.shutDownOutput(of: rawDescriptor) else {
            return close(reason: reason)
        }
        phase = .lingering
        updateInterest(.readable)
        armTimer(.lingering, at: .now.advanced(clamping: sharedOptions.value.lingerTimeout))
    }

    /// Sending has failed. The peer may have sent messages before it went that are still in the kernel, or a line that is not
    /// finished. The connection first reads and delivers these, and then closes for the given reason.
    func failOutput(_ error: Errno) {
        if phase == .closed || hasFailedOutput { return }
        guard kind == .socket, phase == .open, !hasReadToEnd else { return close(reason: .failed(error)) }
        hasFailedOutput = true
        reason = .failed(error)
        isBlocked = false
        withOutput { $0 = OutputBuffer() }
        outputSource?.connectionStateDidChange(self)
        // If the handler never resumes reading, only this timer ends the connection.
        if let timeout = sharedOptions.value.flushTimeout { armTimer(.flushing, at: .now.advanced(clamping: timeout)) }
        updateInterest(wantsInput ? .readable : [])
        // `flush` ends the connection if there is nothing to read. Here a topic may be in the midst of its fan-out, and must not
        // be called back.
        scheduleFlush()
    }

    /// Whether the kernel holds input. The corresponding C function is `ioctl(FIONREAD)`.
    package var hasUnreadInput: Bool {
        var count: Int32 = 0
        guard kind == .socket, unsafe ioctl(rawDescriptor, UInt(FIONREAD), &count) == 0 else { return false }
        return count > 0
    }

    /// Closes the connection at the end of this turn, and drops what waits for the peer. Does nothing if the connection is
    /// closed.
    ///
    /// The handler gets `connectionDidClose` at the end of the turn, never before this returns. The corresponding C function is
    /// `close`.
    public func close() {
        close(reason: .requested)
    }

    /// Does what `close()` does; `connectionDidClose` gets the given reason. If this is called several times, the first reason
    /// counts.
    public func close(reason: CloseReason) {
        if phase == .closed { return }
        // A connection that lingers has sent everything: whatever the peer does then, the connection has ended as it should.
        if phase != .lingering, !hasFailedOutput { self.reason = reason }
        phase = .closed
        inputLimits?.timer?.cancel()
        if let details { disarmTimer(details.timerPurpose) }
        outputSource?.connectionStateDidChange(self)
        loop.scheduleReap(self)
    }

    /// Closes the descriptor, and tells the handler. The loop calls this at the end of the turn in which the connection was
    /// closed.
    func reap() {
        guard phase == .closed, rawDescriptor >= 0 else { return }
        if kind == .file { loop.removeAlwaysReady(id) }
        // In this order: see Poller.remove.
        updateInterest([])
        descriptor = OwnedDescriptor(takingOver: -1)
        loop.unregister(id.token)
        loop.connectionCount &-= 1
        withTail { $0 = MessageBuffer() }
        if details != nil { withOutput { $0 = OutputBuffer() } }
        dropSealed()
        // These may own an embedder's objects, whose deinit may call this connection. They are released last, and outside of any
        // access to a property.
        let transport = details?.transport.take()
        let source = outputSource.take()
        source?.connectionDidClose(self)
        directHandler.connectionDidClose(self, reason: reason)
        withExtendedLifetime((transport, source)) {}
    }

    // MARK: - The timer

    func armTimer(_ purpose: TimerPurpose, at deadline: ContinuousClock.Instant) {
        let details = makeDetails()
        let timer = details.timer ?? loop.makeTimer { [weak self] in self?.timerDidFire() }
        details.timer = timer
        details.timerPurpose = purpose
        timer.arm(at: deadline)
    }

    /// Does nothing if the timer is armed for something else.
    func disarmTimer(_ purpose: TimerPurpose) {
        guard let details, details.timerPurpose == purpose, let timer = details.timer.take() else { return }
        timer.cancel()
        releaseUnusedDetails()
    }

    func isTimerArmed(_ purpose: TimerPurpose) -> Bool {
        if let details { details.timerPurpose == purpose && details.timer != nil } else { false }
    }

    private func timerDidFire() {
        guard let details else { return }
        details.timer = nil
        releaseUnusedDetails()
        switch details.timerPurpose {
        case .connecting: close(reason: .connectTimedOut)
        case .establishing: close(reason: .handshakeTimedOut)
        case .idleInput: loop.callHandler { inputIsIdle() }
        case .flushing: close(reason: .tooSlow)
        case .lingering: close()
        case .foreground: loop.callHandler { lookForForeground() }
        }
    }

    // MARK: - Readiness

    func updateInterest(_ new: Interest) {
        if kind == .file { return }
        do throws(Errno) {
            try setInterest(new)
        } catch .notPermitted where kind != .socket {
            // A device that epoll refuses to watch is always ready.
            kind = .file
        } catch {
            // ENOMEM, or ENOSPC for the limit on watches: a connection that cannot be watched cannot be served.
            close(reason: .failed(error))
        }
    }

    private func setInterest(_ new: Interest) throws(Errno) {
        try loop.setInterest(of: rawDescriptor, token: id.token, from: interest, to: new)
        interest = new
    }

    /// The peer has shut down its side, and the handler goes on sending. Closes the connection if the peer is gone altogether.
    private func closeIfHungUp() {
        // The event may be out of date, so the kernel is asked.
        if !DescriptorKind.hasHungUp(rawDescriptor) { return }
        let error = Socket.takeError(of: rawDescriptor)
        close(reason: error.map { .failed($0) } ?? .endOfInput)
    }
}

extension Connection: EventSource {
    func descriptorIsReady(_ readiness: Readiness) {
        // The next read or write finds out what a hang-up or an error is.
        let isTroubled = readiness.contains(.hangUp) || readiness.contains(.error)
        switch phase {
        case .closed: return
        case .connecting: return finishConnecting()
        case .establishing: return scheduleHandshake()
        case .open, .finishing, .lingering: break
        }
        if hasReadToEnd, isTroubled, phase == .open, kind == .socket { return closeIfHungUp() }
        if readiness.contains(.writable) || isTroubled { descriptorIsWritable() }
        if readiness.contains(.readable) || isTroubled { read() }
        // Urgent data is ignored, and must not be reported in each turn: see `watchForReset`.
        if readiness.contains(.priority) { updateInterest(interest.subtracting(.priority)) }
    }

    func loopIsClosing() {
        close(reason: .shutdown)
    }

    func loopIsShuttingDown() {
        // A connection that is not made yet is worth waiting for only if there is something to send.
        if phase == .connecting, pendingOutput == 0 { close(reason: .shutdown) } else { finish(reason: .shutdown) }
    }
}
