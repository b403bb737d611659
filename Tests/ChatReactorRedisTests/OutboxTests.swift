import ChatReactor
import TestSupport
import Testing

@testable import ChatReactorRedis

/// What a node has said and not read back.
@Suite struct OutboxTests {
    private func append(_ messages: [String], from connection: UInt64 = 1, to outbox: inout Outbox) {
        var ends: [UInt32] = []
        for message in messages { ends.append((ends.last ?? 0) + UInt32(message.utf8.count)) }
        var changed = outbox
        MessageBatch.withBatch(messages.joined().utf8.span, ends: ends) { batch in
            changed.append(batch, in: 0..<batch.count, from: connection)
        }
        outbox = changed
    }

    @Test func `what is said before it can be sent is one entry`() throws {
        var outbox = Outbox(node: 5)
        append(["a\n", "b\n"], to: &outbox)
        append(["c\n"], from: 2, to: &outbox)
        let taken = outbox.takeUnsent()
        let entry = try #require(taken)
        #expect(entry.node == 5 && entry.first == 0 && entry.count == 3 && entry.runs.map(\.count) == [2, 1])
        let none = outbox.takeUnsent()
        #expect(none == nil)
        append(["d\n"], to: &outbox)
        #expect(outbox.firstUnsent == 3)
        let next = outbox.takeUnsent()
        #expect(next?.first == 3)
    }

    @Test func `what was not read back is sent again as it was`() throws {
        var outbox = Outbox(node: 5)
        for message in ["a\n", "b\n", "c\n"] {
            append([message], to: &outbox)
            _ = outbox.takeUnsent()
        }
        outbox.remove(before: 1)
        append(["d\n"], to: &outbox)
        outbox.resend()
        #expect(outbox.firstUnsent == 1)
        var again: [UInt64] = []
        while let entry = outbox.takeUnsent() { again.append(entry.first) }
        #expect(again == [1, 2, 3])
        outbox.remove(before: 4)
        #expect(outbox.isEmpty && outbox.size == 0 && outbox.messageCount == 4)
    }

    @Test func `an entry has as much as may be, or one message`() throws {
        var outbox = Outbox(node: 5)
        let line = String(repeating: "a", count: 30_000)
        append([line, line, line, String(repeating: "b", count: 100_000), "c"], to: &outbox)
        var counts: [Int] = []
        while let entry = outbox.takeUnsent() { counts.append(entry.count) }
        #expect(counts == [2, 1, 1, 1])
        #expect(outbox.size >= 190_001)
    }
}
