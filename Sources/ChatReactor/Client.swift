public import Reactor

extension ChatServer {
    /// A client of a ``ChatServer``: one connection, and what the server knows about who is at its other end.
    ///
    /// The server makes one for each connection that it accepts. It belongs to the loop's thread.
    public class Client {
        // These three and an object's header are 40 bytes, the most that malloc puts into a block of 48. There may be 10,000 clients.

        /// The server, which has the client until its connection is closed.
        public private(set) final weak var server: ChatServer?
        /// What few clients have.
        private var details: Details?
        /// The name of the client's connection. It stays when the connection is closed.
        public private(set) final var id = Connection.ID.none

        private final class Details {
            /// When the client has lately sent a line that was too long, oldest first.
            var longLines: [ContinuousClock.Instant] = []
            /// Where the client comes from, if a proxy has said so, or if there is a handshake that may fail: then nobody could be asked.
            var knownAddress: SocketAddress?
            var handshake: PendingHandshake?
            /// Whether the client is on the proxy's own machine, which is this one; nil if it comes without a proxy.
            var isProxiedFromHere: Bool?
            /// Whether the proxy is on this machine, and has said that the client has come to it over TLS.
            var isEncryptedToProxy = false
            /// How far the client is with logging in to a chat.
            var login = LoginState()
        }

        init(of server: ChatServer) {
            self.server = server
        }

        /// The client's connection, or nil once it is closed.
        public var connection: Connection? { server?.loop.connection(id) }

        /// Where the client comes from: what its connection says or, for one that a proxy has made, what the proxy has said. Nil once the connection is
        /// closed. Each access may be a system call: see `Connection.remoteAddress`.
        public final var address: SocketAddress? { connection.flatMap(address(over:)) }

        final func address(over connection: Connection) -> SocketAddress? {
            details?.knownAddress ?? connection.remoteAddress
        }

        /// The client comes to a listener with a transport. If the handshake fails, nobody could be asked any more where it came from.
        final func beginsHandshake(from caller: SocketAddress) {
            let details = makeDetails()
            details.knownAddress = caller
            if details.handshake == nil { details.handshake = server.map { PendingHandshake(of: caller, at: $0.gate) } }
        }

        /// The client was let in, and is counted until it has opened.
        final func wasAdmitted(_ handshake: PendingHandshake) { makeDetails().handshake = handshake }

        /// A proxy has said where the client comes from.
        ///
        /// - Parameters:
        ///   - address: What it has said: its own address if it does not know.
        ///   - proxy: The proxy. What is its own machine to a proxy elsewhere is not this one.
        ///   - isEncrypted: Whether the proxy has said that the client has come to it over TLS.
        final func comesByProxy(from address: SocketAddress, by proxy: SocketAddress, isEncrypted: Bool = false) {
            let details = makeDetails()
            details.knownAddress = address
            details.isProxiedFromHere = Self.isFromHere(address, by: proxy)
            details.isEncryptedToProxy = isEncrypted && proxy.isOnThisMachine
        }

        /// Whether somebody who comes by a proxy is on this machine.
        static func isFromHere(_ address: SocketAddress, by proxy: SocketAddress) -> Bool {
            address != proxy && address.isOnThisMachine && proxy.isOnThisMachine
        }

        /// Whether the client is on this machine, as far as anybody can know.
        final func isFromHere(_ address: SocketAddress) -> Bool { details?.isProxiedFromHere ?? address.isOnThisMachine }

        /// How far the client is with logging in to a chat.
        final var login: LoginState {
            get { details?.login ?? LoginState() }
            set { makeDetails().login = newValue }
        }

        /// Whether nobody on the way can listen to what goes over the connection: it stays on this machine, or is encrypted.
        final func isPrivate(_ connection: Connection) -> Bool {
            // What a proxy has got from elsewhere was on the way before.
            if let details, let isProxiedFromHere = details.isProxiedFromHere {
                return isProxiedFromHere || details.isEncryptedToProxy
            }
            return connection.establishedTransport != nil || address(over: connection)?.isOnThisMachine == true
        }

        private final func makeDetails() -> Details {
            let made = details ?? Details()
            details = made
            return made
        }

        /// The room that the client is in; nil once the server is gone.
        public var room: Room? { server?.room }

        // MARK: - Coming and going

        /// The client's connection has opened.
        final func opened(_ connection: Connection) {
            id = connection.id
            let handshake = details?.handshake.take()
            // There was nothing else about it.
            if handshake != nil, details?.knownAddress == nil { details = nil }
            server?.clientDidJoin(self, after: handshake)
        }

        /// The client's connection is closed. If it has never opened, there never was a client.
        final func closed(reason: CloseReason) {
            if id == .none {
                details?.handshake = nil
                server?.handshakeDidFail(from: details?.knownAddress, reason: reason)
            } else {
                server?.clientDidLeave(self, reason: reason)
            }
        }

        /// What a client is told that is closed for its silence, without its newline.
        final var farewellAfterSilence: String { "goodbye: nothing has come from you for too long" }

        /// Counts a line that was too long. Returns whether it was the third within a minute.
        final func isOneTooManyLongLines() -> Bool {
            let now = ContinuousClock.now
            let details = makeDetails()
            details.longLines = details.longLines.filter { $0.duration(to: now) < .seconds(60) } + [now]
            return details.longLines.count >= 3
        }
    }
}
