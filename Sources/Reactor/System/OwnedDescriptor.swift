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

    /// A descriptor of one's own for what a standard stream refers to, to be read or written without blocking.
    ///
    /// A terminal or a pipe is opened anew: O_NONBLOCK belongs to the open file, which other programs share, and one that sets it
    /// on its standard input surprises the shell that it was started from. A regular file never blocks, and is not opened anew,
    /// since the place where the next byte goes belongs to the open file, too. A socket cannot be opened anew.
    ///
    /// - Throws: `EBADF` if the stream is closed, and what the kernel says about having one descriptor more.
    ///
    /// The corresponding C functions are `fstat`, `open` on `/proc/self/fd`, and `fcntl`.
    public static func reopening(_ descriptor: Int32, for direction: Direction) throws(Errno) -> OwnedDescriptor {
        var status = stat()
        try retryingOnInterrupt { unsafe fstat(descriptor, &status) }
        let kind = status.st_mode & S_IFMT
        if kind == S_IFCHR || kind == S_IFIFO {
            let mode = direction == .input ? O_RDONLY : O_WRONLY
            let result = unsafe open("/proc/self/fd/\(descriptor)", mode | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
            if result >= 0 { return OwnedDescriptor(takingOver: result) }
        }
        let duplicate = OwnedDescriptor(takingOver: try retryingOnInterrupt { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) })
        if kind != S_IFREG {
            let flags = try retryingOnInterrupt { fcntl(duplicate.rawValue, F_GETFL, 0) }
            try retryingOnInterrupt { fcntl(duplicate.rawValue, F_SETFL, flags | O_NONBLOCK) }
        }
        return duplicate
    }
}
