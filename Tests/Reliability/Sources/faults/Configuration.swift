import ArgumentParser

/// How chatd is started, and what is said to it.
enum Configuration: String, CaseIterable, ExpressibleByArgument {
    /// Clients alone.
    case plain
    /// With a console that reads a socket and prints to a pipe, a service manager that does not answer, and a path that a dead server has left behind.
    case console
    /// Three lines, to be cut at every byte.
    case brief
    /// The same with a console on pipes.
    case briefConsole = "brief-console"

    var hasConsole: Bool { self == .console || self == .briefConsole }
    var isBrief: Bool { self == .brief || self == .briefConsole }
    var maximumLine: Int { isBrief ? 8 : 4_096 }

    /// The answer to a line that is too long. Each client sends such a line first, so the answer tells it that it has been accepted.
    var reply: String { "! line too long: the limit is \(maximumLine) bytes" }

    func arguments(path: String) -> [String] {
        // The preloaded library makes system calls of its own.
        let common = [
            "--framing", "line", "--max-line", "\(maximumLine)", "--listen", "127.0.0.1:0", "--log-level", "debug",
            "--no-sandbox",
        ]
        if !hasConsole { return common + ["--no-console", "--no-print"] }
        return common + ["--console", "--print"] + (isBrief ? [] : ["--listen", "unix:\(path)"])
    }
}
