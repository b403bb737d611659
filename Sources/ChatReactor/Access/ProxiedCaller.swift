import Reactor

/// A connection from one of the proxies, until it has said for whom it is. It is no client yet.
final class ProxiedCaller: ConnectionHandler {
    private weak let server: ChatServer?
    private let proxy: SocketAddress

    init(of server: ChatServer, by proxy: SocketAddress) {
        self.server = server
        self.proxy = proxy
    }

    /// The header alone, and in time.
    static let connectionOptions: Connection.SharedOptions = {
        var options = Connection.Options()
        options.framing = ProxyHeader.Frame()
        options.batchesMessages = false
        options.firstMessageTimeout = .seconds(10)
        return Connection.SharedOptions(options)
    }()

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        guard let server, !server.isShuttingDown else { return connection.close(reason: .shutdown) }
        guard let header = messages.withMessage(at: 0, { ProxyHeader($0) }) else {
            return connection.close(reason: .malformedMessage)
        }
        let caller = if case .caller(let address) = header { address } else { proxy }
        switch server.admission(of: caller, isProxied: true) {
        case .admit(let client, let options): connection.handOver(to: client, options: options)
        case .reject(let line):
            connection.send(line)
            connection.finish()
        }
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        switch reason {
        case .malformedMessage, .incompleteMessage, .firstMessageTimedOut: server?.didRefuse(proxy, because: .badProxyHeader)
        // Nothing was wrong with the header, or there was none: some proxies only see whether they can connect.
        default: break
        }
    }
}
