import ChatReactor
import Glibc
import TestSupport
import Testing

/// `EventLoop.Configuration.memoryLimit`: what is counted, what is refused, and who is closed.
struct MemoryLimitTests {
    private static func loop(limit: Int?) throws -> EventLoop {
        var configuration = EventLoop.Configuration()
        configuration.memoryLimit = limit
        return try EventLoop(configuration: configuration)
    }

    /// The log and its bitmap.
    private static let smallestLog = 8_192

    @Test("A log that goes over the limit by one byte is refused, and one that just fits is not", arguments: [0, 1])
    func logs(_ missing: Int) throws {
        let loop = try Self.loop(limit: 2 * Self.smallestLog - missing)
        defer { loop.close() }
        var configuration = Topic.Configuration()
        configuration.capacity = 4_096
        let first = try Topic(on: loop, configuration: configuration)
        try first.allocateLog()
        try first.allocateLog()
        #expect(loop.memoryInUse == Self.smallestLog)
        do {
            let second = try Topic(on: loop, configuration: configuration)
            if missing > 0 {
                #expect(throws: Errno.noMemory) { try second.allocateLog() }
                #expect(!second.publish("hello\n"))
            } else {
                #expect(second.publish("hello\n"))
            }
            #expect(loop.memoryInUse == (2 - missing) * Self.smallestLog)
        }
        // The memory of the second one is given back with it, at the end of the turn.
        try loop.runOnce(waitingAtMost: .zero)
        #expect(loop.memoryInUse == Self.smallestLog)
        withExtendedLifetime(first) {}
    }

    @Test("A server whose log does not fit cannot start", arguments: [false, true])
    func server(isChat: Bool) throws {
        let loop = try Self.loop(limit: 1 << 20)
        defer { loop.close() }
        var configuration = ChatServer.Configuration()
        if isChat { configuration.chat = .init(name: "tea") }
        configuration.chat?.lobbySize = (1 << 20) + 1
        #expect(throws: ChatServer.StartError.system(.noMemory)) { try ChatServer(on: loop, configuration: configuration) }
        #expect(loop.memoryInUse == 0)
    }

    @Test("A room that does not fit is refused, and those that are there go on")
    func rooms() throws {
        let loop = try Self.loop(limit: 8 << 20)
        defer { loop.close() }
        var configuration = ChatServer.Configuration()
        configuration.chat = .init(name: "tea")
        configuration.chat?.roomSize = 1 << 20
        // So that a log of lines is as long as one of records, and an eighth more.
        configuration.maximumMessageLength = 1_000
        let server = try ChatServer(on: loop, configuration: configuration)
        let port = try #require(try server.listen(on: .loopback(port: 0)).address.port)
        var people: [Peer] = []
        var refusal = ""
        for number in 0..<20 where refusal.isEmpty {
            let peer = try Peer(port: port)
            people.append(peer)
            try peer.send("/join room\(number)\n/ping\n")
            try loop.run(until: "the answer") { peer.text.contains("pong") }
            refusal = peer.lines.first { $0.contains("memory") } ?? ""
        }
        #expect(refusal.hasPrefix("! "), "\(people.last?.text ?? "")")
        // The lobby has 1 MiB of records and 2.25 for its logs in two forms; each other room 2.125.
        #expect(people.count == 3)
        #expect(loop.memoryInUse <= 8 << 20)
        try people[0].send("hello\n/ping\n")
        try loop.run(until: "the line") { people[0].lines.count { $0.contains("pong") } == 2 }
        for peer in people { peer.close() }
        try loop.run(until: "all have left") { server.clientCount == 0 }
    }

