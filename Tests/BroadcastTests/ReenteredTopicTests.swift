import Glibc
import Reactor
import TestSupport
import Testing

@testable import Broadcast

/// A topic calls its embedder by a skip notice, and by releasing the last reference to a connection. Either may call the topic.
struct ReenteredTopicTests {
    /// A handler that calls every function of the topic when it is released.
    private final class LastWords: ConnectionHandler {
        private let topic: Topic
        private let other: Connection
        private let didEnd: () -> Void

        init(_ topic: Topic, _ other: Connection, didEnd: @escaping () -> Void) {
            self.topic = topic
            self.other = other
            self.didEnd = didEnd
        }

        deinit {
            topic.publish("gone\n", from: other)
            topic.unsubscribe(other)
            topic.subscribe(other, history: 3)
            topic.addPublisher(other)
            topic.removePublisher(other)
            _ = topic.connections
            _ = topic.isUnderPressure
            didEnd()
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}
    }

    enum Ending: CaseIterable {
        case isClosed, hangsUp, isUnsubscribedAndClosed, isTooSlow
    }

    @Test(arguments: Ending.allCases, [SlowSubscriberPolicy.backpressure(stall: .seconds(60)), .skip, .disconnect])
    func aHandlerMayCallTheTopicWhenItIsReleased(that ending: Ending, under policy: SlowSubscriberPolicy) throws {
        let loop = try EventLoop()
        var configuration = Topic.Configuration()
        configuration.capacity = 16_384
        configuration.policy = policy
        let topic = try Topic(on: loop, configuration: configuration)
        let witness = try Peer(on: loop, in: topic)
        var ended = 0
        var handler: LastWords? = LastWords(topic, try #require(witness.connection)) { ended += 1 }
        let (near, far) = try socketPair()
        near.setOption(SOL_SOCKET, SO_SNDBUF, 1)
        weak var connection: Connection?
        if let last = handler {
            connection = try loop.adopt(socket: OwnedDescriptor(takingOver: near), handler: last)
        }
        handler = nil
        topic.subscribe(try #require(connection))
        // Blocked, and too far behind: the topic has it in all of its lists.
        for _ in 0..<11 {
            topic.publish(String(repeating: ".", count: 999) + "\n")
            try loop.turn()
            witness.read()
        }
        switch ending {
        case .isClosed: connection?.close()
        case .hangsUp: far.close()
        case .isUnsubscribedAndClosed:
            if let connection {
                topic.unsubscribe(connection)
                connection.close()
            }
        case .isTooSlow:
            if policy == .skip { connection?.close() }
            for _ in 0..<20 {
                topic.publish(String(repeating: ".", count: 999) + "\n")
                try loop.turn()
                witness.read()
            }
        }
        try loop.run(until: "the handler is released") { ended == 1 }
        #expect(connection == nil)
        try loop.drain(witness)
        #expect(witness.isOpen)
        loop.close()
    }

    @Test func aSkipNoticeMaySubscribeUnsubscribeAndPublish() throws {
        let loop = try EventLoop()
        /// What the closure does, which is `Sendable` and is called on the loop's thread alone.
        final class Box: @unchecked Sendable {
            var body: () -> Void = {}
        }
        let box = Box()
        var configuration = Topic.Configuration()
        configuration.capacity = 8_192
        configuration.policy = .skip
        configuration.skipNotice = { missed in
            box.body()
            return Array("? \(missed)\n".utf8)
        }
        let topic = try Topic(on: loop, configuration: configuration)
        var joined: [Peer] = []
        let slow = try (0..<3).map { _ in try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer) }
        let reader = try Peer(on: loop, in: topic)
        for _ in 0..<20 {
            topic.publish(String(repeating: ".", count: 999) + "\n")
            try loop.turn()
            reader.read()
        }
        try #require(topic.skippedMessageCount > 0)
        var calls = 0
        box.body = {
            calls += 1
            if calls > 3 { return }
            // The cursors move to other memory, and one of them to the place of another.
            for _ in 0..<20 { if let peer = try? Peer(on: loop, in: topic) { joined.append(peer) } }
            if let connection = slow[0].connection { topic.unsubscribe(connection) }
            for _ in 0..<5 { topic.publish(String(repeating: "n", count: 999) + "\n") }
        }
        for _ in 0..<20 {
            for peer in slow { peer.read() }
            try loop.turn()
            reader.read()
        }
        #expect(calls > 0)
        topic.publish("last\n")
        try loop.drain(reader, slow[1], slow[2])
        for peer in joined { peer.read() }
        #expect(reader.lines.last == "last")
        #expect(slow[1].lines.last == "last" && slow[2].lines.last == "last")
        #expect(slow[0].lines.last != "last")
        #expect(joined.allSatisfy { $0.lines.last == "last" })
        loop.close()
    }
}
