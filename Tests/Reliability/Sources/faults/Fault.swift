import Glibc

/// What the preloaded library does to one system call of the daemon.
struct Fault {
    /// How many calls a fault strikes that no kernel would repeat for ever, such as EINTR.
    static let burst = 50

    var call: String
    /// At which of these calls it begins, counted from 1; 0 for at none.
    var number = 0
    /// How many calls it strikes; 0 for all from there on.
    var count = 1
    /// What the call fails with, or 0.
    var error: Int32 = 0
    /// How many bytes the call moves at most, or 0.
    var length = 0

    var environment: [String] {
        [
            "FAULT_CALL=\(call)", "FAULT_NUMBER=\(number)", "FAULT_COUNT=\(count)", "FAULT_ERROR=\(error)",
            "FAULT_LENGTH=\(length)",
        ]
    }

    /// Whether it is an error, and not just "not now".
    var isHard: Bool {
        if number == 0 || error == 0 { return false }
        // These are not tried again, and the first returns errors of its own.
        if ["getaddrinfo", "connect", "mmap"].contains(call) { return true }
        return error != EAGAIN && error != EINTR
    }
    var isPersistent: Bool { count != 1 }

    /// The system's sentence for the error.
    var sentence: String {
        unsafe call == "getaddrinfo" ? String(cString: gai_strerror(-error)) : String(cString: strerror(error))
    }

    /// What the daemon may give as its reason to end. Whether a path that is in use may be taken over is found out by calls whose
    /// failure only means that it may not.
    var reasons: [String] {
        let isAboutPath = ["socket", "connect", "lstat", "unlink"].contains(call)
        return unsafe isAboutPath ? [sentence, String(cString: strerror(EADDRINUSE))] : [sentence]
    }

    /// How many clients the daemon may close because of it.
    var allowedCloses: Int {
        let concernsOne =
            switch call {
            case "recv", "send", "sendmsg", "epoll_ctl:ADD", "epoll_ctl:MOD": isHard
            case "accept4": error == EMFILE || error == ENFILE
            default: false
            }
        return !concernsOne ? 0 : isPersistent ? .max : 1
    }

    /// Whether the daemon may lose the stream that it has in common with others for longer than it waits for that.
    var mayCutOff: Bool { isHard && isPersistent }

    /// Whether the console may lose what is typed and what is printed.
    var mayEndConsole: Bool {
        isHard && ["read", "writev", "epoll_ctl:ADD", "epoll_ctl:MOD", "epoll_ctl:DEL"].contains(call)
    }

    /// Whether the daemon may stop hearing what is typed. If standard input is a socket, a thread writes what comes to a socket of the
    /// loop.
    var mayEndTyping: Bool { mayEndConsole || isHard && ["recv", "write"].contains(call) }

    /// Whether the loop cannot go on, whenever it happens.
    var endsLoop: Bool { isHard && call == "epoll_wait" }
}
