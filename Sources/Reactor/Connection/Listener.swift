import CReactorLinux
import Glibc

/// A socket that accepts connections. Belongs to its loop's thread.
///
/// `EventLoop.listen` makes it. It listens until it is closed or its loop is, even if nothing else refers to it.
///
/// When the process is out of descriptors, it accepts one connection by means of a descriptor that it keeps in reserve, sends
/// `rejectionMessage` and closes it. The others stay in the kernel's queue until a connection closes or 100 ms have passed. It
/// neither spins nor ends the process; nor does it if every attempt to accept fails for another reason.
public final class Listener {
    /// Called on the loop's thread with a connection that was accepted, and with its peer's address. If it throws, the descriptor
    /// is closed, and the error is passed to `onAcceptFailure`.
    public typealias AcceptHandler = (_ socket: consuming OwnedDescriptor, _ peer: SocketAddress) throws(Errno) -> Void

    /// The address that the listener is bound to: its port is the real one, even where 0 was asked for.
    public let address: SocketAddress

    /// What is sent to a peer for which there is no descriptor, before it is disconnected: a few hundred bytes at most, with the
    /// newline that its protocol may want.
    public var rejectionMessage = ""

    /// Whether a peer for which there is no descriptor left is served by the one in reserve, and not rejected. The next such peer
    /// then waits until a descriptor is free. For those few, such as an operator, who are to get in although the process is full.
    public var servesFromReserve = false

    /// Called on the loop's thread when a connection could not be accepted, at each attempt, every 100 ms perhaps. It is for a
    /// log: nothing need be done about it. It is released when the listener is closed.
    public var onAcceptFailure: ((Errno) -> Void)? {
        get { acceptFailureHandler }
        set {
            // Exchanged, so that the old one is released after the access: what it has captured may come back here.
            var handler = newValue
            swap(&handler, &acceptFailureHandler)
        }
    }

    /// Called once, when the listener is closed by `close` or by its loop.
    var onClose: (() -> Void)?

    private let loop: EventLoop
    private var acceptFailureHandler: ((Errno) -> Void)?
    /// Nil once the listener is closed: so a handler may keep its listener, without the two keeping each other for ever.
    private var acceptHandler: AcceptHandler?
    private var descriptor: OwnedDescriptor?
    /// Set for a Unix-domain socket whose path this listener has made.
    private var path: UnixPath?
    /// A descriptor in reserve, for when there are no others.
    private var spare: OwnedDescriptor?
    private var token = Token.none
    private var interest: Interest = []
    private var retryTimer: EventLoop.Timer?

    fileprivate convenience init(
        on address: SocketAddress, loop: EventLoop, unsentLowWater: Int, permissions: UnixPermissions,
        acceptHandler: @escaping AcceptHandler
    ) throws(Errno) {
        try loop.checkIsNotClosed()
        let socket = try Socket(for: address)
        // Set on the listener, and inherited by each connection.
        if address.port != nil { try socket.setStreamOptions(unsentLowWater: unsentLowWater) }
        var path: UnixPath?
        if case .unix(let name) = address {
            path = try UnixPath(name, permissions, listening: socket)
        } else {
            try socket.bind(to: address)
            try socket.listen()
        }
        let bound = try Socket.localAddress(of: socket.descriptor.rawValue) ?? address
        try self.init(socket.release(), at: bound, path: path, loop: loop, acceptHandler: acceptHandler)
    }

    fileprivate convenience init(
        adopting descriptor: consuming OwnedDescriptor, loop: EventLoop, unsentLowWater: Int,
        acceptHandler: @escaping AcceptHandler
    ) throws(Errno) {
        try loop.checkIsNotClosed()
        let socket = try Socket(adoptingListener: descriptor)
        guard let address = try Socket.localAddress(of: socket.descriptor.rawValue) else { throw .addressFamilyNotSupported }
        if address.port != nil { try socket.setStreamOptions(unsentLowWater: unsentLowWater) }
        try self.init(socket.release(), at: address, path: nil, loop: loop, acceptHandler: acceptHandler)
    }

    private init(
        _ socket: consuming OwnedDescriptor, at address: SocketAddress, path: UnixPath?, loop: EventLoop,
        acceptHandler: @escaping AcceptHandler
    ) throws(Errno) {
        self.address = address
        self.path = path
        self.loop = loop
        self.acceptHandler = acceptHandler
        descriptor = consume socket
        spare = Self.makeSpare()
        token = try loop.register(self)
        do throws(Errno) {
            try setInterest(.readable)
        } catch {
            loop.unregister(token)
            // While the socket is open: see `close`.
            path?.remove()
            throw error
        }
    }

