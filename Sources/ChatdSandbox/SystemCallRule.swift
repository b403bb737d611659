import CChatdSandbox
import Glibc

/// A system call that the sandbox allows, and why.
public struct SystemCallRule: Sendable {
    /// What a call's arguments have to be. The kernel and the filter look at the same numbers: none of them is a pointer to what could change.
    enum Condition: Sendable {
        case any
        /// None of these bits is set in an argument.
        case without(argument: Int, bits: Int32)
        /// An argument is one of these.
        case oneOf(argument: Int, [Int32])
        /// An argument is zero, or no pointer.
        case zero(argument: Int)
    }

    public let name: String
    /// Who needs it: it is allowed if one of these is in use.
    public let parts: Set<Sandbox.Part>
    let number: Int
    let condition: Condition

    fileprivate init(_ name: String, _ number: Int, _ parts: Set<Sandbox.Part>, _ condition: Condition = .any) {
        (self.name, self.number, self.parts, self.condition) = (name, number, parts, condition)
    }

    /// One table: a row for each. Anything else ends the process.
    public static let all: [SystemCallRule] = [
        // The loop and its connections.
        .init("sendto", call_sendto, [.core]),
        .init("recvfrom", call_recvfrom, [.core]),
        .init("epoll_wait", call_epoll_wait, [.core]),
        .init("sendmsg", call_sendmsg, [.core]),
        .init("accept4", call_accept4, [.core]),
        .init("epoll_ctl", call_epoll_ctl, [.core]),
        .init("close", call_close, [.core]),
        .init("shutdown", call_shutdown, [.core]),
        // Signals and other threads wake the loop by a descriptor; standard error is written.
        .init("read", call_read, [.core]),
        .init("write", call_write, [.core]),
        // How much the peer has yet to take, and how much has come.
        .init("ioctl", call_ioctl, [.core], .oneOf(argument: 1, [Int32(TIOCOUTQ), Int32(FIONREAD)])),
        // The error of a connection; who gives commands.
        .init("getsockopt", call_getsockopt, [.core]),
        // Where a client comes from.
        .init("getpeername", call_getpeername, [.core]),
        // To reset a connection; how long acknowledgements may take.
        .init("setsockopt", call_setsockopt, [.core], .oneOf(argument: 1, [SOL_SOCKET, Int32(IPPROTO_TCP)])),
        // A listener's descriptor in reserve, which is /dev/null. Nothing is opened to be written.
        .init("openat", call_openat, [.core], .without(argument: 2, bits: O_ACCMODE | O_CREAT | O_TRUNC)),
        // A topic's log, with its first message.
        .init("memfd_create", call_memfd_create, [.core]),
        .init("ftruncate", call_ftruncate, [.core]),
        // Memory: malloc, and the logs. None of it is ever run.
        .init("mmap", call_mmap, [.core], .without(argument: 2, bits: PROT_EXEC)),
        .init("munmap", call_munmap, [.core]),
        .init("mremap", call_mremap, [.core]),
        .init("brk", call_brk, [.core]),
        .init("madvise", call_madvise, [.core]),
        // Swift: what is made once, locks and who has them, random numbers.
        .init("futex", call_futex, [.core]),
        .init("gettid", call_gettid, [.core]),
        .init("getrandom", call_getrandom, [.core]),
        // Where the kernel has no clock that is read without a call.
        .init("clock_gettime", call_clock_gettime, [.core]),
        // To come back from a signal's handler, and to take the handlers away at the end.
        .init("rt_sigreturn", call_rt_sigreturn, [.core]),
        .init("rt_sigaction", call_rt_sigaction, [.core]),
        .init("rt_sigprocmask", call_rt_sigprocmask, [.core]),
        .init("exit_group", call_exit_group, [.core]),

        // The log, and what is printed.
        .init("writev", call_writev, [.log, .console]),
        // Standard input and output: pieces that are written at once, whether a terminal is still there.
        .init("poll", call_poll, [.log, .console]),
        .init("ioctl", call_ioctl, [.console], .oneOf(argument: 1, [Int32(TCGETS), terminalRequest])),
        // A thread that reads or writes what cannot be opened anew, or that judges passwords. It may only just have begun.
        .init("mprotect", call_mprotect, [.console, .logins, .loops], .without(argument: 2, bits: PROT_EXEC)),
        .init("sched_yield", call_sched_yield, [.console]),
        .init("sched_getaffinity", call_sched_getaffinity, [.console, .logins]),
        .init("set_robust_list", call_set_robust_list, [.console, .logins]),
        .init("rseq", call_rseq, [.console, .logins]),
        .init("exit", call_exit, [.console]),

        // Paths of Unix-domain sockets, which are removed at the end; another process may be doing so at that moment.
        .init("flock", call_flock, [.unixPaths, .roomLogs]),
        .init("clock_nanosleep", call_clock_nanosleep, [.unixPaths, .console]),
        // A wait with a timeout, when the process was stopped meanwhile and goes on.
        .init("restart_syscall", call_restart_syscall, [.unixPaths, .console]),
        .init("unlink", call_unlink, [.unixPaths, .bans, .roomLogs]),

        // Files that are read again, or written.
        .init("newfstatat", call_newfstatat, [.unixPaths, .files, .bans, .roomLogs]),
        .init("fstat", call_fstat, [.files, .bans, .roomLogs]),
        // The host's name, which is the server's if it has no other.
        .init("uname", call_uname, [.files]),
        .init("openat", call_openat, [.bans, .roomLogs]),
        .init("fsync", call_fsync, [.bans, .roomLogs]),
        .init("fchmod", call_fchmod, [.bans]),
        .init("rename", call_rename, [.bans]),
        .init("readlink", call_readlink, [.bans]),
        .init("getcwd", call_getcwd, [.bans]),
        .init("link", call_link, [.roomLogs]),
        .init("access", call_access, [.roomLogs]),
        .init("fallocate", call_fallocate, [.roomLogs]),
        // A log that was last open before the machine was booted.
        .init("msync", call_msync, [.roomLogs]),
        // Instead of fallocate, on file systems that lack it.
        .init("fcntl", call_fcntl, [.roomLogs], .oneOf(argument: 1, [F_GETFL])),
        .init("fstatfs", call_fstatfs, [.roomLogs]),
        .init("pwrite64", call_pwrite64, [.roomLogs]),
        .init("pread64", call_pread64, [.roomLogs, .metrics]),

        // What /proc says of the process, from files that are open.
        .init("getdents64", call_getdents64, [.metrics]),
        // For TLS, it is OpenSSL that looks where it is in a file of certificates.
        .init("lseek", call_lseek, [.metrics, .tls]),
        .init("prlimit64", call_prlimit64, [.metrics], .zero(argument: 2)),

        // Who gives commands has to be the user of this process.
        .init("geteuid", call_geteuid, [.control]),

        // The stream of a cluster, by TCP or at a path.
        .init("socket", call_socket, [.cluster], .oneOf(argument: 0, [AF_INET, AF_INET6, AF_UNIX])),
        .init("connect", call_connect, [.cluster]),

        // OpenSSL's random numbers must not be the same in a process and in one that it has forked.
        .init("getpid", call_getpid, [.tls]),
    ]
}

/// TCGETS2, by which newer versions of glibc find out whether something is a terminal.
private let terminalRequest = Int32(bitPattern: 0x802C_542A)
