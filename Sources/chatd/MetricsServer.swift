import ChatReactor
import ReactorWeb

/// Serves the daemon's metrics over HTTP, and whether it is healthy and ready.
///
/// | path | response |
/// |---|---|
/// | `/metrics` | the metrics, for Prometheus |
/// | `/healthz` | 200 as long as the loop turns |
/// | `/readyz` | 200 while clients are accepted, and 503 once the daemon is ending, or while its chat does not reach the other servers |
///
/// There is no password: the address is to be one that only those reach who may see this.
final class MetricsServer {
    private let server: ChatServer
    private let certificates: ServerCertificates?
    private let isStopping: () -> Bool
    private let process = ProcessStatistics()

    init(of server: ChatServer, certificates: ServerCertificates?, isStopping: @escaping () -> Bool) {
        self.server = server
        self.certificates = certificates
        self.isStopping = isStopping
    }

    /// Serves at an address, until the loop is closed.
    ///
    /// - Throws: What `EventLoop.listen` does.
    func listen(on address: SocketAddress, permissions: UnixPermissions) throws(Errno) -> Listener {
        serve(
            try server.loop.listen(on: address, options: Self.options, permissions: permissions, makeHandler: makeHandler))
    }

    /// Serves at a socket that was passed to the daemon.
    ///
    /// - Throws: What `EventLoop.listen(adopting:)` does.
    func listen(adopting socket: consuming OwnedDescriptor) throws(Errno) -> Listener {
        serve(try server.loop.listen(adopting: socket, options: Self.options, makeHandler: makeHandler))
    }

    private static var options: Connection.Options { HTTPHandler.connectionOptions }

    private func makeHandler() -> any ConnectionHandler {
        HTTPHandler(respondingLater: { [self] request, send in
            guard let group = server.group, isAboutAllLoops(request) else {
                return send(response(to: request, ServerFigures(of: server)))
            }
            ServerFigures.collect(of: group, on: server.loop.remote) { [self] figures in send(response(to: request, figures)) }
        })
    }

    private func isAboutAllLoops(_ request: HTTPRequest) -> Bool {
        request.path == "/metrics" || request.path == "/readyz" && Cluster.figures(of: server) != nil
    }

    private func serve(_ listener: Listener) -> Listener {
        // Out of descriptors is when an operator looks.
        listener.servesFromReserve = true
        return listener
    }

    private func response(to request: HTTPRequest, _ figures: @autoclosure () -> ServerFigures) -> HTTPResponse {
        switch request.path {
        case "/metrics": metrics(figures())
        case "/healthz": HTTPResponse(.ok)
        case "/readyz":
            isStopping() || figures().cluster?.isReady == false ? HTTPResponse(.serviceUnavailable) : HTTPResponse(.ok)
        default: HTTPResponse(.notFound)
        }
    }

    private func metrics(_ figures: ServerFigures) -> HTTPResponse {
        let source = Metric.Source(
            figures: figures, certificates: certificates, process: process?.read())
        var text = PrometheusText()
        for metric in Metric.all { text.write(metric.name, metric.kind, help: metric.help, metric.samples(source)) }
        return HTTPResponse(text.text, type: PrometheusText.contentType)
    }
}
