import Glibc

/// A file descriptor with exactly one owner. It is closed when its owner releases it.
///
/// Because it is noncopyable, it can be neither leaked nor closed twice. A second close would close whatever has got the number in
/// between, which is the hardest bug of a server to find. It may move from thread to thread.
public struct OwnedDescriptor: ~Copyable, Sendable {
    /// What a descriptor that is no socket is used for.
    public enum Direction: Sendable {
        /// It is read. What is sent to it is written, as far as it was opened for that.
        case input
        /// It is written, and never read: as if `pauseReading` had been called once.
        case output
    }

    /// The number, for system calls. It stays valid for as long as this value lives.
    public let rawValue: Int32

    /// Takes over a descriptor that nothing else closes. Does not check whether the number is open.
    public init(takingOver rawValue: Int32) {
        self.rawValue = rawValue
    }

    deinit {
        // A negative number names no descriptor.
        if rawValue < 0 { return }
        // Never retried: after EINTR, Linux has closed the number already, and another thread may have opened it again.
        // The corresponding C function is `close`.
        _ = close(rawValue)
    }

    /// Gives up ownership without closing, and returns the number, which the caller has to close.
    public consuming func release() -> Int32 {
        let rawValue = rawValue
        discard self
        return rawValue
    }
}
