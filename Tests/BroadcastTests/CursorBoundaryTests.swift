import Broadcast
import Reactor
import Testing

/// A cursor rests on a message boundary: the rest of a message that was split leaves first, then private lines, then the log.
struct CursorBoundaryTests {
    private let loop: EventLoop
    private let topic: Topic
    private let peer: Peer
    private let long = "long " + String(repeating: "l", count: 20_000) + "\n"

    init() throws {
        loop = try EventLoop()
        topic = try Topic(on: loop)
        peer = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
    }

    /// Publishes a message of which the socket takes a part.
    private func split() throws {
        topic.publish(long)
        try loop.turn()
        try #require(peer.waiting > 0 && peer.waiting < long.utf8.count)
        #expect(peer.connection?.waitingCount == long.utf8.count - peer.waiting)
    }

    @Test func aPrivateLineWaitsForTheEndOfASplitMessageAndGoesAheadOfTheLog() throws {
        try split()
        topic.publish("next\n")
        peer.connection?.send("private\n")
        topic.publish("last\n")
        try loop.drain(peer)
        #expect(peer.text == long + "private\nnext\nlast\n")
    }

    @Test func theRestIsAllThatAPeerKeeps() throws {
        try split()
        let waiting = peer.connection?.waitingCount
        for number in 0..<100 { topic.publish("message \(number)\n") }
        try loop.turn()
        #expect(peer.connection?.waitingCount == waiting)
    }

    @Test func whoUnsubscribesInsideAMessageGetsTheRestOfIt() throws {
        try split()
        topic.publish("next\n")
        topic.unsubscribe(try #require(peer.connection))
        peer.connection?.send("private\n")
        try loop.drain(peer)
        #expect(peer.text == long + "private\n")
    }

    @Test func contentDoesNotMakeABoundary() throws {
        // Messages with newlines in them, and without any: only where they were published counts.
        let messages = ["a\nb\n\n" + long, long, "\n\n\n", "c"]
        for message in messages { topic.publish(message) }
        try loop.turn()
        peer.connection?.send("private\n")
        try loop.drain(peer)
        let text = peer.text
        let before = try #require(text.firstRange(of: "private\n")).lowerBound
        #expect(messages.indices.map { messages[...$0].joined() }.contains(String(text[..<before])))
        #expect(text.replacing("private\n", with: "") == messages.joined())
    }
}
