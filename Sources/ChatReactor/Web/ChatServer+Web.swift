public import Reactor
import ReactorWeb

extension ChatServer {
    /// What a listener for the web serves.
    public struct WebConfiguration: Sendable {
        /// The page at `/`; nil for none.
        public var page: WebPage? = .standard
        /// How long a WebSocket may be silent before it is asked whether it is there. One that does not answer within as long is closed. With nil nobody is
        /// asked.
        public var pingInterval: Duration? = .seconds(30)

        /// The page that comes with the library.
        public init() {}
    }

    /// Accepts browsers and other clients of WebSocket at an address, until `shutDown`. They are clients like all others, in the same rooms.
    ///
    /// | path | response |
    /// |---|---|
    /// | `/` | the page |
    /// | `/ws` | a WebSocket, of the subprotocol `chat.text` (a message of text for each line), or in a chat `chat.json` (an object for each message); without one it is text |
    /// | `/healthz` | 200 |
    ///
    /// A WebSocket is accepted from the server's own page, from the pages in ``AccessRules/webOrigins``, and from what is no page. Who comes by a
    /// proxy in ``AccessRules/webProxies`` is whom that names. Who is not let in gets a response that says why.
    ///
    /// - Parameters:
    ///   - address: Where.
    ///   - configuration: What is served.
    ///   - permissions: Who may connect to a path. An IP address has none.
    ///   - transport: What the bytes pass through, such as TLS; nil for plain bytes.
    /// - Throws: What ``listen(on:permissions:transport:)`` does, and `Errno.operationNotSupported` if the server is one of several that are one relay.
    @discardableResult
    public func listenForWeb(
        on address: SocketAddress, _ configuration: WebConfiguration = .init(), permissions: UnixPermissions = .init(),
        transport: TransportFactory? = nil
    ) throws(Errno) -> Listener {
        try prepareForFrames()
        let listener = try loop.listen(on: address, permissions: permissions) { socket, caller throws(Errno) in
            try self.accept(socket, from: caller, as: configuration, over: transport)
        }
        return serve(listener, rejecting: transport == nil ? Self.rejection(for: .full) : "")
    }

    /// Accepts them at a socket that listens already: see `EventLoop.listen(adopting:options:makeHandler:)`.
    ///
    /// - Throws: What that throws, `Errno.canceled` once `shutDown` was called, and `Errno.operationNotSupported` if the server is one of several
    ///   that are one relay.
    @discardableResult
    public func listenForWeb(
        adopting socket: consuming OwnedDescriptor, _ configuration: WebConfiguration = .init(),
        transport: TransportFactory? = nil
    ) throws(Errno) -> Listener {
        try prepareForFrames()
        let listener = try loop.listen(adopting: socket) { socket, caller throws(Errno) in
            try self.accept(socket, from: caller, as: configuration, over: transport)
        }
        return serve(listener, rejecting: transport == nil ? Self.rejection(for: .full) : "")
    }

    private func prepareForFrames() throws(Errno) {
        if isShuttingDown { throw .canceled }
        // Frames have an order of their own, which would not be that of the lines.
        if chat == nil, group != nil || room.order != nil { throw .operationNotSupported }
        try chat?.reserveMemoryForFrames()
        // Of those that have none, nobody gets in by WebSocket to whom that is too little.
        group?.executeOnOthers(than: number) { try? $0.chat?.reserveMemoryForFrames() }
    }

    /// Serves a caller, or passes it to the next server of the group.
    private func accept(
        _ socket: consuming OwnedDescriptor, from caller: SocketAddress, as configuration: WebConfiguration,
        over transport: TransportFactory?
    ) throws(Errno) {
        if let group { return try group.pass(socket, from: caller, nil, as: .web(configuration), over: transport, by: self) }
        try serve(socket, from: caller, nil, as: .web(configuration), over: transport)
    }

    func judge(_ caller: SocketAddress, as configuration: WebConfiguration) -> EventLoop.Admission {
        proxyAdmission(of: caller) { $0.admission(of: $1, by: caller, as: configuration) }
            ?? admission(of: caller, by: nil, as: configuration)
    }

    private func admission(
        of caller: SocketAddress, by proxy: SocketAddress?, as configuration: WebConfiguration
    ) -> EventLoop.Admission {
        if !isWebProxy(caller), let refusal = refusal(of: caller) {
            tally.webResponses[refusal.httpStatus.code, default: 0] &+= 1
            return .reject(Self.rejection(for: refusal))
        }
        let caller = WebCaller(from: caller, by: proxy, to: self, configuration)
        return .admit(caller.makeHandler(), Self.headOptions)
    }

    private static let headOptions = Connection.SharedOptions(HTTPHandler.connectionOptions)

    /// The whole response to a caller that is not listened to.
    private static func rejection(for refusal: AccessRefusal) -> String {
        let text = "\(refusal)\n"
        return
            "HTTP/1.1 \(refusal.httpStatus)\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: \(text.utf8.count)\r\n"
            + "Connection: close\r\n\r\n\(text)"
    }
}
