import Reactor
import TestSupport
import Testing

@testable import Broadcast

/// Topics of several loops over one log: every subscriber gets every message that any of them publishes, once, whole, in one order for all,
/// but not its own; and nobody is overrun.
struct SharedLogTests {
    @Test func whateverThePeersDo() throws {
        let record = try SharedScenario.play(150)
        // Scenarios in which there is room for everything would prove nothing.
        #expect(record.messages > 5_000 && record.pressures > 20 && record.keptMessages > 50 && record.gone > 20)
        #expect(record.closedLoops > 2)
    }

    private let log: SharedLog
    private let loops: [EventLoop]
    private let topics: [Topic]

    init() throws {
        let log = try SharedLog(capacity: 16_384)
        self.log = log
        loops = try (0..<2).map { _ in try EventLoop() }
        var configuration = Topic.Configuration()
        configuration.policy = .backpressure(stall: .seconds(60), grace: .seconds(60))
        topics = loops.map { Topic(on: $0, sharing: log, configuration: configuration) }
    }

    @Test func whatOnePublishesWakesTheOther() throws {
        let (near, far) = (try Peer(on: loops[0], in: topics[0]), try Peer(on: loops[1], in: topics[1]))
        topics[0].publish("hello\n")
        try loops[0].turn()
        near.read()
        #expect(near.text == "hello\n")
        try loops[1].runOnce(waitingAtMost: patience)
        far.read()
        #expect(far.text == "hello\n")
        // What is seen by all wakes nobody.
        let turns = loops.map(\.turnCount)
        for loop in loops { try loop.turn(3) }
        for loop in loops { try loop.runOnce(waitingAtMost: .milliseconds(1)) }
        #expect(zip(loops, turns).allSatisfy { $0.turnCount == $1 + 4 })
        #expect(near.waiting == 0 && far.waiting == 0)
    }

    /// A loop that does nothing for this room is not woken for it.
    @Test func aTopicWithoutSubscribersIsLeftAlone() throws {
        let near = try Peer(on: loops[0], in: topics[0])
        for _ in 0..<100 {
            topics[0].publish(String(repeating: ".", count: 999) + "\n")
            try loops[0].turn()
            near.read()
        }
        #expect(near.lines.count == 100)
        // It would wait, if nothing had woken it.
        let start = ContinuousClock.now
        try loops[1].runOnce(waitingAtMost: .milliseconds(20))
        #expect(.now - start >= .milliseconds(20))
        // Who subscribes there gets what comes from now on.
        let late = try Peer(on: loops[1], in: topics[1])
        topics[0].publish("late\n")
        try loops[0].turn()
        try loops[1].turn()
        late.read()
        #expect(late.text == "late\n")
        #expect(topics[1].messageCount == 101)
    }

