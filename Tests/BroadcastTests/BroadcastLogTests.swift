import Glibc
import TestSupport
import Testing

@testable import Broadcast

/// The log's arithmetic, against an array that forgets nothing.
struct BroadcastLogTests {
    private struct Model {
        var bytes: [UInt8] = []
        /// Every position at which a message ends; and 0, before the first.
        var boundaries = [0]

        var tail: Int { bytes.count }

        func messageCount(from start: Int, to end: Int) -> Int {
            boundaries.count { $0 > start && $0 <= end }
        }
    }

    @Test func agreesWithAnArrayHoweverItIsFilled() throws {
        let base = SeededGenerator()
        var queries = 0
        for offset in 0..<900 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            var log = try BroadcastLog(minimumCapacity: [1, 4_096, 5_000, 16_384].randomElement(using: &random)!)
            try log.allocate()
            var model = Model()
            // Several times around the ring, by messages of which each scenario has another range of lengths.
            let longest = Int.random(in: 1...log.capacity / 4, using: &random)
            while model.tail < 3 * log.capacity, model.boundaries.count < 300 {
                Self.append(to: &log, &model, longest: longest, using: &random)
                guard Self.agree(log, model, using: &random) else {
                    Issue.record("CHATREACTOR_SEED=\(random.seed) has it again at once")
                    return
                }
                queries += 1
            }
        }
        #expect(queries > 30_000)
    }

    private static func append(
        to log: inout BroadcastLog, _ model: inout Model, longest: Int, using random: inout SeededGenerator
    ) {
        let length = { (random: inout SeededGenerator) in Int.random(in: 1...longest, using: &random) }
        if Bool.random(using: &random) {
            let message = random.distinctBytes(length(&random))
            unsafe log.append(message, count: message.count)
            model.bytes += message
            model.boundaries.append(model.tail)
        } else {
            // A run from the middle of a batch: its ends count from the batch's beginning.
            let origin = Int.random(in: 0...70_000, using: &random)
            var ends: [UInt32] = []
            var end = origin
            // What is appended at once is shorter than the ring.
            let room = log.capacity - 1
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let next = end + length(&random)
                if next - origin > room { break }
                end = next
                ends.append(UInt32(end))
            }
            let bytes = random.distinctBytes(end - origin)
            unsafe log.append(bytes, count: bytes.count, ends: ends, messageCount: ends.count, origin: origin)
            model.boundaries += ends.map { model.tail + Int($0) - origin }
            model.bytes += bytes
        }
    }

    /// Asks one question of each kind.
    private static func agree(
        _ log: borrowing BroadcastLog, _ model: Model, using random: inout SeededGenerator
    ) -> Bool {
        let tail = model.tail
        let oldest = max(tail - log.reach, 0)
        let boundaries = model.boundaries.filter { $0 >= oldest }
        var holds = true
        func check(_ condition: Bool, _ what: Comment) {
            #expect(condition, what)
            holds = holds && condition
        }
        check(log.tail == tail, "tail")
        check(log.messageCount == model.boundaries.count - 1, "messageCount")

        let start = Int.random(in: oldest...tail, using: &random)
        let end = Int.random(in: start...tail, using: &random)
        let isSame = unsafe model.bytes.withUnsafeBytes {
            unsafe start == end || memcmp($0.baseAddress! + start, log.bytes(from: start, to: end).baseAddress!, end - start) == 0
        }
        check(isSame, "the bytes from \(start) to \(end)")
        unsafe check(log.bytes(from: start, to: end).count == end - start, "how many bytes are from \(start) to \(end)")
        check(
            log.messageCount(from: start, to: end) == model.messageCount(from: start, to: end),
            "the messages from \(start) to \(end)")

        // A position's own boundary is that of the byte before it, which the log must hold as well.
        let position = oldest == 0 ? start : max(start, oldest + 1)
        check(
            log.boundary(atOrAfter: position) == boundaries.first { $0 >= position }, "the boundary at or after \(position)")
        if let limit = boundaries.randomElement(using: &random) {
            let position = Int.random(in: limit...tail, using: &random)
            check(
                log.boundary(atOrBefore: position, notBefore: limit) == boundaries.last { $0 <= position },
                "the boundary at or before \(position), not before \(limit)")
        }

        let count = Int.random(in: -1...12, using: &random)
        let reach = Int.random(in: 1..<log.reach, using: &random)
        let within = model.boundaries.filter { $0 >= tail - reach }
        check(
            log.start(ofLast: count, within: reach) == within.suffix(max(count, 0) + 1).first,
            "the start of the last \(count) messages within \(reach) bytes")
        return holds
    }

    @Test func keepsNoDescriptorAndGivesBackItsMemory() throws {
        func openLogAndFindItsFile() throws -> Substring {
            let log = try BroadcastLog(minimumCapacity: 1)
            try log.allocate()
            // The ring is mapped a second time where the first mapping ends.
            let second = unsafe String(UInt(bitPattern: log.storage + log.capacity), radix: 16)
            let mapping = try #require(try mappings().first { $0.hasPrefix(second + "-") })
            return mapping.split(separator: " ")[4]
        }
        // Its file's number tells this log from those of tests that run at the same time.
        let file = try openLogAndFindItsFile()
        #expect(try mappings().allSatisfy { $0.split(separator: " ")[4] != file })
    }

    private func mappings() throws -> [Substring] {
        let file = try unsafe #require(fopen("/proc/self/maps", "r"))
        defer { unsafe fclose(file) }
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while case let count = unsafe fread(&piece, 1, piece.count, file), count > 0 { text += piece[..<count] }
        return String(decoding: text, as: UTF8.self).split(separator: "\n")
    }
}

extension SeededGenerator {
    mutating func distinctBytes(_ count: Int) -> [UInt8] {
        // A message's bytes matter only in that they differ from those beside them.
        let start = next()
        return (0..<count).map { UInt8(truncatingIfNeeded: start &+ UInt64($0) &* 167) }
    }
}
