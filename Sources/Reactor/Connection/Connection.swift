import Glibc

/// A stream of messages in and bytes out: an accepted or a connecting socket, or any descriptor that can be read or written.
///
/// `EventLoop.listen` makes connections of those who call, `EventLoop.connect` makes one to somebody else, and `EventLoop.adopt`
/// makes one of a descriptor. A `ConnectionHandler` is told what happens to it.
///
/// What is sent leaves at the end of the turn, in one system call; what the kernel does not take waits until it does.
///
///      connecting ──→ open ──→ finishing ──→ closed
///           │           │          │           ↑
///           └───────────┴──────────┴───────────┘
///
///      open         messages come, and what is sent is accepted
///      finishing    nothing is read or accepted any more; what waits is sent: after `finish`, and at the end of input
///      closed       from `close` on. The handler's `connectionDidClose` is called at the end of the turn
///
/// The loop keeps a connection until it is closed. A connection belongs to its loop's thread; other threads know it by its `id`.
public final class Connection {
    /// The loop that the connection belongs to.
    public let loop: EventLoop
    /// The connection's name, for other threads and for tables: `EventLoop.connection(_:)` finds the connection by it, as long as
    /// it is open.
    public private(set) var id = ID.none

    // There may be ten thousand connections. This order leaves no gaps, and with it an object has 120 bytes: malloc takes 16 more for the
    // next one.

    /// Who is told what happens to the connection. `upgrade` replaces it.
    public internal(set) var handler: any ConnectionHandler
    var sharedOptions: SharedOptions
    package var outputSource: (any OutputSource)?
    private var details: Details?
    var messages = MessageBuffer()
    var kind: DescriptorKind
    /// For the output source, which may number its connections.
    package var outputIndex: UInt32 = 0
    /// UInt32, because a handler may pause once for each message of a read.
    var pauses: UInt32 = 0
    private var descriptor: OwnedDescriptor
    private(set) var phase: Phase
    var interest: Interest = []
    /// Whether the connection closes, or has closed, once all of its output was sent. It may be told so before it is open.
    public private(set) var isFinishing = false
    var isFlushScheduled = false
    /// Whether `connectionDidDrain` is due once no own output waits.
    var owesDrain = false
    /// Whether the peer has shut its side.
    var hasReadToEnd = false
    /// Whether the kernel has refused output, and EPOLLOUT will say when it takes more.
    package var isBlocked = false
    /// Whether sending has failed for good. What the peer said before that is still read, and then the connection closes.
    package private(set) var hasFailedOutput = false

    /// What a connection needs while something is under way, or at its end. Ten thousand quiet ones do without, most of the time.
    private final class Details {
        var output = OutputBuffer()
        var transport: TransportState?
        var timer: EventLoop.Timer?
        var timerPurpose = TimerPurpose.connecting
        var reason = CloseReason.requested

        var isUnused: Bool { output.isEmpty && transport == nil && timer == nil && reason == .requested }
    }

    enum Phase: UInt8 {
        /// connect(2) is under way.
        case connecting
        /// The transport's handshake is under way.
        case establishing
        case open
        /// Nothing is read or accepted any more; what waits is sent.
        case finishing
        /// Everything is sent, and the peer was told so. What it still sends is discarded until it has shut its side, too.
        case lingering
        case closed
    }

    /// What a connection waits for that must not last for ever. It never waits for two of these at a time, so one timer does.
    enum TimerPurpose: UInt8 {
        case connecting
        case establishing
        /// More of an unfinished message, under the framing that takes a pause for its end.
        case idleInput
        /// A peer that takes what still waits for it.
        case flushing
        /// A peer that shuts its side.
        case lingering
        /// The terminal, while another job has it.
        case foreground
    }

    init(
        taking descriptor: consuming OwnedDescriptor, kind: DescriptorKind, isConnecting: Bool = false, on loop: EventLoop,
        options: SharedOptions, handler: any ConnectionHandler
    ) {
        self.loop = loop
        self.handler = handler
        sharedOptions = options
        self.kind = kind
        phase = isConnecting ? .connecting : .establishing
        self.descriptor = consume descriptor
    }