    @Test func aLoopThatIsHeldUpHoldsUpThosePublish() throws {
        let publisher = try Peer(on: loops[0], in: topics[0])
        let held = try Peer(on: loops[1], in: topics[1])
        let line = String(repeating: ".", count: 999) + "\n"
        for _ in 0..<4 { #expect(topics[0].publish(line)) }
        #expect(!topics[0].isUnderPressure)
        // More than a quarter of the log beyond what the other loop has seen.
        #expect(topics[0].publish(line))
        #expect(topics[0].isUnderPressure && topics[0].byteCount == 4_000)
        #expect(publisher.connection?.pauses == 1)
        try loops[0].turn(5)
        #expect(topics[0].byteCount == 4_000)
        // Until it has had its turn, and the first loop its next.
        try loops[1].turn()
        try loops[0].turn()
        #expect(topics[0].byteCount == 5_000 && !topics[0].isUnderPressure)
        try loops[1].turn()
        held.read()
        publisher.read()
        #expect(held.lines.count == 5 && publisher.lines.count == 5)
        #expect(publisher.connection?.pauses == 0)
    }

    /// Nobody can pause a timer. What it publishes waits, up to twice the log's capacity.
    @Test func whatWaitsIsBounded() throws {
        let held = try Peer(on: loops[1], in: topics[1])
        let line = String(repeating: ".", count: 999) + "\n"
        var count = 0
        while count < 1_000, topics[0].publish(line) { count += 1 }
        #expect(count == 4 + 32)
        for _ in 0..<200 { for loop in loops { try loop.turn() } }
        held.read()
        #expect(held.lines.count == count)
        #expect(topics[0].publish(line))
    }

    @Test func whoPublishesOnAnotherLoopWaitsForTheSlow() throws {
        let publisher = try Peer(on: loops[0], in: topics[0])
        let slow = try Peer(on: loops[1], in: topics[1], sendBuffer: Peer.leastSendBuffer)
        let line = String(repeating: ".", count: 999) + "\n"
        for _ in 0..<100 where !topics[1].isUnderPressure {
            topics[0].publish(line)
            for loop in loops { try loop.turn() }
        }
        try #require(topics[1].isUnderPressure)
        try loops[0].turn()
        #expect(topics[0].isUnderPressure && publisher.connection?.pauses == 1)
        #expect(topics[0].pressureCount == 0 && topics[1].pressureCount == 1)
        for _ in 0..<100 where topics[0].isUnderPressure {
            slow.read()
            for loop in loops.reversed() { try loop.turn() }
        }
        #expect(!topics[0].isUnderPressure && publisher.connection?.pauses == 0 && slow.isOpen)
    }

    /// Nothing is published meanwhile, so nothing but its own slow reader's end has the other loop look again.
    @Test func whoeverIsTheLastToWaitForTheSlowLearnsThatNobodyElseDoes() throws {
        var configuration = Topic.Configuration()
        configuration.policy = .backpressure(stall: .seconds(60), grace: .seconds(60))
        configuration.highWater = 2_000
        let topics = loops.map { Topic(on: $0, sharing: log, configuration: configuration) }
        let slow = try (0..<2).map { try Peer(on: loops[$0], in: topics[$0], sendBuffer: Peer.leastSendBuffer) }
        let publisher = try Peer(on: loops[1], in: topics[1])
        for _ in 0..<100 where slow.contains(where: { $0.connection?.isBlocked == false }) {
            topics[1].publish(String(repeating: ".", count: 499) + "\n")
            for loop in loops { try loop.turn() }
        }
        // Too much for both. The second knows of the first when it finds that out.
        topics[0].publish(String(repeating: ".", count: 2_999) + "\n")
        for loop in loops { try loop.turn() }
        try #require(topics.allSatisfy { $0.pressureCount == 1 && $0.membership?.isKeepingMessages == false })
        slow[0].connection?.close()
        try loops[0].turn(3)
        try loops[1].turn(3)
        #expect(topics.allSatisfy(\.isUnderPressure) && publisher.connection?.pauses == 1)
        slow[1].connection?.close()
        for _ in 0..<3 { for loop in loops { try loop.turn() } }
        #expect(!topics.contains(where: \.isUnderPressure) && publisher.connection?.pauses == 0)
    }

    @Test func aLoopThatClosesHoldsUpNobody() throws {
        let near = try Peer(on: loops[0], in: topics[0])
        let far = try Peer(on: loops[1], in: topics[1])
        // Messages of the loop that closes wait for the other, and are the first in the queue.
        let line = String(repeating: ".", count: 999) + "\n"
        while !topics[1].isUnderPressure { topics[1].publish(line) }
        try loops[1].turn()
        #expect(topics[0].publish("behind\n") && topics[0].isUnderPressure)
        loops[1].close()
        #expect(!topics[1].publish(line), "a closed loop has no room")
        try loops[0].turn(3)
        near.read()
        #expect(near.lines.last == "behind" && !topics[0].isUnderPressure)
        #expect(!far.isOpen)
    }

    /// A topic that is let go while its messages wait for room is kept until they have it.
    @Test func messagesOutliveTheTopicThatTheyWereGivenTo() throws {
        let reader = try Peer(on: loops[1], in: topics[1])
        var other: Topic? = Topic(on: loops[0], sharing: log)
        weak let weakOther = other
        let line = String(repeating: ".", count: 999) + "\n"
        for _ in 0..<10 { other?.publish(line) }
        other = nil
        #expect(weakOther != nil)
        for _ in 0..<10 { for loop in loops { try loop.turn() } }
        reader.read()
        #expect(reader.lines.count == 10)
        #expect(weakOther == nil)
    }

    @Test func aLoopHasOneTopicOverALogUntilItIsGone() throws {
        #expect(log.topic(on: loops[0]) === topics[0] && log.topic(on: loops[1]) === topics[1])
        let third = try EventLoop()
        var made: Topic? = log.topic(on: third)
        #expect(log.topic(on: third) === made)
        let peer = try Peer(on: third, in: made)
        weak let weakMade = made
        made = nil
        // Its subscriber keeps it.
        #expect(weakMade != nil)
        peer.connection?.close()
        try third.turn()
        #expect(weakMade == nil)
        #expect(log.topic(on: third).subscriberCount == 0)
    }

    /// A delivery is counted by the topic whose subscriber it is for.
    @Test func deliveriesAreCountedWhereTheyAreMade() throws {
        let publisher = try Peer(on: loops[0], in: topics[0])
        let others = try (0..<3).map { _ in try Peer(on: loops[1], in: topics[1]) }
        publisher.write("one\ntwo\n")
        try loops[0].turn()
        try loops[1].turn()
        #expect(topics.map(\.deliveryCount) == [0, 6])
        #expect(topics.map(\.messageCount) == [2, 2])
        #expect(others.allSatisfy { $0.read() == 8 })
        topics[1].publish("three\n".utf8.span, from: others[0].connection, except: [others[1].connection!])
        try loops[1].turn()
        try loops[0].turn()
        #expect(topics.map(\.deliveryCount) == [1, 7])
    }

    @Test func theSkippedAreToldHowManyOnWhateverLoop() throws {
        var configuration = Topic.Configuration()
        configuration.policy = .skip
        configuration.skipNotice = { Array("! \($0) missed\n".utf8) }
        let skipping = Topic(on: loops[1], sharing: log, configuration: configuration)
        let slow = try Peer(on: loops[1], in: skipping, sendBuffer: Peer.leastSendBuffer)
        for number in 0..<100 {
            topics[0].publish("\(number) \(String(repeating: ".", count: 500))\n")
            for loop in loops { try loop.turn() }
        }
        #expect(skipping.skippedMessageCount > 0)
        for _ in 0..<100 {
            slow.read()
            for loop in loops { try loop.turn() }
        }
        var next = 0
        for line in slow.lines {
            if line.hasPrefix("! ") {
                next += Int(line.split(separator: " ")[1])!
            } else {
                #expect(line.hasPrefix("\(next) "))
                next += 1
            }
        }
        #expect(next == 100)
    }
}
