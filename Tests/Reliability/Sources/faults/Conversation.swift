import Glibc

/// One run: a daemon that meets one fault, a few clients that talk, and whether every promise was kept meanwhile.
///
/// It goes on as things happen: nothing sleeps. `l` listens, `w` listens and is slow for a while, `s` and `t` talk, `q` says the quit
/// word, `h` shuts its side after half a line, `r` resets its connection; `c` is the console. Then two more come, and SIGTERM ends it.
final class Conversation {
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

    private static let timeout = Duration.seconds(10)
    /// How long nothing must happen before a client that is not let in gives up. Only a lasting failure may have that happen.
    private static let quietTime = Duration.milliseconds(250)
    private static let turnLimit: UInt64 = 2_000
    private static let secondsLimit = 2.0
    /// How many of the longest lines are said to a reader that is slow: more than its socket takes, and less than the console would
    /// leave out.
    private static let floodLength = 56

    private let fault: Fault
    private let configuration: Configuration
    private let daemon: Daemon
    private let report: Report
    private var clients: [Client] = []
    private var console: Client?
    private var errorText: [UInt8] = []
    private var isGone = false
    private var port: UInt16?

    init(_ fault: Fault, _ configuration: Configuration, chatd: String, library: String, report: Report) throws {
        self.fault = fault
        self.configuration = configuration
        self.report = report
        var environment = fault.environment + ["FAULT_REPORT=\(report.path)", "LD_PRELOAD=\(library)"]
        if configuration == .console {
            report.leaveSocketBehind()
            environment.append("NOTIFY_SOCKET=@chatd-nobody-\(getpid())")
        }
        let arguments = configuration.arguments(path: report.socketPath)
        daemon = try Daemon(
            [chatd] + arguments, environment: environment,
            input: configuration.hasConsole ? (configuration.isBrief ? .pipe : .socket) : nil)
    }

    // MARK: - The conversation

    func run() throws -> Outcome {
        // If standard error is what fails, nobody hears of the port, and the daemon just has to go on.
        try wait(for: "the daemon to listen", givesUp: fault.call == "write") { self.port != nil }
        if isGone { return try checkEnd() }
        guard let port else { return try end() }
        if let streams = daemon.console {
            let console = Client(console: streams)
            self.console = console
            clients.append(console)
        }
        let names = configuration.isBrief ? ["l", "s", "t"] : ["l", "w", "s", "t", "q", "h", "r"]
        for name in names where !isGone { try join(name, port) }
        try waitForJoining()
        if isGone { return try checkEnd() }
        if configuration.isBrief { try talkBriefly() } else { try talk() }
        if !isGone, !configuration.isBrief { try letOthersIn(port) }
        if isGone { return try checkEnd() }

        return try end()
    }

    private func end() throws -> Outcome {
        for client in clients { client.isLeaving = true }
        kill(daemon.pid, SIGTERM)
        try wait(for: "the daemon to end") { self.isGone }
        return try checkEnd()
    }

    private func join(_ name: String, _ port: UInt16, missing: [String: Int] = [:]) throws {
        guard let client = Client(name: name, port: port, receiveBuffer: name == "w" ? 2_304 : nil) else {
            // Only a daemon that is about to end refuses.
            return try wait(for: "the end of a daemon to which \(name) cannot connect") { false }
        }
        client.missed = missing
        clients.append(client)
        client.send(String(repeating: "+", count: configuration.maximumLine + 1) + "\n")
    }

    private func waitForJoining() throws {
        try wait(for: "the clients to be let in", givesUp: true) {
            self.clients.allSatisfy { $0.isClosed || $0.hasJoined(self.configuration) }
        }
        for client in clients where !client.hasJoined(configuration) { client.close() }
    }

    private func talkBriefly() throws {
        for name in configuration.hasConsole ? ["s", "t", "s", "c"] : ["s", "t", "s"] {
            self[name].say()
            try waitForDelivery()
        }
    }

    private func talk() throws {
        for name in ["s", "t", "q", "h"] { for _ in 1...3 { self[name].say() } }
        console?.say()
        try waitForDelivery()

        // More than the slow one's socket takes.
        self["w"].isPaused = true
        for _ in 1...Self.floodLength { self["s"].say(length: configuration.maximumLine) }
        self["t"].say()
        console?.say()
        try waitForDelivery(except: "w")
        // The daemon asks the kernel how much it holds for a client only once that has taken nothing for a quarter of a second.
        if fault.call == "ioctl:TIOCOUTQ" {
            try wait(for: "the daemon to look at the slow client", lookingEvery: .milliseconds(20)) {
                self.report.read().calls > 0
            }
        }
        self["w"].isPaused = false
        try waitForDelivery()

        console?.shut()
        self["q"].isLeaving = true
        self["q"].send("x\n")
        self["h"].sayHalfAndShut()
        self["r"].reset()
        try wait(for: "those that leave to be closed") { self["q"].isClosed && self["h"].isClosed }
        try waitForDelivery()
    }

