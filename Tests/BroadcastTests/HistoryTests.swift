import Broadcast
import Reactor
import Testing

/// A subscriber may ask for the last messages when it joins. It gets those that are within the last half of the log.
struct HistoryTests {
    private let loop: EventLoop
    private let topic: Topic

    init() throws {
        loop = try EventLoop()
        var configuration = Topic.Configuration()
        configuration.capacity = 4_096
        topic = try Topic(on: loop, configuration: configuration)
    }

    private func publish(_ numbers: Range<Int>, length: Int = 100) throws {
        for number in numbers { topic.publish(message(number, length: length)) }
        try loop.turn()
    }

    private func message(_ number: Int, length: Int = 100) -> String {
        "\(number) " + String(repeating: ".", count: length - "\(number) \n".count) + "\n"
    }

    private func history(_ count: Int) throws -> [Int] {
        let peer = try Peer(on: loop, in: topic, history: count)
        try loop.drain(peer)
        let numbers = peer.lines.map { Int($0.prefix { $0 != " " }) ?? -1 }
        #expect(peer.text == numbers.map { message($0) }.joined())
        return numbers
    }

    @Test(arguments: [(0, 0), (-1, 0), (1, 1), (3, 3), (10, 10), (11, 10), (.max, 10)])
    func isTheLastMessages(_ asked: Int, given: Int) throws {
        try publish(0..<10)
        #expect(try history(asked) == Array(10 - given..<10))
    }

    @Test func ofATopicWithoutMessagesIsEmpty() throws {
        #expect(try history(5) == [])
    }

    @Test(arguments: [20, 21, .max])
    func isBoundedByHalfOfTheLog(_ asked: Int) throws {
        // Half of the log is 2,048 bytes: twenty messages of a hundred, and a part of another.
        try publish(0..<300)
        #expect(try history(asked) == Array(280..<300))
    }

    @Test func comesBeforeWhatIsPublishedLater() throws {
        try publish(0..<5)
        let peer = try Peer(on: loop, in: topic, history: 2)
        topic.publish(message(5))
        try loop.drain(peer)
        #expect(peer.text == [3, 4, 5].map { message($0) }.joined())
    }

    @Test func isSentWithoutAnythingNew() throws {
        try publish(0..<3)
        let peer = try Peer(on: loop, in: topic, history: 3)
        try loop.turn()
        peer.read()
        #expect(peer.lines.count == 3)
    }
}
