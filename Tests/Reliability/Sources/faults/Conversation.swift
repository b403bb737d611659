import Glibc

/// One run: a daemon that meets one fault, a few clients that talk, and whether every promise was kept meanwhile. It goes on as things happen:
/// nothing sleeps. What is said, and what must come of it, `RelayConversation` and `ChatConversation` know.
class Conversation {
    /// How the run ended, of the ways that are right.
    enum Outcome: String, CaseIterable {
        /// There was no such call.
        case untouched
        /// Nobody noticed anything.
        case served
        /// Clients were closed, and everybody else was served.
        case closed
        /// The daemon said why it could not start, or not go on, and ended with the exit code for that.
        case ended
    }

    static let timeout = Duration.seconds(10)
    /// How long nothing must happen before a client that is not let in gives up. Only a lasting failure may have that happen.
    private static let quietTime = Duration.milliseconds(250)
    private static let turnLimit: UInt64 = 2_000
    private static let secondsLimit = 2.0

    let fault: Fault
    let configuration: Configuration
    let daemon: Daemon
    let report: Report
    /// The servers and the Redis that it is one with, if it is.
    let partners: Partners?
    var clients: [Client] = []
    private var errorText: [UInt8] = []
    private(set) var isGone = false
    private var port: UInt16?

    init(
        _ fault: Fault, _ configuration: Configuration, chatd: String, library: String, report: Report, partners: Partners?
    ) throws {
        self.fault = fault
        self.configuration = configuration
        self.report = report
        self.partners = partners
        var environment = fault.environment + ["FAULT_REPORT=\(report.path)", "LD_PRELOAD=\(library)"]
        if configuration == .console {
            report.leaveSocketBehind()
            environment.append("NOTIFY_SOCKET=@chatd-nobody-\(getpid())")
        }
        let arguments = configuration.arguments(for: fault, path: report.socketPath, partners)
        daemon = try Daemon(
            [chatd] + arguments, environment: environment,
            input: configuration.hasConsole ? (configuration.isBrief ? .pipe : .socket) : nil)
    }

    /// The run of a configuration.
    static func make(
        _ fault: Fault, _ configuration: Configuration, chatd: String, library: String, report: Report, partners: Partners?
    ) throws -> Conversation {
        if configuration.isChat {
            try partners?.startOther()
            return try ChatConversation(fault, configuration, chatd: chatd, library: library, report: report, partners: partners)
        }
        return try RelayConversation(fault, configuration, chatd: chatd, library: library, report: report, partners: partners)
    }

    // MARK: - The conversation

    func run() throws -> Outcome {
        // If standard error is what fails, nobody hears of the port, and the daemon just has to go on.
        try wait(for: "the daemon to listen", givesUp: fault.call == "write") { self.port != nil }
        if isGone { return try checkEnd() }
        guard let port else { return try end() }
        try converse(port)
        return isGone ? try checkEnd() : try end()
    }

    /// What is said, until the daemon is told to end or has ended.
    func converse(_ port: UInt16) throws {}

    private func end() throws -> Outcome {
        for client in clients { client.isLeaving = true }
        kill(daemon.pid, SIGTERM)
        try wait(for: "the daemon to end") { self.isGone }
        return try checkEnd()
    }

    /// Has somebody connect; nil if nobody listens.
    func connect(_ name: String, _ port: UInt16, receiveBuffer: Int32? = nil) throws -> Client? {
        guard let client = Client(name: name, port: port, receiveBuffer: receiveBuffer) else {
            // Only a daemon that is about to end refuses.
            try wait(for: "the end of a daemon to which \(name) cannot connect") { false }
            return nil
        }
        clients.append(client)
        return client
    }

    subscript(_ name: String) -> Client { clients.first { $0.name == name }! }

    // MARK: - Events

    /// - Parameters:
    ///   - what: What is waited for, for the failure's text.
    ///   - givesUp: Whether it may be in vain, if the fault lasts.
    ///   - interval: How often to look, if what is waited for may come about without an event.
    ///   - outlivesDaemon: Whether it may come about once the daemon is gone.
    func wait(
        for what: String, givesUp: Bool = false, lookingEvery interval: Duration? = nil, outlivesDaemon: Bool = false,
        until isDone: @escaping () throws -> Bool
    ) throws {
        let limit = ContinuousClock.now.advanced(by: Self.timeout)
        while !isGone || outlivesDaemon, try !isDone() {
            var entries = isGone ? [] : [pollfd(fd: daemon.error, events: Int16(POLLIN), revents: 0)]
            for client in clients { entries += client.poll }
            let mayGiveUp = givesUp && mayBeInVain
            let time = mayGiveUp ? Self.quietTime : ContinuousClock.now.duration(to: limit)
            let step = interval.map { min($0, time) } ?? time
            let ready = unsafe poll(&entries, nfds_t(entries.count), Int32(max(step / .milliseconds(1), 0)))
            if ready == 0 {
                if interval != nil, ContinuousClock.now < limit { continue }
                if mayGiveUp, report.read().strikes > 0 { return }
                if mayGiveUp, ContinuousClock.now < limit { continue }
                throw BrokenPromise("waited in vain for \(what); \(lacks); the daemon says \(sentences.suffix(12))")
            }
            for client in clients {
                client.write()
                client.read()
            }
            readError()
            if report.read().turns > Self.turnLimit { throw BrokenPromise("spins: \(report.read().turns) turns") }
        }
    }

