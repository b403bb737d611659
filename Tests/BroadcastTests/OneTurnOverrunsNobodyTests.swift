import Broadcast
import Reactor
import TestSupport
import Testing

/// However much one turn publishes, a peer whose socket takes it gets it all: the log is flushed before it would be overrun.
struct OneTurnOverrunsNobodyTests {
    @Test(arguments: [.backpressure(), .skip, .disconnect] as [SlowSubscriberPolicy])
    func manyTimesTheLogInOneTurn(under policy: SlowSubscriberPolicy) throws {
        let loop = try EventLoop()
        var configuration = Topic.Configuration()
        configuration.capacity = 4_096
        configuration.policy = policy
        let topic = try Topic(on: loop, configuration: configuration)
        let peers = try (0..<3).map { _ in try Peer(on: loop, in: topic) }
        let messages = (0..<60).map { "\($0) " + String(repeating: ".", count: 1_000) + "\n" }
        loop.schedule(after: .zero) {
            for message in messages { topic.publish(message) }
        }
        try loop.run(until: { topic.messageCount == messages.count })
        for peer in peers {
            peer.read()
            #expect(peer.text == messages.joined())
            #expect(peer.isOpen)
        }

    }

    @Test func aBatchThatIsLongerThanTheLog() throws {
        let loop = try EventLoop()
        var configuration = Topic.Configuration()
        configuration.capacity = 4_096
        let topic = try Topic(on: loop, configuration: configuration)
        let sender = try Peer(on: loop, in: topic)
        let reader = try Peer(on: loop, in: topic)
        let lines = (0..<200).map { "\($0) " + String(repeating: ".", count: $0) + "\n" }.joined()
        #expect(sender.write(lines) == lines.utf8.count)
        try loop.turn()
        reader.read()
        #expect(reader.text == lines)
        #expect(sender.read() == 0)
    }

    /// The budget of a turn only says who comes next: it must not make a healthy peer a slow one.
    @Test(arguments: [.backpressure(), .skip, .disconnect] as [SlowSubscriberPolicy])
    func aSmallSendBudgetMakesNobodySlow(under policy: SlowSubscriberPolicy) throws {
        let loop = try EventLoop()
        var configuration = Topic.Configuration()
        configuration.capacity = 16_384
        configuration.sendBudget = 1_000
        configuration.policy = policy
        let topic = try Topic(on: loop, configuration: configuration)
        let peer = try Peer(on: loop, in: topic)
        let messages = (0..<60).map { "\($0) " + String(repeating: ".", count: 1_000) + "\n" }
        for message in messages { topic.publish(message) }
        try loop.drain(peer)
        #expect(peer.text == messages.joined())
        #expect(peer.isOpen)
    }
}
