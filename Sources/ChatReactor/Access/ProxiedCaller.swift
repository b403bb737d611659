import Reactor

/// A connection from one of the proxies, until it has said for whom it is. It is no client yet.
final class ProxiedCaller: ConnectionHandler {
    private weak let server: ChatServer?
    private let proxy: SocketAddress
    /// Decides about whom the proxy has named.
    private let judge: (SocketAddress) -> EventLoop.Admission
    /// Whether the proxy has connected for itself, to see whether the server is there. That is no client, and is not heard: it would come and go
    /// in a chat every second.
    private var isLocal = false
    private var isOpen = false

    init(of server: ChatServer, by proxy: SocketAddress, judge: @escaping (SocketAddress) -> EventLoop.Admission) {
        self.server = server
        self.proxy = proxy
        self.judge = judge
    }

    /// The header alone, and in time.
    static let connectionOptions: Connection.SharedOptions = {
        var options = Connection.Options()
        options.framing = ProxyHeader.Frame()
        options.batchesMessages = false
        options.firstMessageTimeout = .seconds(10)
        return Connection.SharedOptions(options)
    }()

    private static let localOptions: Connection.SharedOptions = {
        var options = Connection.Options()
        options.framing = .chunks
        options.idleTimeout = .seconds(60)
        return Connection.SharedOptions(options)
    }()

    func connectionDidOpen(_ connection: Connection) {
        isOpen = true
    }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        guard let server, !server.isShuttingDown else { return connection.close(reason: .shutdown) }
        if isLocal { return }
        switch messages.withMessage(at: 0, { ProxyHeader($0) }) {
        case .caller(let address): admit(address, over: connection)
        case .unknown: admit(proxy, over: connection)
        case .local:
            isLocal = true
            connection.handOver(to: self, options: Self.localOptions)
        case nil: connection.close(reason: .malformedMessage)
        }
    }

    /// Hands the connection over to a client that comes from an address, or tells the caller why not.
    private func admit(_ caller: SocketAddress, over connection: Connection) {
        switch judge(caller) {
        case .admit(let client, let options): connection.handOver(to: client, options: options)
        case .reject(let line):
            connection.send(line)
            connection.finish()
        }
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        if isLocal { return }
        if !isOpen { return server?.handshakeDidFail(from: proxy, reason: reason) ?? () }
        switch reason {
        case .malformedMessage, .incompleteMessage, .firstMessageTimedOut: server?.didRefuse(proxy, because: .badProxyHeader)
        // Nothing was wrong with the header, or there was none: some proxies only see whether they can connect.
        default: break
        }
    }
}