    /// Whether the fault may have clients wait for longer than is waited here.
    var mayBeInVain: Bool { fault.isPersistent || fault.call == "write" }

    /// Takes what is still on its way from a daemon that has ended.
    private func receiveRest() throws {
        let limit = ContinuousClock.now.advanced(by: Self.timeout)
        for client in clients {
            client.isPaused = false
            client.read()
            while !client.isClosed {
                var entry = pollfd(fd: client.input, events: Int16(POLLIN), revents: 0)
                let time = max(ContinuousClock.now.duration(to: limit) / .milliseconds(1), 0)
                if unsafe poll(&entry, 1, Int32(time)) == 0 {
                    throw BrokenPromise("the connection of \(client.name) outlives the daemon")
                }
                client.read()
            }
        }
    }

    /// What has not come, for the text of a failure.
    var lacks: String {
        clients.filter { !$0.isClosed }
            .map { client in "\(client.name) has \(client.counts.sorted { $0.key < $1.key }.map { "\($0.value) of \($0.key)" })" }
            .joined(separator: ", ")
    }

    private func readError() {
        if isGone { return }
        if let bytes = daemon.readError() { errorText += bytes } else { isGone = true }
        if port == nil { port = Daemon.port(in: sentences) }
    }

    var sentences: [Substring] { String(decoding: errorText, as: UTF8.self).split(separator: "\n") }

    // MARK: - The promises

    private func checkEnd() throws -> Outcome {
        let end = daemon.waitForEnd()
        let report = report.read()
        // A daemon that cannot go on no longer watches signals, so SIGTERM may end it before it exits by itself.
        if end.signal == SIGTERM, fault.endsLoop, report.strikes > 0 { return .ended }
        if let signal = end.signal { throw BrokenPromise("ended by signal \(signal): \(sentences.prefix(20))") }
        if report.turns > Self.turnLimit { throw BrokenPromise("spins: \(report.turns) turns") }
        if end.seconds > Self.secondsLimit { throw BrokenPromise("took \(end.seconds) s of processor time") }
        try leaveOthers()
        try receiveRest()
        try checkLines()
        if end.code != 0 {
            let hasServed = clients.contains { !$0.isConsole && wasServed($0) }
            guard report.strikes > 0, fault.isHard, !hasServed || fault.endsLoop else {
                throw BrokenPromise("ended with \(end.code ?? -1): \(sentences)")
            }
            try checkSentence(code: end.code ?? -1)
            return .ended
        }
        guard clients.allSatisfy(\.isLeaving) else { throw BrokenPromise("ended by itself, with 0: \(sentences)") }
        let closes = clients.count { $0.wasCutOff }
        // One that waits for a short time alone may find the wait for Redis too long.
        if closes > (report.strikes > 0 || configuration.isOfCluster && fault.mayCutOff ? allowedCloses : 0) {
            throw BrokenPromise(
                "closed \(clients.filter(\.wasCutOff).map(\.name)): \(sentences.filter { $0.contains(" closed") })")
        }
        return report.strikes == 0 ? .untouched : closes > 0 ? .closed : .served
    }

    /// How many clients the daemon may close because of the fault.
    var allowedCloses: Int { fault.allowedCloses }

    /// Whether the daemon has answered a client.
    func wasServed(_ client: Client) -> Bool { false }

    /// Ends what goes on without the daemon.
    func leaveOthers() throws {}

    /// Checks what each client has got, once all has come.
    func checkLines() throws {}

    /// What a daemon that cannot start says: one sentence with the reason in it, and an exit code from sysexits.
    private func checkSentence(code: Int32) throws {
        let told = sentences.filter { !$0.contains(": listening on ") && $0.hasPrefix("chatd: ") }
        // The sentence itself cannot be told if it is the writing that fails.
        if fault.call != "write", told.count != 1 || !fault.reasons.contains(where: told[0].contains) {
            throw BrokenPromise("does not say why it ended: \(sentences)")
        }
        // What does not fit into the memory is a matter of how the daemon is set up.
        let codes = [EX_OSERR, EX_IOERR, EX_UNAVAILABLE, EX_NOPERM, EX_NOHOST] + (fault.error == ENOMEM ? [EX_CONFIG] : [])
        if !codes.contains(code) {
            throw BrokenPromise("ended with \(code), which is no code for that: \(sentences)")
        }
    }
}
