import Reactor
import Synchronization

/// An append-only log of messages, of which the last `capacity` bytes are kept.
///
///          kept: the last `capacity` bytes                     position = bytes ever appended before
///      ────┬──────────┬───────┬───────────────┬─────────┬
///       …  │ message  │  msg  │    message    │ message │       ← tail
///      ────┴──────────┴───────┴───────────────┴─────────┴
///                  ┊       ┊               ┊         ┊
///       bitmap    …1…     …1…             …1…       …1         one bit a byte, set where a message ends
///
/// The bytes lie in a ring of memory that is mapped twice, back to back, so that every range of them is contiguous, wherever it
/// begins. Positions count bytes from the log's first and never wrap. The bitmap keeps message boundaries apart from content, so
/// it does not matter how messages were framed, and it turns "how many messages are between here and there" into arithmetic.
///
/// The memory is made by `allocate`, before the first message. Of a log that several loops share, each has an object of this class
/// over the same memory: its own view, whose `tail` is where the log had ended when the loop last looked.
@safe final class BroadcastLog {
    /// How many bytes are kept: a power of two, and a whole number of pages.
    let capacity: Int
    /// How far back from the tail message ends are kept.
    var reach: Int { capacity - 64 }
    /// The position after the last message.
    private(set) var tail = 0
    /// How many messages were ever appended.
    private(set) var messageCount = 0

    private var memory: LogMemory?
    // Both are nil until there is memory. While the log is empty nothing is read from them.
    private var ring: UnsafeMutablePointer<UInt8>?
    private var bits: UnsafeMutablePointer<Atomic<UInt64>>?

    // They are not nil once there is a message, and are used for nothing before that.
    private var base: UnsafeMutablePointer<UInt8> { unsafe ring.unsafelyUnwrapped }
    private var bitmap: UnsafeMutablePointer<Atomic<UInt64>> { unsafe bits.unsafelyUnwrapped }

    /// An empty log, without memory of its own.
    ///
    /// - Parameter minimumCapacity: Rounded up to a power of two, and to a page.
    /// - Throws: `noMemory` for a capacity beyond what can be addressed.
    init(minimumCapacity: Int) throws(Errno) {
        capacity = try LogMemory.capacity(from: minimumCapacity)
    }

    /// A view of a log that is shared, at its beginning.
    init(of memory: LogMemory) {
        capacity = memory.capacity
        use(memory)
    }

    /// How many bytes of memory `allocate` makes.
    var memorySize: Int { LogMemory.size(ofCapacity: capacity) }

    var isAllocated: Bool { memory != nil }

    /// Makes the memory, if that has not been done.
    func allocate() throws(Errno) {
        if !isAllocated { use(try LogMemory(capacity: capacity)) }
    }

    private func use(_ memory: LogMemory) {
        self.memory = memory
        unsafe ring = memory.ring
        unsafe bits = memory.bitmap
    }

    /// Has a view of a shared log end where the log does.
    func advance(to tail: Int, messageCount: Int) {
        assert(tail >= self.tail)
        self.tail = tail
        self.messageCount = messageCount
    }

    // MARK: - Appending

    /// Appends one message.
    func append(_ bytes: UnsafePointer<UInt8>, count: Int) {
        unsafe copy(bytes, count: count)
        markEnd(tail &+ count)
        tail &+= count
        messageCount &+= 1
    }

    /// Appends a run of messages, given where each of them ends in their batch, in which `bytes` begins at `origin`.
    func append(
        _ bytes: UnsafePointer<UInt8>, count: Int, ends: UnsafePointer<UInt32>, messageCount: Int, origin: Int
    ) {
        unsafe copy(bytes, count: count)
        let shift = tail &- origin
        for index in 0..<messageCount { markEnd(shift &+ Int(unsafe ends[index])) }
        tail &+= count
        self.messageCount &+= messageCount
    }

