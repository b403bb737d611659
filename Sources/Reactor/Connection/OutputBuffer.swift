/// The bytes that wait until the kernel takes them. An empty buffer owns no memory.
///
///      ┌─ rest ────────┬─ turn ──────────────────┬─ later ──────────────┐
///      │ of a message  │ own output that leaves  │ own output that the  │
///      │ of a topic    │ before the topic's      │ topic's goes before  │
///      └───────────────┴─────────────────────────┴──────────────────────┘
///
/// Own output is what was passed to `send`. If the kernel has taken a part of a topic's message, its rest leaves before anything
/// else; otherwise two messages would be mixed. After that, own output and the topics' take turns, so that neither waits for ever
/// while the other keeps the socket full. A turn of own output ends where a `send` ended, so a topic's message never cuts one in
/// two.
struct OutputBuffer {
    private var bytes: [UInt8] = []
    private var head: UInt32 = 0
    private var restCount: UInt32 = 0
    private var turnCount: UInt32 = 0
    /// Whether the turn is closed: what is appended belongs to a later one. A turn closes when the kernel has taken a part of it.
    private var turnHasBegun = false

    /// How many bytes of memory the buffer has.
    var capacity: Int { bytes.capacity }
    /// How many bytes wait.
    var count: Int { bytes.count &- Int(head) }
    /// How many bytes of own output wait.
    var ownCount: Int { count &- Int(restCount) }
    var isEmpty: Bool { bytes.isEmpty }
    /// Whether the buffer is as a new one: an empty buffer whose turn is closed is not, since the topics' output leads.
    var isUnused: Bool { bytes.isEmpty && !turnHasBegun }

    /// Appends own output. Amortized constant time for each byte.
    mutating func append(_ new: UnsafeBufferPointer<UInt8>) {
        unsafe bytes.append(contentsOf: new)
        if !turnHasBegun { turnCount = UInt32(clamping: Int(turnCount) &+ new.count) }
    }

    /// Puts the rest of a topic's message before all own output. The caller has written all of the turn before it began the
    /// message, so nothing else has left in part.
    ///
    /// - Complexity: O(*n*) for *n* bytes that wait. This happens only when the kernel is full.
    mutating func insertRest(_ rest: UnsafeBufferPointer<UInt8>) {
        assert(restCount == 0 && (turnCount == 0 || !turnHasBegun), "a message within another's rest")
        unsafe bytes.insert(contentsOf: rest, at: Int(head))
        restCount = UInt32(truncatingIfNeeded: rest.count)
    }

    /// Begins a turn of all own output, because the topics have had theirs.
    mutating func beginTurn() {
        turnCount = UInt32(clamping: ownCount)
        turnHasBegun = false
    }

    /// Closes an empty turn, so that the topics' output leaves before what is appended from now on.
    mutating func endTurn() {
        turnHasBegun = true
    }

    /// Calls `body` with the bytes that leave before a topic's: the rest and the turn.
    func withUnsafeLeadingBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe bytes.withUnsafeBytes { all in
            let start = Int(head)
            return unsafe body(UnsafeRawBufferPointer(rebasing: all[start..<start &+ Int(restCount) &+ Int(turnCount)]))
        }
    }

    /// Removes the first `count` of the leading bytes, which the kernel has taken. Amortized constant time for each byte.
    mutating func removeFirst(_ count: Int) {
        assert(count <= Int(restCount) + Int(turnCount), "more than what leaves before a topic's output")
        let rest = min(count, Int(restCount))
        restCount &-= UInt32(truncatingIfNeeded: rest)
        if count > rest {
            turnCount &-= UInt32(truncatingIfNeeded: count &- rest)
            turnHasBegun = true
        }
        let gone = Int(head) &+ count
        if gone >= bytes.count {
            self = OutputBuffer()
        } else if gone <= bytes.count / 2, let newHead = UInt32(exactly: gone) {
            head = newHead
        } else {
            // More bytes have left since the last move than are moved now, so a byte is moved once at most, on average.
            bytes.removeFirst(gone)
            head = 0
        }
    }
}
