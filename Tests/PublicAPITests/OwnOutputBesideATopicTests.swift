import ChatReactor
import TestSupport
import Testing

/// What was passed to `send` is counted, and served in bounded time, beside a topic that keeps the socket full for ever.
struct OwnOutputBesideATopicTests {
    /// A subscriber that always lacks messages of its topic: whenever the kernel takes bytes, there are more.
    private final class BusySubscriber {
        static let lineLength = 1_000
        let test: TestConnection
        let topic: Topic
        private(set) var received: [UInt8] = []
        private var published = 0
        private var receivedLines = 0

        init(options: Connection.Options = .init()) throws {
            test = try TestConnection(options: options, sendBuffer: 4_096)
            topic = try Topic(on: test.loop)
            topic.subscribe(test.connection)
            // From here on the socket is full, and the topic's messages are cut in two as a rule.
            try turn(until: "busy") { received.count > 300_000 }
        }

        /// Turns, with 200 lines of the topic that the peer lacks at the beginning of each turn.
        func turn(until comment: Comment, _ condition: () -> Bool) throws {
            try test.loop.run(until: comment) {
                while published < receivedLines + 200 {
                    let number = "topic \(published) "
                    topic.publish(number + String(repeating: ".", count: Self.lineLength - 1 - number.utf8.count) + "\n")
                    published += 1
                }
                let fresh = test.peer.receiveAvailable() ?? []
                receivedLines += fresh.count { $0 == UInt8(ascii: "t") }
                received += fresh
                return condition()
            }
        }

        /// The first two words of each whole line that the peer has received.
        var words: [[Substring]] {
            String(decoding: received, as: UTF8.self).split(separator: "\n").dropLast()
                .map { Array($0.split(separator: " ").prefix(2)) }
        }
    }

    @Test("The handler is told of a drain in bounded time, although the socket stays full")
    func drain() throws {
        let subscriber = try BusySubscriber()
        let test = subscriber.test
        #expect(test.connection.send("own 0\n"))
        let before = subscriber.received.count
        try subscriber.turn(until: "told") {
            test.handler.count(of: .drained) == 1 || subscriber.received.count > before + 1_000_000
        }
        #expect(test.handler.count(of: .drained) == 1)
        #expect(test.connection.pendingOutput == 0)
        #expect(subscriber.received.count - before < 20_000)
        try subscriber.turn(until: "received") { subscriber.words.contains(["own", "0"]) }
    }

    @Test("The own output and the topic's take turns, and neither cuts the other's messages")
    func turns() throws {
        let subscriber = try BusySubscriber()
        let test = subscriber.test
        // As much as may wait is waiting at any time: without turns, the topic would never come to its own.
        var sent = 0
        func fill() {
            while test.connection.pendingOutput < 20_000 {
                test.connection.send("own \(sent) " + String(repeating: ".", count: 990) + "\n")
                sent += 1
            }
        }
        test.handler.onDrain = { _ in fill() }
        fill()
        let before = subscriber.words.count
        try subscriber.turn(until: "2,000 lines more") {
            fill()
            return subscriber.received.count > (before + 2_000) * BusySubscriber.lineLength
        }
        let words = subscriber.words
        for kind in ["own", "topic"] {
            let numbers = words.filter { $0.first == Substring(kind) }.map { Int($0[1]) }
            #expect(numbers == (0..<numbers.count).map { $0 }, "each \(kind) line comes once, whole and in order")
        }
        // How many lines of one kind come one after the other.
        let kinds = words.dropFirst(before + 50).map { $0.first }
        var (run, longest) = (1, ["own": 0, "topic": 0] as [Substring?: Int])
        for (kind, next) in zip(kinds, kinds.dropFirst()) {
            longest[kind] = max(longest[kind] ?? 0, run)
            run = kind == next ? run + 1 : 1
        }
        // What waited at the beginning of a turn of the own output; what the kernel takes at once of the topic's.
        #expect((1...21).contains(longest["own"] ?? 0))
        #expect((1...21).contains(longest["topic"] ?? 0))
    }

