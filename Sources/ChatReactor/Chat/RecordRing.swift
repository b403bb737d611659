import Glibc

/// How records lie in the memory of a log, which may be a file's.
///
///      record      checksum │ size │ sequence │ time │ online │ kind │ padding │ length of from │ from │ text │ padding │ size
///      bytes          4        4        8        8       4        1        1            2                      0 to 7      4
///
///      filler      checksum │ size │ anything │ size           from the last record to the ring's end; at least 8 bytes, of which
///                                                              the two sizes are then the same four
///
/// All numbers are little-endian. A size counts the whole block, is a multiple of 8, and stands at both ends, so that blocks are
/// walked in both directions. The highest bit of a filler's size is set. No record lies across the ring's end. The checksum is of all
/// that follows it in a record, and of the first size of a filler; memory that is not a file's has no checksums.
@safe struct RecordRing {
    private let base: UnsafeMutableRawPointer
    /// A multiple of 4,096.
    let capacity: Int
    /// What checksums begin with, or nil for no checksums. It differs from file to file, so that nobody who may choose a text can
    /// write one that would be taken for records, were the size of its own record damaged.
    let salt: UInt32?

    /// - Parameter base: The ring's memory, aligned to 8 bytes. The caller keeps it for as long as this is used, and uses no offset
    ///   that lies outside of it.
    init(base: UnsafeMutableRawPointer, capacity: Int, salt: UInt32? = nil) {
        unsafe self.base = base
        self.capacity = capacity
        self.salt = salt
    }

    /// What a record takes beside its content and its padding.
    static let overhead = 36
    static let smallestRecord = 40
    private static let fillerFlag: UInt32 = 1 << 31

    /// The size of a record with `length` bytes of content.
    static func size(ofContent length: Int) -> Int { (overhead &+ length &+ 7) & ~7 }

    /// The largest record of a ring: a quarter of it, so that at least half of a full ring holds records at any time.
    var largestRecord: Int { capacity / 4 }

    // MARK: - Writing

    /// Writes a record over what lies there. `offset + size` is at most the capacity.
    func write(
        _ kind: Record.Kind, from: Span<UInt8>, text: Span<UInt8>, time: Int64, online: Int32, sequence: UInt64, at offset: Int
    ) {
        let length = from.count &+ text.count
        let size = Self.size(ofContent: length)
        let padding = size &- Self.overhead &- length
        let start = unsafe base + offset
        store(UInt32(size), at: offset &+ 4)
        store(sequence, at: offset &+ 8)
        store(time, at: offset &+ 16)
        store(online, at: offset &+ 24)
        store(kind.rawValue, at: offset &+ 28)
        store(UInt8(padding), at: offset &+ 29)
        store(UInt16(from.count), at: offset &+ 30)
        unsafe from.withUnsafeBytes { if let bytes = $0.baseAddress { unsafe memcpy(start + 32, bytes, $0.count) } }
        unsafe text.withUnsafeBytes { if let bytes = $0.baseAddress { unsafe memcpy(start + 32 + from.count, bytes, $0.count) } }
        unsafe memset(start + 32 + length, 0, padding)
        store(UInt32(size), at: offset &+ size &- 4)
        if let salt { store(unsafe checksum(of: start + 4, count: size &- 4, salt), at: offset) }
    }

    /// Fills the ring from `offset` to its end.
    func writeFiller(at offset: Int) {
        let size = UInt32(capacity &- offset) | Self.fillerFlag
        store(size, at: offset &+ 4)
        store(size, at: capacity &- 4)
        if let salt { store(unsafe checksum(of: base + offset + 4, count: 4, salt), at: offset) }
    }

    /// Overwrites a range with zeros, which are neither a record nor a filler.
    func clear(_ offsets: Range<Int>) {
        unsafe memset(base + offsets.lowerBound, 0, offsets.count)
    }

    // MARK: - Reading what is known to be a block

    /// How many bytes a filler at this offset takes, or 0 if a record is there.
    func fillerSize(at offset: Int) -> Int {
        let size: UInt32 = load(at: offset &+ 4)
        return size & Self.fillerFlag == 0 ? 0 : Int(size & ~Self.fillerFlag)
    }

