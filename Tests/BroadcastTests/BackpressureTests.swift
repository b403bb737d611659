import Broadcast
import Reactor
import TestSupport
import Testing

/// Under `backpressure` nothing is lost: while a subscriber is too far behind, the topic's publishers are not read from.
struct BackpressureTests {
    private let loop: EventLoop
    private let topic: Topic
    private let slow: Peer
    private let publisher: Peer
    private static let capacity = 65_536
    private static let line = String(repeating: ".", count: 999) + "\n"

    init() throws {
        loop = try EventLoop()
        var configuration = Topic.Configuration()
        configuration.capacity = Self.capacity
        configuration.policy = .backpressure(stall: .seconds(3_600), grace: .seconds(3_600))
        topic = try Topic(on: loop, configuration: configuration)
        slow = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        publisher = try Peer(on: loop, in: topic)
    }

    /// How many bytes of the log a peer that publishes nothing has not been sent.
    private func lag(of peer: Peer) -> Int {
        topic.messageCount * Self.line.utf8.count - peer.received.count - peer.waiting - (peer.connection?.waitingCount ?? 0)
    }

    /// Publishes until there is pressure.
    private func pressAhead() throws {
        for _ in 0..<Self.capacity / Self.line.utf8.count where !topic.isUnderPressure {
            topic.publish(Self.line, from: publisher.connection)
            try loop.turn()
        }
        try #require(topic.isUnderPressure)
    }

    @Test func pressureComesAtHalfOfTheLogAndGoesAtAQuarter() throws {
        while !topic.isUnderPressure, topic.messageCount < 100 {
            #expect(lag(of: slow) <= Self.capacity / 2)
            publisher.write(Self.line)
            try loop.turn()
        }
        #expect(topic.isUnderPressure)
        #expect(lag(of: slow) > Self.capacity / 2)
        while slow.read(atMost: 500) > 0 {
            try loop.turn()
            #expect(topic.isUnderPressure == (lag(of: slow) > Self.capacity / 4))
            if !topic.isUnderPressure { break }
        }
        #expect(!topic.isUnderPressure)
        #expect(lag(of: slow) > 0)
    }

    @Test func itIsCountedHowOftenThereWasPressure() throws {
        #expect(topic.pressureCount == 0)
        for count in 1...3 {
            try pressAhead()
            #expect(topic.pressureCount == count)
            try loop.drain(slow)
            #expect(!topic.isUnderPressure)
            #expect(topic.pressureCount == count)
        }
    }

    @Test func publishersArePausedAndNothingIsLost() throws {
        try pressAhead()
        let count = topic.messageCount
        for number in 0..<20 { publisher.write("\(number)\n") }
        try loop.turn(10)
        #expect(topic.messageCount == count)
        try loop.drain(slow)
        #expect(!topic.isUnderPressure)
        #expect(slow.text == String(repeating: Self.line, count: count) + (0..<20).map { "\($0)\n" }.joined())
    }

    @Test func theSlowOneItselfIsPausedToo() throws {
        try pressAhead()
        let count = topic.messageCount
        slow.write("from the slow one\n")
        try loop.turn(10)
        #expect(topic.messageCount == count)
        try loop.drain(slow, publisher)
        #expect(publisher.text == "from the slow one\n")
    }

    @Test func aPausedLoopDoesNotSpin() throws {
        try pressAhead()
        publisher.write("waits\n")
        try loop.turn(10)
        let turns = loop.turnCount
        // With nothing to do, a turn lasts as long as its patience, which is a millisecond here.
        let start = ContinuousClock.now
        try loop.run(until: { start.duration(to: .now) >= .milliseconds(50) })
        #expect(loop.turnCount - turns < 100)
    }

    @Test func joinersArePausedAndResumedAsWell() throws {
        try pressAhead()
        let joiner = try Peer(on: loop, in: topic)
        let count = topic.messageCount
        joiner.write("from the joiner\n")
        try loop.turn(10)
        #expect(topic.messageCount == count)
        try loop.drain(slow, publisher, joiner)
        #expect(publisher.text == "from the joiner\n")
        #expect(slow.lines.last == "from the joiner")
    }

    @Test func aConnectionThatOnlyPublishesIsPausedAndResumedAsWell() throws {
        let early = try Peer(on: loop)
        let late = try Peer(on: loop)
        for peer in [early, late] { peer.didReceive = { [topic] _, messages in topic.publish(messages) } }
        topic.addPublisher(try #require(early.connection))
        try pressAhead()
        topic.addPublisher(try #require(late.connection))
        let count = topic.messageCount
        early.write("early\n")
        late.write("late\n")
        try loop.turn(10)
        #expect(topic.messageCount == count)
        try loop.drain(slow, publisher)
        #expect(Set(publisher.lines) == ["early", "late"])
    }

    @Test func aPublisherThatIsRemovedUnderPressureIsReadFromAgain() throws {
        let talker = try Peer(on: loop)
        var heard = 0
        talker.didReceive = { _, messages in heard += messages.count }
        let connection = try #require(talker.connection)
        topic.addPublisher(connection)
        try pressAhead()
        talker.write("a line\n")
        try loop.turn(10)
        #expect(heard == 0)
        topic.removePublisher(connection)
        try loop.turn(2)
        #expect(heard == 1)
        // It is not resumed a second time.
        topic.removePublisher(connection)
        try loop.drain(slow)
        #expect(!topic.isUnderPressure)
    }

    @Test func whoLeavesUnderPressureIsReadFromAgain() throws {
        try pressAhead()
        var heard = 0
        publisher.didReceive = { _, messages in heard += messages.count }
        publisher.write("to whom it may concern\n")
        try loop.turn(10)
        #expect(heard == 0)
        topic.unsubscribe(try #require(publisher.connection))
        try loop.turn(2)
        #expect(heard == 1)
        #expect(topic.isUnderPressure)
    }

    enum Departure: CaseIterable {
        case unsubscribes, isClosed, hangsUp
    }

    @Test(arguments: Departure.allCases)
    func thePressureGoesWithTheSlowOne(that departure: Departure) throws {
        try pressAhead()
        publisher.write("waits\n")
        try loop.turn(10)
        switch departure {
        case .unsubscribes: topic.unsubscribe(try #require(slow.connection))
        case .isClosed: slow.connection?.close()
        case .hangsUp: slow.hangUp()
        }
        let count = topic.messageCount
        try loop.turn(3)
        #expect(!topic.isUnderPressure)
        #expect(topic.messageCount == count + 1)
    }

    @Test func thePressureStaysForAsLongAsAnybodyIsSlow() throws {
        let other = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        try pressAhead()
        try loop.drain(slow)
        #expect(topic.isUnderPressure)
        try loop.drain(other)
        #expect(!topic.isUnderPressure)
    }

    @Test func whoIsNotSlowedDownOverrunsTheSlowOneAndNobodyElse() throws {
        try pressAhead()
        let reader = try Peer(on: loop, in: topic)
        for _ in 0..<200 {
            topic.publish(Self.line)
            try loop.turn()
            reader.read()
        }
        #expect(slow.closeReason == .tooSlow)
        #expect(reader.isOpen)
        #expect(reader.lines.count == 200)
        #expect(!topic.isUnderPressure)
    }
}
