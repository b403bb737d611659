import Glibc

/// With whom a chatd is one relay or one chat: a Redis of its own and, for a chat, another server of it. No fault concerns these. They are
/// used again for each run.
final class Partners {
    private let directory: String
    private let redis: String
    private let chatd: String
    private let port: UInt16
    private var server: Daemon?
    private var other: Daemon?
    /// Where the other server of the chat listens.
    private(set) var otherPort: UInt16?

    /// - Parameters:
    ///   - directory: Where they have their files, which goes with them.
    ///   - chatd: The path of the daemon.
    init(directory: String, chatd: String) throws {
        guard let redis = Self.findRedis() else { throw BrokenPromise("there is no redis-server") }
        self.directory = directory
        self.redis = redis
        self.chatd = chatd
        if unsafe mkdir(directory, 0o700) < 0, errno != EEXIST { throw BrokenPromise("cannot make \(directory)") }
        guard let port = freePort() else { throw BrokenPromise("there is no free port") }
        self.port = port
        try startRedis()
    }

    deinit {
        // First, or they write to what is to go.
        (server, other) = (nil, nil)
        for path in ["appendonlydir", ""].map({ "\(directory)/\($0)" }) {
            guard let folder = unsafe opendir(path) else { continue }
            while let entry = unsafe readdir(folder) {
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                    unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                }
                unsafe unlink("\(path)/\(name)")
            }
            unsafe closedir(folder)
            unsafe rmdir(path)
        }
    }

    /// Where the daemons of one kind find the others: those of relays by TCP, and those of a chat at a path.
    func place(isChat: Bool) -> String {
        isChat ? "unix:\(directory)/redis/chat" : "redis://127.0.0.1:\(port)/relay"
    }

    // MARK: - Redis

    /// Starts a Redis that keeps what it has answered, and waits until it answers.
    func startRedis() throws {
        let arguments = [
            redis, "--port", "\(port)", "--bind", "127.0.0.1", "--unixsocket", "\(directory)/redis", "--dir", directory, "--save",
            "",
            "--appendonly", "yes", "--appendfsync", "no",
        ]
        server = try Daemon(arguments, environment: [], input: nil)
        let limit = ContinuousClock.now.advanced(by: .seconds(20))
        while !answers {
            if ContinuousClock.now > limit { throw BrokenPromise("redis-server does not answer") }
            usleep(1_000)
        }
    }

    /// Ends it as a failure of its machine would, but for what it has written.
    func killRedis() { server = nil }

    private var answers: Bool {
        guard let client = Client(name: "redis", port: port) else { return false }
        client.send("PING\r\n")
        client.write()
        for entry in client.poll {
            var entry = entry
            _ = unsafe Glibc.poll(&entry, 1, 1_000)
        }
        client.read()
        return client.received.starts(with: "+PONG".utf8)
    }

    /// The path of redis-server, if it is installed.
    static func findRedis() -> String? {
        guard let path = unsafe getenv("PATH") else { return nil }
        let folders = unsafe String(cString: path).split(separator: ":")
        return folders.map { "\($0)/redis-server" }.first { unsafe access($0, X_OK) == 0 }
    }

    // MARK: - The other server

    /// Starts the other server of the chat, if it does not run, and waits until it has begun the chat.
    func startOther() throws {
        if other != nil { return }
        let daemon = try Daemon(
            [chatd, "--listen", "127.0.0.1:0", "--no-console", "--no-print", "--no-sandbox", "--log-level", "notice"]
                + Configuration.chatOptions + ["--cluster", place(isChat: true)], environment: [], input: nil)
        var text: [UInt8] = []
        let limit = ContinuousClock.now.advanced(by: .seconds(20))
        var sentences: [Substring] { String(decoding: text, as: UTF8.self).split(separator: "\n") }
        while !sentences.contains(where: { $0.contains("the chat is one with those of other servers") }) {
            if ContinuousClock.now > limit { throw BrokenPromise("the other server does not begin a chat: \(sentences)") }
            var entry = pollfd(fd: daemon.error, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&entry, 1, 100)
            text += daemon.readError() ?? []
        }
        otherPort = Daemon.port(in: sentences)
        other = daemon
    }

    /// Takes what the other server says, so that it never waits for that.
    func hearOther() { _ = other?.readError() }

    /// After something went wrong, the next run is not to suffer from it.
    func dismissOther() { other = nil }
}
