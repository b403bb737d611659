import Glibc

/// A file descriptor with exactly one owner, closed when the owner lets go of it.
///
/// Being noncopyable, it can be neither leaked nor closed twice; a double close would hit whatever the number was given
/// to in between, which is the hardest bug of a server to find. It may move from thread to thread, as the number may.
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

    /// Takes over a descriptor that nothing else closes. Whether the number is one that is open is not looked at.
    public init(takingOver rawValue: Int32) {
        self.rawValue = rawValue
    }

    deinit {
        // A negative number names no descriptor.
        if rawValue < 0 { return }
        // Never retried: after EINTR, Linux has closed the number already, and it may belong to another thread by now.
        // The corresponding C function is `close`.
        _ = close(rawValue)
    }

    /// Gives up ownership without closing, and says which number the caller has to close from now on.
    public consuming func release() -> Int32 {
        let rawValue = rawValue
        discard self
        return rawValue
    }
}
