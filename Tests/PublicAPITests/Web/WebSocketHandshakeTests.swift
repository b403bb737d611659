import ChatReactor
import ReactorWeb
import TestSupport
import Testing

/// What a request for a WebSocket is answered with (RFC 6455, 4.2).
struct WebSocketHandshakeTests {
    @Test func theExampleOfTheRFC() throws {
        let server = try WebSocketServer(EchoingHandler())
        let head = try server.connect().head
        #expect(head.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
        for line in ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: \(WebSocketPeer.accept)"] {
            #expect(head.hasLine(line), "\(head)")
        }
        #expect(!head.contains("Content-Length") && !head.contains("Sec-WebSocket-Protocol"))
    }

    @Test func theFirstSubprotocolOfTheClientThatIsSpokenIsAgreedOn() throws {
        let server = try WebSocketServer(EchoingHandler(), subprotocols: ["b", "c"])
        #expect(try server.connect(fields: ["Sec-WebSocket-Protocol: a, c, b"]).head.hasLine("Sec-WebSocket-Protocol: c"))
        #expect(
            try server.connect(fields: ["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: b"]).head.hasLine(
                "Sec-WebSocket-Protocol: b"))
        #expect(try !server.connect(fields: ["Sec-WebSocket-Protocol: a"]).head.contains("Sec-WebSocket-Protocol"))
        #expect(try !server.connect().head.contains("Sec-WebSocket-Protocol"))
    }

    /// Each differs from a request that is accepted in one line.
    @Test(arguments: [
        ("Upgrade: websocket", "Upgrade: h2c", 426), ("Upgrade: websocket", "X: y", 426),
        ("Connection: keep-alive, Upgrade", "Connection: keep-alive", 426),
        ("Connection: keep-alive, Upgrade", "Connection: close, Upgrade", 400),
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", 426),
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8", 426),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "X: y", 400),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===", 400),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA=", 400),
        ("GET /ws HTTP/1.1", "HEAD /ws HTTP/1.1", 400), ("GET /ws HTTP/1.1", "GET /ws HTTP/1.0", 400),
        ("GET /ws HTTP/1.1", "POST /ws HTTP/1.1", 405), ("GET /ws HTTP/1.1", "GET /other HTTP/1.1", 404),
    ])
    func refused(_ line: String, _ instead: String, _ status: Int) throws {
        let server = try WebSocketServer(EchoingHandler())
        let request = WebSocketPeer.request()
        #expect(request.contains(line + "\r\n"))
        let peer = try server.ask(request.replacing(line + "\r\n", with: instead + "\r\n"))
        peer.shutDownSending()
        try server.loop.run(until: "ended") { peer.hasEnded }
        let isHead = instead.hasPrefix("HEAD")
        let answer = try #require(HTTPAnswer.all(in: peer.text, heads: isHead ? [0] : [])?.first)
        #expect(answer.status == status)
        if status == 426 { #expect(answer.fields["sec-websocket-version"] == "13" && answer.fields["upgrade"] == "websocket") }
    }

    @Test func wordsMayBeWrittenInAnyCase() throws {
        let server = try WebSocketServer(EchoingHandler())
        let request = WebSocketPeer.request().replacing("websocket\r\n", with: "WebSocket\r\n").replacing(
            "keep-alive, Upgrade", with: "UPGRADE")
        let peer = try server.ask(request)
        try server.loop.run(until: "accepted") { peer.text.hasPrefix("HTTP/1.1 101 ") }
    }

    /// What a client sends without waiting for the answer is not lost.
    @Test func framesBehindTheRequest() throws {
        let server = try WebSocketServer(EchoingHandler())
        let peer = try server.ask(WebSocketPeer.request())
        try peer.send(WebSocketPeer.Frame.text("early").bytes())
        #expect(try server.frames(1, of: WebSocketPeer(peer)) == [.text("early")])
    }

    @Test func theHandlerIsToldWhatItWouldBeOfLines() throws {
        let handler = RecordingHandler()
        let server = try WebSocketServer(handler)
        let webSocket = try server.connect()
        #expect(server.loop.connections.map { $0.handler === handler } == [true])
        try webSocket.send(.text("one"))
        try server.loop.run(until: "received") { handler.texts == ["one"] }
        try webSocket.send(.close(1000))
        try server.loop.run(until: "closed") { webSocket.peer.hasEnded }
        webSocket.peer.close()
        try server.loop.run(until: "told") { !handler.closeReasons.isEmpty }
        #expect(handler.events.filter { $0 != .drained } == [.opened, .received("one"), .closed(.endOfInput)])
    }

    @Test(
        arguments: [
            (nil, true), ("http://test", true), ("https://test", true), ("https://TEST", true), ("http://test:80", true),
            ("https://test:80", false), ("http://test:8080", false),
            ("http://other", false), ("null", false), ("", false), ("http://", false), ("http://test.example.org", false),
        ] as [(String?, Bool)])
    func pagesOfOtherSites(_ origin: String?, _ isSame: Bool) throws {
        var reader = HTTPRequestReader()
        var request: HTTPRequest?
        for line in ["GET / HTTP/1.1", "Host: test"] + (origin.map { ["Origin: \($0)"] } ?? []) + [""] {
            request = try reader.receive(line.utf8.span)
        }
        #expect(request?.isFromSameOrigin == isSame)
    }
}
