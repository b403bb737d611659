public import Reactor

/// How a server accepts a WebSocket (RFC 6455, 4.2).
extension HTTPResponse {
    /// Accepts a WebSocket, if that is what the request asks for, and hands the connection over to a handler. A request that asks for anything else, or
    /// not as RFC 6455 has it, is answered with why.
    ///
    /// ```swift
    /// final class Echo: ConnectionHandler {
    ///     func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
    ///         messages.forEach { connection.sendMessage($0) }
    ///     }
    /// }
    ///
    /// try loop.listen(on: .loopback(port: 8080), options: HTTPHandler.connectionOptions) {
    ///     HTTPHandler { request in
    ///         request.path == "/ws" ? .webSocket(for: request) { _ in Echo() } : HTTPResponse(.notFound)
    ///     }
    /// }
    /// ```
    ///
    /// The handler need not know that its peer is a WebSocket: it gets texts as lines, in batches or each alone as its options say, and what
    /// it sends by `Connection.sendMessage` is a text. A text in which there are line ends is several lines, or, for a handler that gets each
    /// message alone, one line with spaces in their place. A message of bytes closes the connection. What is sent by `Connection.send` is for
    /// those alone who make frames themselves. A handler that is a ``WebSocketMessageHandler`` gets the messages as they are.
    ///
    /// `Connection.finish` sends a Close frame last. Its code says why: 1000 (normal), 1001 if the server shuts down, 1009 for a message that was
    /// too long, and so on.
    ///
    /// Any page can have its visitor's browser open a WebSocket to any server. Where that matters, look at the request's `Origin` first, as
    /// ``HTTPRequest/isFromSameOrigin`` does.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - options: The settings of the connection from now on. The framing does not count, and the transport stays.
    ///   - subprotocols: The subprotocols that are spoken. The first of the client's that is among them is agreed on.
    ///   - pingInterval: How long the peer may be silent, before it is asked whether it is there; one that does not answer within as long is closed, with
    ///     the reason `idleTimedOut`. With nil nobody is asked.
    ///   - makeHandler: Makes the connection's handler, which is told that it opens. It is given the subprotocol that was agreed on, if any was.
    public static func webSocket(
        for request: HTTPRequest, options: Connection.Options = .init(), subprotocols: [String] = [],
        pingInterval: Duration? = .seconds(30), makeHandler: @escaping (_ subprotocol: String?) -> any ConnectionHandler
    ) -> HTTPResponse {
        let options = Connection.SharedOptions(WebSocketHandler.connectionOptions(options, role: .server))
        return webSocket(for: request, subprotocols: subprotocols, pingInterval: pingInterval) {
            (makeHandler($0), options)
        }
    }

    /// Does the same with options that several connections share.
    ///
    /// - Parameters:
    ///   - refusal: Makes the response to somebody who is not let in. It is asked about requests alone that are to be accepted.
    ///   - makeHandler: Makes the handler, and says which options its connection has, the framing of which must be that of WebSocket.
    package static func webSocket(
        for request: HTTPRequest, subprotocols: [String], pingInterval: Duration?,
        refusal: () -> HTTPResponse? = { nil },
        makeHandler: @escaping (_ subprotocol: String?) -> (any ConnectionHandler, Connection.SharedOptions)
    ) -> HTTPResponse {
        guard request.fields.lists("websocket", in: "Upgrade"), request.fields.lists("upgrade", in: "Connection") else {
            return upgradeRequired("this is for a WebSocket")
        }
        guard request.method == .get, !request.closesConnection else {
            return HTTPResponse("a WebSocket begins with GET, in HTTP/1.1\n", status: .badRequest)
        }
        guard request.values(of: "Sec-WebSocket-Version") == ["13"] else { return upgradeRequired("the version must be 13") }
        let keys = request.values(of: "Sec-WebSocket-Key")
        guard keys.count == 1, Base64.isEncoding(keys[0], ofCount: 16) else {
            return HTTPResponse("a malformed Sec-WebSocket-Key\n", status: .badRequest)
        }
        if let refusal = refusal() { return refusal }
        let subprotocol = request.words(of: "Sec-WebSocket-Protocol").map(String.init).first(where: subprotocols.contains)
        var response = HTTPResponse(.switchingProtocols)
        response.content = []
        response.fields = [
            ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", WebSocketKey.answer(to: keys[0])),
        ]
        if let subprotocol { response.fields.append(("Sec-WebSocket-Protocol", subprotocol)) }
        response.upgrade = { connection in
            let (handler, options) = makeHandler(subprotocol)
            let session = WebSocketHandler(handler, role: .server, options: options.value, pingInterval: pingInterval)
            connection.handOver(to: session, options: options)
        }
        return response
    }

    private static func upgradeRequired(_ reason: String) -> HTTPResponse {
        var response = HTTPResponse("\(reason)\n", status: .upgradeRequired)
        response.fields += [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13")]
        return response
    }
}

extension HTTPRequest {
    /// Whether no page of another site has caused the request, as far as browsers say: its `Origin` is the host that was asked, or there is
    /// none, as from a program that is no browser.
    ///
    /// A host is compared with its port, and its scheme is not: behind a proxy that speaks TLS, the server does not know it. A page whose name was made to
    /// mean this machine (DNS rebinding) passes for its own host: where that matters, look at the host, too.
    public var isFromSameOrigin: Bool {
        let origins = values(of: "Origin")
        if origins.isEmpty { return true }
        guard origins.count == 1, let host = values(of: "Host").first,
            let start = origins[0].utf8.firstRange(of: "://".utf8)?.upperBound
        else { return false }
        // Both may name the port that the scheme has anyway.
        let port = origins[0].lowercased().hasPrefix("https:") ? ":443" : ":80"
        let origin = Substring(origins[0].utf8[start...]).withoutSuffix(port)
        return !host.isEmpty && origin.utf8.elementsEqualIgnoringCase(host[...].withoutSuffix(port).utf8)
    }
}

extension Substring {
    fileprivate func withoutSuffix(_ suffix: String) -> Substring { hasSuffix(suffix) ? dropLast(suffix.count) : self }
}

/// What a server makes of the key of a client, to show that it has understood it as a WebSocket's.
package enum WebSocketKey {
    /// 16 random bytes, as text.
    package static func random() -> String { Base64.encode((0..<16).map { _ in .random(in: 0...UInt8.max) }) }

    static func answer(to key: String) -> String {
        Base64.encode(SHA1.hash(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
    }
}
