import Broadcast
import Reactor
import TestSupport
import Testing

/// With a closing notice, a subscriber that is too slow gets the rest of a split message and the notice, and then the end.
struct ClosingNoticeTests {
    private static let notice = "! too slow\n"

    private func configuration(_ policy: SlowSubscriberPolicy) -> Topic.Configuration {
        var configuration = Topic.Configuration()
        configuration.capacity = 16_384
        configuration.policy = policy
        configuration.closingNotice = Array(Self.notice.utf8)
        return configuration
    }

    private static let policies: [SlowSubscriberPolicy] = [
        .disconnect, .backpressure(stall: .milliseconds(50)), .backpressure(stall: .seconds(60)),
    ]

    @Test(arguments: policies)
    func isSentLastAfterWholeMessages(under policy: SlowSubscriberPolicy) throws {
        let loop = try EventLoop()
        let topic = try Topic(on: loop, configuration: configuration(policy))
        let slow = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        let others = try (0..<5).map { _ in try Peer(on: loop, in: topic) }
        var published = ""
        // Nobody heeds the pressure here, so one that is waited for is overrun.
        for number in 0..<40 where slow.connection?.isFinishing == false {
            let message = "\(number) " + String(repeating: ".", count: 1_500) + "\n"
            published += message
            topic.publish(message)
            try loop.turn()
            for other in others { other.read() }
        }
        try loop.run(until: "it is finishing") { slow.connection?.isFinishing != false }
        #expect(topic.subscriberCount == others.count)
        #expect(!topic.isUnderPressure)
        // It holds up nobody.
        published += "more\n"
        topic.publish("more\n")
        try loop.turn()
        for other in others {
            other.read()
            #expect(other.text == published)
        }
        try loop.run(until: "the end") {
            slow.read()
            return slow.isAtEnd
        }
        #expect(slow.text.hasSuffix("\n" + Self.notice))
        #expect(published.hasPrefix(slow.text.dropLast(Self.notice.utf8.count)))
        slow.hangUp()
        try loop.run(until: "closed") { slow.closeReason != nil }
        #expect(slow.closeReason == .tooSlow)
        loop.close()
    }

    @Test func theFlushTimeoutBoundsIt() throws {
        let loop = try EventLoop()
        let topic = try Topic(on: loop, configuration: configuration(.disconnect))
        var options = Connection.Options()
        options.flushTimeout = .milliseconds(50)
        let slow = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer, options: options)
        for _ in 0..<20 {
            topic.publish(String(repeating: ".", count: 999) + "\n")
            try loop.turn()
        }
        try loop.run(until: "closed") { slow.closeReason != nil }
        #expect(slow.closeReason == .tooSlow)
        loop.close()
    }

    @Test func oneThatIsFinishingAlreadyIsClosedAtOnce() throws {
        let loop = try EventLoop()
        let topic = try Topic(on: loop, configuration: configuration(.disconnect))
        let slow = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        for _ in 0..<7 { topic.publish(String(repeating: ".", count: 999) + "\n") }
        try loop.turn()
        slow.connection?.finish()
        for _ in 0..<20 {
            topic.publish(String(repeating: ".", count: 999) + "\n")
            try loop.turn()
        }
        try loop.run(until: "closed") { slow.closeReason != nil }
        #expect(slow.closeReason == .tooSlow)
        #expect(!slow.text.contains("!"))
        loop.close()
    }
}
