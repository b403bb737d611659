import TestSupport
import Testing

@testable import ChatReactorRedis

/// What a node writes to the stream, and that nothing else is taken for it.
@Suite struct StreamEntryTests {
    private func entry(_ runs: [(UInt64, [String])]) -> StreamEntry {
        var entry = StreamEntry(node: 0x0123_4567_89AB_CDEF, first: 42, session: 7)
        for (connection, messages) in runs { for message in messages { entry.append(message.utf8.span, from: connection) } }
        return entry
    }

    private var example: StreamEntry { entry([(1, ["a\n", "bc\n"]), (2, ["\n"]), (1, ["d\n"])]) }

    @Test func `what was written is read`() throws {
        let read = try #require(StreamEntry(example.encoded))
        #expect(read == example)
        #expect(read.node == 0x0123_4567_89AB_CDEF && read.first == 42 && read.session == 7 && read.next == 46)
        var runs: [String] = []
        read.forEachRun { connection, bytes, ends in
            let text = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
            runs.append("\(connection) \(text) \(ends)")
        }
        #expect(runs == ["1 a\nbc\n [2, 5]", "2 \n [1]", "1 d\n [2]"])
    }

    @Test func `one without messages has a number`() throws {
        let marker = StreamEntry(node: 1, first: 5, session: 2)
        #expect(marker.encoded.count == StreamEntry.headLength)
        #expect(StreamEntry(marker.encoded) == marker && marker.next == 5)
    }

    @Test func `its size is what it has in the stream`() {
        #expect(example.encoded.count == example.size)
    }

    @Test func `no part of one is one, nor one with more behind it`() {
        let encoded = example.encoded
        for length in 0..<encoded.count { #expect(StreamEntry(Array(encoded[..<length])) == nil, "\(length)") }
        #expect(StreamEntry(encoded + [0]) == nil)
    }

    @Test func `counts and lengths of what is not there are none`() {
        let head = Array(example.encoded[..<20])
        for count: [UInt8] in [[0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0x80], [1, 0, 0, 0]] {
            #expect(StreamEntry(head + count) == nil)
            // A run that claims as many messages.
            let run: [UInt8] = [1, 0, 0, 0] + [UInt8](repeating: 0, count: 8) + count
            #expect(StreamEntry(head + run) == nil)
            #expect(StreamEntry(head + run + [0xFF, 0xFF, 0xFF, 0xFF]) == nil)
            #expect(StreamEntry(head + run + [0xFF, 0xFF, 0xFF, 0xFF, 1]) == nil)
        }
        // A message of no bytes, and a run of no messages.
        let run: [UInt8] = [1, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
        #expect(StreamEntry(head + run + [1, 0, 0, 0, 0, 0, 0, 0]) == nil)
        #expect(StreamEntry(head + run + [0, 0, 0, 0]) == nil)
        // A number near the largest, to which nothing can be added.
        #expect(StreamEntry(StreamEntry(node: 1, first: .max).encoded) == nil)
    }

    @Test func `whatever bytes there are, they are an entry or none`() {
        var generator = SeededGenerator()
        var count = 0
        for _ in 0..<20_000 {
            var bytes = example.encoded
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0 ... .max, using: &generator)
                case 1: bytes.removeLast(Int.random(in: 0..<min(bytes.count, 4), using: &generator))
                default: bytes.append(.random(in: 0 ... .max, using: &generator))
                }
            }
            guard let entry = StreamEntry(bytes) else { continue }
            count += 1
            #expect(entry.encoded == bytes)
            var sum = 0
            entry.forEachRun { _, bytes, ends in
                sum += bytes.count
                #expect(ends.last.map(Int.init) == bytes.count)
            }
            #expect(sum == entry.bytes.count)
        }
        #expect(count > 0)
    }
}
