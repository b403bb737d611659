import Reactor

/// A caller counts towards the limits from when it is accepted until this is released: when its handshake is complete, or it has gone.
final class PendingHandshake {
    private weak let server: ChatServer?
    private let origin: AddressOrigin

    init(of caller: SocketAddress, with server: ChatServer) {
        self.server = server
        origin = AddressOrigin(caller)
        server.handshakeDidBegin(from: origin)
    }

    deinit { server?.handshakeDidEnd(from: origin) }
}
