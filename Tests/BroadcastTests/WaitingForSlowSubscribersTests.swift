import Broadcast
import Reactor
import TestSupport
import Testing

/// A slow subscriber is waited for while it still takes bytes, and no longer than for its grace time.
///
/// Times are asserted from below only: how late a busy machine closes somebody says nothing.
struct WaitingForSlowSubscribersTests {
    private struct Fixture {
        let loop: EventLoop
        let topic: Topic
        let capacity: Int
        let slow: Peer
        let reader: Peer

        init(stall: Duration, grace: Duration, capacity: Int = 32_768) throws {
            self.capacity = capacity
            loop = try EventLoop()
            var configuration = Topic.Configuration()
            configuration.capacity = capacity
            configuration.policy = .backpressure(stall: stall, grace: grace)
            topic = try Topic(on: loop, configuration: configuration)
            slow = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
            reader = try Peer(on: loop, in: topic)
        }

        /// Publishes until there is pressure, in few turns: a machine that is busy in between must not make the slow one look
        /// dead. The result is a time before it came, and before the slow one's socket was full.
        func pressAhead() throws -> ContinuousClock.Instant {
            let start = ContinuousClock.now
            try publish(until: { topic.isUnderPressure })
            return start
        }

        func publish(until condition: () -> Bool) throws {
            let message = String(repeating: ".", count: 1_999) + "\n"
            // Twice the log is enough for any socket's buffer.
            for _ in 0..<16 where !condition() {
                for _ in 0..<capacity / 16_000 { topic.publish(message) }
                try loop.drain(reader)
            }
            try #require(condition())
        }
    }

    @Test func whoTakesNothingIsClosedAfterItsStallTime() throws {
        let test = try Fixture(stall: .seconds(1), grace: .seconds(3_600))
        let start = try test.pressAhead()
        try test.loop.run(until: { test.slow.closeReason != nil })
        #expect(test.slow.closeReason == .tooSlow)
        #expect(start.duration(to: .now) >= .seconds(1))
        #expect(!test.topic.isUnderPressure)
        #expect(test.reader.isOpen)
    }

    @Test func whoTakesLittleIsClosedAfterItsGraceTime() throws {
        // It takes bytes all the time; were it closed for stalling, that would be before its grace time is over.
        let test = try Fixture(stall: .seconds(1), grace: .milliseconds(1_500), capacity: 8_388_608)
        let start = try test.pressAhead()
        var lastBite = ContinuousClock.now
        try test.loop.run(until: {
            if lastBite.duration(to: .now) > .milliseconds(5) {
                lastBite = .now
                test.slow.read(atMost: 5_000)
            }
            return test.slow.closeReason != nil
        })
        #expect(test.slow.closeReason == .tooSlow)
        #expect(start.duration(to: .now) >= .milliseconds(1_500))
    }

    @Test func whoHasLongBeenDeadHoldsUpNobody() throws {
        let test = try Fixture(stall: .milliseconds(200), grace: .seconds(3_600))
        // Its socket is full, but it is not far behind yet.
        for _ in 0..<8 { test.topic.publish(String(repeating: ".", count: 1_999) + "\n") }
        try test.loop.drain(test.reader)
        let start = ContinuousClock.now
        try test.loop.run(until: { start.duration(to: .now) >= .milliseconds(250) })
        var hasPressed = false
        try test.publish(until: {
            hasPressed = hasPressed || test.topic.isUnderPressure
            return test.slow.closeReason != nil
        })
        #expect(test.slow.closeReason == .tooSlow)
        #expect(!hasPressed)
        #expect(test.reader.isOpen)
    }

    @Test func whoOnlySeemedDeadIsWaitedForOnceItTakesBytes() throws {
        let test = try Fixture(stall: .seconds(2), grace: .seconds(3_600), capacity: 1_048_576)
        for _ in 0..<8 { test.topic.publish(String(repeating: ".", count: 1_999) + "\n") }
        try test.loop.turn()
        let start = ContinuousClock.now
        try test.loop.run(until: { start.duration(to: .now) >= .milliseconds(2_050) })
        // Beyond the mark, and below the one at which it would be overrun.
        for _ in 0..<300 { test.topic.publish(String(repeating: ".", count: 1_999) + "\n") }
        try test.loop.turn()
        #expect(!test.topic.isUnderPressure)
        test.slow.read()
        try test.loop.run(until: "under pressure") { test.topic.isUnderPressure }
        #expect(test.slow.isOpen)
        try test.loop.drain(test.slow)
        #expect(!test.topic.isUnderPressure)
        #expect(test.slow.isOpen)
    }

