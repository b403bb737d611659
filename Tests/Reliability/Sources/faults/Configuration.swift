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
    /// One relay with others, by a stream of a Redis that is killed meanwhile.
    case cluster
    /// One chat with another server, by such a stream.
    case chatCluster = "chat-cluster"

    /// Those that need a chatd with Redis.
    static let ofCluster = [Configuration.cluster, .chatCluster]
    /// What all servers of a chat need alike. The history is short, so that those who come are soon told of it.
    static let chatOptions = ["--chat", "--room-size", "16k", "--drain-timeout", "2s"]

    var hasConsole: Bool { self == .console || self == .briefConsole }
    var isOfCluster: Bool { Self.ofCluster.contains(self) }
    var isChat: Bool { self == .chatCluster }
    var isBrief: Bool { self == .brief || self == .briefConsole }
    var maximumLine: Int { isBrief ? 8 : 4_096 }

    /// The answer to a line that is too long. Each client sends such a line first, so the answer tells it that it has been accepted.
    var reply: String { "! line too long: the limit is \(maximumLine) bytes" }

    /// - Parameters:
    ///   - path: Where a socket may be.
    ///   - partners: Nil unless it is one with others.
    func arguments(for fault: Fault, path: String, _ partners: Partners?) -> [String] {
        // The preloaded library makes system calls of its own.
        let common = ["--listen", "127.0.0.1:0", "--log-level", "debug", "--no-sandbox"]
        let quiet = ["--no-console", "--no-print"]
        if let partners, isOfCluster {
            // A failure that passes is over sooner; one that lasts is told of soon.
            let grace = ["--cluster", partners.place(isChat: isChat), "--cluster-grace", fault.mayCutOff ? "300ms" : "8s"]
            return common + quiet + grace + (isChat ? Self.chatOptions : relayOptions + ["--drain-timeout", "2s"])
        }
        if !hasConsole { return common + quiet + relayOptions }
        return common + relayOptions + ["--console", "--print"] + (isBrief ? [] : ["--listen", "unix:\(path)"])
    }

    private var relayOptions: [String] { ["--framing", "line", "--max-line", "\(maximumLine)"] }
}
