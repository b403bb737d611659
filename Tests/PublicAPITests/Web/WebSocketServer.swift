import ChatReactor
import ReactorWeb
import TestSupport
import Testing

/// A server on a loop that accepts every WebSocket at `/ws`, with one handler for all.
final class WebSocketServer {
    let loop: EventLoop
    let handler: any ConnectionHandler
    private let makeHandler: () -> HTTPHandler
    private let listener: Listener
    var port: UInt16 { listener.address.port ?? 0 }

    init(
        _ handler: any ConnectionHandler, options: Connection.Options = .init(), subprotocols: [String] = [],
        pingInterval: Duration? = nil, readSize: Int = 65_536
    ) throws {
        loop = try EventLoop(configuration: .with { $0.readSize = readSize })
        self.handler = handler
        makeHandler = {
            HTTPHandler { request in
                if request.path != "/ws" { return HTTPResponse(.notFound) }
                return .webSocket(for: request, options: options, subprotocols: subprotocols, pingInterval: pingInterval) { _ in
                    handler
                }
            }
        }
        listener = try loop.listen(on: .loopback(port: 0), options: HTTPHandler.connectionOptions, makeHandler: makeHandler)
    }

    deinit { loop.close() }

    /// A peer whose WebSocket is accepted.
    func connect(fields: [String] = []) throws -> WebSocketPeer {
        let peer = try ask(WebSocketPeer.request(fields: fields))
        let webSocket = WebSocketPeer(peer)
        try loop.run(until: "accepted") { peer.text.contains("\r\n\r\n") }
        _ = webSocket.frames
        try #require(webSocket.head.hasPrefix("HTTP/1.1 101 "))
        return webSocket
    }

    /// A peer that has sent something. Its pieces reach the server as they are sent.
    func ask(_ text: String) throws -> Peer {
        let (near, peer) = try socketPair()
        try loop.adopt(
            socket: OwnedDescriptor(takingOver: near), options: HTTPHandler.connectionOptions, handler: makeHandler())
        try peer.send(text)
        return peer
    }

    /// Turns until a peer has got so many frames, and returns these.
    func frames(_ count: Int, of webSocket: WebSocketPeer, sourceLocation: SourceLocation = #_sourceLocation) throws
        -> [WebSocketPeer.Frame]
    {
        try loop.run(until: "\(count) frames", sourceLocation: sourceLocation) { (webSocket.frames?.count ?? .max) >= count }
        return try #require(webSocket.frames, sourceLocation: sourceLocation)
    }
}

/// Sends back what comes, without knowing what its peer speaks.
final class EchoingHandler: ConnectionHandler {
    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        messages.forEach { connection.sendMessage($0) }
    }
}

/// Sends back the messages of a WebSocket as they are.
final class EchoingMessages: WebSocketMessageHandler {
    func connection(_ connection: Connection, didReceive message: Span<UInt8>, as kind: WebSocketMessageKind) {
        if kind == .text { connection.sendMessage(message) } else { connection.sendBinaryMessage(message) }
    }
}
