import Reactor
import TestSupport
import Testing

@testable import Broadcast

/// Topics in a group have the same publishers: one that is under pressure has reading paused from those of all, for as long as it is.
struct SharedPressureTests {
    private let loop: EventLoop
    private let group = PressureGroup()
    private let topics: [Topic]

    init() throws {
        let loop = try EventLoop()
        self.loop = loop
        topics = try (0..<2).map { _ in
            var configuration = Topic.Configuration()
            configuration.capacity = 32_768
            configuration.policy = .backpressure(stall: .seconds(60), grace: .seconds(60))
            return try Topic(on: loop, configuration: configuration)
        }
        for topic in topics { group.add(topic) }
    }

    /// Has a subscriber of a topic that does not read bring it under pressure.
    private func press(_ topic: Topic) throws -> Peer {
        let slow = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        let line = String(repeating: ".", count: 1_000) + "\n"
        for _ in 0..<100 where !topic.isUnderPressure {
            topic.publish(line, from: nil)
            try loop.turn()
        }
        try #require(topic.isUnderPressure)
        return slow
    }

    private func pauses(_ peer: Peer) throws -> Int { Int(try #require(peer.connection).pauses) }

    @Test func whoPublishesInOneWaitsForTheSlowOfAnother() throws {
        let publishers = try topics.map { try Peer(on: loop, in: $0) }
        let slow = try press(topics[1])
        #expect(try publishers.map(pauses) == [1, 1])
        // And who comes later, to either.
        let late = try topics.map { try Peer(on: loop, in: $0) }
        #expect(try late.map(pauses) == [1, 1])
        // Who goes is paused no more.
        let gone = try #require(late[0].connection)
        topics[0].unsubscribe(gone)
        #expect(try pauses(late[0]) == 0)
        try loop.drain(slow, publishers[1], late[1])
        #expect(!topics[1].isUnderPressure)
        #expect(try publishers.map(pauses) == [0, 0] && late.map(pauses) == [0, 0])
    }

    @Test func whenBothAreUnderPressureOneAfterTheOtherIsOver() throws {
        let publisher = try Peer(on: loop, in: topics[0])
        let first = try press(topics[0])
        let second = try press(topics[1])
        #expect(try pauses(publisher) == 2)
        try loop.drain(first, publisher)
        #expect(!topics[0].isUnderPressure && topics[1].isUnderPressure)
        #expect(try pauses(publisher) == 1)
        try loop.drain(second)
        #expect(try pauses(publisher) == 0)
    }

    @Test func aTopicThatLeavesTheGroupTakesItsPausesAlong() throws {
        let publisher = try Peer(on: loop, in: topics[0])
        let outsider = try Peer(on: loop, in: Topic(on: loop))
        topics[1].addPublisher(try #require(outsider.connection))
        let slow = try press(topics[1])
        #expect(try pauses(publisher) == 1 && pauses(outsider) == 1)
        group.remove(topics[1])
        #expect(try pauses(publisher) == 0 && pauses(outsider) == 1)
        try loop.drain(slow)
        #expect(try pauses(publisher) == 0 && pauses(outsider) == 0)
    }
}
