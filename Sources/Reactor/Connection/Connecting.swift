extension EventLoop {
    /// Begins to connect. The handler gets `connectionDidOpen` if that succeeds, and `connectionDidClose` if it fails.
    ///
    /// ```swift
    /// let connection = try loop.connect(
    ///     to: .loopback(port: 3001), deadline: .now.advanced(by: .seconds(10)), handler: handler)
    /// connection.send("hello\n")
    /// ```
    ///
    /// What is passed to `send` meanwhile leaves as soon as the connection is open. A connection to a Unix-domain socket is open
    /// when this returns, and its handler has been called. This tries one address; `Endpoint.resolve` may return several.
    ///
    /// - Parameters:
    ///   - address: The address to connect to. A path of more than 107 bytes is refused with `fileNameTooLong`.
    ///   - deadline: When to give up, with the reason `connectTimedOut`; nil leaves that to the kernel, which tries for about two
    ///     minutes.
    ///   - options: The connection's settings.
    ///   - handler: The connection's handler, which the connection retains.
    /// - Returns: The connection, which the loop retains until it is closed.
    /// - Throws: An error that the kernel reports at once: `Errno.tooManyOpenFiles`, `.connectionRefused` for a path at which
    ///   nobody listens any more, `.wouldBlock` for a path whose queue of connections is full (where TCP would wait), and
    ///   others; `.canceled` if the loop is closed. The handler is then not called. An error that the kernel reports later is the
    ///   reason for closing: `failed(_:)`.
    ///
    /// The corresponding C functions are `socket` and `connect`.
    @discardableResult
    public func connect(
        to address: SocketAddress, deadline: ContinuousClock.Instant? = nil, options: Connection.Options = .init(),
        handler: any ConnectionHandler
    ) throws(Errno) -> Connection {
        try checkIsNotClosed()
        let socket = try Socket(for: address)
        if address.port != nil { try socket.setStreamOptions(unsentLowWater: options.unsentLowWater) }
        let isConnected = try socket.connect(to: address)
        let connection = Connection(
            taking: socket.release(), kind: .socket, isConnecting: !isConnected, on: self,
            options: Connection.SharedOptions(options), handler: handler)
        try connection.start(as: .client, deadline: isConnected ? nil : deadline)
        return connection
    }

    /// Makes a connection of an open descriptor: a pipe, a terminal, a file. The descriptor should be nonblocking.
    ///
    /// ```swift
    /// let number = open("/dev/ttyUSB0", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    /// try loop.adopt(OwnedDescriptor(takingOver: number), for: .input, handler: handler)
    /// ```
    ///
    /// Do not set O_NONBLOCK on a standard stream: the flag belongs to the open file, which the shell shares. Open a terminal or
    /// a pipe anew, at `/proc/self/fd/0`.
    ///
    /// Regular files, which epoll refuses, work too: they are always ready. A program that writes to a pipe should ignore
    /// SIGPIPE. The handler's `connectionDidOpen` is called before this returns. `watch(_:for:handler:)` watches a descriptor
    /// without taking it over.
    ///
    /// - Throws: An error of epoll, as `watch` does, and `Errno.canceled` if the loop is closed. Then the descriptor is closed.
    ///
    /// The corresponding C functions are `epoll_ctl`, and `read` and `writev` later on.
    @discardableResult
    public func adopt(
        _ descriptor: consuming OwnedDescriptor, for direction: OwnedDescriptor.Direction, options: Connection.Options = .init(),
        handler: any ConnectionHandler
    ) throws(Errno) -> Connection {
        let kind = DescriptorKind(of: descriptor.rawValue)
        let connection = Connection(
            taking: descriptor, kind: kind, on: self, options: Connection.SharedOptions(options), handler: handler)
        try connection.start(reading: direction == .input)
        return connection
    }

    /// Makes a connection of a connected stream socket, one of a pair perhaps. The socket must be nonblocking.
    ///
    /// The handler's `connectionDidOpen` is called before this returns. The socket's options stay as they are, so
    /// `Connection.Options.unsentLowWater` does not apply.
    ///
    /// - Throws: An error of epoll, as `watch` does, and `Errno.canceled` if the loop is closed. Then the descriptor is closed.
    ///
    /// The corresponding C functions are `epoll_ctl`, and `recv` and `sendmsg` later on.
    @discardableResult
    public func adopt(
        socket descriptor: consuming OwnedDescriptor, options: Connection.Options = .init(), handler: any ConnectionHandler
    ) throws(Errno) -> Connection {
        let connection = Connection(
            taking: descriptor, kind: .socket, on: self, options: Connection.SharedOptions(options), handler: handler)
        try connection.start()
        return connection
    }
}
