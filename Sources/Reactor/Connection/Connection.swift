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
///      closed       from `close` on. The handler is told at the end of the turn
///
/// The loop keeps a connection until it is closed. A connection belongs to its loop's thread; other threads know it by its `id`.
public final class Connection {
    /// Names a connection for as long as it lives, and none ever after. May cross threads.
    public typealias ID = Token

    /// What one connection, or all those of a listener, are set to. What is out of range is brought into it.
    ///
    /// ```swift
    /// var options = Connection.Options()
    /// options.framing = .lengthPrefixed(.twoBytes)
    /// options.maximumMessageLength = 4_096
    /// try loop.listen(on: .loopback(port: 3001), options: options, handler: handler)
    /// ```
    public struct Options: Sendable {
        /// How bytes become messages.
        public var framing: any Framing = .lines
        /// How long a message may be, in bytes of content: a line without its newline. Chunks know no such limit. From 1 to
        /// 1 GiB.
        public var maximumMessageLength = 65_536
        /// How many bytes passed to `send` may wait for the peer, from 0 to 1 GiB. A `send` beyond it closes the connection, with
        /// the reason `outputOverflow`. What a topic's log holds does not count.
        public var maximumPendingOutput = 1_048_576
        /// How long a connection that is finishing has for what still waits for its peer, before it is closed with the reason
        /// `tooSlow`. Nil: for as long as the peer likes.
        public var flushTimeout: Duration? = .seconds(30)
        /// How long a connection that was finished on this side waits for its peer to agree. Zero closes it as soon as all is
        /// sent.
        public var lingerTimeout = Duration.seconds(1)
        /// How many bytes a TCP socket takes beyond what its peer's window admits; 0 leaves that to the system. It bounds the
        /// kernel's memory for a peer that does not read. See `TCP_NOTSENT_LOWAT` in tcp(7).
        public var unsentLowWater = 131_072

        /// Lines of 65,536 bytes at most, a megabyte of output that waits, and the other defaults below.
        public init() {}

        /// The length of message nearest to the given one that a connection allows.
        package static func messageLength(nearest length: Int) -> Int { min(max(length, 1), 1 << 30) }
    }

    /// The options are the same for all connections of a listener: each keeps one reference.
    final class SharedOptions {
        let value: Options
        let format: Format
        /// The most that is kept of an unfinished message.
        let longestTail: Int

        /// The framing, told apart once and not with every read.
        enum Format {
            case lines
            case automatic(idle: Duration)
            case chunks
            case other
        }

        init(_ value: Options) {
            var value = value
            value.maximumMessageLength = Options.messageLength(nearest: value.maximumMessageLength)
            value.maximumPendingOutput = min(max(value.maximumPendingOutput, 0), 1 << 30)
            self.value = value
            switch value.framing {
            case is LineFraming: format = .lines
            case let framing as AutomaticFraming: format = .automatic(idle: framing.idle)
            case is ChunkFraming: format = .chunks
            default: format = .other
            }
            longestTail = value.maximumMessageLength &+ value.framing.envelopeLimit
        }
    }

    /// The loop that the connection belongs to.
    public let loop: EventLoop
    /// The connection's name, for other threads and for tables: `EventLoop.connection(_:)` finds the connection by it, as long as
    /// it is open.
    public private(set) var id = Token(slot: .max, generation: .max)

    // Large fields before small ones: of this there is one for each of ten thousand peers.
    let handler: any ConnectionHandler
    let options: SharedOptions
    package var source: (any OutputSource)?
    /// Ends a connecting that takes too long, an unfinished line that is idle, a last flush or a lingering: one after the other.
    var timer: EventLoop.Timer?
    private var output = OutputBuffer()
    /// A handler may pause for each line of a read, and a read may bring millions of them. Here it fills a gap.
    var pauses: UInt32 = 0
    var messages = MessageBuffer()
    private var descriptor: OwnedDescriptor?
    /// Why the connection is finishing or closed.
    private(set) var reason = CloseReason.requested

