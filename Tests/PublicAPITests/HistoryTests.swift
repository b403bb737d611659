import ChatReactor
import TestSupport
import Testing

/// What `Topic.subscribe(_:history:)` promises.
struct HistoryTests {
    @Test("A subscriber can have the last messages first, and then what comes", arguments: [0, 1, 3, 10])
    func last(count: Int) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let topic = try Topic(on: loop)
        for number in 0..<10 { topic.publish("\(number)\n") }
        let late = try TestConnection(on: loop)
        topic.subscribe(late.connection, history: count)
        topic.publish("new\n")
        try loop.run(until: "the new message") { late.peer.text.hasSuffix("new\n") }
        #expect(late.peer.lines == (10 - count..<10).map { "\($0)" } + ["new"])
    }

    @Test("There are no more than were published")
    func all() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let topic = try Topic(on: loop)
        topic.publish("one\n")
        topic.publish("two\n")
        let late = try TestConnection(on: loop)
        topic.subscribe(late.connection, history: .max)
        try loop.run(until: "the messages") { late.peer.lines.count == 2 }
        #expect(late.peer.text == "one\ntwo\n")
    }

    @Test("They are within the last half of the log, whole, and the newest of all")
    func halfOfTheLog() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let topic = try Topic(on: loop, configuration: .with { $0.capacity = 65_536 })
        let messages = (0..<5_000).map { "\($0) " + String(repeating: "a", count: $0 % 50) }
        for message in messages { topic.publish(message + "\n") }
        let late = try TestConnection(on: loop)
        topic.subscribe(late.connection, history: .max)
        topic.publish("new\n")
        try loop.run(until: "the new message") { late.peer.text.hasSuffix("new\n") }
        let history = Array(late.peer.lines.dropLast())
        let length = late.peer.bytes.count - "new\n".utf8.count
        #expect(history == Array(messages.suffix(history.count)))
        #expect(length <= 32_768)
        // One more would not have been within it.
        #expect(length + messages[messages.count - history.count - 1].utf8.count + 1 > 32_768)
    }

    @Test("Subscribing again does not bring history a second time, but leaving and coming back does")
    func again() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let topic = try Topic(on: loop)
        topic.publish("old\n")
        let member = try TestConnection(on: loop)
        topic.subscribe(member.connection, history: 1)
        topic.subscribe(member.connection, history: 1)
        topic.publish("new\n")
        try loop.run(until: "the new message") { member.peer.text == "old\nnew\n" }
        topic.unsubscribe(member.connection)
        topic.subscribe(member.connection, history: 1)
        try loop.run(until: "the history") { member.peer.text == "old\nnew\nnew\n" }
    }

    @Test("A history has also what the subscriber itself had published")
    func ownMessages() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let topic = try Topic(on: loop)
        let member = try TestConnection(on: loop)
        topic.publish("one\n", from: member.connection)
        topic.publish("two\n")
        topic.subscribe(member.connection, history: 2)
        try loop.run(until: "the history") { member.peer.lines.count == 2 }
        #expect(member.peer.text == "one\ntwo\n")
    }
}
