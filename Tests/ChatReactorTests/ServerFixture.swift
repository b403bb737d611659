import ChatReactor
import Glibc
import Reactor
import TestSupport
import Testing

/// A server on a port of its own, in the thread of the test, and what has happened at it.
final class ServerFixture {
    let loop: EventLoop
    let server: ChatServer
    let port: UInt16
    private let log = Log()
    private var clients: [Client] = []

    /// Why connections were closed.
    var reasons: [Connection.ID: CloseReason] { log.reasons }
    /// Every message that was relayed, as it went over the wire, and who had sent it.
    var relayed: [(sender: Connection.ID, message: [UInt8])] { log.relayed }

    init(_ configure: (inout ChatServer.Configuration) -> Void = { _ in }) throws {
        var configuration = ChatServer.Configuration()
        configure(&configuration)
        loop = try EventLoop()
        server = try ChatServer(on: loop, configuration: configuration)
        port = try #require(try server.listen(on: .loopback(port: 0)).address.port)
        server.addObserver(log)
    }

    deinit {
        loop.close()
    }

    /// Has a client connect, and be accepted.
    ///
    /// - Parameters:
    ///   - source: The address of this machine that the client comes from: 127.0.0.1 if nil.
    ///   - caller: Where it comes from, as it says in the place of a proxy.
    func join(receiveBuffer: Int32? = nil, from source: SocketAddress? = nil, for caller: String? = nil) throws -> Client {
        let count = log.accepted.count
        let socket =
            try source.map { try Peer(to: .loopback(port: port), from: $0) } ?? Peer(port: port, receiveBuffer: receiveBuffer)
        if let caller { try socket.send("PROXY TCP4 \(caller) 127.0.0.1 1 1\r\n") }
        try loop.run(until: { log.accepted.count > count })
        let client = Client(socket, id: try #require(log.accepted.last))
        clients.append(client)
        return client
    }

    func join(_ count: Int) throws -> [Client] {
        try (0..<count).map { _ in try join() }
    }

    /// Runs the loop, and has every client that reads take what comes, until the condition holds.
    func run(until condition: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let isMet = {
            for client in self.clients where client.reads { client.read() }
            return condition()
        }
        try loop.run(until: isMet, sourceLocation: sourceLocation)
    }

    /// Runs until everything that was sent up to now has arrived: then the clients have got what they get, and nothing more.
    ///
    /// Each of them is sent a last line, which is taken off again.
    func settle(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let mark = "settled \(UInt64.random(in: 0 ... .max))\n"
        // What the clients' sockets hold has been read once two waits in a row have found nothing.
        var quiet = 0
        while quiet < 2 {
            let count = relayed.count
            for _ in 0..<3 { try loop.runOnce(waitingAtMost: .milliseconds(2)) }
            quiet = relayed.count == count ? quiet + 1 : 0
        }
        server.announce(String(mark.dropLast()))
        let open = clients.filter { $0.reads && !$0.isAtEnd && server.loop.connection($0.id)?.isFinishing == false }
        try run(until: { open.allSatisfy { $0.text.hasSuffix(mark) || $0.isAtEnd } }, sourceLocation: sourceLocation)
        for client in open { client.takeOff(mark) }
    }

    private final class Log: ChatServerObserver {
        var accepted: [Connection.ID] = []
        var reasons: [Connection.ID: CloseReason] = [:]
        var relayed: [(sender: Connection.ID, message: [UInt8])] = []

        func server(_ server: ChatServer, didAccept client: ChatServer.Client) {
            accepted.append(client.id)
        }

        func server(
            _ server: ChatServer, didRelay messages: borrowing MessageBatch, in range: Range<Int>, from client: ChatServer.Client
        ) {
            for index in range {
                let message = messages.withWireBytes(in: index..<index + 1) { bytes in
                    unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
                }
                relayed.append((client.id, message))
            }
        }

        func server(_ server: ChatServer, didClose client: ChatServer.Client, reason: CloseReason) {
            reasons[client.id] = reason
        }
    }
}

/// A client of the server under test, which never blocks the loop's thread by waiting for something to come.
final class Client {
    let socket: Peer
    /// The server's name for it.
    let id: Connection.ID
    /// Whether it takes what comes.
    var reads = true

    init(_ socket: Peer, id: Connection.ID) {
        self.socket = socket
        self.id = id
    }

    var received: [UInt8] { socket.received }
    var isAtEnd: Bool { socket.isAtEnd || socket.readFailure != nil }
    var text: String { String(decoding: received, as: UTF8.self) }

    var lines: [String] { text.split(separator: "\n").map(String.init) }

    func send(_ text: String) throws { try socket.send(text) }

    func send(_ bytes: [UInt8]) throws { try socket.send(bytes) }

    func read() { socket.read() }

    func takeOff(_ mark: String) {
        if text.hasSuffix(mark) { socket.dropLast(mark.utf8.count) }
    }
}

/// As `==`, which takes seconds for long arrays where it is not optimized, and then again to print them.
func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    unsafe left.count == right.count && memcmp(left, right, left.count) == 0
}
