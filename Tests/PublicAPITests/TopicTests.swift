import ChatReactor
import TestSupport
import Testing

/// What `Topic` promises of who gets which messages, and in which order.
struct TopicTests {
    /// Everybody on the loop is subscribed, and publishes all that it says.
    private final class Room {
        let loop: EventLoop
        let topic: Topic
        let members: [TestConnection]

        init(_ count: Int, options: Connection.Options = .init(), configuration: Topic.Configuration = .init()) throws {
            loop = try EventLoop()
            topic = try Topic(on: loop, configuration: configuration)
            var members: [TestConnection] = []
            for _ in 0..<count {
                let member = try TestConnection(on: loop, options: options)
                topic.subscribe(member.connection)
                members.append(member)
            }
            self.members = members
        }

        deinit { loop.close() }
    }

    /// Publishes what comes.
    private final class Publisher: ConnectionHandler {
        let topic: Topic
        var range: Range<Int>?
        var results: [Bool] = []
        var isAnonymous = false
        init(of topic: Topic) { self.topic = topic }
        func connectionDidOpen(_ connection: Connection) { topic.subscribe(connection) }
        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            results.append(topic.publish(messages, in: range, from: isAnonymous ? nil : connection))
        }
        func connectionDidDiscardMessage(_ connection: Connection) {}
    }

    /// Peers of connections that are subscribed, and publish what they receive.
    private static func publishers(
        _ count: Int, of topic: Topic, options: Connection.Options = .init()
    ) throws -> (handler: Publisher, peers: [Peer]) {
        let handler = Publisher(of: topic)
        let peers = try (0..<count).map { _ in
            let (near, far) = try socketPair()
            try topic.loop.adopt(socket: OwnedDescriptor(takingOver: near), options: options, handler: handler)
            return far
        }
        return (handler, peers)
    }

    @Test("Every subscriber gets every message, less those that it published itself")
    func lessItsOwn() throws {
        let room = try Room(3)
        let sender = room.members[1].connection
        #expect(room.topic.publish("one\n"))
        #expect(room.topic.publish("two\n", from: sender))
        #expect(room.topic.publish("three\n"))
        try room.loop.run(until: "the last message") { room.members.allSatisfy { $0.peer.text.hasSuffix("three\n") } }
        #expect(room.members.map(\.peer.text) == ["one\ntwo\nthree\n", "one\nthree\n", "one\ntwo\nthree\n"])
    }

    @Test("All subscribers see one order, and each sender's messages keep theirs")
    func oneOrder() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let topic = try Topic(on: loop)
        let listener = try TestConnection(on: loop)
        topic.subscribe(listener.connection)
        let (_, peers) = try Self.publishers(4, of: topic)
        for round in 0..<50 {
            for (index, peer) in peers.enumerated() { try peer.send("\(index) \(round)\n") }
            if round % 7 == 0 { try loop.runOnce(waitingAtMost: .zero) }
        }
        try loop.run(until: "all messages") { listener.peer.lines.count == 200 && peers.allSatisfy { $0.lines.count == 150 } }
        let order = listener.peer.lines
        for (index, peer) in peers.enumerated() {
            #expect(peer.lines == order.filter { !$0.hasPrefix("\(index) ") })
            #expect(order.filter { $0.hasPrefix("\(index) ") } == (0..<50).map { "\(index) \($0)" })
        }
    }

    @Test("What is published leaves at the end of the turn, and not before")
    func endOfTurn() throws {
        let room = try Room(2)
        var textWithin: String?
        room.loop.schedule(at: .now) {
            room.topic.publish("hello\n")
            textWithin = room.members[0].peer.text
        }
        while textWithin == nil { try room.loop.runOnce(waitingAtMost: patience) }
        #expect(textWithin == "")
        #expect(room.members.map(\.peer.text) == ["hello\n", "hello\n"])
    }

    @Test("A subscriber gets what is published from now on")
    func fromNowOn() throws {
        let room = try Room(1)
        room.topic.publish("early\n")
        let late = try TestConnection(on: room.loop)
        room.topic.publish("still early\n")
        room.topic.subscribe(late.connection)
        room.topic.publish("late\n")
        try room.loop.run(until: "the message") { late.peer.text.hasSuffix("\n") && room.members[0].peer.lines.count == 3 }
        #expect(late.peer.text == "late\n")
    }

    @Test("Subscribing twice does nothing")
    func twice() throws {
        let room = try Room(1)
        room.topic.subscribe(room.members[0].connection)
        #expect(room.topic.subscriberCount == 1)
        room.topic.publish("one\n")
        room.topic.publish("end\n")
        try room.loop.run(until: "the last message") { room.members[0].peer.text.hasSuffix("end\n") }
        #expect(room.members[0].peer.text == "one\nend\n")
    }

    @Test("What a subscriber has not been sent when it is taken out, it does not get")
    func unsubscribe() throws {
        let room = try Room(2)
        room.topic.publish("one\n")
        try room.loop.run(until: "the first message") { room.members.allSatisfy { $0.peer.text == "one\n" } }
        room.topic.publish("two\n")
        room.topic.unsubscribe(room.members[0].connection)
        room.topic.publish("three\n")
        try room.loop.run(until: "the last message") { room.members[1].peer.text == "one\ntwo\nthree\n" }
        #expect(room.members[0].peer.text == "one\n")
        #expect(room.members[0].connection.isOpen)
        #expect(room.topic.subscriberCount == 1)
    }

    @Test("Closing a connection unsubscribes it")
    func closing() throws {
        let room = try Room(3)
        #expect(room.topic.subscriberCount == 3)
        room.members[0].connection.close()
        room.members[1].peer.close()
        try room.loop.run(until: "two ends") { room.members[..<2].allSatisfy { !$0.handler.closeReasons.isEmpty } }
        #expect(room.topic.subscriberCount == 1)
        #expect(room.topic.connections.map(\.id) == [room.members[2].connection.id])
    }

    @Test("Who is subscribed is known")
    func connections() throws {
        let room = try Room(5)
        #expect(Set(room.topic.connections.map(\.id)) == Set(room.members.map(\.connection.id)))
        #expect(room.topic.subscriberCount == 5)
        #expect(room.topic.loop === room.loop)
    }

    @Test("All messages ever published are counted, and no others")
    func messageCount() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let topic = try Topic(on: loop)
        #expect(topic.messageCount == 0)
        topic.publish("one\n")
        topic.publish("")
        let (handler, peers) = try Self.publishers(1, of: topic)
        try peers[0].send("two\nthree\n\nfo")
        try loop.run(until: "the batch") { !handler.results.isEmpty }
        #expect(topic.messageCount == 4)
    }

    @Test("An empty message is not published, and one that is too long neither; the result says so")
    func refusedMessages() throws {
        let room = try Room(1)
        let longest = room.topic.maximumMessageLength
        #expect(!room.topic.publish([UInt8]()))
        #expect(!room.topic.publish(""))
        #expect(!room.topic.publish([UInt8](repeating: 65, count: longest + 1)))
        #expect(room.topic.messageCount == 0)
        #expect(room.topic.publish([UInt8](repeating: 66, count: longest)))
        try room.loop.run(until: "the longest message") { room.members[0].peer.bytes.count >= longest }
        #expect(room.members[0].peer.bytes == [UInt8](repeating: 66, count: longest))
    }

    @Test(
        "A message may be a quarter of the log, whose capacity is rounded up to a power of two",
        arguments: [1_048_576, 1_000_000, 524_289])
    func maximumMessageLength(capacity: Int) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        #expect(try Topic(on: loop, configuration: .with { $0.capacity = capacity }).maximumMessageLength == 262_144)
    }

    @Test("Without a configuration the log keeps 1 MiB, slow subscribers are waited for, and one turn sends each 256 KiB at most")
    func defaults() throws {
        let configuration = Topic.Configuration()
        #expect(configuration.capacity == 1_048_576)
        #expect(configuration.policy == .backpressure(stall: .seconds(1), grace: .seconds(5)))
        #expect(configuration.sendBudget == 262_144)
        #expect(configuration.skipNotice == nil)
    }

    @Test("Of a batch, the messages that are too long are not published, the others are; the result says so")
    func tooLongInABatch() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let topic = try Topic(on: loop, configuration: .with { $0.capacity = 4_096 })
        let listener = try TestConnection(on: loop)
        topic.subscribe(listener.connection)
        let (handler, peers) = try Self.publishers(1, of: topic)
        let long = String(repeating: "a", count: topic.maximumMessageLength)
        try peers[0].send("one\n\(long)\n\(long.dropLast())\ntwo\n")
        try loop.run(until: "the last message") { listener.peer.text.hasSuffix("two\n") }
        #expect(listener.peer.text == "one\n\(long.dropLast())\ntwo\n")
        #expect(handler.results.contains(false))
        #expect(topic.messageCount == 3)
    }

    @Test("Some of a batch's messages can be published")
    func range() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let topic = try Topic(on: loop)
        let listener = try TestConnection(on: loop)
        topic.subscribe(listener.connection)
        let (handler, peers) = try Self.publishers(1, of: topic)
        handler.range = 1..<3
        try peers[0].send("0\n1\n2\n3\n")
        try loop.run(until: "two messages") { listener.peer.lines.count >= 2 }
        #expect(listener.peer.text == "1\n2\n")
        #expect(handler.results == [true])
    }

    @Test("What nobody has sent goes to everybody, also to the connection that it came from")
    func anonymous() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let topic = try Topic(on: loop)
        let (handler, peers) = try Self.publishers(2, of: topic)
        handler.isAnonymous = true
        try peers[0].send("hello\n")
        try loop.run(until: "the message") { peers.allSatisfy { $0.text == "hello\n" } }
    }

    @Test("Somebody who is not subscribed can publish")
    func outsider() throws {
        let room = try Room(2)
        let outsider = try TestConnection(on: room.loop)
        room.topic.publish("hello\n", from: outsider.connection)
        try room.loop.run(until: "the message") { room.members.allSatisfy { $0.peer.text == "hello\n" } }
        #expect(outsider.peer.text == "")
    }

    @Test(
        "A topic relays messages of all framings alike: as they came, header and terminator included",
        arguments: [
            (.lines, "one\n\ntwo\n"), (.chunks, "one\ntw"), (.nulTerminated, "one\0\0two\n\0"),
            (.lengthPrefixed(.oneByte), "\u{3}one\u{0}\u{1}\n"), (.lengthPrefixed(.twoBytes), "\0\u{3}one\0\0"),
            (.lengthPrefixed(.fourBytes), "\0\0\0\u{3}one"), (OwnFramingTests.Records(), "0123456789abcdef"),
        ] as [(any Framing, String)])
    func framings(framing: any Framing, text: String) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let topic = try Topic(on: loop)
        let (_, peers) = try Self.publishers(3, of: topic, options: .framed(framing))
        try peers[0].send(text)
        try loop.run(until: "the messages") { peers[1...].allSatisfy { $0.text.utf8.count >= text.utf8.count } }
        #expect(peers.map(\.text) == ["", text, text])
    }

    @Test("A reply that is sent to one connection comes before what the topic has for it, and never inside a message")
    func repliesFirst() throws {
        let room = try Room(2)
        room.topic.publish("published\n")
        room.members[0].connection.send("reply\n")
        try room.loop.run(until: "both") { room.members[0].peer.lines.count == 2 && room.members[1].peer.lines.count == 1 }
        #expect(room.members[0].peer.text == "reply\npublished\n")
        #expect(room.members[1].peer.text == "published\n")
    }

    @Test("A subscriber that finishes gets what was published before, and nothing after")
    func finishing() throws {
        let room = try Room(2)
        room.topic.publish("before\n")
        room.members[0].connection.finish()
        room.topic.publish("after\n")
        try room.loop.run(until: "the end") { room.members[0].peer.hasEnded && room.members[1].peer.lines.count == 2 }
        #expect(room.members[0].peer.text == "before\n")
    }

    @Test("A connection may be subscribed to several topics: no byte of one is inside a message of another")
    func severalTopics() throws {
        let room = try Room(1)
        let other = try Topic(on: room.loop)
        let member = room.members[0]
        other.subscribe(member.connection)
        for number in 0..<500 {
            room.topic.publish("one \(number)\n")
            other.publish("other \(number)\n")
            if number % 50 == 0 { try room.loop.runOnce(waitingAtMost: .zero) }
        }
        try room.loop.run(until: "all messages") { member.peer.lines.count == 1_000 }
        #expect(member.peer.lines.filter { $0.hasPrefix("one") } == (0..<500).map { "one \($0)" })
        #expect(member.peer.lines.filter { $0.hasPrefix("other") } == (0..<500).map { "other \($0)" })
        other.unsubscribe(member.connection)
        other.publish("other\n")
        room.topic.publish("one\n")
        try room.loop.run(until: "the last message") { member.peer.lines.count == 1_001 }
        #expect(member.peer.lines.last == "one")
    }

    @Test("One turn sends a subscriber no more than its budget, and the rest in the next ones")
    func sendBudget() throws {
        let room = try Room(2, configuration: .with { $0.sendBudget = 4_096 })
        let message = String(repeating: "a", count: 999) + "\n"
        for _ in 0..<20 { room.topic.publish(message) }
        try room.loop.runOnce(waitingAtMost: .zero)
        let first = room.members.map(\.peer.bytes.count)
        #expect(first.allSatisfy { $0 > 0 && $0 <= 4_096 }, "\(first)")
        try room.loop.run(until: "all of it") { room.members.allSatisfy { $0.peer.bytes.count == 20_000 } }
    }

    @Test("A slow reader gets all of it, whole and in order, for as long as it is waited for")
    func slowReader() throws {
        let room = try Room(1, configuration: .with { $0.policy = .backpressure(stall: .seconds(3_600), grace: .seconds(3_600)) })
        let member = room.members[0]
        let messages = (0..<4_000).map { "\($0) " + String(repeating: "a", count: 100 + $0 % 100) }
        for (index, message) in messages.enumerated() {
            room.topic.publish(message + "\n")
            if index % 500 == 0 { try room.loop.runOnce(waitingAtMost: .zero) }
        }
        try room.loop.run(until: "all of it") {
            member.peer.read(atMost: 10_000)
            return member.peer.ends(in: "\n\(messages.last!)\n")
        }
        #expect(member.peer.lines == messages)
    }
}