    /// Begins to watch the descriptor. If that fails, the caller must forget the connection, which closes the descriptor.
    func start(
        as role: TransportRole = .server, reading: Bool = true, deadline: ContinuousClock.Instant? = nil
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
            loop.onOwnThread { establish(as: role) }
        }
    }

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
        change(&makeDetails().output)
    }

    /// Nil for a plain connection.
    var transport: TransportState? { details?.transport }

    /// Why the connection is finishing or closed, or why nothing can be sent to it any more.
    private(set) var reason: CloseReason {
        get { details?.reason ?? .requested }
        set { if newValue != reason { makeDetails().reason = newValue } }
    }

    /// Whether the connection has opened and is not closed. It may be finishing.
    public var isOpen: Bool { phase == .open || phase == .finishing || phase == .lingering }

    /// Whether messages are still delivered.
    var isTakingMessages: Bool { phase != .closed && !isFinishing }

    /// The peer's address, or nil if there is none or it is gone; of a client on a Unix-domain socket, as a rule, an empty path.
    ///
    /// The corresponding C function is `getpeername`.
    public var remoteAddress: SocketAddress? { try? Socket.remoteAddress(of: rawDescriptor) }

    /// This side's address, or nil if there is none. The corresponding C function is `getsockname`.
    public var localAddress: SocketAddress? { try? Socket.localAddress(of: rawDescriptor) }

    // MARK: - Pausing

    /// Stops reading, and so, through TCP, the peer's sending. Pauses are counted: each needs a `resumeReading` of its own.
    ///
    /// A handler that passes messages on slows down their sender by it:
    ///
    /// ```swift
    /// if other.pendingOutput > 262_144 { connection.pauseReading() }    // and resumes in `connectionDidDrain` of the other
    /// ```
    ///
    /// Messages that were read already still come. While reading is paused, the end of the peer's input is not noticed.
    public func pauseReading() {
        // The kernel is told only if the descriptor turns readable meanwhile: pausing ten thousand quiet peers costs nothing.
        pauses += 1
    }

    /// Takes back one `pauseReading`. One that has none to take back does nothing in a release build, and ends a debug build.
    public func resumeReading() {
        assert(pauses > 0, "resumeReading without pauseReading")
        if pauses == 0 { return }
        pauses -= 1
        watchForInputIfWanted()
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
        if phase == .connecting { establish(as: .client) }
    }

    /// Begins the transport's handshake, or opens at once without one.
    private func establish(as role: TransportRole) {
        phase = .establishing
        guard let makeTransport = sharedOptions.value.makeTransport else { return open() }
        do throws(TransportFailure) {
            makeDetails().transport = TransportState(try makeTransport(role))
        } catch {
            return close(reason: .transportFailed(error))
        }
        armTimer(.establishing, at: .now.advanced(clamping: sharedOptions.value.handshakeTimeout))
        scheduleHandshake()
    }

    func open() {
        disarmTimer(.establishing)
        phase = .open
        handler.connectionDidOpen(self)
        if isFinishing, phase == .open { phase = .finishing }
        // While the output of a handshake was blocked, there was no reading.
        watchForInputIfWanted()
        if isBlocked { limitFlush() }
        // A handshake may leave EPOLLOUT armed, which only a flush disarms: the loop would spin.
        if hasWaitingOutput || isFinishing || interest.contains(.writable) { scheduleFlush() }
    }

    // MARK: - Closing

    /// Closes the connection once everything that waits for its peer has been sent. Nothing more is read or accepted for sending.
    ///
    /// The peer is told that this is the end, and has `Options.lingerTimeout` to agree: a socket that is closed while its peer
    /// still sends would take back what the peer has not read yet. Does nothing if the connection is finishing or closed already.
    ///
    /// The corresponding C function is `shutdown`.
    public func finish() {
        finish(reason: .requested)
    }

    /// Does what `finish()` does; `connectionDidClose` gets the given reason.
    public func finish(reason: CloseReason) {
        guard isTakingMessages else { return }
        // Nothing can be sent any more.
        if hasFailedOutput { return close(reason: reason) }
        self.reason = reason
        isFinishing = true
        // A deadline for connecting and for the handshake still holds.
        if phase == .open { phase = .finishing }
        disarmTimer(.idleInput)
        outputSource?.connectionStateDidChange(self)
        if isBlocked { limitFlush() } else { scheduleFlush() }
    }

    /// A peer that has been told of the end, and takes nothing, must not be able to hold on to the connection.
    func limitFlush() {
        guard phase == .finishing, !isTimerArmed(.flushing), let timeout = sharedOptions.value.flushTimeout else { return }
        armTimer(.flushing, at: .now.advanced(clamping: timeout))
    }

    /// Tells the peer that everything was sent, and lingers until it agrees.
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

    /// Sending has failed. What the peer said before that may still be in the kernel, or be a line that is unfinished: it is read and
    /// delivered first, and then the connection closes for the given reason.
    func failOutput(_ error: Errno) {
        if phase == .closed || hasFailedOutput { return }
        guard kind == .socket, phase == .open, !hasReadToEnd else { return close(reason: .failed(error)) }
        hasFailedOutput = true
        reason = .failed(error)
        isBlocked = false
        owesDrain = false
        withOutput { $0 = OutputBuffer() }
        outputSource?.connectionStateDidChange(self)
        // While reading is paused, nothing else would end it.
        if let timeout = sharedOptions.value.flushTimeout { armTimer(.flushing, at: .now.advanced(clamping: timeout)) }
        updateInterest(wantsInput ? .readable : [])
        // Not here: a topic may be sending to its subscribers.
        scheduleFlush()
        (handler as? AsyncConnectionHandler)?.connectionDidFailOutput()
    }

    /// Whether the kernel has input that was not read. The corresponding C function is `ioctl(FIONREAD)`.
    var hasUnreadInput: Bool {
        var count: Int32 = 0
        guard kind == .socket, unsafe ioctl(rawDescriptor, UInt(FIONREAD), &count) == 0 else { return false }
        return count > 0
    }

    /// Closes the connection at the end of this turn; what waits for its peer is dropped. Does nothing once it is closed.
    ///
    /// The handler's `connectionDidClose` is called then, and not before this returns. The corresponding C function is `close`.
    public func close() {
        close(reason: .requested)
    }

    /// Does what `close()` does; `connectionDidClose` gets the given reason. Of several reasons the first counts.
    public func close(reason: CloseReason) {
        if phase == .closed { return }
        // All was sent, and the peer was told so: however it takes that, the connection has ended as it was meant to.
        if phase != .lingering, !hasFailedOutput { self.reason = reason }
        phase = .closed
        if let details { disarmTimer(details.timerPurpose) }
        outputSource?.connectionStateDidChange(self)
        loop.scheduleReap(self)
    }

    /// Lets go of the descriptor, at the end of the turn in which the connection was closed.
    func reap() {
        guard phase == .closed, rawDescriptor >= 0 else { return }
        if kind == .file { loop.removeAlwaysReady(id) }
        // In this order: see Poller.remove.
        updateInterest([])
        descriptor = OwnedDescriptor(takingOver: -1)
        loop.unregister(id.token)
        loop.connectionCount &-= 1
        messages = MessageBuffer()
        details?.output = OutputBuffer()
        // What these hold may be an embedder's, whose deinit may come back here: they are taken out first, and released after.
        let transport = details?.transport.take()
        let source = outputSource.take()
        source?.connectionDidClose(self)
        handler.connectionDidClose(self, reason: reason)
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
        case .idleInput: inputIsIdle()
        case .flushing: close(reason: .tooSlow)
        case .lingering: close()
        case .foreground: watchForInputIfWanted()
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

    /// The peer has shut its side, and the handler goes on sending to it. If the peer is gone altogether, there is nobody to send to.
    private func closeIfHungUp() {
        // Events may be stale or spurious. The corresponding C function is `poll`.
        var request = pollfd(fd: rawDescriptor, events: 0, revents: 0)
        guard unsafe poll(&request, 1, 0) == 1, Int32(request.revents) & (POLLHUP | POLLERR) != 0 else { return }
        let error = Socket.takeError(of: rawDescriptor)
        close(reason: error.map { .failed($0) } ?? .endOfInput)
    }
}

extension Connection: EventSource {
    func descriptorIsReady(_ readiness: Readiness) {
        // A hang-up or an error is found, and told apart, by the system call that meets it.
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
        // Urgent data, in which nobody is interested here: see `watchForReset`.
        if readiness.contains(.priority) { updateInterest(interest.subtracting(.priority)) }
    }

    func loopIsClosing() {
        close(reason: .shutdown)
    }

    func loopIsShuttingDown() {
        // Nobody is served by a connection that is yet to be made, unless there is something to send.
        if phase == .connecting, pendingOutput == 0 { close(reason: .shutdown) } else { finish(reason: .shutdown) }
    }
}