    package let isSocket: Bool
    var interest: Interest = []
    var isConnecting = false
    var isAlwaysReady = false
    private var isFlushScheduled = false
    /// Whether the handler waits to hear that everything was sent.
    var owesDrain = false
    /// Whether the peer has shut its side.
    var hasReadToEnd = false
    var isLingering = false
    var isClosed = false
    /// Whether the kernel has refused output, and EPOLLOUT will say when it takes more.
    package private(set) var isBlocked = false
    /// Whether the connection closes once all of its output is sent.
    public private(set) var isFinishing = false

    init(
        taking descriptor: consuming OwnedDescriptor, isSocket: Bool, isConnecting: Bool = false, on loop: EventLoop,
        options: SharedOptions, handler: any ConnectionHandler
    ) {
        self.loop = loop
        self.handler = handler
        self.options = options
        self.isSocket = isSocket
        self.isConnecting = isConnecting
        self.descriptor = consume descriptor
    }

    /// Begins to watch the descriptor. If that fails, the caller must forget the connection, which closes the descriptor.
    func start(reading: Bool = true, deadline: ContinuousClock.Instant? = nil) throws(Errno) {
        id = loop.register(self)
        if !reading { pauses = 1 }
        do throws(Errno) {
            try setInterest(isConnecting ? .writable : reading ? .readable : [])
        } catch .notPermitted where !isSocket {
            isAlwaysReady = true
            loop.addAlwaysReady(id)
        } catch {
            loop.unregister(id)
            throw error
        }
        loop.connectionCount &+= 1
        if let deadline {
            timer = loop.schedule(at: deadline) { [weak self] in self?.close(reason: .connectTimedOut) }
        }
        if !isConnecting { loop.onOwnThread { handler.connectionDidOpen(self) } }
    }

    /// The descriptor's number, for system calls; -1 once it is closed.
    package var rawDescriptor: Int32 {
        switch descriptor {
        case .some(let descriptor): descriptor.rawValue
        case nil: -1
        }
    }

    /// Whether the connection is neither connecting nor closed. It may be finishing.
    public var isOpen: Bool { !isClosed && !isConnecting }

    /// The peer's address, or nil if there is none or it is gone; of a client on a Unix-domain socket, as a rule, an empty path.
    ///
    /// The corresponding C function is `getpeername`.
    public var remoteAddress: SocketAddress? { try? Socket.remoteAddress(of: rawDescriptor) }

    /// This side's address, or nil if there is none. The corresponding C function is `getsockname`.
    public var localAddress: SocketAddress? { try? Socket.localAddress(of: rawDescriptor) }

    // MARK: - Reading

    /// Stops reading, and so, through TCP, the peer's sending. Pauses are counted: each needs a `resumeReading` of its own.
    ///
    /// It is how whoever passes messages on slows down whom they come from:
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

    // MARK: - Writing

    /// How many bytes passed to `send` the kernel has not taken yet.
    public var pendingOutput: Int { output.count }

    package var hasOwnOutput: Bool { !output.isEmpty }

    /// Sends bytes at the end of the turn, after those that were passed before. Says whether they were accepted: a connection
    /// that is closed or finishing takes none, and one for which more would wait than `Options.maximumPendingOutput` is closed for it.
    ///
    /// The bytes are sent as they are: a line needs its newline, and what has a length in front needs that, which
    /// `LengthPrefixedFraming.message(_:)` makes.
    ///
    /// The corresponding C function is `sendmsg`, or `writev` for what is no socket.
    @discardableResult
    public func send(_ bytes: Span<UInt8>) -> Bool {
        if isTakingMessages, !hasRoom(for: bytes.count) { close(reason: .outputOverflow) }
        return take(bytes)
    }

    /// Whether so many bytes more may wait for the peer.
    func hasRoom(for count: Int) -> Bool { count == 0 || output.count &+ count <= options.value.maximumPendingOutput }

    /// As `send`, however much waits already.
    func take(_ bytes: Span<UInt8>) -> Bool {
        guard isTakingMessages else { return false }
        if bytes.isEmpty { return true }
        unsafe bytes.withUnsafeBufferPointer { unsafe enqueue($0) }
        owesDrain = true
        if !isBlocked, !isConnecting { scheduleFlush() }
        return true
    }