    private func copy(_ bytes: UnsafePointer<UInt8>, count: Int) {
        assert(count > 0 && count < capacity)
        unsafe (base + offset(of: tail)).update(from: bytes, count: count)
        // The bits after the tail, up to the end of its word, are clear already; so will be those after the new one.
        var word = (tail &+ 63) &>> 6
        let end = (tail &+ count &+ 63) &>> 6
        let mask = (capacity &>> 6) &- 1
        while word < end {
            unsafe bitmap[word & mask].store(0, ordering: .relaxed)
            word &+= 1
        }
    }

    private func offset(of position: Int) -> Int { position & (capacity &- 1) }

    /// A message that ends at `end` has its bit at its last byte.
    private func markEnd(_ end: Int) {
        let bit = offset(of: end &- 1)
        // Only one thread at a time appends, so nothing is lost between the two.
        let word = unsafe bitmap[bit &>> 6].load(ordering: .relaxed)
        unsafe bitmap[bit &>> 6].store(word | 1 &<< UInt64(truncatingIfNeeded: bit & 63), ordering: .relaxed)
    }

    // MARK: - Reading

    /// Where the ring's memory begins, for a loop over many cursors: a position's byte lies at its remainder by `capacity`, and
    /// up to `capacity` bytes follow it in one piece. Only once there is a message.
    var storage: UnsafePointer<UInt8> { unsafe UnsafePointer(base) }

    /// The bytes from one position to another, which must both be kept, unless there are none between them.
    func bytes(from start: Int, to end: Int) -> UnsafeRawBufferPointer {
        assert(start <= end && end <= tail && (start == end || start >= tail - capacity), "bytes that the log does not hold")
        return unsafe UnsafeRawBufferPointer(start: base + offset(of: start), count: end &- start)
    }

    /// The first message boundary at or after a position.
    func boundary(atOrAfter position: Int) -> Int {
        if position == 0 || position >= tail { return position }
        var boundary = tail
        forEachWord(from: position &- 1, to: tail) { index, mask, first in
            let ends = unsafe bitmap[index].load(ordering: .relaxed) & mask
            if ends == 0 { return true }
            boundary = first &+ ends.trailingZeroBitCount &+ 1
            return false
        }
        return boundary
    }

    /// The last message boundary at or before a position, but not before `limit`, which must be a boundary itself.
    func boundary(atOrBefore position: Int, notBefore limit: Int) -> Int {
        var boundary = limit
        forEachWord(from: limit, to: position) { index, mask, first in
            let ends = unsafe bitmap[index].load(ordering: .relaxed) & mask
            if ends != 0 { boundary = first &+ 64 &- ends.leadingZeroBitCount }
            return true
        }
        return boundary
    }

    /// How many messages end after `start` and not after `end`.
    func messageCount(from start: Int, to end: Int) -> Int {
        var count = 0
        forEachWord(from: start, to: end) { index, mask, _ in
            count &+= unsafe (bitmap[index].load(ordering: .relaxed) & mask).nonzeroBitCount
            return true
        }
        return count
    }

    /// The position at which the last `count` messages begin, or the oldest boundary within the last `reach` bytes if they are
    /// more.
    func start(ofLast count: Int, within reach: Int) -> Int {
        assert(reach <= self.reach)
        var start = tail <= reach ? 0 : boundary(atOrAfter: tail &- reach)
        var excess = messageCount(from: start, to: tail) &- max(count, 0)
        while excess > 0 {
            start = boundary(atOrAfter: start &+ 1)
            excess &-= 1
        }
        return start
    }

    /// Calls `body` for each word of the bitmap that has bits for the bytes in a range: with its index, a mask of those bits, and
    /// the position of the byte that its first bit stands for. Ends early once `body` says so.
    private func forEachWord(from start: Int, to end: Int, _ body: (_ index: Int, _ mask: UInt64, _ first: Int) -> Bool) {
        var position = start
        while position < end {
            let first = position & ~63
            var mask = UInt64.max &<< UInt64(truncatingIfNeeded: position & 63)
            if end &- first < 64 { mask &= (1 &<< UInt64(truncatingIfNeeded: end & 63)) &- 1 }
            if !body(offset(of: first) &>> 6, mask, first) { return }
            position = first &+ 64
        }
    }
}
