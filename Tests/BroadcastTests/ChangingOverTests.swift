import Broadcast
import KernelFaults
import Reactor
import TestSupport
import Testing

/// A connection changes over between its own output and a topic: nothing is lost, and nothing overtakes what came before.
struct ChangingOverTests {
    @Test(
        "What was sent before a subscription leaves before the topic's, also while it is another topic's turn",
        .enabled(if: kernel_faults_are_available()))
    func ownOutputFirst() throws {
        let test = try TestConnection()
        let (old, new) = (try Topic(on: test.loop), try Topic(on: test.loop))
        old.subscribe(test.connection)
        test.handler.onDrain = { connection in
            test.handler.onDrain = nil
            connection.send("history\n")
            new.subscribe(connection)
            new.publish("live\n")
        }
        kernel_begin()
        defer { kernel_rest() }
        // The kernel is full just where the topic's message would begin, so the topics' output is due next.
        kernel_limit(10)
        test.connection.send("123456789\n")
        old.publish("a message of the old topic\n")
        try test.loop.runOnce(waitingAtMost: .zero)
        kernel_rest()
        try test.loop.run { test.peer.lines.count == 4 }
        let lines = test.peer.lines
        let history = try #require(lines.firstIndex(of: "history"))
        let live = try #require(lines.firstIndex(of: "live"))
        #expect(history < live, "\(lines)")
    }

    @Test("Who is taken out without loss is sent what it lacked, less its own, and nothing that comes later")
    func withoutLoss() throws {
        let test = try TestConnection()
        let topic = try Topic(on: test.loop)
        topic.subscribe(test.connection)
        topic.publish("one\n")
        topic.publish("own\n", from: test.connection)
        topic.publish("two\n")
        topic.publish("own, too\n", from: test.connection)
        topic.publish("three\n")
        #expect(topic.unsubscribe(test.connection, sendingAtMost: 1_000))
        test.connection.send("mine\n")
        topic.publish("four\n")
        try test.loop.settle()
        #expect(test.peer.lines == ["one", "two", "three", "mine"])
        #expect(topic.subscriberCount == 0)
        #expect(topic.unsubscribe(test.connection, sendingAtMost: 0), "one that is not subscribed lacks nothing")
    }

    @Test("Who lacks more than may be copied is sent none of it")
    func tooMuch() throws {
        let test = try TestConnection()
        let topic = try Topic(on: test.loop)
        topic.subscribe(test.connection)
        topic.publish("one\n")
        #expect(!topic.unsubscribe(test.connection, sendingAtMost: 3))
        try test.loop.settle()
        #expect(test.peer.lines == [])
    }

    @Test("Who was moved ahead is told so before what it lacks", .enabled(if: kernel_faults_are_available()))
    func afterAGap() throws {
        let test = try TestConnection()
        var configuration = Topic.Configuration()
        configuration.capacity = 4_096
        configuration.policy = .skip
        configuration.skipNotice = { Array("missed \($0)\n".utf8) }
        let topic = try Topic(on: test.loop, configuration: configuration)
        topic.subscribe(test.connection)
        kernel_begin()
        defer { kernel_rest() }
        kernel_limit(10)
        test.connection.send("123456789\n")
        func flood() throws -> Int {
            let skipped = topic.skippedMessageCount
            for number in 1... {
                topic.publish("\(number)" + String(repeating: "x", count: 1_000) + "\n")
                try test.loop.runOnce(waitingAtMost: .zero)
                if topic.skippedMessageCount > skipped { return topic.skippedMessageCount - skipped }
            }
            return 0
        }
        _ = try flood()
        topic.publish("new\n")
        #expect(!topic.unsubscribe(test.connection, sendingAtMost: 3), "as if it had missed nothing")
        topic.subscribe(test.connection)
        let missed = try flood()
        topic.publish("newer\n")
        #expect(topic.unsubscribe(test.connection, sendingAtMost: 1_000))
        kernel_rest()
        test.connection.send("mine\n")
        try test.loop.run { test.peer.lines.last == "mine" }
        #expect(test.peer.lines.filter { !$0.hasSuffix("x") } == ["123456789", "missed \(missed)", "newer", "mine"])
    }
}
