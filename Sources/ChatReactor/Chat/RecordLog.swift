import Reactor

/// The canonical log of a room: the newest of its records, as many as fit into a ring of bytes.
///
///        first                                              tail
///      ────┬────────┬──────────────┬───────────┬──────────────┬────
///       …  │ record │    record    │  record   │    record    │ …      the oldest makes way for what is appended
///      ────┴────────┴──────────────┴───────────┴──────────────┴────
///          firstSequence                                      nextSequence
///
/// Positions count bytes from the log's first, and never wrap; a position's byte lies at its remainder by the capacity. A record is in
/// one piece: where the rest of the ring is too short for one, a filler takes that rest (see ``RecordRing``). A sequence number
/// together with the log's epoch names a record for good.
///
/// The ring is memory, of which a log takes only as much as it has used, and none while it is empty; or it is a file, and the
/// records outlive the process (see ``RecordFile``).
///
/// It belongs to one thread.
@safe final class RecordLog {
    /// How many bytes of records are kept at most: a multiple of 4,096.
    let capacity: Int
    /// A random number, made when the log began. Of two logs with the same epoch, records with the same number are the same. It is
    /// less than 2⁵³, so that every reader of JSON has a number for it.
    private(set) var epoch: UInt64
    /// The number of the oldest record that is kept. The same as `nextSequence` if there is none.
    private(set) var firstSequence: UInt64 = 1
    /// The number of the record that will be appended next.
    private(set) var nextSequence: UInt64 = 1

    /// How many records of the file were found to be damaged or lost when it was opened. They were cut off, and if there were any, the
    /// epoch is a new one. Always 0 of a log in memory.
    var lostCount: UInt64 { file?.lostCount ?? 0 }

    private var first = 0
    private var tail = 0
    /// Nil while nothing has been appended to a log in memory.
    private var ring: RecordRing?
    private let file: RecordFile?
    /// The memory that the log has allocated, unless it has a file, and how much that is.
    private var memory: UnsafeMutableRawPointer?
    private var allocated = 0
    private let reservation: MemoryReservation?
    /// How much memory a log without a file has taken.
    var allocatedBytes: Int { allocated }
    /// While records are lent to a reader, they must stay where they are.
    private var isReading = false

    /// Whether the records outlive the process.
    var isInFile: Bool { file != nil }

    /// An empty log in memory.
    ///
    /// - Parameters:
    ///   - capacity: In bytes, rounded up to 4,096, and limited to 1 GiB.
    ///   - reservation: For so much memory.
    init(capacity: Int, reservation: MemoryReservation? = nil) {
        self.reservation = reservation
        self.capacity = Self.validCapacity(capacity)
        epoch = Self.randomEpoch()
        unsafe memory = nil
        file = nil
    }

    /// An empty log in memory, within the limit of a loop.
    ///
    /// - Throws: `noMemory` if there would be more than the limit.
    convenience init(capacity: Int, on loop: EventLoop, epoch: UInt64 = RecordLog.randomEpoch()) throws(Errno) {
        self.init(capacity: capacity, reservation: try loop.reserveMemory(Self.validCapacity(capacity)))
        self.epoch = epoch
    }

    /// A log in a file, which is made if there is none. It holds what it held when it was last open.
    ///
    /// - Parameters:
    ///   - path: Of the file. It is locked as long as the log lives, and takes a descriptor of the process.
    ///   - capacity: Of a new file, as `init(capacity:)` has it; all of it is reserved on the disk. A file that is there keeps its own.
    ///   - boot: What names this boot of the machine.
    /// - Throws: Why the file cannot be used; then it is as it was. If there was none, none is left behind.
    /// - Complexity: O(*n*) for *n* bytes of capacity. It waits for the disk if the file is new, or was last open before the machine was
    ///   booted.
    init(file path: String, capacity: Int, boot: [UInt8] = RecordFile.currentBoot()) throws(RoomLogError) {
        // The kernel can take the memory of a file back.
        reservation = nil
        let file = try RecordFile.open(path, capacity: Self.validCapacity(capacity), boot: boot)
        self.file = file
        self.capacity = file.ring.capacity
        epoch = file.epoch
        unsafe memory = nil
        ring = file.ring
        first = file.extent.first
        firstSequence = file.extent.firstSequence
        tail = file.extent.tail
        nextSequence = file.extent.nextSequence
    }

    deinit {
        unsafe memory?.deallocate()
    }

    /// Sizes of blocks have 31 bits.
    static func validCapacity(_ capacity: Int) -> Int { (min(max(capacity, 1), 1 << 30) + 4_095) & ~4_095 }