    /// Stops listening, and removes the path of a Unix-domain socket if it is still this listener's. That of a socket that was adopted
    /// stays: whoever has made it may go on listening there. Connections that were accepted live on. Does nothing once it is closed.
    ///
    /// The corresponding C functions are `close` and `unlink`.
    public func close() {
        guard descriptor != nil else { return }
        retryTimer?.cancel()
        retryTimer = nil
        try? setInterest([])
        // While the socket is open, no other can have the number of its path's inode.
        path?.remove()
        path = nil
        descriptor = nil
        spare = nil
        loop.unregister(token)
        // Taken out first and released at the end: what these have captured may call this listener when it is released.
        let handlers = (acceptHandler.take(), acceptFailureHandler.take())
        let onClose = onClose.take()
        onClose?()
        withExtendedLifetime(handlers) {}
    }

    private var rawDescriptor: Int32 {
        switch descriptor {
        case .some(let descriptor): descriptor.rawValue
        case nil: -1
        }
    }

    private func setInterest(_ new: Interest) throws(Errno) {
        try loop.setInterest(of: rawDescriptor, token: token, from: interest, to: new)
        interest = new
    }

    // MARK: - Accepting

    private func accept() {
        var hasAccepted = false
        var failure: Errno?
        for _ in 0..<loop.configuration.acceptBudget {
            // The accept handler may have closed the listener, or the loop.
            guard descriptor != nil, !loop.isClosed else { return }
            var isAccepted = false
            do throws(Errno) {
                var peer = SocketAddress.unix(path: "")
                let socket = try acceptOne(from: &peer)
                (isAccepted, hasAccepted) = (true, true)
                try acceptHandler?(socket, peer)
            } catch {
                switch error {
                case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory, .noBufferSpace, .noSpace:
                    return pauseAccepting(because: error)
                // The accept handler has thrown it. The connection is closed, and the next one may be accepted.
                case _ where isAccepted: if descriptor != nil, !loop.isClosed { onAcceptFailure?(error) }
                case .wouldBlock: return
                // A peer that has gone again (ECONNABORTED), an interruption, or an error of the network that accept(2) passes
                // on.
                default: failure = error
                }
            }
        }
        // All attempts have failed: the reason lies with this side, as that of a security module does, and the connection stays
        // queued.
        if !hasAccepted, let failure { pauseAccepting(because: failure) }
    }

    /// The next connection. The corresponding C function is `accept4`.
    private func acceptOne(from peer: inout SocketAddress) throws(Errno) -> OwnedDescriptor {
        var number: Int32 = -1
        let address = try unsafe SocketAddress { address, length in
            let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
            number = unsafe accept4(rawDescriptor, address, length, flags)
            return number
        }
        if let address { peer = address }
        loop.tally.acceptedConnections &+= 1
        return OwnedDescriptor(takingOver: number)
    }

    // MARK: - Out of descriptors

    private func pauseAccepting(because error: Errno) {
        if descriptor == nil { return }
        if error == .tooManyOpenFiles || error == .tooManyOpenFilesInSystem {
            if servesFromReserve { acceptFromReserve() } else { rejectOne() }
            // The accept handler may have closed the listener.
            if descriptor == nil { return }
        }
        // The queue is not empty, so the listener would be reported as ready again and again, and nothing could be done about it.
        try? setInterest([])
        loop.scheduleAccepting(self)
        let timer = retryTimer ?? loop.makeTimer { [weak self] in self?.resumeAccepting() }
        retryTimer = timer
        timer.arm(after: .milliseconds(100))
        onAcceptFailure?(error)
    }

    func resumeAccepting() {
        guard descriptor != nil, interest.isEmpty else { return }
        retryTimer?.cancel()
        if spare == nil { spare = Self.makeSpare() }
        do throws(Errno) {
            try setInterest(.readable)
        } catch {
            retryTimer?.arm(after: .milliseconds(100))
        }
    }

    /// The reserve is made again when a descriptor is free: see `resumeAccepting`.
    private func acceptFromReserve() {
        spare = nil
        var peer = SocketAddress.unix(path: "")
        if let socket = try? acceptOne(from: &peer) { try? acceptHandler?(socket, peer) }
    }

