import Glibc
public import Reactor

extension EventLoop {
    /// Makes a connection of a standard stream of the process.
    ///
    /// Other programs share the open files of the standard streams: the shell that has started this one, for instance. They must not find
    /// them changed, and O_NONBLOCK would change them, since that flag belongs to the open file. So a terminal or a pipe is opened anew. A
    /// regular file never blocks, and is not opened anew, because its position belongs to the open file, too.
    ///
    /// - Throws: `EBADF` if the stream is closed, and what the kernel says about one more descriptor, or about watching it.
    ///
    /// The corresponding C functions are `fstat`, `open` on `/proc/self/fd`, and `fcntl`.
    public func adoptStandardStream(
        _ number: Int32, for direction: OwnedDescriptor.Direction, options: Connection.Options = .init(),
        handler: any ConnectionHandler
    ) throws(Errno) -> Connection {
        try adopt(reopen(number, for: direction), for: direction, options: options, handler: handler)
    }
}

private func reopen(_ number: Int32, for direction: OwnedDescriptor.Direction) throws(Errno) -> OwnedDescriptor {
    var status = stat()
    if unsafe fstat(number, &status) < 0 { throw Errno(rawValue: errno) }
    let kind = status.st_mode & S_IFMT
    if kind == S_IFCHR || kind == S_IFIFO {
        let mode = direction == .input ? O_RDONLY : O_WRONLY
        let result = unsafe open("/proc/self/fd/\(number)", mode | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        if result >= 0 { return OwnedDescriptor(takingOver: result) }
    }
    let duplicate = fcntl(number, F_DUPFD_CLOEXEC, 0)
    if duplicate < 0 { throw Errno(rawValue: errno) }
    if kind != S_IFREG { _ = fcntl(duplicate, F_SETFL, fcntl(duplicate, F_GETFL) | O_NONBLOCK) }
    return OwnedDescriptor(takingOver: duplicate)
}
