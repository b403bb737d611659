import Reactor
import TestSupport
import Testing

@testable import Broadcast

/// A subscriber that lags and goes on publishing between others' messages gets those of the others, and catches up in few turns.
struct OwnRunsTests {
    @Test func manyOwnMessagesBetweenOthersAreCaughtUpWithInFewTurns() throws {
        let loop = try EventLoop()
        let topic = try Topic(on: loop)
        let peer = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        let connection = try #require(peer.connection)
        // Its socket is full.
        connection.send([UInt8](repeating: UInt8(ascii: "p"), count: 20_000))
        try loop.turn()
        let pairs = 40_000
        for number in 0..<pairs {
            topic.publish("\(number % 10)\n")
            topic.publish("o\n", from: connection)
        }
        let start = loop.turnCount
        var expected = String(repeating: "p", count: 20_000)
        for number in 0..<pairs { expected += "\(number % 10)\n" }
        // A turn for each time that its small socket was emptied, and not for each pair.
        try loop.run(until: "all is received", turns: 2_000) {
            peer.read()
            return peer.received.count >= expected.utf8.count
        }
        #expect(peer.text == expected)
        #expect(loop.turnCount - start < 2_000)
        loop.close()
    }

    /// A cursor keeps one run of its connection's own messages. Only a second run makes an object for the subscriber.
    @Test func ownMessagesInARowAreOneRun() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let topic = try Topic(on: loop)
        let peer = try Peer(on: loop, in: topic)
        topic.publish("zero\n")
        for text in ["one\n", "two\n"] { topic.publish(text, from: peer.connection) }
        #expect(topic.cursors[0].ownStart == 5 && topic.cursors[0].ownEnd == 13)
        #expect(topic.cursors[0].subscriber == nil)
        topic.publish("three\n")
        topic.publish("four\n", from: peer.connection)
        #expect(topic.cursors[0].subscriber != nil)
    }

    @Test func agreesWithAnArray() {
        var random = SeededGenerator()
        var runs = OwnRuns()
        var model: [Range<Int>] = []
        var end = 0
        for _ in 0..<20_000 {
            if Int.random(in: 0..<5, using: &random) < 3 {
                let start = end + Int.random(in: 0...1, using: &random)
                end = start + Int.random(in: 1...9, using: &random)
                runs.append(start..<end)
                if let last = model.last, last.upperBound == start {
                    model[model.count - 1] = last.lowerBound..<end
                } else {
                    model.append(start..<end)
                }
            } else {
                runs.removeFirst()
                if !model.isEmpty { model.removeFirst() }
            }
            if runs.count != model.count || runs.first != model.first || runs.isEmpty != model.isEmpty {
                Issue.record("\(runs) is not \(model)")
                return
            }
            if let last = model.last, runs[runs.count - 1] != last { Issue.record("\(runs) is not \(model)") }
        }
    }
}
