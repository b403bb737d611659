/// What waits for a connection's peer to take it. While nothing waits it owns no memory.
///
///      ┌─ rest ────────┬─ turn ──────────────────┬─ later ──────────────┐
///      │ of a message  │ own output that leaves  │ own output that the  │
///      │ of a topic    │ before the topic's      │ topic's goes before  │
///      └───────────────┴─────────────────────────┴──────────────────────┘
///
/// Own output is what was passed to `send`. The rest of a message that the kernel has taken in part leaves before anything else, or
/// two messages would be mixed. After that, own output and the topics' take turns, so that neither waits for ever while the other
/// keeps the socket full. A turn of own output ends where a `send` ended, so the topics' messages never cut one in two.
struct OutputBuffer {
    private var bytes: [UInt8] = []
    private var head: UInt32 = 0
    private var restCount: UInt32 = 0
    private var turnCount: UInt32 = 0
    /// Whether the kernel has taken a part of the turn. What is appended then belongs to the next one.
    private var turnHasBegun = false

    /// How many bytes wait.
    var count: Int { bytes.count &- Int(head) }
    /// How many bytes of own output wait.
    var ownCount: Int { count &- Int(restCount) }
    var isEmpty: Bool { bytes.isEmpty }

    /// Appends own output. Amortized constant time for each byte.
    mutating func append(_ new: UnsafeBufferPointer<UInt8>) {
        unsafe bytes.append(contentsOf: new)
        if !turnHasBegun { turnCount = UInt32(clamping: Int(turnCount) &+ new.count) }
    }

    /// Puts the rest of a topic's message before all own output. Called only when the turn's own output has left.
    ///
    /// - Complexity: O(n) of the bytes that wait, for a rest is kept only once the kernel is full.
    mutating func insertRest(_ rest: UnsafeBufferPointer<UInt8>) {
        assert(restCount == 0 && (turnCount == 0 || !turnHasBegun), "a message within another's rest")
        unsafe bytes.insert(contentsOf: rest, at: Int(head))
        restCount = UInt32(truncatingIfNeeded: rest.count)
    }

    /// Begins a turn of all own output: the topics' has had its own, or there is none.
    mutating func beginTurn() {
        turnCount = UInt32(clamping: ownCount)
        turnHasBegun = false
    }

    /// Ends the turn: the topics' output leads, although what is appended now may be taken at once.
    mutating func endTurn() {
        turnHasBegun = true
    }

    /// The bytes that leave before a topic's: the rest and the turn.
    func withUnsafeLeadingBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe bytes.withUnsafeBytes { all in
            let start = Int(head)
            return unsafe body(UnsafeRawBufferPointer(rebasing: all[start..<start &+ Int(restCount) &+ Int(turnCount)]))
        }
    }

    /// The kernel has taken so many of the leading bytes.
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
            // At least as many bytes have left as are moved now, so each byte is moved once at most, on average.
            bytes.removeFirst(gone)
            head = 0
        }
    }
}