    private func rejectOne() {
        spare = nil
        var peer = SocketAddress.unix(path: "")
        if let socket = try? acceptOne(from: &peer) { socket.reject(with: rejectionMessage) }
        spare = Self.makeSpare()
    }

    /// The corresponding C function is `open`.
    private static func makeSpare() -> OwnedDescriptor? {
        let result = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        return result < 0 ? nil : OwnedDescriptor(takingOver: result)
    }
}

extension EventLoop {
    /// Listens on an address, with one handler for all connections.
    ///
    /// ```swift
    /// let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
    /// print("listening on \(listener.address)")
    /// ```
    ///
    /// - Parameters:
    ///   - address: Where. With port 0 the kernel picks one, which `Listener.address` knows. The address `::` means IPv6 alone:
    ///     `Endpoint.resolve` gives both families for `*` and `::`. A path that a server has left behind, and on which nobody
    ///     listens any more, is used again; any other path that exists is refused.
    ///   - options: How the connections are to behave. TCP sockets have TCP_NODELAY, keep-alive probes after a minute of silence,
    ///     and `Connection.Options.unsentLowWater`.
    ///   - permissions: Who may connect to a path. An IP address has none.
    ///   - handler: The handler of each connection.
    /// - Throws: `Errno.addressInUse`; `.permissionDenied` for a port below 1024 without the right to it, or for a folder;
    ///   `.addressNotAvailable` for an address that this machine does not have; `.fileExists` for the path of a file that is no
    ///   socket; `.fileNameTooLong` for a path of more than 107 bytes, `.invalidArgument` for an empty one; `.notPermitted` for an
    ///   owner or a group that this process may not give it to; `.canceled` if the loop is closed; and what else the kernel says.
    ///
    /// The corresponding C functions are `socket`, `setsockopt`, `bind` and `listen`; for a path also `flock` on its folder, `chown` and
    /// `chmod`.
    @discardableResult
    public func listen(
        on address: SocketAddress, options: Connection.Options = .init(), permissions: UnixPermissions = .init(),
        handler: any ConnectionHandler
    ) throws(Errno) -> Listener {
        try listen(on: address, options: options, permissions: permissions) { handler }
    }

    /// Listens on an address, with a handler made for each connection, when it has been accepted.
    ///
    /// ```swift
    /// try loop.listen(on: .loopback(port: 3001)) { Counter() }
    /// ```
    ///
    /// In all else this is the other `listen`.
    @discardableResult
    public func listen(
        on address: SocketAddress, options: Connection.Options = .init(), permissions: UnixPermissions = .init(),
        makeHandler: @escaping () -> any ConnectionHandler
    ) throws(Errno) -> Listener {
        let shared = Connection.SharedOptions(options)
        return try listen(on: address, unsentLowWater: options.unsentLowWater, permissions: permissions) { _ in
            .admit(makeHandler(), shared)
        }
    }

    /// What a listener is to do with a caller.
    package enum Admission {
        /// Make a connection of it, with this handler and these options.
        case admit(any ConnectionHandler, Connection.SharedOptions)
        /// Send it a line, with its newline, and close it: see `OwnedDescriptor.reject`.
        case reject(String)
    }

    /// Listens on an address, and asks about each caller before there is a connection. All connections have one transport, whatever their
    /// options say; nil leaves that to these.
    package func listen(
        on address: SocketAddress, unsentLowWater: Int = Connection.Options().unsentLowWater, permissions: UnixPermissions,
        transport: TransportFactory? = nil, judge: @escaping (SocketAddress) -> Admission
    ) throws(Errno) -> Listener {
        try listen(
            on: address, unsentLowWater: unsentLowWater, permissions: permissions, onAccept: serving(as: judge, over: transport))
    }

    /// Accepts at a socket that listens already, and asks about each caller before there is a connection.
    package func listen(
        adopting socket: consuming OwnedDescriptor, unsentLowWater: Int = Connection.Options().unsentLowWater,
        transport: TransportFactory? = nil, judge: @escaping (SocketAddress) -> Admission
    ) throws(Errno) -> Listener {
        try listen(adopting: socket, unsentLowWater: unsentLowWater, onAccept: serving(as: judge, over: transport))
    }

    private func serving(
        as judge: @escaping (SocketAddress) -> Admission, over transport: TransportFactory?
    ) -> Listener.AcceptHandler {
        { [self] socket, peer throws(Errno) in try serve(socket, as: judge(peer), over: transport) }
    }

