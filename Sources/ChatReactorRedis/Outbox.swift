import Reactor

/// What a node has said and not read back from the stream yet, in order. When the connection breaks, all of it is sent again: nobody can know what of it
/// has arrived, and whoever reads an entry twice knows it by its number.
struct Outbox {
    /// How large an entry becomes: a message that is longer has one of its own. It bounds what one reading brings, and how long one
    /// entry holds up what others say.
    static let entrySize = 65_536

    private let node: UInt64
    /// Those that are whole, or were sent.
    private(set) var entries: [StreamEntry] = []
    private var open: StreamEntry
    /// How many of `entries` were sent since the connection was made.
    private(set) var sentCount = 0
    /// Of all that is here.
    private(set) var size = 0

    init(node: UInt64) {
        self.node = node
        open = StreamEntry(node: node, first: 0)
    }

    /// How many messages were ever said here.
    var messageCount: UInt64 { open.next }

    var isEmpty: Bool { entries.isEmpty && open.count == 0 }

    /// The number of the first message that was not sent since the connection was made.
    var firstUnsent: UInt64 { sentCount < entries.count ? entries[sentCount].first : open.first }

    /// The number of the first message that was not read back.
    var firstUnread: UInt64 { entries.first?.first ?? open.first }

    /// Takes messages.
    mutating func append(_ messages: borrowing MessageBatch, in range: Range<Int>, from connection: UInt64) {
        for index in range {
            messages.withWireBytes(in: index..<index &+ 1) { message in append(message, from: connection) }
        }
    }

    mutating func append(_ message: Span<UInt8>, from connection: UInt64) {
        if message.isEmpty { return }
        if open.count > 0, open.size &+ message.count > Self.entrySize { closeOpenEntry() }
        let old = open.size
        open.append(message, from: connection)
        size &+= open.size &- old
    }

    /// What is to be sent next; nil if all was sent.
    mutating func takeUnsent() -> StreamEntry? {
        if sentCount == entries.count, open.count > 0 { closeOpenEntry() }
        guard sentCount < entries.count else { return nil }
        defer { sentCount &+= 1 }
        return entries[sentCount]
    }

    /// The connection was lost.
    mutating func resend() { sentCount = 0 }

    /// All that is here, as whole entries, from a number on.
    mutating func all(from number: UInt64) -> [StreamEntry] {
        if open.count > 0 { closeOpenEntry() }
        return entries.filter { $0.next > number }
    }

    /// Everything before a number was read back, or is known to be lost.
    mutating func remove(before number: UInt64) {
        let count = entries.prefix { $0.next <= number }.count
        if count == 0 { return }
        size &-= entries[..<count].reduce(0) { $0 &+ $1.size &- StreamEntry.headLength }
        entries.removeFirst(count)
        sentCount = max(sentCount &- count, 0)
    }

    private mutating func closeOpenEntry() {
        entries.append(open)
        open = StreamEntry(node: node, first: open.next)
    }
}