    static func randomEpoch() -> UInt64 { .random(in: 1..<1 << 53) }

    // MARK: - Appending

    /// How many bytes `from` and `text` may have together: what fits into a quarter of the ring.
    var maximumContentLength: Int { capacity / 4 &- RecordRing.overhead }

    /// Appends a record. The oldest ones make way for it.
    ///
    /// It must not be called while the log is being read.
    ///
    /// - Parameters:
    ///   - from: At most 65,535 bytes.
    ///   - text: At most as many bytes as `maximumContentLength` says, less those of `from`.
    ///   - time: Milliseconds since the beginning of 1970, UTC.
    /// - Returns: The record's number; or nil if `from` or `text` is too long: then the log is as it was.
    /// - Complexity: O(*n*) for *n* bytes, and amortized O(1) records that make way.
    @discardableResult
    func append(
        _ kind: Record.Kind, from: Span<UInt8>, text: Span<UInt8>, time: Int64, online: Int32 = 0
    ) -> UInt64? {
        precondition(!isReading, "a log is appended to while it is being read")
        let length = from.count &+ text.count
        if from.count > Int(UInt16.max) || length > maximumContentLength { return nil }
        let size = RecordRing.size(ofContent: length)
        // What is left of the ring becomes a filler if the record does not fit there.
        let rest = capacity &- tail % capacity
        let start = size <= rest ? tail : tail &+ rest
        let end = start &+ size
        evict(notBefore: end &- capacity)
        let ring = allocate(upTo: end)
        if start != tail { ring.writeFiller(at: tail % capacity) }
        let sequence = nextSequence
        ring.write(kind, from: from, text: text, time: time, online: online, sequence: sequence, at: start % capacity)
        tail = end
        nextSequence &+= 1
        file?.didAppend(tail: tail, nextSequence: nextSequence)
        return sequence
    }

    /// Appends a record of two strings, as the other `append` does with bytes.
    @discardableResult
    func append(_ kind: Record.Kind, from: String, text: String, time: Int64, online: Int32 = 0) -> UInt64? {
        append(kind, from: from.utf8.span, text: text.utf8.span, time: time, online: online)
    }

    /// Is the beginning of another log from now on: what is appended next has the number, and there is nothing before it. Only for a log in memory.
    func restart(epoch: UInt64, nextSequence: UInt64) {
        precondition(file == nil && !isReading)
        first = tail
        self.epoch = epoch
        (firstSequence, self.nextSequence) = (nextSequence, nextSequence)
    }

    /// Gives up records until none begins before a position.
    private func evict(notBefore limit: Int) {
        guard first < limit, let ring else { return }
        while first < limit, first < tail {
            let filler = ring.fillerSize(at: first % capacity)
            if filler > 0 {
                first &+= filler
            } else {
                first &+= ring.recordSize(at: first % capacity)
                firstSequence &+= 1
            }
        }
        file?.willOverwrite(first: first, firstSequence: firstSequence)
    }

    /// Sees to memory for the ring's bytes up to a position. As long as it is less than the capacity, the ring has not wrapped, so what
    /// is there is copied as it lies.
    private func allocate(upTo end: Int) -> RecordRing {
        let needed = min(end, capacity)
        if let ring, file != nil || needed <= allocated { return ring }
        var size = max(allocated, 256)
        while size < needed { size &*= 2 }
        size = min(size, capacity)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
        if let memory = unsafe memory {
            unsafe larger.copyMemory(from: memory, byteCount: tail)
            unsafe memory.deallocate()
        }
        unsafe memory = larger
        allocated = size
        let ring = unsafe RecordRing(base: larger, capacity: capacity)
        self.ring = ring
        return ring
    }

    // MARK: - Places

    /// A place in one log, before the record of a number. It may be kept over any time, and costs nothing to the log.
    struct Place {
        /// The number of the record that is read next from here.
        fileprivate(set) var sequence: UInt64
        fileprivate var position: Int
    }

    /// The place after the newest record.
    var end: Place { Place(sequence: nextSequence, position: tail) }

    private var beginning: Place { Place(sequence: firstSequence, position: first) }

    /// The place before a record, which may have been overwritten: then `read` says how many were. A number that no record has yet
    /// gives the log's end.
    ///
    /// - Complexity: O(*n*) for the *n* records between there and the nearer end of the log.
    func place(of sequence: UInt64) -> Place {
        if sequence < firstSequence { return Place(sequence: sequence, position: first) }
        if sequence >= nextSequence { return end }
        var place: Place
        if sequence &- firstSequence < nextSequence &- sequence {
            place = beginning
            while place.sequence < sequence { advance(&place) }
        } else {
            place = end
            while place.sequence > sequence { retreat(&place) }
        }
        return place
    }

