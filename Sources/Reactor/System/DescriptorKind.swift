import CLinux
import Glibc

/// What a connection's descriptor is, and with which system calls it is read, written and shut for that.
package enum DescriptorKind: UInt8 {
    /// A connected stream socket that nobody else uses.
    case socket
    /// A pipe, or a device or a socket that other processes may share: it is read and written, and never shut down.
    case stream
    /// A terminal. Read from the background, it answers EIO until the process is in the foreground again.
    case terminal
    /// A regular file, a directory, or a device such as /dev/null: it never blocks, and epoll refuses to watch it.
    case file

    /// What a descriptor is that is not to be used as a socket. The corresponding C functions are `fstat` and `isatty`.
    init(of descriptor: Int32) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            self = .stream
            return
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG, S_IFDIR, S_IFBLK: self = .file
        case S_IFCHR where isatty(descriptor) == 1: self = .terminal
        default: self = .stream
        }
    }

    /// Reads once, and returns what the system call does. The corresponding C functions are `recv` and `read`.
    func read(_ descriptor: Int32, into buffer: UnsafeMutableRawPointer, count: Int) -> Int {
        self == .socket ? unsafe recv(descriptor, buffer, count, 0) : unsafe Glibc.read(descriptor, buffer, count)
    }

    /// Writes several ranges of bytes once, and returns what the system call does. The corresponding C functions are `sendmsg` and
    /// `writev`.
    func write(_ descriptor: Int32, _ vectors: UnsafeMutableBufferPointer<iovec>) -> Int {
        guard self == .socket else { return unsafe writev(descriptor, vectors.baseAddress, Int32(vectors.count)) }
        var message = unsafe msghdr()
        unsafe message.msg_iov = vectors.baseAddress
        unsafe message.msg_iovlen = vectors.count
        return unsafe sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
    }

    /// Tells the peer that nothing more will come. Returns false where that cannot be told. The corresponding C function is `shutdown`.
    func shutDownOutput(of descriptor: Int32) -> Bool {
        self == .socket && shutdown(descriptor, Int32(SHUT_WR)) == 0
    }

    /// Whether a failed read means the end of input: EIO is what a terminal answers once it has hung up.
    func isEndOfInput(_ error: Errno) -> Bool {
        (self == .terminal || self == .stream) && error == Errno(rawValue: EIO)
    }

    /// Whether the terminal answers EIO because the process is in the background, and not because it has hung up. Only the
    /// terminal of the process's own session has a background for it.
    ///
    /// The corresponding C functions are `tcgetsid` and `tcgetpgrp`.
    func isInBackground(_ descriptor: Int32) -> Bool {
        guard self == .terminal, tcgetsid(descriptor) == getsid(0) else { return false }
        let foreground = tcgetpgrp(descriptor)
        return foreground > 0 && foreground != getpgrp()
    }
}
