import ChatReactor
import TestSupport
import Testing

/// What a loop and its topics count: every byte, system call and delivery, once.
struct LoopCountsTests {
    @Test func aQuietLoopHasCountedNothing() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        #expect(loop.counts == EventLoop.Counts())
        #expect(loop.turnDurations.count == 0 && loop.deliveryDurations.count == 0)
    }

    @Test func bytesAndSends() throws {
        let test = try TestConnection(.tcp)
        let loop = test.loop
        #expect(loop.counts.acceptedConnections == 1)
        try test.peer.send("hello\n")
        try loop.run(until: "received") { loop.counts.bytesRead == 6 }
        test.connection.send("one ")
        test.connection.send("two\n")
        #expect(loop.counts.bytesSent == 0)
        try loop.runOnce(waitingAtMost: .zero)
        #expect(loop.counts.bytesSent == 8 && loop.counts.sends == 1)
    }

    @Test func aTopicCountsWhatItSendsItself() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let peers = try (0..<3).map { _ in try TestConnection(on: loop) }
        let topic = try Topic(on: loop)
        for peer in peers { topic.subscribe(peer.connection) }
        topic.publish("to all\n")
        topic.publish("hello\n", from: peers[0].connection)
        #expect(topic.deliveryCount == 5)
        try loop.runOnce(waitingAtMost: .zero)
        #expect(loop.counts.bytesSent == 7 * 3 + 6 * 2)
        #expect(loop.counts.sends == 3)
        // One that speaks and is not subscribed leaves nobody out.
        topic.unsubscribe(peers[2].connection)
        topic.publish("from outside\n", from: peers[2].connection)
        #expect(topic.deliveryCount == 7)
        topic.publish("ignored".utf8.span, from: peers[0].connection, except: [peers[1].connection, peers[0].connection])
        #expect(topic.deliveryCount == 7)
    }

    @Test func theRestOfASendThatWasCutIsCounted() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let slow = try TestConnection(on: loop, sendBuffer: 4_608)
        let topic = try Topic(on: loop)
        topic.subscribe(slow.connection)
        let line = String(repeating: "x", count: 99_999) + "\n"
        topic.publish(line)
        try loop.runOnce(waitingAtMost: .zero)
        #expect((1..<100_000).contains(loop.counts.bytesSent))
        var received = 0
        try loop.run(until: "all received") {
            received += slow.peer.receiveAvailable()?.count ?? 0
            return received == 100_000
        }
        #expect(loop.counts.bytesSent == 100_000)
    }

    @Test func theSubscriberThatIsFurthestBehind() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let topic = try Topic(on: loop)
        #expect(topic.furthestLag == 0)
        let (fast, slow) = (try TestConnection(on: loop), try TestConnection(on: loop, sendBuffer: 4_608))
        topic.subscribe(fast.connection)
        topic.subscribe(slow.connection)
        let line = String(repeating: "x", count: 999) + "\n"
        for _ in 0..<100 { topic.publish(line) }
        // Nobody has had a chance yet.
        #expect(topic.furthestLag == 0)
        try loop.runOnce(waitingAtMost: .zero)
        #expect(topic.lag(of: fast.connection) == 0)
        #expect(topic.furthestLag > 0 && topic.furthestLag == topic.lag(of: slow.connection))
        try loop.run(until: "all received") {
            _ = slow.peer.receiveAvailable()
            return topic.furthestLag == 0
        }
    }

    // MARK: - Durations

    @Test func aTurnsLengthAndTheTimeToTheLastSend() throws {
        let test = try TestConnection()
        let loop = test.loop
        // A turn that sends and has received nothing.
        test.connection.send("hello\n")
        try loop.runOnce(waitingAtMost: .zero)
        #expect(loop.turnDurations.count == 1 && loop.deliveryDurations.count == 0)
        // One that receives and has nothing to send.
        try test.peer.send("hello\n")
        try loop.run(until: "received") { loop.counts.bytesRead == 6 }
        #expect(loop.deliveryDurations.count == 0)
        test.handler.onMessage = { connection, _ in
            let end = ContinuousClock.now.advanced(by: .milliseconds(30))
            while ContinuousClock.now < end {}
            connection.send("answer\n")
        }
        try test.peer.send("hello\n")
        try loop.run(until: "answered") { loop.counts.bytesSent == 13 }
        #expect(loop.deliveryDurations.count == 1 && loop.turnDurations.count == Int(loop.turnCount))
        #expect(loop.deliveryDurations.sum >= .milliseconds(30) && loop.turnDurations.sum >= loop.deliveryDurations.sum)
        let index = try #require(DurationHistogram.upperBounds.firstIndex { $0 >= .milliseconds(30) })
        #expect(loop.deliveryDurations.cumulativeCounts[index - 1] == 0)
        // The time that the loop waits does not count.
        let before = loop.turnDurations.sum
        try loop.runOnce(waitingAtMost: .milliseconds(50))
        #expect(loop.turnDurations.sum - before < .milliseconds(50))
    }

    @Test func histogram() {
        let histogram = DurationHistogram()
        #expect(DurationHistogram.upperBounds == DurationHistogram.upperBounds.sorted())
        #expect(DurationHistogram.upperBounds.first == .microseconds(10) && DurationHistogram.upperBounds.last == .seconds(1))
        for bound in DurationHistogram.upperBounds {
            histogram.record(bound)
            histogram.record(bound + .nanoseconds(1))
        }
        let count = DurationHistogram.upperBounds.count
        #expect(histogram.cumulativeCounts == (0..<count).map { 2 * $0 + 1 })
        #expect(histogram.count == 2 * count)
        let sum = DurationHistogram.upperBounds.reduce(.zero) { $0 + $1 } * 2 + .nanoseconds(count)
        #expect(histogram.sum == sum)
        histogram.record(.seconds(-5))
        #expect(histogram.sum == sum && histogram.cumulativeCounts[0] == 2)
        histogram.record(.seconds(Int64.max))
        histogram.record(.seconds(Int64.max))
        histogram.record(.seconds(Int64.max))
        #expect(histogram.count == 2 * count + 4 && histogram.cumulativeCounts.last == 2 * count)
        #expect(histogram.sum > sum)
    }
}
