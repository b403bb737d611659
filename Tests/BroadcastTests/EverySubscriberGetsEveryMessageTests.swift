import Broadcast
import Reactor
import Testing

/// Every subscriber that is not closed gets every message, once, whole and in the order of the log, but not its own.
struct EverySubscriberGetsEveryMessageTests {
    @Test func whateverThePeersDo() throws {
        let policy = SlowSubscriberPolicy.backpressure(stall: .seconds(3_600), grace: .seconds(3_600))
        let record = try RandomScenario.play(1_500, under: policy)
        // Scenarios in which everything fits the sockets' buffers would prove nothing.
        #expect(record.messages > 10_000 && record.splitMessages > 100 && record.pressures > 50 && record.rejoined > 20)
    }

    @Test func nobodyGetsItsOwnHoweverFarItLags() throws {
        let loop = try EventLoop()
        let topic = try Topic(on: loop)
        let reader = try Peer(on: loop, in: topic)
        let slow = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        // Many runs of its own, each between messages of others: more than a cursor keeps.
        let padding = String(repeating: ".", count: 300)
        for number in 0..<40 {
            topic.publish("other \(number) \(padding)\n")
            topic.publish("own \(number) \(padding)\n", from: slow.connection)
            try loop.turn()
        }
        try loop.drain(reader, slow)
        #expect(slow.lines.map { $0.prefix { $0 != "." } } == (0..<40).map { "other \($0) " })
        #expect(reader.lines.count == 80)
    }

    @Test func aLoneMessageIsSentInTheTurnInWhichItIsPublished() throws {
        let loop = try EventLoop()
        let topic = try Topic(on: loop)
        let peer = try Peer(on: loop, in: topic)
        topic.publish("at once\n")
        try loop.turn()
        peer.read()
        #expect(peer.text == "at once\n")
    }

    @Test func aSecondSubscriptionChangesNothing() throws {
        let loop = try EventLoop()
        let topic = try Topic(on: loop)
        let peer = try Peer(on: loop, in: topic)
        topic.subscribe(try #require(peer.connection), history: 10)
        topic.publish("once\n")
        try loop.drain(peer)
        #expect(topic.subscriberCount == 1)
        #expect(peer.text == "once\n")
    }
}