    func recordSize(at offset: Int) -> Int { Int(load(at: offset &+ 4) as UInt32) }

    func sequence(at offset: Int) -> UInt64 { load(at: offset &+ 8) }

    /// The size of the block that ends at an offset; 0 stands for the ring's end.
    func size(before offset: Int) -> (size: Int, isFiller: Bool) {
        let size: UInt32 = load(at: (offset == 0 ? capacity : offset) &- 4)
        return (Int(size & ~Self.fillerFlag), size & Self.fillerFlag != 0)
    }

    /// The kind of the record at an offset.
    func kind(at offset: Int) -> Record.Kind {
        // Every record in a log has been written by `write`, or been found whole by `block`.
        unsafe Record.Kind(rawValue: load(at: offset &+ 28)).unsafelyUnwrapped
    }

    /// The record at an offset. It is valid until it is overwritten.
    func record(at offset: Int) -> Record {
        let fromLength = Int(load(at: offset &+ 30) as UInt16)
        let padding = Int(load(at: offset &+ 29) as UInt8)
        return unsafe Record(
            sequence: sequence(at: offset), time: load(at: offset &+ 16), kind: kind(at: offset), online: load(at: offset &+ 24),
            content: UnsafePointer((base + offset + 32).assumingMemoryBound(to: UInt8.self)), fromLength: fromLength,
            textLength: recordSize(at: offset) &- Self.overhead &- padding &- fromLength)
    }

    // MARK: - Reading what may be anything

    /// What `block` has found.
    enum Block: Equatable {
        case record(size: Int, sequence: UInt64)
        case filler(size: Int)
    }

    /// The block at an offset, a multiple of 8 that is less than the capacity; or nil if the bytes there are not a whole one. Only for
    /// a ring with checksums.
    ///
    /// - Complexity: O(*n*) for *n* bytes of the record.
    func block(at offset: Int) -> Block? {
        guard let salt else { return nil }
        let rest = capacity &- offset
        let first: UInt32 = load(at: offset &+ 4)
        if first & Self.fillerFlag != 0 {
            let isFiller = first == UInt32(rest) | Self.fillerFlag && load(at: capacity &- 4) == first
            guard isFiller, unsafe checksum(of: base + offset + 4, count: 4, salt) == load(at: offset) else { return nil }
            return .filler(size: rest)
        }
        let size = Int(first)
        guard size >= Self.smallestRecord, size <= largestRecord, size <= rest, size & 7 == 0 else { return nil }
        guard load(at: offset &+ size &- 4) == first else { return nil }
        guard unsafe checksum(of: base + offset + 4, count: size &- 4, salt) == load(at: offset) else { return nil }
        // What has the right checksum was written by `write`. These are for a salt that somebody knows.
        let padding = Int(load(at: offset &+ 29) as UInt8)
        let fromLength = Int(load(at: offset &+ 30) as UInt16)
        let sequence = sequence(at: offset)
        guard Record.Kind(rawValue: load(at: offset &+ 28)) != nil, padding <= 7, Self.isPossible(sequence) else { return nil }
        guard fromLength &+ padding &+ Self.overhead <= size else { return nil }
        return .record(size: size, sequence: sequence)
    }

    /// Whether a number can be that of a record: no log lives to see 2⁶² of them, and arithmetic on less cannot overflow.
    static func isPossible(_ sequence: UInt64) -> Bool { sequence > 0 && sequence < 1 << 62 }

    // MARK: - Numbers in memory

    private func load<Number: FixedWidthInteger & BitwiseCopyable>(at offset: Int) -> Number {
        unsafe Number(littleEndian: base.load(fromByteOffset: offset, as: Number.self))
    }

    private func store<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number, at offset: Int) {
        unsafe base.storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
    }

    private func checksum(of bytes: UnsafeMutableRawPointer, count: Int, _ salt: UInt32) -> UInt32 {
        unsafe CRC32C.checksum(of: UnsafeRawBufferPointer(start: bytes, count: count), startingFrom: salt)
    }
}
