import ChatReactor
import ReactorWeb
import TestSupport
import Testing

/// A client of WebSocket: against the library's server, and against servers that are written here.
struct WebSocketClientTests {
    @Test func aClientAndAServer() throws {
        let server = try WebSocketServer(EchoingHandler(), subprotocols: ["b"])
        let handler = RecordingHandler()
        handler.onOpen = { $0.sendMessage("olá") }
        let connection = try server.loop.connectWebSocket(
            to: .loopback(port: server.port), host: "localhost:\(server.port)", path: "/ws", subprotocols: ["a", "b"],
            handler: handler)
        try server.loop.run(until: "answered") { handler.texts == ["olá"] }
        #expect(connection.handler === handler)
        connection.finish()
        try server.loop.run(until: "closed") { handler.closeReasons == [.requested] && server.loop.connectionCount == 0 }
    }

    /// What a client sends is masked, each time by another number.
    @Test func frames() throws {
        let server = try Answering { request in
            let key = try WebSocketClientTests.key(of: request)
            return "HTTP/1.1 101 Yes\r\nupgrade: WebSocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: \(key)\r\n\r\n"
        }
        let handler = RecordingHandler()
        handler.onOpen = { connection in
            for _ in 0..<2 { connection.sendMessage("same") }
            connection.sendBinaryMessage([1, 2].span)
        }
        try server.connect(handler)
        try server.loop.run(until: "sent") { server.received.count == 3 * 6 + 4 + 4 + 2 }
        let bytes = server.received
        #expect(bytes[0] == 0x81 && bytes[1] == 0x84 && bytes[10] == 0x81 && bytes[20] == 0x82)
        let contents = [bytes[2..<10], bytes[12..<20]].map { frame in
            frame.dropFirst(4).enumerated().map { $1 ^ frame[frame.startIndex + $0 % 4] }
        }
        #expect(contents == [Array("same".utf8), Array("same".utf8)])
        #expect(bytes[2..<6] != bytes[12..<16])
        // A server does not mask.
        try server.send(WebSocketPeer.Frame.text("from the server").bytes(mask: nil))
        try server.loop.run(until: "received") { handler.texts == ["from the server"] }
        try server.send(WebSocketPeer.Frame.text("masked").bytes())
        try server.loop.run(until: "refused") { handler.closeReasons == [.malformedMessage] }
        #expect(handler.texts == ["from the server"])
    }

    @Test(arguments: [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "the server has answered '403 Forbidden'"),
        ("HTTP/1.1 200 OK\r\nUpgrade: websocket\r\n\r\n", "the server has answered '200 OK'"),
        ("SSH-2.0-OpenSSH\r\n", "this is no server of HTTP/1.1"),
        ("HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n", "not understood"),
        ("HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\n\r\n", "not understood"),
        (
            "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\nSec-WebSocket-Extensions: x\r\n\r\n",
            "not understood"
        ),
        (
            "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\nSec-WebSocket-Protocol: other\r\n\r\n",
            "subprotocols"
        ),
        ("HTTP/1.1 101 Yes\r\nno colon\r\n\r\n", "malformed"),
        ("HTTP/1.1 101 Yes\r\n" + String(repeating: "a: b\r\n", count: 2_000), "too long"),
        ("HTTP/1.1 101 " + String(repeating: "a", count: 10_000), "too long"),
    ])
    func serversThatAreNone(_ answer: String, _ reason: String) throws {
        let server = try Answering { answer.replacing("KEY", with: try WebSocketClientTests.key(of: $0)) }
        let handler = RecordingHandler()
        try server.connect(handler)
        try server.loop.run(until: "given up") { !handler.closeReasons.isEmpty }
        #expect(handler.count(of: .opened) == 0)
        #expect("\(handler.closeReasons)".contains(reason), "\(handler.closeReasons)")
    }

    @Test func aServerThatSaysNothing() throws {
        let server = try Answering { _ in "" }
        let handler = RecordingHandler()
        try server.connect(handler, deadline: .now + .milliseconds(50))
        try server.loop.run(until: "given up") { handler.closeReasons == [.connectTimedOut] }
    }

    @Test func aServerThatCloses() throws {
        let server = try Answering { _ in nil }
        let handler = RecordingHandler()
        try server.connect(handler)
        try server.loop.run(until: "given up") { "\(handler.closeReasons)".contains("closed without an answer") }
        #expect(handler.count(of: .opened) == 0)
    }

    @Test(arguments: [("a b", "/"), ("", "/"), ("a", ""), ("a", "x"), ("a", "/ x"), ("a\r\nX: y", "/"), ("a", "/\r\n")])
    func whatWouldBeAnotherRequest(_ host: String, _ path: String) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        #expect(throws: Errno.invalidArgument) {
            try loop.connectWebSocket(to: .loopback(port: 1), host: host, path: path, handler: RecordingHandler())
        }
    }

    /// What a server has to say in `Sec-WebSocket-Accept`.
    private static func key(of request: String) throws -> String {
        var reader = HTTPRequestReader()
        for line in request.split(separator: "\r\n", omittingEmptySubsequences: false) {
            guard let request = try reader.receive(line.utf8.span) else { continue }
            let fields = HTTPResponse.webSocket(for: request) { _ in EchoingHandler() }.fields
            return try #require(fields.first { $0.name == "Sec-WebSocket-Accept" }).value
        }
        throw Errno.invalidArgument
    }
}

/// A server that answers one request with what a test wants, and keeps what follows it.
private final class Answering: ConnectionHandler {
    let loop: EventLoop
    private var listener: Listener?
    private let answer: (String) throws -> String?
    private var request: [UInt8] = []
    private var hasAnswered = false
    private(set) var received: [UInt8] = []
    private weak var connection: Connection?

    /// - Parameter answer: The answer to a request. Nil closes the connection.
    init(_ answer: @escaping (String) throws -> String?) throws {
        loop = try EventLoop()
        self.answer = answer
        listener = try loop.listen(on: .loopback(port: 0), options: .framed(.chunks), handler: self)
    }

    deinit { loop.close() }

    func connect(_ handler: any ConnectionHandler, deadline: ContinuousClock.Instant? = nil) throws {
        let address = try #require(listener?.address)
        try loop.connectWebSocket(to: address, host: "test", path: "/", subprotocols: [], deadline: deadline, handler: handler)
    }

    func send(_ bytes: [UInt8]) throws { try #require(connection).send(bytes.span) }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        self.connection = connection
        messages.forEach { if hasAnswered { received += array($0) } else { request += array($0) } }
        guard !hasAnswered, request.suffix(4).elementsEqual("\r\n\r\n".utf8) else { return }
        hasAnswered = true
        guard let text = try? answer(String(decoding: request, as: UTF8.self)) else { return connection.finish() }
        connection.send(text)
    }
}
