import Broadcast
import Reactor
import Testing

/// A turn reads a quarter of the log at most before it flushes, however many publishers are ready: so a flood costs the
/// subscribers waiting time, but neither takes them by surprise nor overruns them. Who was not read in a turn comes first in the
/// next.
struct IntakeLimitTests {
    @Test func aTurnPublishesAQuarterOfTheLogAtMost() throws {
        var configuration = EventLoop.Configuration()
        configuration.readSize = 1_024
        let loop = try EventLoop(configuration: configuration)
        var topicConfiguration = Topic.Configuration()
        topicConfiguration.capacity = 16_384
        let topic = try Topic(on: loop, configuration: topicConfiguration)
        let reader = try Peer(on: loop, in: topic)
        let line = String(repeating: ".", count: 999) + "\n"
        let publishers = try (0..<20).map { _ in try Peer(on: loop, in: topic) }
        for publisher in publishers { #expect(publisher.write(line) == line.utf8.count) }
        var turns = 0
        while topic.messageCount < publishers.count, turns < 100 {
            let before = topic.messageCount
            try loop.turn()
            turns += 1
            #expect((topic.messageCount - before) * line.utf8.count <= topic.maximumMessageLength)
            #expect(topic.messageCount > before, "a turn read nothing, though there is more")
        }
        try loop.drain(reader)
        #expect(reader.lines.count == publishers.count)
        for publisher in publishers {
            publisher.read()
            #expect(publisher.lines.count == publishers.count - 1)
        }
    }

    /// Only a topic that grows ends a turn's reading: however many small ones there are, the others' messages come in batches.
    @Test(arguments: [true, false])
    func aSmallTopicDoesNotSlowDownTheReadingForAnother(isAlive: Bool) throws {
        let loop = try EventLoop()
        var configuration = Topic.Configuration()
        configuration.capacity = 4_096
        var small: Topic? = try Topic(on: loop, configuration: configuration)
        small?.publish("a message\n")
        try loop.turn()
        if !isAlive { small = nil }
        let large = try Topic(on: loop)
        let publishers = try (0..<100).map { _ in try Peer(on: loop, in: large) }
        for publisher in publishers { publisher.write("a line\n") }
        try loop.turn()
        #expect(large.messageCount == publishers.count)
        withExtendedLifetime(small) {}
        loop.close()
    }
}
