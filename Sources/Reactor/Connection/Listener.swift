import CLinux
import Glibc

/// A socket that accepts connections. Belongs to its loop's thread.
///
/// It is made by `EventLoop.listen`, and listens until it is closed or its loop is, whether or not anybody keeps it.
///
/// Out of descriptors, it turns one caller away with `rejectionMessage`, by means of a descriptor that it keeps in reserve, and then
/// leaves the others in the kernel's queue until a connection closes or 100 ms have passed. It neither spins nor dies; nor does it if
/// every attempt to accept fails for another reason.
public final class Listener {
    /// The address that the listener is bound to: its port is the real one, even where 0 was asked for.
    public let address: SocketAddress

    /// What a caller for whom there is no descriptor is told before it is turned away: a few hundred bytes at most, with the
    /// newline that its protocol may want.
    public var rejectionMessage = ""

    /// Called on the loop's thread when a caller could not be accepted, at each attempt, every 100 ms perhaps: for a log, since
    /// nothing need be done about it.
    public var onAcceptFailure: ((Errno) -> Void)?

    /// Called once the listener is closed, by whomever.
    var onClose: (() -> Void)?

    private let loop: EventLoop
    private let options: Connection.SharedOptions
    private let makeHandler: () -> any ConnectionHandler
    private var descriptor: OwnedDescriptor?
    private var spare: OwnedDescriptor?
    private var token = Token(slot: .max, generation: .max)
    private var interest: Interest = []
    private var timer: EventLoop.Timer?

    init(
        on address: SocketAddress, loop: EventLoop, options: Connection.Options,
        makeHandler: @escaping () -> any ConnectionHandler
    ) throws(Errno) {
        let socket = try Socket(for: address)
        // Set on the listener, and inherited by each connection.
        if address.port != nil { try socket.setStreamOptions(unsentLowWater: Int32(clamping: options.unsentLowWater)) }
        try Self.bind(socket, to: address)
        self.address = try Socket.localAddress(of: socket.descriptor.rawValue) ?? address
        self.loop = loop
        self.options = Connection.SharedOptions(options)
        self.makeHandler = makeHandler
        descriptor = socket.release()
        spare = Self.makeSpare()
        token = loop.register(self)
        do throws(Errno) {
            try setInterest(.readable)
        } catch {
            loop.unregister(token)
            throw error
        }
    }

    /// Binds, even where a server that did not end well has left its path behind.
    private static func bind(_ socket: borrowing Socket, to address: SocketAddress) throws(Errno) {
        do throws(Errno) {
            try socket.listen(on: address)
        } catch .addressInUse {
            guard case .unix(let path) = address, isStale(path) else { throw .addressInUse }
            unsafe unlink(path)
            try socket.listen(on: address)
        }
    }

    /// Whether the path is a socket on which nobody listens. Anything else is never removed.
    private static func isStale(_ path: String) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
        do throws(Errno) {
            _ = try Socket(for: .unix(path: path)).connect(to: .unix(path: path))
            return false
        } catch {
            return error == .connectionRefused
        }
    }

    /// Stops listening, and removes the path of a Unix-domain socket. Connections that were accepted live on. Does nothing once
    /// it is closed. The corresponding C functions are `close` and `unlink`.
    public func close() {
        guard descriptor != nil else { return }
        if case .unix(let path) = address { unsafe unlink(path) }
        timer?.cancel()
        timer = nil
        try? setInterest([])
        loop.unregister(token)
        descriptor = nil
        spare = nil
        onClose?()
        onClose = nil
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
            guard descriptor != nil else { return }
            do throws(Errno) {
                try start(try acceptOne())
                hasAccepted = true
            } catch {
                switch error {
                case .wouldBlock: return
                case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory, .noBufferSpace, .noSpace: return starve(error)
                // A caller that has gone again (ECONNABORTED), an interruption, or an error of the network that accept(2) passes on.
                default: failure = error
                }
            }
        }
        // Not one in all these attempts: the reason lies with this side, as that of a security module does, and the caller stays queued.
        if !hasAccepted, let failure { starve(failure) }
    }

    private func start(_ accepted: consuming OwnedDescriptor) throws(Errno) {
        let connection = Connection(
            taking: accepted, kind: .socket, on: loop, options: options, handler: makeHandler())
        try connection.start()
    }

    /// The next caller. The corresponding C function is `accept4`.
    private func acceptOne() throws(Errno) -> OwnedDescriptor {
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let result = accept4(rawDescriptor, nil, nil, flags)
        if result < 0 { throw Errno.last }
        return OwnedDescriptor(takingOver: result)
    }

    // MARK: - Out of descriptors

    private func starve(_ error: Errno) {
        if error == .tooManyOpenFiles || error == .tooManyOpenFilesInSystem { rejectOne() }
        // The queue is not empty, so the listener would be reported as ready, again and again, with nothing to be done about it.
        try? setInterest([])
        loop.noteStarved(self)
        let timer = timer ?? loop.makeTimer { [weak self] in self?.resumeAccepting() }
        self.timer = timer
        timer.arm(after: .milliseconds(100))
        onAcceptFailure?(error)
    }

    func resumeAccepting() {
        guard descriptor != nil, interest.isEmpty else { return }
        timer?.cancel()
        if spare == nil { spare = Self.makeSpare() }
        do throws(Errno) {
            try setInterest(.readable)
        } catch {
            timer?.arm(after: .milliseconds(100))
        }
    }

    private func rejectOne() {
        spare = nil
        if let caller = try? acceptOne() {
            _ = unsafe rejectionMessage.utf8.span.withUnsafeBufferPointer { bytes in
                unsafe send(caller.rawValue, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            // A socket that is closed with input unread resets its peer, which might then never see the rejection.
            _ = unsafe recv(caller.rawValue, loop.readBuffer.start, loop.readBuffer.readSize, Int32(MSG_DONTWAIT))
        }
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
    ///   - address: Where. Port 0 has the kernel pick one, which `Listener.address` knows. Of `::` the IPv6 side alone is meant.
    ///     A path that a server has left behind, and at which nobody listens any more, is used again; any other that exists is
    ///     refused.
    ///   - options: How the connections are to behave.
    ///   - handler: What is told of each of them.
    /// - Throws: `Errno.addressInUse`; `.permissionDenied` for a port below 1024 without the right to it, or for a folder;
    ///   `.addressNotAvailable` for an address that this machine does not have; `.fileNameTooLong` for a path of more than 107 bytes;
    ///   and what else the kernel says.
    ///
    /// The corresponding C functions are `socket`, `setsockopt`, `bind` and `listen`.
    @discardableResult
    public func listen(
        on address: SocketAddress, options: Connection.Options = .init(), handler: any ConnectionHandler
    ) throws(Errno) -> Listener {
        try listen(on: address, options: options) { handler }
    }

    /// Listens on an address, with a handler made for each connection, when it has been accepted.
    ///
    /// ```swift
    /// try loop.listen(on: .loopback(port: 3001)) { Counter() }
    /// ```
    ///
    /// As the other `listen` in all else.
    @discardableResult
    public func listen(
        on address: SocketAddress, options: Connection.Options = .init(),
        makeHandler: @escaping () -> any ConnectionHandler
    ) throws(Errno) -> Listener {
        try Listener(on: address, loop: self, options: options, makeHandler: makeHandler)
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
