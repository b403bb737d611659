import Glibc
import Reactor
import Synchronization

/// A log of records that outlives its process: a file whose mapped pages are the log's ring.
///
///      0           8         12             16         24     60         64      72          128     136             144    152
///      "chatroom" │ version │ zero         │ capacity │ salt │ checksum │ epoch │ boot      │ first │ firstSequence │ tail │ nextSequence
///      └──────────────── never change ───────────────────────┘          └──────────────────── change ────────────────────┘
///      4096
///      the ring, `capacity` bytes (see `RecordRing`)
///
/// To append is to write memory: there is no system call, and the kernel writes the pages to the disk when it likes.
///
/// *When the process is killed*, at whatever instruction, the pages are the kernel's and stay. Of one thread's stores those before
/// that instruction have been made, and no later one. So the order of the stores alone decides what the file holds, and that order is
/// fixed by atomic stores and fences, which hold the compiler to it:
///
/// 1. `firstSequence` and `first` go past the records that are about to be overwritten;
/// 2. the record is written, between `tail` and `first`, where no record is held;
/// 3. `tail` goes to the end of it: from this store on it is in the log, and before it `append` does not return;
/// 4. `nextSequence` follows; it tells only how much a power failure has cost.
///
/// *After a power failure* each page is as it was at some time or other. The file names the boot of the machine during which it was
/// last open. During any other boot it is searched for whole records, and gets another epoch: what had been sent to clients may be
/// lost without a trace, and its numbers will be given again.
///
/// The file must not be shortened while it is open: then the next access to a page of it would end the process (SIGBUS). So would a
/// disk that cannot be read; and a full disk under a file system that never writes in place, as btrfs and ZFS, whatever was reserved.
/// Nor must anybody else write to the file; the lock keeps out those who ask for it, and the mode everybody but the owner.
@safe final class RecordFile {
    static let version: UInt32 = 1
    static let headLength = 4_096
    private static let magic = Array("chatroom".utf8)
    private static let checksumOffset = 60
    static let bootOffset = 72
    /// As long as a UUID's text.
    static let bootLength = 36

    /// Where the numbers lie that change, each of them eight bytes.
    enum Field: Int {
        case epoch = 64
        case first = 128
        case firstSequence = 136
        case tail = 144
        case nextSequence = 152
    }

    /// Which part of the ring holds records, in positions, and their numbers.
    struct Extent: Equatable {
        var first: Int
        var firstSequence: UInt64
        var tail: Int
        var nextSequence: UInt64
    }

    let path: String
    let ring: RecordRing
    /// What the file held when it was opened.
    private(set) var extent = Extent(first: 0, firstSequence: 1, tail: 0, nextSequence: 1)
    /// How many records that the file had held were found to be lost when it was opened.
    private(set) var lostCount: UInt64 = 0

    private let lock: FileLock
    private let head: UnsafeMutableRawPointer

    /// Takes over a mapping of the file.
    private init(
        path: String, lock: consuming FileLock, head: UnsafeMutableRawPointer, capacity: Int, salt: UInt32
    ) {
        self.path = path
        self.lock = lock
        unsafe self.head = head
        ring = unsafe RecordRing(base: head + Self.headLength, capacity: capacity, salt: salt)
    }

    deinit {
        unsafe munmap(head, Self.headLength &+ ring.capacity)
    }

    var epoch: UInt64 { self[.epoch] }

    // MARK: - Appending

    /// Notes that the records before `first` are given up. What is written afterwards may overwrite them.
    func willOverwrite(first: Int, firstSequence: UInt64) {
        self[.firstSequence] = firstSequence
        self[.first] = UInt64(first)
        // The compiler must not move the writing of the record to before that.
        atomicMemoryFence(ordering: .acquiringAndReleasing)
    }

    /// Notes that a record has been written.
    func didAppend(tail: Int, nextSequence: UInt64) {
        // This store releases: the compiler must not move the writing of the record to after it.
        self[.tail] = UInt64(tail)
        self[.nextSequence] = nextSequence
    }

    private subscript(_ field: Field) -> UInt64 {
        // The head is a page of its own, so each field is aligned. An atomic number lies in memory as a number does.
        get { unsafe UInt64(littleEndian: atomic(field).pointee.load(ordering: .relaxed)) }
        set { unsafe atomic(field).pointee.store(newValue.littleEndian, ordering: .releasing) }
    }

