import ChatReactor
import ReactorWeb

/// Serves the daemon's metrics over HTTP, and whether it is healthy and ready.
///
/// | path | response |
/// |---|---|
/// | `/metrics` | the metrics, for Prometheus |
/// | `/healthz` | 200 as long as the loop turns |
/// | `/readyz` | 200 while clients are accepted, and 503 once the daemon is ending |
///
/// There is no password: the address is to be one that only those reach who may see this.
final class MetricsServer {
    private let server: ChatServer
    private let isStopping: () -> Bool
    private let process = ProcessStatistics()

    init(of server: ChatServer, isStopping: @escaping () -> Bool) {
        self.server = server
        self.isStopping = isStopping
    }

    /// Serves at an address, until the loop is closed.
    ///
    /// - Throws: What `EventLoop.listen` does.
    func listen(on address: SocketAddress, permissions: UnixPermissions) throws(Errno) -> Listener {
        let options = HTTPHandler.connectionOptions
        let listener = try server.loop.listen(on: address, options: options, permissions: permissions) { [self] in
            HTTPHandler { [self] request in response(to: request) }
        }
        // Out of descriptors is when an operator looks.
        listener.servesFromReserve = true
        return listener
    }

    private func response(to request: HTTPRequest) -> HTTPResponse {
        switch request.path {
        case "/metrics": HTTPResponse(metrics(), type: PrometheusText.contentType)
        case "/healthz": HTTPResponse(.ok)
        case "/readyz": isStopping() ? HTTPResponse(.serviceUnavailable) : HTTPResponse(.ok)
        default: HTTPResponse(.notFound)
        }
    }

    private func metrics() -> String {
        let source = Metric.Source(server, process?.read())
        var text = PrometheusText()
        for metric in Metric.all { text.write(metric.name, metric.kind, help: metric.help, metric.samples(source)) }
        return text.text
    }
}