    /// After a fault that has passed, the daemon is as good as before. One that lasts is still there.
    private func letOthersIn(_ port: UInt16) throws {
        if fault.count == 0 { return }
        let said = Dictionary(uniqueKeysWithValues: clients.map { ($0.name, $0.said.count) })
        for name in ["y", "z"] where !isGone { try join(name, port, missing: said) }
        try waitForJoining()
        if isGone { return }
        self["y"].say()
        self["z"].say()
        try waitForDelivery()
    }

    private subscript(_ name: String) -> Client { clients.first { $0.name == name }! }

    /// Everybody has everything that the others have said.
    private func waitForDelivery(except exempt: String? = nil) throws {
        try wait(for: "delivery") {
            for client in self.clients where !client.isClosed && client.name != exempt && !self.isWeak(client) {
                for sender in self.clients where sender !== client && !self.mayHaveLost(sender) {
                    let due = sender.said.count - client.missed[sender.name, default: 0]
                    if client.counts[sender.name, default: 0] < due { return false }
                }
            }
            return true
        }
    }

    /// Whether some of what it has said may never have been read: it was cut off, or closed in the midst of leaving.
    private func mayHaveLost(_ sender: Client) -> Bool {
        if sender.isConsole { return fault.mayEndTyping }
        return sender.wasCutOff || (sender.isClosed && (fault.isHard || !sender.hasJoined(configuration)))
    }

    private func isWeak(_ client: Client) -> Bool { client.isConsole && fault.mayEndConsole }

    // MARK: - Events

    /// - Parameters:
    ///   - what: What is waited for, for the failure's text.
    ///   - givesUp: Whether it may be in vain, if the fault lasts.
    ///   - interval: How often to look, if what is waited for may come about without an event.
    private func wait(
        for what: String, givesUp: Bool = false, lookingEvery interval: Duration? = nil, until isDone: @escaping () -> Bool
    ) throws {
        let limit = ContinuousClock.now.advanced(by: Self.timeout)
        while !isGone, !isDone() {
            var entries = [pollfd(fd: daemon.error, events: Int16(POLLIN), revents: 0)]
            for client in clients { entries += client.poll }
            let mayGiveUp = givesUp && (fault.isPersistent || fault.call == "write")
            let time = mayGiveUp ? Self.quietTime : ContinuousClock.now.duration(to: limit)
            let step = interval.map { min($0, time) } ?? time
            let ready = unsafe poll(&entries, nfds_t(entries.count), Int32(max(step / .milliseconds(1), 0)))
            if ready == 0 {
                if interval != nil, ContinuousClock.now < limit { continue }
                if mayGiveUp, report.read().strikes > 0 { return }
                if mayGiveUp, ContinuousClock.now < limit { continue }
                throw BrokenPromise("waited in vain for \(what); \(lacks)")
            }
            for client in clients {
                client.write()
                client.read()
            }
            readError()
            if report.read().turns > Self.turnLimit { throw BrokenPromise("spins: \(report.read().turns) turns") }
        }
    }

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

    private var lacks: String {
        clients.filter { !$0.isClosed }
            .map { client in "\(client.name) has \(client.counts.sorted { $0.key < $1.key }.map { "\($0.value) of \($0.key)" })" }
            .joined(separator: ", ")
    }

