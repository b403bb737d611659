import Broadcast
import Reactor
import Testing

/// Under `skip` nobody is slowed down. A subscriber that falls behind skips to the tail, and is sent exactly how many messages it
/// missed.
struct SkipPolicyTests {
    @Test func everyGapIsAnnouncedWithItsExactCountWhateverThePeersDo() throws {
        let record = try RandomScenario.play(1_500, under: .skip)
        #expect(record.messages > 10_000 && record.splitMessages > 100 && record.skipped > 1_000)
    }

    private let loop: EventLoop
    private let topic: Topic

    init() throws {
        loop = try EventLoop()
        var configuration = Topic.Configuration()
        configuration.capacity = 8_192
        configuration.policy = .skip
        configuration.skipNotice = { Array("missed \($0)\n".utf8) }
        topic = try Topic(on: loop, configuration: configuration)
    }

    private func message(_ number: Int) -> String {
        "\(number) " + String(repeating: ".", count: 100) + "\n"
    }

    private func number(of line: String) -> Int? { Int(line.prefix { $0 != " " }) }

    @Test func theGapIsExactAndTheOthersAreNotSlowed() throws {
        let slow = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        let reader = try Peer(on: loop, in: topic)
        for number in 0..<500 {
            topic.publish(message(number))
            try loop.turn()
            reader.read()
            #expect(!topic.isUnderPressure)
        }
        try loop.drain(slow, reader)
        #expect(reader.lines.compactMap(number) == Array(0..<500))

        // A run from the first on, the notice, and what came after the newest of those that were missed.
        let notices = slow.lines.indices.filter { slow.lines[$0].hasPrefix("missed ") }
        try #require(notices.count == 1)
        let before = slow.lines[..<notices[0]].compactMap(number)
        let after = slow.lines[(notices[0] + 1)...].compactMap(number)
        let missed = try #require(Int(slow.lines[notices[0]].dropFirst("missed ".count)))
        #expect(before == Array(0..<before.count))
        #expect(after == Array(before.count + missed..<500))
        #expect(topic.skippedMessageCount == missed)
        #expect(topic.messageCount == 500)
        #expect(topic.byteCount == (0..<500).reduce(0) { $0 + message($1).utf8.count })
        #expect(slow.isOpen)
    }

    @Test func itsOwnMessagesAreNotMissed() throws {
        let slow = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        for number in 0..<400 {
            topic.publish(message(number), from: number % 4 == 0 ? nil : slow.connection)
            try loop.turn()
        }
        try loop.drain(slow)
        let missed = slow.lines.compactMap { $0.hasPrefix("missed ") ? Int($0.dropFirst("missed ".count)) : nil }
        #expect(missed.reduce(0, +) > 0)
        #expect(missed.reduce(0, +) + slow.lines.compactMap(number).count == 100)
        #expect(topic.skippedMessageCount == missed.reduce(0, +))
    }

    @Test func withoutANoticeItGoesOnAtAMessageBoundary() throws {
        var configuration = Topic.Configuration()
        configuration.capacity = 8_192
        configuration.policy = .skip
        let topic = try Topic(on: loop, configuration: configuration)
        let slow = try Peer(on: loop, in: topic, sendBuffer: Peer.leastSendBuffer)
        for number in 0..<500 {
            topic.publish(message(number))
            try loop.turn()
        }
        try loop.drain(slow)
        topic.publish(message(500))
        try loop.drain(slow)
        let numbers = slow.lines.compactMap(number)
        #expect(slow.text == numbers.map(message).joined())
        #expect(numbers.count < 501 && numbers.last == 500)
    }
}
