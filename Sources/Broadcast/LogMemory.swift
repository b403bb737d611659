import CReactorLinux
import Glibc
import Reactor
import Synchronization

/// The memory of a log: the ring of its bytes, and the bitmap of where messages end.
///
///      one file     bitmap │ ring
///      in memory    bitmap │ ring │ ring          two mappings: all of the file, and the ring again
///
/// A process may have 65,530 mappings, so about 32,000 logs with messages. The words of the bitmap are atomic because a loop may read
/// one for its older messages while another, which shares the log, marks the end of a new one.
///
/// `Sendable`, although it is memory: whoever shares it appends under the lock of a `SharedLog`, and reads what was appended before.
@safe final class LogMemory: @unchecked Sendable {
    let capacity: Int
    let ring: UnsafeMutablePointer<UInt8>
    let bitmap: UnsafeMutablePointer<Atomic<UInt64>>

    /// The capacity of a log that is to have so many bytes at least: a power of two, and a whole number of pages.
    ///
    /// - Throws: `noMemory` for more than can be addressed.
    static func capacity(from minimum: Int) throws(Errno) -> Int {
        // Mapped twice, more would not fit into the addresses that a process has.
        if minimum > 1 << 45 { throw .noMemory }
        var size = Int(getpagesize())
        while size < minimum { size &*= 2 }
        return size
    }

    /// An eighth of the ring, and a whole number of pages.
    private static func bitmapSize(ofCapacity capacity: Int) -> Int { max(capacity / 8, Int(getpagesize())) }

    /// How many bytes of memory a log takes.
    static func size(ofCapacity capacity: Int) -> Int { bitmapSize(ofCapacity: capacity) &+ capacity }

    /// Makes the memory. It costs real memory only as it is used.
    ///
    /// The corresponding C functions are `memfd_create`, `ftruncate` and `mmap`.
    init(capacity: Int) throws(Errno) {
        let bitmapSize = Self.bitmapSize(ofCapacity: capacity)
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
        self.capacity = capacity
        unsafe bitmap = room.assumingMemoryBound(to: Atomic<UInt64>.self)
        unsafe ring = (room + bitmapSize).assumingMemoryBound(to: UInt8.self)
    }

    deinit {
        unsafe munmap(bitmap, Self.size(ofCapacity: capacity) &+ capacity)
    }
}
