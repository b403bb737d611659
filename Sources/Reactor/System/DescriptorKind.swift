import CReactorLinux
import Glibc

/// The kind of a connection's descriptor, which decides the system calls that read it, write it and shut it down.
package enum DescriptorKind: UInt8 {
    /// A connected stream socket that no other process uses.
    case socket
    /// A pipe; also a device or a socket that other processes may share, which therefore is never shut down.
    case stream
    /// A terminal. A process in the background that reads it gets EIO until it is in the foreground again.
    case terminal
    /// A regular file, a directory, a block device, or a device that epoll refuses to watch, such as /dev/null. It never blocks.
    case file

    /// Finds out the kind of a descriptor that is not to be used as a socket. A device that epoll refuses is found out later, by
    /// the connection. The corresponding C functions are `fstat` and `isatty`.
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

    /// Reads once, and returns the result of the system call. The corresponding C functions are `recv` and `read`.
    func read(_ descriptor: Int32, into buffer: UnsafeMutableRawPointer, count: Int) -> Int {
        self == .socket ? unsafe recv(descriptor, buffer, count, 0) : unsafe Glibc.read(descriptor, buffer, count)
    }

    /// Writes one range of bytes once, and returns the result of the system call: as the other `write` does, for less. The corresponding C
    /// functions are `send` and `writev`.
    func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        guard self == .socket else {
            var vector = unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
            return unsafe writev(descriptor, &vector, 1)
        }
        return unsafe send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Writes several ranges of bytes once, and returns the result of the system call. A broken pipe is the error EPIPE; only for
    /// what is no socket the kernel sends SIGPIPE, too. The corresponding C functions are `sendmsg` and `writev`.
    func write(_ descriptor: Int32, _ vectors: UnsafeMutableBufferPointer<iovec>) -> Int {
        guard self == .socket else { return unsafe writev(descriptor, vectors.baseAddress, Int32(vectors.count)) }
        var message = unsafe msghdr()
        unsafe message.msg_iov = vectors.baseAddress
        unsafe message.msg_iovlen = vectors.count
        return unsafe sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
    }

    /// Tells the peer that nothing more will come. Returns false if that cannot be told. The corresponding C function is
    /// `shutdown`.
    func shutDownOutput(of descriptor: Int32) -> Bool {
        self == .socket && shutdown(descriptor, Int32(SHUT_WR)) == 0
    }

    /// Whether the error of a read means the end of input: a terminal that has hung up answers EIO.
    func isEndOfInput(_ error: Errno) -> Bool {
        (self == .terminal || self == .stream) && error == Errno(rawValue: EIO)
    }

    /// Whether a terminal has answered EIO because another job has it, or had it at that moment, and not because it has hung up. Who
    /// has it now is not asked: a shell may have brought this process to the foreground since, and its input would be taken for
    /// ended.
    func wasInBackground(_ descriptor: Int32) -> Bool {
        self == .terminal && !Self.hasHungUp(descriptor)
    }

    /// Whether the other end is gone altogether. The corresponding C function is `poll`.
    static func hasHungUp(_ descriptor: Int32) -> Bool {
        var request = pollfd(fd: descriptor, events: 0, revents: 0)
        return unsafe poll(&request, 1, 0) == 1 && Int32(request.revents) & (POLLHUP | POLLERR) != 0
    }
}