    private func atomic(_ field: Field) -> UnsafeMutablePointer<Atomic<UInt64>> {
        unsafe (head + field.rawValue).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    // MARK: - Opening

    /// Opens a log's file, or makes one if there is none. Its lock is held as long as the result lives.
    ///
    /// The corresponding C functions are `open`, `flock`, `posix_fallocate`, `fsync`, `link` and `mmap`. It waits for the disk when the
    /// file is made, and when it was last open before the machine was booted.
    ///
    /// - Parameters:
    ///   - path: A symbolic link is refused.
    ///   - capacity: Of a new file, which is made with mode 0600. One that is there keeps its own.
    ///   - boot: What names this boot of the machine.
    /// - Complexity: O(*n*) for *n* bytes of capacity.
    static func open(_ path: String, capacity: Int, boot: [UInt8]) throws(RoomLogError) -> RecordFile {
        // Between two of these steps another process may make the file.
        for _ in 0..<10 {
            if let file = try openExisting(path, boot: boot) { return file }
            if let file = try create(path, capacity: capacity, boot: boot) { return file }
        }
        throw RoomLogError(path: path, reason: .system("make", .fileExists))
    }

    /// Returns nil if there is no such file.
    private static func openExisting(_ path: String, boot: [UInt8]) throws(RoomLogError) -> RecordFile? {
        // O_NONBLOCK: a FIFO would wait for a writer.
        let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        let result = unsafe Glibc.open(path, flags)
        if result < 0, Errno.last.rawValue == ENOENT { return nil }
        if result < 0 { throw RoomLogError(path: path, reason: .system("open", .last)) }
        let descriptor = OwnedDescriptor(takingOver: result)
        var status = stat()
        try attempt("look at", path) { unsafe fstat(result, &status) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw RoomLogError(path: path, reason: .notALog) }
        let lock = try FileLock(descriptor, path)

        // What the head says is looked at before anything is mapped: beyond the end of a file there is no memory.
        var head = [UInt8](repeating: 0, count: bootOffset)
        let count = try attempt("read", path) { unsafe pread(result, &head, head.count, 0) }
        guard count == head.count, head.starts(with: magic) else { throw RoomLogError(path: path, reason: .notALog) }
        let number = { (offset: Int, length: Int) in
            head[offset..<offset + length].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        let version = UInt32(number(8, 4))
        guard version == Self.version else { throw RoomLogError(path: path, reason: .version(version)) }
        let checksum = unsafe head[..<checksumOffset].withUnsafeBytes { unsafe CRC32C.checksum(of: $0) }
        let capacity = Int(truncatingIfNeeded: number(16, 8))
        guard UInt64(checksum) == number(checksumOffset, 4), capacity > 0, capacity == RecordLog.validCapacity(capacity) else {
            throw RoomLogError(path: path, reason: .damagedHead)
        }
        guard status.st_size == headLength + capacity else {
            throw RoomLogError(path: path, reason: .length(said: headLength + capacity, found: Int(status.st_size)))
        }
        // A copy may have holes where the file had zeros: programs for backups make them.
        if hasHoles(status) { try reserve(capacity, of: result, path) }
        let file = try map(lock, path, capacity: capacity, salt: UInt32(number(24, 4)))
        try file.load(boot: boot)
        return file
    }

    /// Whether a file takes less of the disk than its length, which must be a multiple of 512.
    ///
    /// The blocks are not multiplied, which could overflow: a file system that a program serves may count any number of them.
    static func hasHoles(_ status: stat) -> Bool { status.st_blocks < status.st_size / 512 }

    /// Returns nil if somebody else has made such a file meanwhile.
    ///
    /// The file gets its name when it is complete, so that no half of one is ever found under that name, and never in place of another.
    private static func create(_ path: String, capacity: Int, boot: [UInt8]) throws(RoomLogError) -> RecordFile? {
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(Substring(path.utf8[...$0])) } ?? ""
        let temporaryPath = folder + ".new-" + String(UInt64.random(in: 0 ... .max), radix: 36)
        let descriptor = OwnedDescriptor(
            takingOver: try attempt("make", path) {
                unsafe Glibc.open(temporaryPath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            })
        defer { unsafe unlink(temporaryPath) }
        let number = descriptor.rawValue
        let lock = try FileLock(descriptor, path)
        try reserve(capacity, of: number, path)
        let file = try map(lock, path, capacity: capacity, salt: .random(in: 0 ... .max))
        file.writeHead(boot: boot)
        // Otherwise a power failure could leave the name, and none of the head.
        try attempt("write", path) { fsync(number) }
        if unsafe link(temporaryPath, path) == 0 { return file }
        if errno == EEXIST { return nil }
        throw RoomLogError(path: path, reason: .system("make", .last))
    }

    /// Sees to blocks on the disk for all of a file. Without them, a page that is written when the disk is full would end the process
    /// (SIGBUS).
    private static func reserve(_ capacity: Int, of descriptor: Int32, _ path: String) throws(RoomLogError) {
        try attempt("reserve \(headLength + capacity) bytes for", path) {
            errno = posix_fallocate(descriptor, 0, headLength + capacity)
            return errno == 0 ? 0 : -1
        }
    }

    /// A lock on a file that no other process has, and no other `FileLock`.
    private struct FileLock: ~Copyable {
        let descriptor: OwnedDescriptor

        init(_ descriptor: consuming OwnedDescriptor, _ path: String) throws(RoomLogError) {
            let number = descriptor.rawValue
            do throws(Errno) {
                try retryingOnInterrupt { flock(number, LOCK_EX | LOCK_NB) }
            } catch {
                throw RoomLogError(path: path, reason: error == .wouldBlock ? .inUse : .system("lock", error))
            }
            self.descriptor = descriptor
        }

        deinit {
            // To close it is not enough: a child that was just started has the descriptor too until it runs its own program.
            flock(descriptor.rawValue, LOCK_UN)
        }
    }

    private static func map(
        _ lock: consuming FileLock, _ path: String, capacity: Int, salt: UInt32
    ) throws(RoomLogError) -> RecordFile {
        let head = unsafe mmap(
            nil, headLength &+ capacity, PROT_READ | PROT_WRITE, MAP_SHARED, lock.descriptor.rawValue, 0)
        guard let head = unsafe head, unsafe head != MAP_FAILED else {
            throw RoomLogError(path: path, reason: .system("map", .last))
        }
        return unsafe RecordFile(path: path, lock: lock, head: head, capacity: capacity, salt: salt)
    }

    private func writeHead(boot: [UInt8]) {
        unsafe head.copyMemory(from: Self.magic, byteCount: Self.magic.count)
        unsafe head.storeBytes(of: Self.version.littleEndian, toByteOffset: 8, as: UInt32.self)
        unsafe head.storeBytes(of: UInt64(ring.capacity).littleEndian, toByteOffset: 16, as: UInt64.self)
        unsafe head.storeBytes(of: (ring.salt ?? 0).littleEndian, toByteOffset: 24, as: UInt32.self)
        let checksum = unsafe CRC32C.checksum(of: UnsafeRawBufferPointer(start: head, count: Self.checksumOffset))
        unsafe head.storeBytes(of: checksum.littleEndian, toByteOffset: Self.checksumOffset, as: UInt32.self)
        self[.epoch] = RecordLog.randomEpoch()
        write(extent)
        self.boot = boot
    }

    @discardableResult
    private static func attempt<Result: SignedInteger>(
        _ operation: String, _ path: String, _ body: () -> Result
    ) throws(RoomLogError) -> Result {
        do throws(Errno) {
            return try retryingOnInterrupt(body)
        } catch {
            throw RoomLogError(path: path, reason: .system(operation, error))
        }
    }

    // MARK: - What the file holds

    /// What names the boot of the machine during which the file was last open.
    private var boot: [UInt8] {
        get { unsafe [UInt8](UnsafeRawBufferPointer(start: head + Self.bootOffset, count: Self.bootLength)) }
        set {
            for index in 0..<Self.bootLength {
                let byte = index < newValue.count ? newValue[index] : 0
                unsafe head.storeBytes(of: byte, toByteOffset: Self.bootOffset &+ index, as: UInt8.self)
            }
        }
    }

    /// What names this boot of the machine. If the kernel does not say, it is something that no other call returns.
    static func currentBoot() -> [UInt8] {
        var text = [UInt8](repeating: 0, count: bootLength)
        let result = unsafe Glibc.open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        if result >= 0 {
            let descriptor = OwnedDescriptor(takingOver: result)
            if unsafe read(descriptor.rawValue, &text, text.count) == text.count { return text }
        }
        return text.map { _ in .random(in: 1...255) }
    }

    private func write(_ extent: Extent) {
        self[.firstSequence] = extent.firstSequence
        self[.first] = UInt64(extent.first)
        self[.tail] = UInt64(extent.tail)
        self[.nextSequence] = extent.nextSequence
    }

    /// Finds out what the file holds.
    private func load(boot: [UInt8]) throws(RoomLogError) {
        if self.boot == boot, let extent = writtenExtent() {
            self.extent = extent
            // A process that was killed may have left the numbers one record short of it.
            write(extent)
        } else {
            try recover(boot: boot)
        }
    }

    /// What the head says, if all of it is so: the ring holds one whole record after the other, from `first` to `tail`.
    private func writtenExtent() -> Extent? {
        let (first, tail) = (self[.first], self[.tail])
        guard first <= tail, tail < 1 << 62, tail - first <= UInt64(ring.capacity) else { return nil }
        guard first % 8 == 0, tail % 8 == 0 else { return nil }
        let written = self[.nextSequence]
        guard RecordRing.isPossible(written) else { return nil }
        var extent = Extent(first: Int(first), firstSequence: written, tail: Int(tail), nextSequence: written)
        var position = extent.first
        var isFirst = true
        while position < extent.tail {
            switch ring.block(at: position % ring.capacity) {
            case .filler(let size):
                position &+= size
            case .record(let size, let sequence):
                if isFirst { (extent.firstSequence, extent.nextSequence, isFirst) = (sequence, sequence, false) }
                guard sequence == extent.nextSequence else { return nil }
                position &+= size
                extent.nextSequence &+= 1
            case nil:
                return nil
            }
        }
        guard position == extent.tail, !isFirst || first == tail else { return nil }
        // The process may have been killed between the stores of `firstSequence` and `first`, or of `tail` and `nextSequence`.
        let isWritten = written == extent.nextSequence || written == extent.nextSequence &- 1
        // Also of a log that says to hold nothing: a damaged `first` would lose all of it unnoticed.
        let isFirstWritten = (extent.firstSequence...extent.nextSequence).contains(self[.firstSequence])
        return isWritten && isFirstWritten ? extent : nil
    }

    // MARK: - After a power failure

    /// Looks for whole records in all of the ring, keeps the longest run, clears the rest, and begins a new epoch.
    ///
    /// What is kept takes at least three quarters of a ring that has been filled once; what lies there of a time that is over may still be
    /// more records, if those were smaller. So it is bytes that make a run long, and first those of records that are known to be kept.
    ///
    /// The run is not touched, and the file names the boot only once the disk has all of it: if this is interrupted, by SIGKILL or by
    /// another power failure, it is done again.
    private func recover(boot: [UInt8]) throws(RoomLogError) {
        self.boot = []
        atomicMemoryFence(ordering: .acquiringAndReleasing)
        let runs = RecordRun.all(in: ring)
        let newest = runs.map(\.nextSequence).max() ?? 1
        let written = self[.firstSequence]..<max(self[.firstSequence], self[.nextSequence])
        // More than the ring could hold was never written; those pages are of different times, or damaged.
        let isWrittenKnown =
            RecordRing.isPossible(written.lowerBound) && RecordRing.isPossible(written.upperBound)
            && written.upperBound - written.lowerBound <= UInt64(ring.capacity / RecordRing.smallestRecord)
        let known = isWrittenKnown ? written : newest..<newest

        // Where a filler is damaged, records show that had made way long ago, so those that are known to be kept count first.
        let kept = runs.max { left, right in
            let ranks = [left, right].map { ($0.size(from: known.lowerBound, in: ring), $0.end - $0.start, $0.nextSequence) }
            return ranks[0] < ranks[1]
        }
        if let run = kept {
            extent = Extent(
                first: run.start, firstSequence: run.firstSequence, tail: run.end, nextSequence: run.nextSequence)
            lostCount = max(known.upperBound, newest) - max(run.nextSequence, known.lowerBound)
            // Records that the head does not know of yet have been written in place of the oldest that it knows.
            if run.nextSequence <= known.upperBound, run.firstSequence > known.lowerBound {
                lostCount += run.firstSequence - known.lowerBound
            }
        } else {
            extent = Extent(first: 0, firstSequence: known.upperBound, tail: 0, nextSequence: known.upperBound)
            lostCount = known.upperBound - known.lowerBound
        }

        // Whole records that are not kept would fit to later ones of the same numbers, if another power failure lost a few of these.
        if extent.tail <= ring.capacity {
            ring.clear(0..<extent.first)
            ring.clear(extent.tail..<ring.capacity)
        } else {
            ring.clear(extent.tail - ring.capacity..<extent.first)
        }
        write(extent)
        self[.epoch] = RecordLog.randomEpoch()
        try Self.attempt("write", path) { unsafe msync(head, Self.headLength &+ ring.capacity, MS_SYNC) }
        self.boot = boot
    }
}
