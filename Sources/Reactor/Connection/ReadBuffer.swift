/// The one buffer into which a loop reads, whichever socket is ready.
///
///      ┌──────────────────────────┬───────────────────────────────────────────┐
///      │  headroom                │  what one read brings                     │
///      └──────────────────────────┴───────────────────────────────────────────┘
///                     └─ tail ────┘└─ …rest of its line ⏎ line ⏎ line ⏎ begi─┘
///
/// A connection keeps an unfinished line for itself. Once the rest of it arrives, the tail is put right in front of what was
/// read, and all the lines of the read are one contiguous run of bytes.
@safe final class ReadBuffer {
    let readSize: Int
    private(set) var headroom = 0
    /// Where reads go.
    private(set) var start: UnsafeMutablePointer<UInt8>
    /// Room for where each message of a read ends: as many as it can have bytes, and one more for a tail.
    let ends: UnsafeMutablePointer<UInt32>

    init(readSize: Int) {
        self.readSize = readSize
        // One byte more than a read: room for the newline that a last line may lack.
        unsafe start = .allocate(capacity: readSize + 1)
        unsafe ends = .allocate(capacity: readSize + 1)
    }

    deinit {
        unsafe (start - headroom).deallocate()
        unsafe ends.deallocate()
    }

    /// Makes room for tails of up to `length` bytes. What the buffer holds is lost, so it must come before a read.
    func reserveHeadroom(_ length: Int) {
        if length <= headroom { return }
        unsafe (start - headroom).deallocate()
        unsafe start = .allocate(capacity: length + readSize + 1) + length
        headroom = length
    }
}