    /// Makes a connection of a socket that was accepted, here or by another loop, or turns its caller away.
    package func serve(
        _ socket: consuming OwnedDescriptor, as admission: Admission, over transport: TransportFactory?
    ) throws(Errno) {
        switch admission {
        // Who expects a handshake would take a line for a broken one, and the handshake itself would cost what a refusal saves.
        case .reject(let line): socket.reject(with: transport == nil ? line : "")
        case .admit(let handler, let options):
            try Connection(taking: socket, kind: .socket, on: self, options: options, handler: handler)
                .start(over: transport)
        }
    }

    /// Accepts at a socket that listens already, with a handler made for each connection: one that a service manager has passed to
    /// the process, or the process that it replaces.
    ///
    /// ```swift
    /// // The first socket of a systemd socket unit. See sd_listen_fds(3).
    /// try loop.listen(adopting: OwnedDescriptor(takingOver: 3)) { Counter() }
    /// ```
    ///
    /// The socket is made nonblocking and close-on-exec, and a TCP socket gets the options that the other `listen` gives its
    /// sockets. The path of a Unix-domain socket is not removed when the listener is closed.
    ///
    /// - Parameters:
    ///   - socket: A stream socket that listens, of IPv4, IPv6 or the Unix domain.
    ///   - options: How the connections are to behave.
    ///   - makeHandler: Makes the handler of a connection, when it has been accepted.
    /// - Throws: `EBADF` for a descriptor that is not open; `Errno.notSocket` for one that is no socket; `.invalidArgument` for a
    ///   socket that does not listen, or is no stream; `.addressFamilyNotSupported` for one of another family; `.canceled` if the
    ///   loop is closed; and what the kernel says when it is to watch it. Then the descriptor is closed.
    ///
    /// The corresponding C functions are `getsockopt`, `fcntl`, `getsockname` and `setsockopt`.
    @discardableResult
    public func listen(
        adopting socket: consuming OwnedDescriptor, options: Connection.Options = .init(),
        makeHandler: @escaping () -> any ConnectionHandler
    ) throws(Errno) -> Listener {
        let shared = Connection.SharedOptions(options)
        return try listen(adopting: socket, unsentLowWater: options.unsentLowWater) { _ in .admit(makeHandler(), shared) }
    }

    /// Accepts at a socket that listens already, and passes each connection that was accepted to `onAccept`, as
    /// `listen(on:unsentLowWater:permissions:onAccept:)` does. In all else this is the other `listen(adopting:)`.
    @discardableResult
    public func listen(
        adopting socket: consuming OwnedDescriptor, unsentLowWater: Int = Connection.Options().unsentLowWater,
        onAccept: @escaping Listener.AcceptHandler
    ) throws(Errno) -> Listener {
        try Listener(adopting: socket, loop: self, unsentLowWater: unsentLowWater, acceptHandler: onAccept)
    }

    /// Listens on an address, and passes each connection that was accepted to `onAccept`, which decides who serves it: this loop,
    /// by `adopt(socket:options:handler:)`; another loop, by `EventLoop.Remote.adopt(socket:options:makeHandler:)`; or no loop at
    /// all.
    ///
    /// ```swift
    /// var next = 0
    /// try loop.listen(on: .loopback(port: 3001)) { socket, _ in
    ///     next = (next + 1) % workers.count
    ///     workers[next].remote.adopt(socket: socket) { Counter() }
    /// }
    /// ```
    ///
    /// The descriptor neither blocks nor survives `exec`. In all else this is the other `listen`.
    ///
    /// - Parameters:
    ///   - address: Where.
    ///   - unsentLowWater: See `Connection.Options.unsentLowWater`. It is set here, since connections inherit it from their
    ///     listener.
    ///   - permissions: Who may connect to a path.
    ///   - onAccept: Called for each connection. `OwnedDescriptor.reject` turns one away.
    @discardableResult
    public func listen(
        on address: SocketAddress, unsentLowWater: Int = Connection.Options().unsentLowWater,
        permissions: UnixPermissions = .init(), onAccept: @escaping Listener.AcceptHandler
    ) throws(Errno) -> Listener {
        try Listener(
            on: address, loop: self, unsentLowWater: unsentLowWater, permissions: permissions, acceptHandler: onAccept)
    }
}

extension Listener: EventSource {
    func descriptorIsReady(_ readiness: Readiness) {
        accept()
    }

    func loopIsClosing() {
        close()
    }

    func loopIsShuttingDown() {
        close()
    }
}
