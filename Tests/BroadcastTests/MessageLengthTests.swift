import Broadcast
import Reactor
import Testing

/// A message that a log cannot take is refused, and nothing else happens.
struct MessageLengthTests {
    private let loop: EventLoop
    private let topic: Topic
    private let reader: Peer

    init() throws {
        loop = try EventLoop()
        var configuration = Topic.Configuration()
        configuration.capacity = 4_096
        topic = try Topic(on: loop, configuration: configuration)
        reader = try Peer(on: loop, in: topic)
    }

    @Test func theLongestIsAQuarterOfTheLog() throws {
        let longest = String(repeating: "l", count: 1_024)
        #expect(topic.maximumMessageLength == 1_024)
        #expect(topic.publish(longest))
        #expect(!topic.publish(longest + "l"))
        #expect(topic.publish("after\n"))
        try loop.drain(reader)
        #expect(reader.text == longest + "after\n")
        #expect(topic.messageCount == 2)
    }

    @Test func anEmptyOneIsRefused() throws {
        #expect(!topic.publish(""))
        #expect(topic.messageCount == 0)
        try loop.drain(reader)
        #expect(reader.text == "")
    }

    @Test func theOthersOfABatchArePublished() throws {
        var wasWhole: Bool?
        let sender = try Peer(on: loop, in: topic)
        sender.didReceive = { connection, messages in wasWhole = topic.publish(messages, from: connection) }
        let tooLong = String(repeating: "l", count: 1_024) + "\n"
        sender.write("a\n" + tooLong + "b\n" + tooLong + tooLong + "c\n")
        try loop.drain(sender, reader)
        #expect(wasWhole == false)
        #expect(reader.text == "a\nb\nc\n")
        #expect(sender.isOpen)
    }

    @Test func anEmptyRangeOfABatchIsNothing() throws {
        let sender = try Peer(on: loop, in: topic)
        var wasWhole: Bool?
        sender.didReceive = { connection, messages in
            wasWhole = topic.publish(messages, in: messages.count..<messages.count, from: connection)
        }
        sender.write("for nobody\n")
        try loop.drain(sender, reader)
        #expect(wasWhole == true)
        #expect(topic.messageCount == 0)
    }
}
