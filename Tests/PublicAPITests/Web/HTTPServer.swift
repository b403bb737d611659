import ChatReactor
import ReactorWeb
import TestSupport
import Testing

/// A server on a loop that answers each request with what it was, and with what the test wants beside it.
final class HTTPServer {
    let loop: EventLoop
    let port: UInt16
    private(set) var paths: [String] = []
    private let makeHandler: () -> HTTPHandler

    /// - Parameter content: What the response to a path has.
    init(
        timeouts: HTTPHandler.Timeouts = .init(), readSize: Int = 65_536, _ content: @escaping (String) -> String = { "\($0)\n" }
    ) throws {
        var configuration = EventLoop.Configuration()
        configuration.readSize = readSize
        loop = try EventLoop(configuration: configuration)
        var requested: (String) -> Void = { _ in }
        makeHandler = {
            HTTPHandler(timeouts: timeouts) { request in
                requested(request.target)
                return HTTPResponse(content(request.target))
            }
        }
        let options = HTTPHandler.connectionOptions
        port = try loop.listen(on: .loopback(port: 0), options: options, makeHandler: makeHandler).address.port ?? 0
        requested = { [unowned self] in paths.append($0) }
    }

    deinit { loop.close() }

    /// Sends pieces, each when the one before has been read, and returns all that comes until the server ends the connection.
    func responses(to pieces: [[UInt8]], thenShutDown: Bool = true) throws -> String {
        let (near, peer) = try socketPair()
        let options = HTTPHandler.connectionOptions
        try loop.adopt(socket: OwnedDescriptor(takingOver: near), options: options, handler: makeHandler())
        for piece in pieces {
            try peer.send(piece)
            try loop.run(until: "read") { peer.isRead || peer.hasEnded }
        }
        if thenShutDown { peer.shutDownSending() }
        try loop.run(until: "ended by the server") { peer.hasEnded || peer.failure != nil }
        peer.shutDownSending()
        try loop.run(until: "closed by the server") { loop.connectionCount == 0 }
        return peer.text
    }

    func responses(to text: String, thenShutDown: Bool = true) throws -> String {
        try responses(to: [Array(text.utf8)], thenShutDown: thenShutDown)
    }
}