    @Test("A quiet topic beside the busy one changes nothing about that")
    func quietTopic() throws {
        let subscriber = try BusySubscriber()
        let test = subscriber.test
        let quiet = try Topic(on: test.loop)
        quiet.subscribe(test.connection)
        var sent = 0
        func fill() {
            while test.connection.pendingOutput < 20_000 {
                test.connection.send("own \(sent) " + String(repeating: ".", count: 990) + "\n")
                sent += 1
            }
        }
        let before = subscriber.received.count
        try subscriber.turn(until: "1,000 lines more") {
            fill()
            return subscriber.received.count > before + 1_000_000
        }
        let fresh = String(decoding: subscriber.received.dropFirst(before + 50_000), as: UTF8.self)
        let lines = fresh.split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("topic") } > 100)
        #expect(lines.count { $0.hasPrefix("own") } > 100)
    }

    @Test("A farewell is the last that the peer gets, whatever its topics have for it", arguments: [0, 1, 500])
    func farewell(waiting: Int) throws {
        let test = try TestConnection(options: .with { $0.maximumPendingOutput = 1_048_576 }, sendBuffer: 4_096)
        let topic = try Topic(on: test.loop, configuration: .with { $0.capacity = 4_194_304 })
        topic.subscribe(test.connection)
        let line = String(repeating: "t", count: 999) + "\n"
        for _ in 0..<waiting {
            topic.publish(line)
            test.connection.send("answer\n")
        }
        if waiting > 1 { try test.loop.settle() }
        topic.publish(line)
        test.connection.send("answer\n")
        test.connection.finish(sending: "goodbye\n")
        topic.publish("too late\n")
        try test.loop.run(until: "received") { test.peer.hasEnded }
        let lines = test.peer.lines
        #expect(lines.last == "goodbye")
        #expect(lines.count { $0 == "answer" } == waiting + 1)
        #expect(lines.count { $0 == line.dropLast() } == waiting + 1)
        #expect(lines.count == 2 * waiting + 3)
    }

    @Test("The rest of a topic's message that was cut in two counts as no pending output")
    func restOfAMessage() throws {
        let test = try TestConnection(options: .with { $0.maximumPendingOutput = 3 }, sendBuffer: 4_096)
        let topic = try Topic(on: test.loop, configuration: .with { $0.capacity = 4_194_304 })
        topic.subscribe(test.connection)
        let line = String(repeating: "x", count: 300_000) + "\n"
        #expect(topic.publish(line))
        try test.loop.settle()
        #expect(test.connection.pendingOutput == 0)
        #expect(test.connection.send("yes"))
        #expect(test.connection.pendingOutput == 3)
        #expect(!test.connection.isFinishing && test.connection.isOpen)
        #expect(try String(decoding: test.receive(line.utf8.count + 3), as: UTF8.self) == line + "yes")
        #expect(test.handler.events == [.opened, .drained])
    }

    @Test("A task's send waits in bounded time for its turn beside a busy topic")
    func taskThatSends() throws {
        final class State {
            var topic: Topic?
            var published = 0
            var sent = 0
        }
        let loop = try EventLoop()
        defer { loop.close() }
        let state = Confined(State())
        state.value.topic = try Topic(on: loop)
        let file = TemporaryPath()
        let address = SocketAddress.unix(path: file.path)
        let line = "own" + String(repeating: ".", count: 9_996) + "\n"
        let server = Task(executorPreference: loop.remote) { [remote = loop.remote] in
            try await remote.serve(on: address, options: .with { $0.maximumPendingOutput = 50_000 }) { connection in
                state.value.topic?.subscribe(connection.connection)
                _ = try await connection.nextMessage()
                while state.value.sent < 30 {
                    try await connection.send(line)
                    state.value.sent += 1
                }
                _ = try await connection.nextMessage()
            }
        }
        defer { server.cancel() }
        try loop.run(until: "listening") { file.exists }
        let peer = try Peer(to: address)
        var (received, receivedLines, own) = (0, 0, 0)
        func turn(until comment: Comment, _ condition: () -> Bool) throws {
            try loop.run(until: comment) {
                // The kernel holds 200 of them for a socket of this kind, about; the others wait in the log.
                while state.value.published < receivedLines + 400 {
                    state.value.topic?.publish("topic" + String(repeating: ".", count: 994) + "\n")
                    state.value.published += 1
                }
                let fresh = peer.receiveAvailable() ?? []
                received += fresh.count
                receivedLines += fresh.count { $0 == UInt8(ascii: "t") }
                own += fresh.count { $0 == UInt8(ascii: "w") }
                return condition()
            }
        }
        try loop.run(until: "subscribed") { state.value.topic?.subscriberCount == 1 }
        try turn(until: "busy") { received > 2_000_000 }
        try peer.send("go\n")
        let before = received
        try turn(until: "all sent") { state.value.sent == 30 || received > before + 30_000_000 }
        #expect(state.value.sent == 30)
        #expect(received - before < 15_000_000)
        try turn(until: "all received") { own == 30 }
    }
}
