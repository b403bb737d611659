import ChatReactor
import Glibc
import Reactor
import TestSupport
import Testing

/// The server that the README shows is one.
struct EmbeddingExampleTests {
    // As in the README, letter for letter.
    final class Room: ConnectionHandler {
        let topic: Topic
        init(on loop: EventLoop) throws { topic = try Topic(on: loop) }
        func connectionDidOpen(_ connection: Connection) { topic.subscribe(connection) }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            topic.publish(messages, from: connection)
        }
    }

    @Test func itsRoomRelays() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let room = try Room(on: loop)
        let port = try #require(try loop.listen(on: .loopback(port: 0), handler: room).address.port)
        let sockets = try (0..<3).map { _ in try LineClient(port: port) }
        try loop.run(until: { room.topic.subscriberCount == 3 })
        let clients = zip(sockets, room.topic.connections).map { Client($0, id: $1.id) }
        try clients[0].send("hello\n")
        try loop.run(until: {
            for client in clients { client.read() }
            return clients[1].text == "hello\n" && clients[2].text == "hello\n"
        })
        #expect(clients[0].text == "")
    }

    @Test func theReadmeShowsWhatIsBuilt() throws {
        let tests = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
        let built = try contents(of: tests + "/EmbeddingExample/main.swift")
        #expect(try contents(of: tests + "/../README.md").contains("```swift\n\(built)```"))
    }

    private func contents(of path: String) throws -> String {
        let file = try unsafe #require(fopen(path, "r"))
        defer { unsafe fclose(file) }
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while case let count = unsafe fread(&piece, 1, piece.count, file), count > 0 { text += piece[..<count] }
        return String(decoding: text, as: UTF8.self)
    }
}
