import Glibc
public import Reactor

extension EventLoop {
    /// Whether a thread has been started for a standard stream, which needs system calls that the loop does not.
    public static var copiesStandardStreams: Bool { StreamCopier.hasStarted }

    /// Makes a connection of a standard stream of the process, which other programs may share: the shell that has started this one, for
    /// instance. They find it as it was, however this process ends, because nothing about its open file is ever changed.
    ///
    /// The loop must not block, and the flag for that, O_NONBLOCK, belongs to the open file. So the stream is used in one of three ways:
    ///
    /// - A terminal or a pipe is opened anew, which makes an open file of the loop's own.
    /// - A regular file never blocks. Its position belongs to the open file and is shared on purpose, so it is not opened anew.
    /// - Everything else cannot be opened anew: a socket, for instance, and a terminal or a pipe of another user, as after `su`. A
    ///   thread reads or writes it, and may block.
    ///
    /// A program that uses this for output must ignore SIGPIPE. Otherwise it ends when the reader of a pipe has gone.
    ///
    /// - Throws: `EBADF` if the stream is closed or is not open for that direction, and what the kernel says about descriptors, threads
    ///   and memory that it lacks.
    ///
    /// The corresponding C functions are `fstat`, `open` on `/proc/self/fd` and `/dev/tty`, `socketpair` and `pthread_create`.
    public func adoptStandardStream(
        _ number: Int32, for direction: OwnedDescriptor.Direction, options: Connection.Options = .init(),
        handler: any ConnectionHandler
    ) throws(Errno) -> Connection {
        var status = stat()
        if unsafe fstat(number, &status) < 0 { throw .last }
        // The write end of a pipe, for instance: opened anew for reading, it would take what other programs are to read.
        let mode = fcntl(number, F_GETFL) & O_ACCMODE
        if mode == (direction == .input ? O_WRONLY : O_RDONLY) { throw Errno(rawValue: EBADF) }
        switch status.st_mode & S_IFMT {
        case S_IFREG, S_IFDIR, S_IFBLK:
            return try adopt(.duplicating(number), for: direction, options: options, handler: handler)
        case S_IFIFO, S_IFCHR:
            // To open /dev/ptmx anew makes another pair of terminals.
            if status.st_rdev == pseudoterminalMultiplexer { break }
            let opened = openAnew(number, for: direction)
            if opened >= 0 {
                return try adopt(OwnedDescriptor(takingOver: opened), for: direction, options: options, handler: handler)
            }
        default: break
        }
        var options = options
        // The thread closes its end once it has written everything, and may need long for that.
        options.lingerTimeout = .seconds(1 << 30)
        let failure = StreamFailure()
        return try adopt(
            socket: StreamCopier.start(number, for: direction, reportingTo: failure), options: options,
            handler: CopiedStreamHandler(handler, failure: failure))
    }
}

/// The device number of /dev/ptmx.
private let pseudoterminalMultiplexer: dev_t = 5 << 8 | 2

/// Opens what a descriptor refers to once more, not to block. Returns -1 if that is not possible.
private func openAnew(_ number: Int32, for direction: OwnedDescriptor.Direction) -> Int32 {
    let flags = (direction == .input ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY
    let opened = unsafe open("/proc/self/fd/\(number)", flags)
    if opened >= 0 { return opened }
    // A process may always open its controlling terminal by this name, even if the terminal is another user's. tcgetsid(3)
    // succeeds for the controlling terminal alone.
    return tcgetsid(number) >= 0 ? unsafe open("/dev/tty", flags) : -1
}

extension OwnedDescriptor {
    /// Another descriptor of the same open file.
    fileprivate static func duplicating(_ number: Int32) throws(Errno) -> OwnedDescriptor {
        var duplicate: Int32
        repeat { duplicate = fcntl(number, F_DUPFD_CLOEXEC, 0) } while duplicate < 0 && errno == EINTR
        if duplicate < 0 { throw .last }
        return OwnedDescriptor(takingOver: duplicate)
    }
}