    private func readError() {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = unsafe Glibc.read(daemon.error, &buffer, buffer.count)
            if count > 0 {
                errorText += buffer[..<count]
            } else {
                if count == 0 { isGone = true }
                break
            }
        }
        let prefix = "chatd: listening on 127.0.0.1:"
        guard port == nil, let line = sentences.first(where: { $0.hasPrefix(prefix) }) else { return }
        port = UInt16(line.dropFirst(prefix.count))
    }

    private var sentences: [String] { String(decoding: errorText, as: UTF8.self).split(separator: "\n").map(String.init) }

    // MARK: - The promises

    private func checkEnd() throws -> Outcome {
        let end = daemon.waitForEnd()
        let report = report.read()
        // A daemon that cannot go on no longer watches signals, so SIGTERM may end it before it exits by itself.
        if end.signal == SIGTERM, fault.endsLoop, report.strikes > 0 { return .ended }
        if let signal = end.signal { throw BrokenPromise("ended by signal \(signal): \(sentences.prefix(20))") }
        if report.turns > Self.turnLimit { throw BrokenPromise("spins: \(report.turns) turns") }
        if end.seconds > Self.secondsLimit { throw BrokenPromise("took \(end.seconds) s of processor time") }
        try receiveRest()
        try checkLines()
        if end.code != 0 {
            let hasServed = clients.contains { !$0.isConsole && $0.hasJoined(configuration) }
            guard report.strikes > 0, fault.isHard, !hasServed || fault.endsLoop else {
                throw BrokenPromise("ended with \(end.code ?? -1): \(sentences)")
            }
            try checkSentence(code: end.code ?? -1)
            return .ended
        }
        guard clients.allSatisfy(\.isLeaving) else { throw BrokenPromise("ended by itself, with 0: \(sentences)") }
        let closes = clients.count { $0.wasCutOff }
        if closes > (report.strikes > 0 ? fault.allowedCloses : 0) {
            throw BrokenPromise(
                "closed \(clients.filter(\.wasCutOff).map(\.name)): \(sentences.filter { $0.contains(" closed") })")
        }
        return report.strikes == 0 ? .untouched : closes > 0 ? .closed : .served
    }

    /// What a daemon that cannot start says: one sentence with the reason in it, and an exit code from sysexits.
    private func checkSentence(code: Int32) throws {
        let told = sentences.filter { !$0.contains(": listening on ") && $0.hasPrefix("chatd: ") }
        // The sentence itself cannot be told if it is the writing that fails.
        if fault.call != "write", told.count != 1 || !fault.reasons.contains(where: told[0].contains) {
            throw BrokenPromise("does not say why it ended: \(sentences)")
        }
        if ![EX_OSERR, EX_IOERR, EX_UNAVAILABLE, EX_NOPERM, EX_NOHOST].contains(code) {
            throw BrokenPromise("ended with \(code), which is no code for that: \(sentences)")
        }
    }

    private func checkLines() throws {
        for client in clients { try checkLines(of: client) }
        // All that were there from the beginning have heard one order, less what they said themselves.
        let first = clients.filter { $0.missed.isEmpty }
        for (index, one) in first.enumerated() {
            for other in first[(index + 1)...] {
                let heardByOne = one.heard.filter { $0.sender != other.name }.map(\.line)
                let heardByOther = other.heard.filter { $0.sender != one.name }.map(\.line)
                let common = min(heardByOne.count, heardByOther.count)
                if heardByOne.prefix(common) != heardByOther.prefix(common) {
                    throw BrokenPromise("\(one.name) and \(other.name) have heard different orders")
                }
            }
        }
    }

    /// A client gets every line once, whole, in its sender's order, and never its own. If the daemon could not read a sender any more, that
    /// sender's last line may be cut off. Nothing follows the last whole line, unless the connection was closed within a line.
    private func checkLines(of client: Client) throws {
        var next = client.missed
        for (sender, line) in client.heard {
            guard sender != client.name, let speaker = clients.first(where: { $0.name == sender }) else {
                throw BrokenPromise("\(client.name) got \(line.debugDescription.prefix(60))")
            }
            // The conversation does not wait until everybody has what is typed, so a client that came later may get it from any line on.
            let isFirst = next[sender] == client.missed[sender]
            if speaker.isConsole, fault.mayEndTyping, isFirst, let number = speaker.said.firstIndex(of: line) {
                next[sender] = number
            }
            let number = next[sender, default: 0]
            let mayEndWithin = speaker.isConsole ? fault.mayEndTyping : speaker.wasCutOff
            guard number < speaker.said.count,
                speaker.said[number] == line || mayEndWithin && speaker.said[number].hasPrefix(line)
            else {
                throw BrokenPromise("\(client.name) got \(line.debugDescription.prefix(60)) as number \(number + 1) of \(sender)")
            }
            // Nothing follows a line that ended with its sender.
            next[sender] = speaker.said[number] == line ? number + 1 : speaker.said.count
        }
        let refusal = "! the server is full, try again later"
        let goodbye = "! goodbye: the server is shutting down"
        for notice in client.notices where ![configuration.reply, refusal, goodbye].contains(notice) {
            throw BrokenPromise("\(client.name) was told \(notice)")
        }
        if client.notices.filter({ $0 != goodbye }).count > 1 { throw BrokenPromise("\(client.name) was told \(client.notices)") }
        let rest = client.rest
        if rest.isEmpty { return }
        var possible = [configuration.reply, refusal, goodbye]
        for speaker in clients where speaker !== client {
            let number = next[speaker.name, default: 0]
            if number < speaker.said.count { possible.append(speaker.said[number]) }
        }
        // While everybody is being closed, some are before it shows.
        let isCut =
            client.wasCutOff || fault.allowedCloses == .max || isWeak(client) || fault.endsLoop
            || ["q", "h", "r"].contains(client.name)
        if !isCut || !possible.contains(where: { $0.utf8.starts(with: rest) }) {
            throw BrokenPromise("\(client.name) got a part of a line: \(String(decoding: rest, as: UTF8.self).debugDescription)")
        }
    }
}
