import Broadcast
import Reactor
import TestSupport
import Testing

/// A connection may be in several topics: each one's messages come whole and in order, and no byte crosses over.
struct TwoTopicsTests {
    private let loop: EventLoop
    private let topics: [Topic]

    init() throws {
        let loop = try EventLoop()
        self.loop = loop
        topics = try (0..<2).map { _ in
            var configuration = Topic.Configuration()
            configuration.capacity = 32_768
            return try Topic(on: loop, configuration: configuration)
        }
    }

    @Test func bothStreamsComeWhole() throws {
        var random = SeededGenerator()
        let both = try Peer(on: loop, in: topics[0], sendBuffer: Peer.leastSendBuffer)
        topics[1].subscribe(try #require(both.connection))
        let single = try topics.map { try Peer(on: loop, in: $0) }
        var expected: [[String]] = [[], []]
        for number in 0..<2_000 {
            let topic = Int.random(in: 0...1, using: &random)
            if !topics.contains(where: \.isUnderPressure) {
                let length = Int.random(in: 0...3_000, using: &random)
                let message = "\(topic) \(number) " + String(repeating: topic == 0 ? "a" : "b", count: length)
                let isOwn = Int.random(in: 0..<5, using: &random) == 0
                topics[topic].publish(message + "\n", from: isOwn ? both.connection : nil)
                if !isOwn { expected[topic].append(message) }
            }
            try loop.turn()
            for peer in single { peer.read() }
            both.read(atMost: Int.random(in: 0...4_000, using: &random))
        }
        try loop.drain(both, single[0], single[1])
        #expect(both.isOpen)
        #expect(expected.allSatisfy { $0.count > 200 })
        for topic in 0...1 {
            #expect(both.lines.filter { $0.hasPrefix("\(topic) ") } == expected[topic])
            #expect(single[topic].lines.allSatisfy { $0.hasPrefix("\(topic) ") })
            #expect(single[topic].lines.count == topics[topic].messageCount)
        }
        #expect(both.lines.count == expected[0].count + expected[1].count)
    }

    @Test func aSocketThatHasRoomAgainGetsWhatEitherTopicHas() throws {
        let peer = try Peer(on: loop, in: topics[0], sendBuffer: Peer.leastSendBuffer)
        topics[1].subscribe(try #require(peer.connection))
        let padding = String(repeating: ".", count: 500)
        for number in 0..<20 {
            for topic in 0...1 { topics[topic].publish("\(topic) \(number) \(padding)\n") }
        }
        try loop.turn()
        try #require(peer.waiting < 20_000, "the socket's buffer is meant to be too small")
        // Nothing more is published: that there is room is all that either topic hears of.
        try loop.drain(peer)
        for topic in 0...1 {
            #expect(peer.lines.filter { $0.hasPrefix("\(topic) ") } == (0..<20).map { "\(topic) \($0) \(padding)" })
        }
    }

    @Test(arguments: [0, 1])
    func leavingOneLeavesTheOtherAlone(left: Int) throws {
        let peer = try Peer(on: loop, in: topics[0])
        let connection = try #require(peer.connection)
        topics[1].subscribe(connection)
        topics[left].unsubscribe(connection)
        for (number, topic) in topics.enumerated() { topic.publish("\(number)\n") }
        try loop.drain(peer)
        #expect(peer.text == "\(1 - left)\n")
        #expect(topics.map(\.subscriberCount) == (left == 0 ? [0, 1] : [1, 0]))
    }

    @Test func closingLeavesBoth() throws {
        let peer = try Peer(on: loop, in: topics[0])
        topics[1].subscribe(try #require(peer.connection))
        peer.hangUp()
        try loop.turn()
        #expect(topics.allSatisfy { $0.subscriberCount == 0 })
    }

    @Test func finishingWaitsForBoth() throws {
        // A message a turn: both topics have more when the connection has nothing left of its own.
        var configuration = Topic.Configuration()
        configuration.sendBudget = 1
        let topics = try (0..<2).map { _ in try Topic(on: loop, configuration: configuration) }
        for (longer, shorter) in [(0, 1), (1, 0)] {
            let peer = try Peer(on: loop, in: topics[0])
            topics[1].subscribe(try #require(peer.connection))
            topics[shorter].publish("short\n")
            for number in 0..<10 { topics[longer].publish("\(number)\n") }
            peer.connection?.finish()
            try loop.drain(peer)
            #expect(peer.lines.filter { $0 != "short" } == (0..<10).map { "\($0)" })
            #expect(peer.lines.count == 11)
            #expect(peer.isAtEnd)
        }
    }
}
