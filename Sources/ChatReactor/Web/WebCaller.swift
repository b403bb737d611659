import Reactor
import ReactorWeb

/// Who has come to a listener for the web: a browser that loads the page, or asks for a WebSocket. It becomes a client by the latter.
final class WebCaller {
    private weak let server: ChatServer?
    private let configuration: ChatServer.WebConfiguration
    /// From where it comes, as far as that is known without reading what it sends.
    private let address: SocketAddress
    /// The proxy that has said so by the PROXY protocol.
    private let proxy: SocketAddress?
    /// Counts towards the limits until the caller is a client: then nothing refers to this any more.
    private let handshake: PendingHandshake?

    init(
        from address: SocketAddress, by proxy: SocketAddress?, to server: ChatServer,
        _ configuration: ChatServer.WebConfiguration
    ) {
        self.server = server
        self.configuration = configuration
        self.address = address
        self.proxy = proxy
        // A proxy calls for many.
        handshake = server.isWebProxy(address) ? nil : PendingHandshake(of: address, at: server.gate)
    }

    /// Makes the handler of its connection.
    func makeHandler() -> HTTPHandler {
        let handler = HTTPHandler { [self] request in response(to: request) }
        handler.didRespond = { [weak server] status in server?.tally.webResponses[status.code, default: 0] &+= 1 }
        handler.didNotOpen = { [weak server, address] reason in server?.handshakeDidFail(from: address, reason: reason) }
        return handler
    }

    private func response(to request: HTTPRequest) -> HTTPResponse {
        guard let server, !server.isShuttingDown else { return HTTPResponse(.serviceUnavailable) }
        switch request.path {
        case "/": return configuration.page.map(Self.response) ?? HTTPResponse(.notFound)
        case "/ws": return webSocket(for: request, of: server)
        case "/healthz": return HTTPResponse(.ok)
        default: return HTTPResponse(.notFound)
        }
    }

    private static func response(with page: WebPage) -> HTTPResponse {
        let (html, policy) = page.filled(with: WebSocketKey.random())
        var response = HTTPResponse("", type: "text/html; charset=utf-8")
        response.content = html
        response.fields += [
            ("Content-Security-Policy", policy), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Opener-Policy", "same-origin"), ("Cache-Control", "no-store"),
        ]
        return response
    }

    private func webSocket(for request: HTTPRequest, of server: ChatServer) -> HTTPResponse {
        var (caller, lastProxy, isEncrypted) = (address, proxy, false)
        if server.isWebProxy(address) {
            guard let forwarded = ForwardedAddress(request, isProxy: server.isWebProxy) else {
                return HTTPResponse("Forwarded and X-Forwarded-For contradict each other\n", status: .badRequest)
            }
            (caller, lastProxy, isEncrypted) = (forwarded.address ?? address, address, forwarded.isEncrypted)
        }
        let subprotocols = server.chat == nil ? ["chat.text"] : ["chat.json", "chat.text"]
        return .webSocket(
            for: request, subprotocols: subprotocols, pingInterval: configuration.pingInterval,
            refusal: { refusal(of: caller, request, by: server) }
        ) { subprotocol in
            let client = server.makeClient(form: subprotocol == "chat.json" ? .jsonFrames : .textFrames)
            if let lastProxy { client.comesByProxy(from: caller, by: lastProxy, isEncrypted: isEncrypted) }
            return (client, server.options(for: caller, by: lastProxy, as: .frames))
        }
    }

    private func refusal(of caller: SocketAddress, _ request: HTTPRequest, by server: ChatServer) -> HTTPResponse? {
        if !mayUse(request, of: server) {
            server.didRefuse(caller, because: .foreignOrigin)
            return Self.response(to: .foreignOrigin)
        }
        // Who has come by a proxy is looked at now. The others were when they were accepted, which may be a while ago.
        let refusal = server.isWebProxy(address) ? server.refusal(of: caller) : server.exclusion(of: caller)
        return refusal.map(Self.response)
    }

    private static func response(to refusal: AccessRefusal) -> HTTPResponse {
        HTTPResponse("\(refusal)\n", status: refusal.httpStatus)
    }

    /// Whether the page from which a WebSocket is asked for may do that. Otherwise any page could speak here in the name of who looks at it, from
    /// within that one's network.
    private func mayUse(_ request: HTTPRequest, of server: ChatServer) -> Bool {
        let origins = request.values(of: "Origin")
        if origins.isEmpty { return true }
        if origins.allSatisfy({ server.access.webOrigins.contains($0.lowercased()) }) { return true }
        guard request.isFromSameOrigin else { return false }
        // A page elsewhere can have its name mean this machine (DNS rebinding), and then is its own origin. By a proxy nobody comes so.
        return server.isWebProxy(address) || !address.isOnThisMachine || request.namesThisMachine
    }
}

extension HTTPRequest {
    /// Whether the host that was asked for is an address, or `localhost`.
    fileprivate var namesThisMachine: Bool {
        guard let host = values(of: "Host").first?.lowercased() else { return false }
        let name = host.hasPrefix("[") ? host.prefix { $0 != "]" }.dropFirst() : host.prefix { $0 != ":" }
        return name == "localhost" || SocketAddress(ip: String(name)) != nil
    }
}

extension AccessRefusal {
    /// The status of the response to somebody who is refused for it.
    var httpStatus: HTTPStatus {
        switch self {
        case .denied, .banned, .badProxyHeader, .foreignOrigin: .forbidden
        case .full: .serviceUnavailable
        case .tooManyFromAddress, .tooOften: .tooManyRequests
        }
    }
}
