import Glibc

/// A system call that chatd makes, and the errors that its manual page lists.
struct SystemCall {
    let name: String
    let errors: [Int32]

    /// Left out are:
    /// - EBADF, EFAULT and ENOTSOCK, which only a program with a mistake gets. The wait has EBADF all the same;
    /// - errors that the kernel does not return for the descriptors here: EPERM of EPOLL_CTL_ADD is for regular files;
    /// - calls that only a terminal causes: isatty.
    static let all: [SystemCall] = [
        SystemCall(
            name: "accept4",
            errors: [
                EAGAIN, EINTR, ECONNABORTED, EMFILE, ENFILE, ENOMEM, ENOBUFS, EPERM, EPROTO, ENETDOWN, EHOSTUNREACH, ETIMEDOUT,
            ]),
        SystemCall(name: "recv", errors: [EAGAIN, EINTR, ECONNRESET, ETIMEDOUT, ENOTCONN, EHOSTUNREACH, ENOBUFS, ENOMEM]),
        SystemCall(name: "send", errors: [EAGAIN, EINTR, ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH, ENOBUFS, ENOMEM]),
        SystemCall(name: "sendmsg", errors: [EAGAIN, EINTR, ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH, ENOBUFS, ENOMEM]),
        SystemCall(name: "sendto", errors: [EAGAIN, EINTR, ECONNREFUSED, ENOBUFS, ENOMEM]),
        SystemCall(name: "read", errors: [EAGAIN, EINTR, EIO]),
        SystemCall(name: "writev", errors: [EAGAIN, EINTR, EPIPE, EIO, ENOSPC]),
        SystemCall(name: "write", errors: [EAGAIN, EINTR, EPIPE, EIO, ENOSPC]),
        SystemCall(name: "shutdown", errors: [ENOTCONN, ENOBUFS]),
        SystemCall(name: "close", errors: [EINTR, EIO]),
        SystemCall(name: "epoll_create1", errors: [EMFILE, ENFILE, ENOMEM]),
        SystemCall(name: "epoll_ctl:ADD", errors: [ENOMEM, ENOSPC]),
        SystemCall(name: "epoll_ctl:MOD", errors: [ENOMEM]),
        SystemCall(name: "epoll_ctl:DEL", errors: [ENOENT, ENOMEM]),
        SystemCall(name: "epoll_wait", errors: [EINTR, EINVAL, EBADF]),
        SystemCall(name: "eventfd", errors: [EMFILE, ENFILE, ENOMEM, ENODEV]),
        SystemCall(name: "eventfd_read", errors: [EAGAIN, EINTR]),
        SystemCall(name: "eventfd_write", errors: [EAGAIN]),
        SystemCall(name: "write:eventfd", errors: [EAGAIN]),
        SystemCall(name: "sigaction", errors: [EINVAL]),
        SystemCall(name: "pthread_sigmask", errors: [EINVAL]),
        SystemCall(name: "ioctl:TIOCOUTQ", errors: [EINVAL, ENOTTY]),
        SystemCall(name: "ioctl:FIONREAD", errors: [EINVAL, ENOTTY]),
        SystemCall(name: "poll", errors: [EINTR, ENOMEM]),
        SystemCall(name: "memfd_create", errors: [EMFILE, ENFILE, ENOMEM, EPERM]),
        SystemCall(name: "ftruncate", errors: [EINTR, EFBIG, EIO, EPERM]),
        SystemCall(name: "mmap", errors: [EAGAIN, EACCES, ENFILE, ENODEV, ENOMEM, EPERM]),
        SystemCall(name: "munmap", errors: [EINVAL]),
        SystemCall(name: "socket", errors: [EACCES, EAFNOSUPPORT, EMFILE, ENFILE, ENOBUFS, ENOMEM]),
        SystemCall(name: "setsockopt", errors: [ENOPROTOOPT, ENOMEM]),
        SystemCall(name: "getsockopt", errors: [ENOPROTOOPT]),
        SystemCall(name: "bind", errors: [EACCES, EADDRINUSE, EADDRNOTAVAIL, ENOENT, ENOMEM, EROFS]),
        SystemCall(name: "connect", errors: [EACCES, EAGAIN, ECONNREFUSED, EINTR, ENOENT, ETIMEDOUT]),
        SystemCall(name: "listen", errors: [EADDRINUSE]),
        SystemCall(name: "getsockname", errors: [ENOBUFS]),
        SystemCall(name: "getpeername", errors: [ENOTCONN, ENOBUFS]),
        SystemCall(name: "getaddrinfo", errors: [EAI_AGAIN, EAI_FAIL, EAI_MEMORY, EAI_NONAME].map { -$0 }),
        SystemCall(name: "open", errors: [EACCES, EINTR, EMFILE, ENFILE, ENOENT, ENOMEM, ENXIO]),
        SystemCall(name: "fcntl", errors: [EINTR, EMFILE, EPERM]),
        SystemCall(name: "fstat", errors: [ENOMEM]),
        SystemCall(name: "flock", errors: [EAGAIN, EINTR, ENOLCK]),
        SystemCall(name: "lstat", errors: [EACCES, ENOENT, ENOMEM]),
        SystemCall(name: "unlink", errors: [EACCES, EIO, ENOENT, EROFS]),
        SystemCall(name: "getrlimit", errors: [EINVAL]),
        SystemCall(name: "setrlimit", errors: [EINVAL, EPERM]),
    ]

    /// The calls that move bytes, and may move fewer than they were asked to.
    static let moving = ["recv", "read", "send", "sendmsg", "writev"]

    /// How many calls a lasting failure strikes; 0 for all of them. No kernel returns EINTR or EAGAIN for ever for a descriptor that is
    /// ready.
    static func lastingCount(for error: Int32) -> Int {
        error == EAGAIN || error == EINTR ? Fault.burst : 0
    }
}
