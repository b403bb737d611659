public import Reactor

extension ChatServer {
    /// How a chat shows itself to IRC clients.
    public struct IRCConfiguration: Sendable {
        /// What the server calls itself: a host's name, with a point in it. With nil it is made from the name of the chat.
        public var serverName: String?
        /// From which the hosts are made by which people are shown, in place of their addresses. Who has the key can find out an address from its
        /// host. As long as it is the same, so are the hosts, and bans by them hold.
        public var cloakKey: [UInt8]
        /// How long a client may be silent before it is asked whether it is there. One that does not answer within as long is closed. With nil nobody
        /// is asked.
        public var pingInterval: Duration? = .seconds(120)
        /// What the server says that it runs.
        public var version = "ChatReactor"

        /// A key that is another one each time.
        public init() {
            cloakKey = (0..<32).map { _ in UInt8.random(in: 0...255) }
        }
    }

    /// Accepts IRC clients at an address, until `shutDown`. They are people like all others, in the same rooms: `#lobby` is the lobby. The server must be
    /// a chat. The configuration of the first such listener holds for all.
    ///
    /// - Parameters:
    ///   - address: Where.
    ///   - configuration: How the chat shows itself.
    ///   - permissions: Who may connect to a path. An IP address has none.
    ///   - transport: What the bytes pass through, such as TLS; nil for plain bytes.
    /// - Throws: What ``listen(on:permissions:transport:)`` does, `Errno.invalidArgument` for a relay, and
    ///   `Errno.operationNotSupported` for a chat of several servers.
    @discardableResult
    public func listenForIRC(
        on address: SocketAddress, _ configuration: IRCConfiguration = .init(), permissions: UnixPermissions = .init(),
        transport: TransportFactory? = nil
    ) throws(Errno) -> Listener {
        let network = try ircNetwork(configuration)
        let listener = try loop.listen(on: address, permissions: permissions, transport: transport) {
            self.judge($0, to: network, over: transport)
        }
        return serve(listener, rejecting: transport == nil ? Self.ircRejection(for: .full) : "")
    }

    /// Accepts them at a socket that listens already: see `EventLoop.listen(adopting:options:makeHandler:)`.
    ///
    /// - Throws: What that throws, `Errno.canceled` once `shutDown` was called, `Errno.invalidArgument` for a relay, and
    ///   `Errno.operationNotSupported` for a chat of several servers.
    @discardableResult
    public func listenForIRC(
        adopting socket: consuming OwnedDescriptor, _ configuration: IRCConfiguration = .init(),
        transport: TransportFactory? = nil
    ) throws(Errno) -> Listener {
        let network = try ircNetwork(configuration)
        let listener = try loop.listen(adopting: socket, transport: transport) { self.judge($0, to: network, over: transport) }
        return serve(listener, rejecting: transport == nil ? Self.ircRejection(for: .full) : "")
    }

    private func ircNetwork(_ configuration: IRCConfiguration) throws(Errno) -> IRCNetwork {
        if isShuttingDown { throw .canceled }
        guard let chat else { throw .invalidArgument }
        if chat.replica != nil { throw .operationNotSupported }
        return try chat.serveIRC(configuration)
    }

    private func judge(
        _ caller: SocketAddress, to network: IRCNetwork, over transport: TransportFactory?
    ) -> EventLoop.Admission {
        judge(caller, over: transport) { server, caller, proxy in
            guard let chat = server.chat else { return .reject("") }
            return server.admission(
                of: caller, by: proxy, as: .irc, client: chat.makeIRCClient(of: network, in: server),
                rejecting: Self.ircRejection)
        }
    }

    private static func ircRejection(for refusal: AccessRefusal) -> String { "ERROR :Closing link: \(refusal)\r\n" }
}