    /// Sends a text, in UTF-8, at the end of the turn. As the other `send`.
    @discardableResult
    public func send(_ text: String) -> Bool {
        send(text.utf8.span)
    }

    /// Puts bytes behind the connection's own output, whatever its limit: the rest of a message that has begun to leave.
    package func enqueue(_ bytes: UnsafeBufferPointer<UInt8>) {
        let wasEmpty = output.isEmpty
        unsafe output.append(bytes)
        if wasEmpty { source?.connectionStateDidChange(self) }
    }

    /// Writes the connection's own output and then two given runs of bytes, in one system call.
    ///
    /// Says how many bytes of the two runs the kernel took. If that is not all, the connection is blocked or closed.
    /// The corresponding C functions are `sendmsg`, and `writev` for what is no socket.
    package func write(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Int {
        if isClosed { return 0 }
        let own = output.count
        let written = unsafe output.withUnsafeBytes { unsafe writeAll($0, first, second) }
        if written < 0 {
            sendFellShort(.last)
            return 0
        }
        if own > 0 {
            output.removeFirst(min(written, own))
            if output.isEmpty { source?.connectionStateDidChange(self) }
        }
        if written < own &+ first.count &+ second.count { block() }
        return max(written &- own, 0)
    }

    private typealias Bytes = UnsafeRawBufferPointer

    private func writeAll(_ own: Bytes, _ first: Bytes, _ second: Bytes) -> Int {
        var vectors: (iovec, iovec, iovec) = unsafe (Self.vector(own), Self.vector(first), Self.vector(second))
        return unsafe withUnsafeMutablePointer(to: &vectors) { pointer in
            unsafe pointer.withMemoryRebound(to: iovec.self, capacity: 3) { vectors in
                guard isSocket else { return unsafe writev(rawDescriptor, vectors, 3) }
                var message = unsafe msghdr()
                unsafe message.msg_iov = vectors
                unsafe message.msg_iovlen = 3
                return unsafe sendmsg(rawDescriptor, &message, Int32(MSG_NOSIGNAL))
            }
        }
    }

    private static func vector(_ bytes: Bytes) -> iovec {
        unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    }

    /// The kernel has not taken all that was sent: because of `error`, or because it is full for now.
    package func sendFellShort(_ error: Errno?) {
        guard let error, error != .wouldBlock, error != .interrupted else { return block() }
        close(reason: .failed(error))
    }

    /// The kernel takes nothing more for now: waits for EPOLLOUT, which is watched for in no other case.
    private func block() {
        if isBlocked { return }
        isBlocked = true
        updateInterest(interest.union(.writable))
        source?.connectionStateDidChange(self)
        if isFinishing { limitFlush() }
    }

    private func descriptorIsWritable() {
        guard isBlocked else { return }
        isBlocked = false
        source?.connectionStateDidChange(self)
        source?.connectionCanSend(self)
        scheduleFlush()
    }

    private func scheduleFlush() {
        if isFlushScheduled { return }
        isFlushScheduled = true
        loop.scheduleFlush(self)
    }

    /// Sends what waits. EPOLLOUT is disarmed here, after all of the turn's output has been tried, so a peer that stays slow costs no
    /// epoll_ctl for each time that it takes a little.
    func flush() {
        isFlushScheduled = false
        if isClosed || isBlocked || isConnecting { return }
        if hasOwnOutput {
            _ = unsafe write(Bytes(start: nil, count: 0), Bytes(start: nil, count: 0))
            if isClosed || isBlocked { return }
        }
        if owesDrain {
            owesDrain = false
            handler.connectionDidDrain(self)
            // The handler may have closed the connection, or may have sent more, which has noted it down again.
            if isClosed || isFlushScheduled { return }
        }
        if isFinishing {
            if let source, source.hasOutput { scheduleFlush() } else { completeFinish() }
        } else if interest.contains(.writable) {
            updateInterest(interest.subtracting(.writable))
        }
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

    package func finish(reason: CloseReason) {
        guard !isClosed, !isFinishing else { return }
        isFinishing = true
        self.reason = reason
        // That of an unfinished line; a deadline for connecting still holds.
        if !isConnecting {
            timer?.cancel()
            timer = nil
        }
        source?.connectionStateDidChange(self)
        if isBlocked { limitFlush() } else { scheduleFlush() }
    }

    /// A peer that has been told of the end, and takes nothing, must not be able to hold on to the connection.
    private func limitFlush() {
        guard timer == nil, !isClosed, let time = options.value.flushTimeout else { return }
        timer = loop.schedule(after: time) { [weak self] in self?.close(reason: .tooSlow) }
    }

    private func completeFinish() {
        timer?.cancel()
        timer = nil
        guard isSocket, !hasReadToEnd, options.value.lingerTimeout > .zero, shutdown(rawDescriptor, Int32(SHUT_WR)) == 0 else {
            return close(reason: reason)
        }
        isLingering = true
        updateInterest(.readable)
        timer = loop.schedule(after: options.value.lingerTimeout) { [weak self] in self?.close() }
    }

    /// Closes the connection at the end of this turn; what waits for its peer is dropped. Does nothing once it is closed.
    ///
    /// The handler is told then, and not before this returns. The corresponding C function is `close`.
    public func close() {
        close(reason: .requested)
    }

    /// As `close()`, for a reason that the handler is told. Of several reasons the first counts.
    public func close(reason: CloseReason) {
        if isClosed { return }
        isClosed = true
        // All was sent, and the peer was told so: however it takes that, the connection has ended as it was meant to.
        if !isLingering { self.reason = reason }
        timer?.cancel()
        timer = nil
        source?.connectionStateDidChange(self)
        loop.scheduleReap(self)
    }

    /// Lets go of the descriptor, at the end of the turn in which the connection was closed.
    func reap() {
        guard isClosed, descriptor != nil else { return }
        if isAlwaysReady { loop.removeAlwaysReady(id) }
        // In this order: see Poller.remove.
        updateInterest([])
        descriptor = nil
        loop.unregister(id)
        loop.connectionCount &-= 1
        messages = MessageBuffer()
        output = OutputBuffer()
        source?.connectionDidClose(self)
        source = nil
        handler.connectionDidClose(self, reason: reason)
    }

    // MARK: - Readiness

    func updateInterest(_ new: Interest) {
        if isAlwaysReady { return }
        do throws(Errno) {
            try setInterest(new)
        } catch {
            // ENOMEM, or ENOSPC for the limit on watches: a connection that cannot be watched cannot be served.
            close(reason: .failed(error))
        }
    }

    private func setInterest(_ new: Interest) throws(Errno) {
        try loop.setInterest(of: rawDescriptor, token: id, from: interest, to: new)
        interest = new
    }

    private func finishConnecting() {
        if let error = Socket.takeError(of: rawDescriptor) { return close(reason: .failed(error)) }
        isConnecting = false
        timer?.cancel()
        timer = nil
        updateInterest(.readable)
        handler.connectionDidOpen(self)
        if hasOwnOutput || isFinishing { scheduleFlush() }
    }
}

extension Connection: EventSource {
    func descriptorIsReady(_ readiness: Readiness) {
        if isClosed { return }
        if isConnecting { return finishConnecting() }
        // A hang-up or an error is found, and told apart, by the system call that meets it.
        let isTroubled = readiness.contains(.hangUp) || readiness.contains(.error)
        if readiness.contains(.writable) || isTroubled { descriptorIsWritable() }
        if readiness.contains(.readable) || isTroubled { read() }
    }

    func loopIsClosing() {
        close(reason: .shutdown)
    }

    func loopIsShuttingDown() {
        // Nobody is served by a connection that is yet to be made, unless there is something to send.
        if isConnecting, !hasOwnOutput { close(reason: .shutdown) } else { finish(reason: .shutdown) }
    }
}
