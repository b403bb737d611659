import CLinux
import Glibc
import Reactor

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
///      one file     bitmap │ ring
///      in memory    bitmap │ ring │ ring          two mappings: all of the file, and the ring again
///
/// The memory is made by `allocate`, before the first message. A process may have 65,530 mappings, so about 32,000 logs with
/// messages.
@safe final class BroadcastLog {
    /// How many bytes are kept: a power of two, and a whole number of pages.
    let capacity: Int
    /// How far back from the tail message ends are kept.
    var reach: Int { capacity - 64 }
    /// The position after the last message.
    private(set) var tail = 0
    /// How many messages were ever appended.
    private(set) var messageCount = 0

    // Both are nil until `allocate`. While the log is empty nothing is read from them.
    private var ring: UnsafeMutablePointer<UInt8>?
    private var bits: UnsafeMutablePointer<UInt64>?

    // They are not nil once there is a message, and are used for nothing before that.
    private var base: UnsafeMutablePointer<UInt8> { unsafe ring.unsafelyUnwrapped }
    private var bitmap: UnsafeMutablePointer<UInt64> { unsafe bits.unsafelyUnwrapped }

    /// An empty log, without memory of its own.
    ///
    /// - Parameter minimumCapacity: Rounded up to a power of two, and to a page.
    /// - Throws: `noMemory` for a capacity beyond what can be addressed.
    init(minimumCapacity: Int) throws(Errno) {
        var size = Int(getpagesize())
        // Mapped twice, more would not fit into the addresses that a process has.
        if minimumCapacity > 1 << 45 { throw .noMemory }
        while size < minimumCapacity { size &*= 2 }
        capacity = size
    }

    deinit {
        if let bits = unsafe bits { unsafe munmap(bits, bitmapSize &+ 2 &* capacity) }
    }

    /// An eighth of the ring, and a whole number of pages.
    private var bitmapSize: Int { max(capacity / 8, Int(getpagesize())) }

    /// How many bytes of memory `allocate` makes.
    var memorySize: Int { bitmapSize &+ capacity }

    var isAllocated: Bool { unsafe ring != nil }

    /// Makes the memory, if that has not been done. It costs real memory only as it is used.
    ///
    /// The corresponding C functions are `memfd_create`, `ftruncate` and `mmap`.
    func allocate() throws(Errno) {
        if isAllocated { return }
        let bitmapSize = bitmapSize
        let fileSize = bitmapSize &+ capacity
        let descriptor = OwnedDescriptor(
            takingOver: try retryingOnInterrupt { unsafe memfd_create("broadcast-log", UInt32(MFD_CLOEXEC)) })
        try retryingOnInterrupt { ftruncate(descriptor.rawValue, fileSize) }
        // All of the addresses are reserved first, so that nothing else can move in after the first mapping.
        let room = unsafe mmap(nil, fileSize &+ capacity, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let room = unsafe room, unsafe room != MAP_FAILED else { throw Errno.last }
        for (start, length, offset) in [(0, fileSize, 0), (fileSize, capacity, bitmapSize)] {
            let mapped = unsafe mmap(
                room + start, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, descriptor.rawValue, offset)
            if unsafe mapped == MAP_FAILED {
                let error = Errno.last
                unsafe munmap(room, fileSize &+ capacity)
                throw error
            }
        }
        unsafe bits = room.assumingMemoryBound(to: UInt64.self)
        unsafe ring = (room + bitmapSize).assumingMemoryBound(to: UInt8.self)
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
            unsafe bitmap[word & mask] = 0
            word &+= 1
        }
    }

    private func offset(of position: Int) -> Int { position & (capacity &- 1) }

    /// A message that ends at `end` has its bit at its last byte.
    private func markEnd(_ end: Int) {
        let bit = offset(of: end &- 1)
        unsafe bitmap[bit &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: bit & 63)
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
            let ends = unsafe bitmap[index] & mask
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
            let ends = unsafe bitmap[index] & mask
            if ends != 0 { boundary = first &+ 64 &- ends.leadingZeroBitCount }
            return true
        }
        return boundary
    }

    /// How many messages end after `start` and not after `end`.
    func messageCount(from start: Int, to end: Int) -> Int {
        var count = 0
        forEachWord(from: start, to: end) { index, mask, _ in
            count &+= unsafe (bitmap[index] & mask).nonzeroBitCount
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
