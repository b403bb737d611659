import Broadcast
import Glibc
import Reactor
import Testing

/// Ten thousand topics live in one process: one without messages is a small object, and one with messages takes two mappings.
@Suite(.serialized)
struct ManyTopicsTests {
    private static let count = 10_000

    private func text(of path: String) throws -> String {
        let file = try unsafe #require(fopen(path, "r"))
        defer { unsafe fclose(file) }
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while case let count = unsafe fread(&piece, 1, piece.count, file), count > 0 { text += piece[..<count] }
        return String(decoding: text, as: UTF8.self)
    }

    private func mappingsOfLogs() throws -> Int {
        try text(of: "/proc/self/maps").split(separator: "\n").count { $0.contains("broadcast-log") }
    }

    private func residentBytes() throws -> Int {
        let pages = try text(of: "/proc/self/statm").split(separator: " ")[1]
        return try #require(Int(pages)) * Int(getpagesize())
    }

    /// Other tests run at the same time, in the same process: what they allocate must not matter among ten thousand topics.
    @Test func aTopicWithoutMessagesTakesLessThanEightKilobytes() throws {
        let loop = try EventLoop()
        let mappings = try mappingsOfLogs()
        let before = try residentBytes()
        let topics = try (0..<Self.count).map { _ in try Topic(on: loop) }
        let after = try residentBytes()
        #expect(after - before < Self.count * 8_192)
        #expect(try mappingsOfLogs() < mappings + 1_000)
        #expect(topics.allSatisfy { $0.messageCount == 0 })
        loop.close()
    }

    @Test func tenThousandTopicsWithMessagesLiveAtOnce() throws {
        let loop = try EventLoop()
        let topics = try (0..<Self.count).map { _ in try Topic(on: loop) }
        for (number, topic) in topics.enumerated() { #expect(topic.publish("message \(number)\n")) }
        try loop.turn()
        #expect(try mappingsOfLogs() <= 2 * Self.count + 1_000)
        for number in [0, Self.count / 2, Self.count - 1] {
            let peer = try Peer(on: loop, in: topics[number], history: 1)
            try loop.drain(peer)
            #expect(peer.text == "message \(number)\n")
        }
        loop.close()
    }
}
