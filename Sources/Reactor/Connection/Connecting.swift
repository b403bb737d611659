extension EventLoop {
    /// Begins to connect. The handler's `connectionDidOpen` or `connectionDidClose` says how it went.
    ///
    /// A Unix-domain socket connects at once: its handler's `connectionDidOpen` is called before this returns.
    ///
    /// - Parameter deadline: When to give up; nil leaves that to the kernel, which tries for about two minutes.
    /// - Throws: What the kernel says at once, as it does of a path at which nobody listens; then the handler is told nothing.
    ///   `Errno.nameTooLong` for a path of more than 107 bytes.
    ///
    /// The corresponding C functions are `socket` and `connect`.
    @discardableResult
    public func connect(
        to address: SocketAddress, deadline: ContinuousClock.Instant? = nil, options: Connection.Options = .init(),
        handler: any ConnectionHandler
    ) throws(Errno) -> Connection {
        let socket = try Socket(for: address)
        if address.port != nil { try socket.setStreamOptions(unsentLowWater: Int32(clamping: options.unsentLowWater)) }
        let isConnected = try socket.connect(to: address)
        let connection = Connection(
            taking: socket.release(), isSocket: true, isConnecting: !isConnected, on: self,
            options: Connection.SharedOptions(options), handler: handler)
        try connection.start(deadline: isConnected ? nil : deadline)
        return connection
    }

    /// What a descriptor that is no socket is used for.
    public enum Direction: Sendable {
        case input
        case output
    }

    /// Makes a connection of a descriptor that was opened elsewhere: a pipe, a terminal, a file. It should not block. The handler's
    /// `connectionDidOpen` is called before this returns.
    ///
    /// Regular files, which epoll refuses, work too: they are always ready. Whoever writes to a pipe should ignore SIGPIPE.
    @discardableResult
    public func adopt(
        _ descriptor: consuming OwnedDescriptor, for direction: Direction, options: Connection.Options = .init(),
        handler: any ConnectionHandler
    ) throws(Errno) -> Connection {
        let connection = Connection(
            taking: descriptor, isSocket: false, on: self, options: Connection.SharedOptions(options), handler: handler)
        try connection.start(reading: direction == .input)
        return connection
    }

    /// Makes a connection of a connected stream socket that was opened elsewhere. It must not block. The handler's
    /// `connectionDidOpen` is called before this returns.
    @discardableResult
    public func adopt(
        socket descriptor: consuming OwnedDescriptor, options: Connection.Options = .init(), handler: any ConnectionHandler
    ) throws(Errno) -> Connection {
        let connection = Connection(
            taking: descriptor, isSocket: true, on: self, options: Connection.SharedOptions(options), handler: handler)
        try connection.start()
        return connection
    }
}
