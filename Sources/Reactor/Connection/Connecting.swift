extension EventLoop {
    /// Begins to connect. The handler's `connectionDidOpen` or `connectionDidClose` says how it went.
    ///
    /// ```swift
    /// let connection = try loop.connect(
    ///     to: .loopback(port: 3001), deadline: .now.advanced(by: .seconds(10)), handler: handler)
    /// connection.send("hello\n")
    /// ```
    ///
    /// What is sent meanwhile leaves as soon as the connection is open. That of a Unix-domain socket comes about at once: then
    /// the handler has been told before this returns. TCP takes one address and tries no other; `Endpoint.resolve` may give
    /// several.
    ///
    /// - Parameters:
    ///   - address: Where to. A path of more than 107 bytes is refused with `fileNameTooLong`.
    ///   - deadline: When to give up, with the reason `connectTimedOut`; nil leaves that to the kernel, which tries for about two
    ///     minutes.
    ///   - options: How the connection is to behave.
    ///   - handler: What is told of the connection. The connection keeps it.
    /// - Returns: The connection, which the loop keeps until it is closed.
    /// - Throws: What the kernel says at once: `Errno.tooManyOpenFiles`, `.connectionRefused` for a path at which nobody listens
    ///   any more, `.wouldBlock` for a path whose queue of connections is full (where TCP would wait), and others; `.canceled` if
    ///   the loop is closed. Then the handler is told nothing. What it says later is the reason for closing: `failed(_:)`.
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

    /// Makes a connection of a descriptor that was opened elsewhere: a pipe, a terminal, a file. It should not block.
    ///
    /// ```swift
    /// let number = open("/dev/ttyUSB0", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    /// try loop.adopt(OwnedDescriptor(takingOver: number), for: .input, handler: handler)
    /// ```
    ///
    /// Do not set O_NONBLOCK on a standard stream: the flag belongs to the open file, which the shell shares. Open a terminal or a pipe
    /// anew, at `/proc/self/fd/0`.
    ///
    /// Regular files, which epoll refuses, work too: they are always ready. Whoever writes to a pipe should ignore SIGPIPE. The
    /// handler's `connectionDidOpen` is called before this returns. To keep the descriptor and watch it only, there is
    /// `watch(_:for:handler:)`.
    ///
    /// - Throws: What epoll says, as `watch` does, and `Errno.canceled` if the loop is closed. The descriptor is closed all the
    ///   same.
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

    /// Makes a connection of a connected stream socket that was opened elsewhere, one of a pair perhaps. It must not block.
    ///
    /// The handler's `connectionDidOpen` is called before this returns. The socket's options stay as they are, so
    /// `Connection.Options.unsentLowWater` does not apply.
    ///
    /// - Throws: What epoll says, as `watch` does, and `Errno.canceled` if the loop is closed. The descriptor is closed all the
    ///   same.
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