    /// Keeps what connections are closed for, and does with messages what a test likes.
    private final class Handler: ConnectionHandler {
        var opened: [Connection] = []
        var lines: [String] = []
        var reasons: [CloseReason] = []
        func connectionDidOpen(_ connection: Connection) { opened.append(connection) }
        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            for index in 0..<messages.count { lines.append(messages.text(at: index)) }
        }
        func connectionDidClose(_ connection: Connection, reason: CloseReason) { reasons.append(reason) }
    }

    @Test("Of those whose lines are not complete, the one that holds the most is closed, and the others lose nothing")
    func unfinishedLines() throws {
        let loop = try Self.loop(limit: 400_000)
        defer { loop.close() }
        let handler = Handler()
        var options = Connection.Options()
        options.maximumMessageLength = 1 << 20
        let address = try loop.listen(on: .loopback(port: 0), options: options, handler: handler).address
        let peers = try (0..<3).map { _ in try Peer(to: address) }
        try loop.run(until: "all of them") { handler.opened.count == 3 }
        let piece = String(repeating: "x", count: 50_000)
        try peers[0].send(piece)
        try peers[1].send(piece)
        try loop.run(until: "both pieces") { loop.memoryInUse >= 100_000 }
        #expect(handler.reasons == [])
        var sent = 0
        // What an array has of memory may be twice what it holds.
        while handler.reasons.isEmpty, sent < 400_000 {
            try peers[2].send(piece)
            sent += piece.utf8.count
            try loop.runOnce(waitingAtMost: .milliseconds(50))
        }
        try loop.run(until: "it is closed") { handler.reasons == [.memoryLimit] }
        #expect(loop.memoryInUse < 400_000)
        for peer in peers[..<2] { try peer.send("\n") }
        try loop.run(until: "the lines") { handler.lines.count == 2 }
        #expect(handler.lines == [piece, piece])
        #expect(loop.memoryInUse == 0)
    }

    @Test("Of those that do not read, the one for which the most waits is closed")
    func waitingOutput() throws {
        let loop = try Self.loop(limit: 2_000_000)
        defer { loop.close() }
        let handler = Handler()
        var options = Connection.Options()
        options.maximumPendingOutput = 1 << 30
        let address = try loop.listen(on: .loopback(port: 0), options: options, handler: handler).address
        let peers = try (0..<2).map { _ in try Peer(to: address, receiveBuffer: 4_096) }
        try loop.run(until: "both of them") { handler.opened.count == 2 }
        let piece = String(repeating: "x", count: 99_999) + "\n"
        for _ in 0..<5 { handler.opened[0].send(piece) }
        var count = 0
        while handler.reasons.isEmpty, count < 60 {
            handler.opened[1].send(piece)
            count += 1
            try loop.runOnce(waitingAtMost: .zero)
        }
        #expect(handler.reasons == [.memoryLimit])
        #expect(handler.opened[0].isOpen && !handler.opened[1].isOpen)
        var received = 0
        try loop.run(until: "all for the other") {
            received += peers[0].receiveAvailable()?.count ?? 0
            return received == 500_000
        }
        try loop.run(until: "nothing waits") { loop.memoryInUse == 0 }
        withExtendedLifetime(peers) {}
    }

    @Test("What somebody held who has just been closed does not count against the others, nor is closed what is not to be")
    func closedInTheSameTurn() throws {
        let loop = try Self.loop(limit: 400_000)
        defer { loop.close() }
        let handler = Handler()
        var options = Connection.Options()
        options.maximumMessageLength = 1 << 20
        let address = try loop.listen(on: .loopback(port: 0), options: options, handler: handler).address
        options.closesAtMemoryLimit = false
        let kept = try loop.listen(on: .loopback(port: 0), options: options, handler: handler).address
        let peers = [try Peer(to: address), try Peer(to: address), try Peer(to: kept)]
        try loop.run(until: "all of them") { handler.opened.count == 3 }
        try peers[0].send(String(repeating: "x", count: 200_000))
        try loop.run(until: "most of it") { loop.memoryInUse >= 200_000 }
        let before = loop.memoryInUse
        handler.opened[0].close()
        try peers[1].send(String(repeating: "x", count: 400_000 - before + 1_000))
        try loop.run(until: "it is closed") { handler.reasons.count == 1 }
        #expect(handler.reasons == [.requested])
        try peers[2].send(String(repeating: "x", count: 500_000))
        try loop.run(until: "what is closed in its place") { handler.reasons == [.requested, .memoryLimit] }
        try loop.run(until: "all of it") { loop.memoryInUse >= 500_000 }
        #expect(handler.opened[2].isOpen)
        withExtendedLifetime(peers) {}
    }

    @Test("Whatever peers do, nothing is counted any more once they have gone", arguments: 0..<40)
    func balance(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let loop = try Self.loop(limit: Bool.random(using: &random) ? 30_000 : nil)
        defer { loop.close() }
        let handler = Handler()
        var options = Connection.Options()
        options.maximumMessageLength = 20_000
        options.framing =
            [.lines, .automatic(idle: .milliseconds(1)), .lengthPrefixed(.twoBytes)].randomElement(using: &random) ?? .lines
        options.batchesMessages = Bool.random(using: &random)
        let address = try loop.listen(on: .loopback(port: 0), options: options, handler: handler).address
        var peers = try (0..<4).map { _ in try Peer(to: address, receiveBuffer: 4_096) }
        try loop.run(until: "all of them") { handler.opened.count == 4 }
        for _ in 0..<60 {
            let index = Int.random(in: 0..<4, using: &random)
            let (peer, connection) = (peers[index], handler.opened[index])
            let bytes = (0..<Int.random(in: 1...8_000, using: &random)).map { _ in
                UInt8.random(in: Bool.random(using: &random) ? 0...255 : 97...100, using: &random)
            }
            switch Int.random(in: 0..<7, using: &random) {
            case 0...2: if connection.isOpen, !peer.hasEnded { try? peer.send(bytes) }
            case 3: connection.send(String(repeating: "y", count: 10_000))
            case 4: if connection.isOpen { connection.pauseReading() }
            case 5: if connection.isOpen { connection.upgrade(to: options, handler: handler) }
            default: _ = peer.receiveAvailable()
            }
            try loop.runOnce(waitingAtMost: .zero)
            #expect(loop.memoryInUse >= 0)
        }
        for connection in handler.opened { connection.close() }
        peers = []
        try loop.run(until: "all have gone") { loop.connectionCount == 0 }
        #expect(loop.memoryInUse == 0)
    }
}