    @Test func bytesTakenPutOffTheStall() throws {
        let test = try Fixture(stall: .seconds(1), grace: .seconds(3_600), capacity: 1_048_576)
        _ = try test.pressAhead()
        let start = ContinuousClock.now
        try test.loop.run(until: { start.duration(to: .now) >= .milliseconds(300) })
        #expect(test.slow.isOpen)
        // All that waits for it: the socket has room again.
        let lastBite = ContinuousClock.now
        test.slow.read()
        try test.loop.run(until: { test.slow.closeReason != nil })
        #expect(test.slow.closeReason == .tooSlow)
        #expect(lastBite.duration(to: .now) >= .seconds(1))
    }

    /// The rest of a message that was split leaves with whichever topic is flushed first.
    @Test func bytesTakenPutOffTheStallWhicheverTopicSendsThem() throws {
        let test = try Fixture(stall: .seconds(1), grace: .seconds(3_600), capacity: 1_048_576)
        let other = try Topic(on: test.loop)
        other.subscribe(try #require(test.slow.connection))
        let message = String(repeating: ".", count: 250_000)
        for _ in 0..<4 {
            test.topic.publish(message)
            try test.loop.drain(test.reader)
        }
        try #require(test.topic.isUnderPressure)
        let start = ContinuousClock.now
        try test.loop.run(until: { start.duration(to: .now) >= .milliseconds(300) })
        let lastBite = ContinuousClock.now
        #expect(test.slow.read() > 0)
        try test.loop.run(until: { test.slow.closeReason != nil })
        #expect(test.slow.closeReason == .tooSlow)
        #expect(lastBite.duration(to: .now) >= .seconds(1))
    }

    @Test func whoHasCaughtUpHasAllItsTimeAgain() throws {
        let test = try Fixture(stall: .seconds(3_600), grace: .milliseconds(800))
        let first = try test.pressAhead()
        try test.loop.drain(test.slow)
        #expect(!test.topic.isUnderPressure)
        // The clock of the first time would have run out by now.
        try test.loop.run(until: { first.duration(to: .now) >= .milliseconds(900) })
        #expect(test.slow.isOpen)
        let second = try test.pressAhead()
        try test.loop.run(until: { test.slow.closeReason != nil })
        #expect(test.slow.closeReason == .tooSlow)
        #expect(second.duration(to: .now) >= .milliseconds(800))
    }

    @Test func eachSlowOneHasItsOwnTime() throws {
        let test = try Fixture(stall: .milliseconds(100), grace: .seconds(3_600), capacity: 65_536)
        _ = try test.pressAhead()
        // This one falls behind later: it is slow from the message on that brings the second pressure.
        let second = try Peer(on: test.loop, in: test.topic, sendBuffer: Peer.leastSendBuffer)
        try test.loop.run(until: { test.slow.closeReason != nil })
        #expect(second.isOpen)
        let start = try test.pressAhead()
        try test.loop.run(until: { second.closeReason != nil })
        #expect(second.closeReason == .tooSlow)
        #expect(start.duration(to: .now) >= .milliseconds(100))
        #expect(test.reader.isOpen)
    }

    @Test func nothingIsClosedWhileNobodyIsTooFarBehind() throws {
        let test = try Fixture(stall: .milliseconds(10), grace: .milliseconds(10))
        // Its socket is full and it takes nothing, but it is less than half of the log behind.
        for _ in 0..<8 { test.topic.publish(String(repeating: ".", count: 1_999) + "\n") }
        let start = ContinuousClock.now
        try test.loop.run(until: { start.duration(to: .now) >= .milliseconds(60) })
        #expect(!test.topic.isUnderPressure)
        #expect(test.slow.isOpen)
        try test.loop.drain(test.slow)
        #expect(test.slow.received.count == 16_000)
    }
}
