import Broadcast
import Reactor
import Testing

/// A connection that is finishing gets what was published before, nothing after, and then the end of its stream.
struct FinishingSubscriberTests {
    private let loop: EventLoop
    private let topic: Topic
    private let messages = (0..<50).map { "\($0) " + String(repeating: ".", count: 500) + "\n" }

    init() throws {
        loop = try EventLoop()
        topic = try Topic(on: loop)
    }

    @Test(arguments: [nil, Peer.leastSendBuffer])
    func getsWhatWasPublishedBeforeAndNothingAfter(sendBuffer: Int32?) throws {
        let peer = try Peer(on: loop, in: topic, sendBuffer: sendBuffer)
        let other = try Peer(on: loop, in: topic)
        for message in messages { topic.publish(message) }
        peer.connection?.finish()
        topic.publish("after\n")
        try loop.turn()
        topic.publish("long after\n")
        try loop.drain(peer, other)
        #expect(peer.text == messages.joined())
        #expect(peer.isAtEnd)
        #expect(other.text == messages.joined() + "after\nlong after\n")
        // Its side is finished; the connection is gone once the peer agrees.
        peer.hangUp()
        try loop.turn()
        #expect(peer.closeReason == .requested)
        #expect(topic.subscriberCount == 1)
    }

    @Test func getsItsPrivateLinesToo() throws {
        let peer = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        for message in messages { topic.publish(message) }
        try loop.turn()
        peer.connection?.send("farewell\n")
        peer.connection?.finish()
        #expect(peer.connection?.send("too late\n") == false)
        try loop.drain(peer)
        #expect(peer.lines.filter { $0 == "farewell" }.count == 1)
        #expect(peer.text.replacing("farewell\n", with: "") == messages.joined())
        #expect(peer.isAtEnd)
    }

    @Test func whoHangsUpItsInputStillGetsEverything() throws {
        let peer = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        for message in messages { topic.publish(message) }
        peer.write("last words")
        peer.shutDownSending()
        let other = try Peer(on: loop, in: topic)
        try loop.drain(peer, other)
        #expect(peer.text == messages.joined())
        #expect(peer.isAtEnd)
        #expect(peer.closeReason == .endOfInput)
        #expect(other.text == "last words\n")
    }

    @Test(arguments: [SlowSubscriberPolicy.backpressure(), .skip, .disconnect])
    func isNotBehindWithWhatIsPublishedAfter(policy: SlowSubscriberPolicy) throws {
        var configuration = Topic.Configuration()
        configuration.capacity = 65_536
        configuration.policy = policy
        let topic = try Topic(on: loop, configuration: configuration)
        let peer = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        let other = try Peer(on: loop, in: topic)
        let farewell = String(repeating: "f", count: 100_000) + "\n"
        peer.connection?.send(farewell)
        peer.connection?.finish()
        try loop.turn()
        for _ in 0..<3 {
            for message in messages { topic.publish(message) }
            try loop.drain(other)
        }
        #expect(peer.isOpen)
        #expect(!topic.isUnderPressure)
        try loop.drain(peer)
        #expect(peer.received.count == farewell.utf8.count)
        #expect(peer.isAtEnd)
    }

    @Test func cannotSubscribe() throws {
        let peer = try Peer(on: loop)
        let connection = try #require(peer.connection)
        connection.finish()
        topic.subscribe(connection)
        #expect(topic.subscriberCount == 0)
        connection.close()
        topic.subscribe(connection)
        #expect(topic.subscriberCount == 0)
    }
}