    /// The place before the oldest of the last `count` records whose kind is counted. If there are fewer, before the oldest of those;
    /// if there is none, the log's end.
    ///
    /// - Complexity: O(*n*) for the *n* records from there to the log's end; if there are fewer, for all records.
    func place(ofLast count: Int, where isCounted: (Record.Kind) -> Bool) -> Place {
        guard let ring else { return end }
        var found = end
        var place = end
        var left = count
        while left > 0, place.sequence > firstSequence {
            retreat(&place)
            if isCounted(ring.kind(at: place.position % capacity)) {
                left &-= 1
                found = place
            }
        }
        return found
    }

    /// The place before the oldest of the records that precede a place, newest first, until `body` returns false: of which it has returned true.
    ///
    /// - Parameter body: Is lent each record. It must not append to this log.
    /// - Complexity: O(*n*) for *n* records read.
    func place(before end: Place, while body: (borrowing Record) -> Bool) -> Place {
        guard let ring else { return end }
        let wasReading = isReading
        isReading = true
        defer { isReading = wasReading }
        var found = isHeld(end) ? end : place(of: end.sequence)
        while found.sequence > firstSequence {
            var place = found
            retreat(&place)
            if !body(ring.record(at: place.position % capacity)) { break }
            found = place
        }
        return found
    }

    /// Goes over one record. There must be one after the place.
    private func advance(_ place: inout Place) {
        guard let ring else { return }
        place.position &+= ring.fillerSize(at: place.position % capacity)
        place.position &+= ring.recordSize(at: place.position % capacity)
        place.sequence &+= 1
    }

    /// Goes back over one record. There must be one before the place.
    private func retreat(_ place: inout Place) {
        guard let ring else { return }
        var block = ring.size(before: place.position % capacity)
        if block.isFiller {
            place.position &-= block.size
            block = ring.size(before: place.position % capacity)
        }
        place.position &-= block.size
        place.sequence &-= 1
    }

    // MARK: - Reading

    /// Reads records from a place on, oldest first, until `body` returns false or there are no more.
    ///
    /// To pace a replay, have `body` return false once enough was read, and go on from `next` in a later turn. What was appended
    /// meanwhile is read too. If records that had not been read were overwritten meanwhile, reading goes on with the oldest one.
    ///
    /// - Parameter body: Is lent each record. It must not append to this log.
    /// - Returns: The place after the last record that was read; and how many were overwritten before they could be read, all of them
    ///   before the first that was read now.
    /// - Complexity: O(*n*) for *n* records read.
    @discardableResult
    func read(from place: Place, _ body: (borrowing Record) -> Bool) -> (next: Place, missed: UInt64) {
        var next = place
        var missed: UInt64 = 0
        if place.sequence < firstSequence {
            missed = firstSequence &- place.sequence
            next = beginning
        } else if !isHeld(place) {
            next = self.place(of: place.sequence)
        }
        guard let ring else { return (next, missed) }
        let wasReading = isReading
        isReading = true
        defer { isReading = wasReading }
        while next.sequence < nextSequence {
            next.position &+= ring.fillerSize(at: next.position % capacity)
            let record = ring.record(at: next.position % capacity)
            next.position &+= ring.recordSize(at: next.position % capacity)
            next.sequence &+= 1
            if !body(record) { break }
        }
        return (next, missed)
    }

    /// Reads the records from a number on, as `read` does, and returns how many of them had been overwritten.
    ///
    /// - Complexity: O(*n*) for *n* records read, and for those between there and the nearer end of the log.
    @discardableResult
    func forEach(from sequence: UInt64, _ body: (borrowing Record) -> Bool) -> UInt64 {
        read(from: place(of: sequence), body).missed
    }

    /// Whether the record of a place lies where the place says. It does not if the place is another log's.
    private func isHeld(_ place: Place) -> Bool {
        if place.sequence >= nextSequence { return place.sequence == nextSequence && place.position == tail }
        let last = tail &- RecordRing.smallestRecord
        guard let ring, place.position >= first, place.position <= last else { return false }
        // Another log's place may point into the middle of a record, where anything can be.
        let position = place.position &+ ring.fillerSize(at: place.position % capacity)
        guard position <= last, position % capacity <= capacity &- RecordRing.smallestRecord else { return false }
        return ring.sequence(at: position % capacity) == place.sequence
    }
}
