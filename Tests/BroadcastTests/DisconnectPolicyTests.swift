import Broadcast
import Reactor
import Testing

/// Under `disconnect` nobody is slowed down. A subscriber that falls behind is closed, and has got a prefix of what it should have
/// got.
struct DisconnectPolicyTests {
    @Test func whatAClosedPeerGotIsAPrefixWhateverThePeersDo() throws {
        let record = try RandomScenario.play(1_500, under: .disconnect)
        #expect(record.messages > 10_000 && record.splitMessages > 100 && record.closedAsTooSlow > 100)
    }

    @Test func whoFallsBehindIsClosedAndTheOthersAreNotSlowed() throws {
        let loop = try EventLoop()
        var configuration = Topic.Configuration()
        configuration.capacity = 8_192
        configuration.policy = .disconnect
        let topic = try Topic(on: loop, configuration: configuration)
        let slow = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        let reader = try Peer(on: loop, in: topic)
        var all = ""
        for number in 0..<500 {
            let message = "\(number) " + String(repeating: ".", count: 100) + "\n"
            all += message
            topic.publish(message)
            try loop.turn()
            reader.read()
            #expect(!topic.isUnderPressure)
        }
        slow.read()
        #expect(slow.closeReason == .tooSlow)
        #expect(slow.isAtEnd)
        #expect(!slow.text.isEmpty && all.hasPrefix(slow.text))
        #expect(reader.text == all)
        #expect(topic.subscriberCount == 1)
    }

    @Test(arguments: [nil, 10_000, 0, 1 << 40]) func highWaterIsHowFarBehindIsTooFar(_ highWater: Int?) throws {
        let loop = try EventLoop()
        var configuration = Topic.Configuration()
        configuration.capacity = 65_536
        configuration.policy = .disconnect
        configuration.highWater = highWater
        let topic = try Topic(on: loop, configuration: configuration)
        let slow = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        let message = String(repeating: ".", count: 99) + "\n"
        var lag = 0
        while slow.isOpen, lag < 65_536 {
            lag = topic.furthestLag
            topic.publish(message)
            try loop.turn()
        }
        // The last lag at which it was open, to which one message comes.
        let mark = highWater == 10_000 ? 10_000 : highWater == 0 ? 1 : 32_768
        #expect(slow.closeReason == .tooSlow)
        #expect(lag <= mark && lag + 200 > mark, "\(lag)")
    }

    @Test func itsOwnMessagesAreNothingToFallBehindWith() throws {
        let loop = try EventLoop()
        var configuration = Topic.Configuration()
        configuration.capacity = 8_192
        configuration.policy = .disconnect
        let topic = try Topic(on: loop, configuration: configuration)
        let sender = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        let reader = try Peer(on: loop, in: topic)
        // Its socket is full; it lacks nothing of the log.
        sender.connection?.send(String(repeating: "p", count: 20_000))
        try loop.turn()
        for _ in 0..<100 {
            topic.publish(String(repeating: ".", count: 200) + "\n", from: sender.connection)
            try loop.turn()
            reader.read()
        }
        #expect(sender.isOpen)
        #expect(reader.lines.count == 100)
    }
}
