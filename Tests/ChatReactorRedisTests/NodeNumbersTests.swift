import Testing

@testable import ChatReactorRedis

/// By its number, an entry is new, known, or shows that something is missing.
@Suite struct NodeNumbersTests {
    private func entry(_ node: UInt64, _ first: UInt64, _ count: Int = 1) -> StreamEntry {
        var entry = StreamEntry(node: node, first: first)
        for _ in 0..<count { entry.append("a\n".utf8.span, from: 1) }
        return entry
    }

    @Test func `what was sent again is known`() {
        var numbers = NodeNumbers()
        #expect(numbers.read(entry(1, 0, 3)) == .new(missing: 0))
        #expect(numbers.read(entry(1, 0, 3)) == .known)
        #expect(numbers.read(entry(1, 3)) == .new(missing: 0))
        #expect(numbers.read(entry(1, 0, 3)) == .known)
        // Of another node, a number is another one.
        #expect(numbers.read(entry(2, 3)) == .new(missing: 0))
    }

    @Test func `what is missing is counted`() {
        var numbers = NodeNumbers()
        #expect(numbers.read(entry(1, 7)) == .new(missing: 0))
        #expect(numbers.read(entry(1, 10)) == .new(missing: 2))
        #expect(numbers.read(entry(1, 8)) == .known)
        // Also by an entry without messages.
        #expect(numbers.read(entry(1, 15, 0)) == .new(missing: 4))
        #expect(numbers.read(entry(1, 15, 0)) == .known)
        #expect(numbers.read(entry(1, 14)) == .known)
        #expect(numbers.read(entry(1, 15)) == .new(missing: 0))
    }

    @Test func `those that have been silent for longest are forgotten`() {
        var numbers = NodeNumbers()
        for node in 0..<UInt64(NodeNumbers.limit) { _ = numbers.read(entry(node, 0)) }
        _ = numbers.read(entry(0, 1))
        _ = numbers.read(entry(.max, 0))
        #expect(numbers.count == NodeNumbers.limit)
        #expect(numbers.read(entry(0, 0)) == .known)
        #expect(numbers.read(entry(1, 0)) == .new(missing: 0))
    }
}
