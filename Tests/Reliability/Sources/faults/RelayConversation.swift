import Glibc

/// A talk of lines through a relay, alone or one with others by a stream.
///
/// `l` listens, `w` listens and is slow for a while, `s` and `t` talk, `q` says the quit word, `h` shuts its side after half a line, `r` resets its
/// connection; `c` is the console. Of a relay that is one with others, Redis is killed, and started again. Then two more come, and SIGTERM ends it.
final class RelayConversation: Conversation {
    /// How many of the longest lines are said to a reader that is slow: more than its socket takes, and less than the console would
    /// leave out.
    private static let floodLength = 56
    /// What is told of a stream that is away for long.
    private static let absence = "! the other servers cannot be reached: nobody hears you now"
    private static let presence = "! the other servers are reached again: everybody hears you"

    private var console: Client?

    override func converse(_ port: UInt16) throws {
        if let streams = daemon.console {
            let console = Client(console: streams)
            self.console = console
            clients.append(console)
        }
        let names = configuration.isBrief ? ["l", "s", "t"] : ["l", "w", "s", "t", "q", "h", "r"]
        for name in names where !isGone { try join(name, port) }
        try waitForJoining()
        if isGone { return }
        if configuration.isBrief { try talkBriefly() } else { try talk() }
        if !isGone, configuration.isOfCluster { try talkWithoutRedis() }
        if !isGone, !configuration.isBrief { try letOthersIn(port) }
    }

    private func join(_ name: String, _ port: UInt16, missing: [String: Int] = [:]) throws {
        guard let client = try connect(name, port, receiveBuffer: name == "w" ? 2_304 : nil) else { return }
        client.missed = missing
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

    /// What is said to a relay whose stream is gone is heard when that is there again.
    private func talkWithoutRedis() throws {
        partners?.killRedis()
        self["s"].say()
        try partners?.startRedis()
        self["t"].say()
        try waitForDelivery()
    }

    /// Whether a client was told that it is heard by nobody, and hears nobody. Only a failure that lasts may have that happen.
    private func wasToldOfOutage(_ client: Client) -> Bool {
        fault.mayCutOff && client.notices.contains(Self.absence)
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

    /// Everybody has everything that the others have said.
    private func waitForDelivery(except exempt: String? = nil) throws {
        try wait(for: "delivery") {
            for client in self.clients where !client.isClosed && client.name != exempt && !self.isWeak(client) {
                for sender in self.clients where sender !== client && !self.mayHaveLost(sender) {
                    if self.wasToldOfOutage(client) || self.wasToldOfOutage(sender) { continue }
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

    // MARK: - The promises

    override func wasServed(_ client: Client) -> Bool { client.hasJoined(configuration) }

    override func checkLines() throws {
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
        // What was on its way when the stream was lost for long may come late, or not at all.
        let hasGaps = clients.contains(where: wasToldOfOutage)
        var next = hasGaps ? [:] : client.missed
        for (sender, line) in client.heard {
            guard sender != client.name, let speaker = clients.first(where: { $0.name == sender }) else {
                throw BrokenPromise("\(client.name) got \(line.debugDescription.prefix(60))")
            }
            // The conversation does not wait until everybody has what is typed, so a client that came later may get it from any line on.
            let isFirst = next[sender] == client.missed[sender]
            if speaker.isConsole, fault.mayEndTyping, isFirst, let number = speaker.said.firstIndex(of: line) {
                next[sender] = number
            }
            if hasGaps, let number = speaker.said[next[sender, default: 0]...].firstIndex(of: line) { next[sender] = number }
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
        let notices = client.notices.filter { !isOfOutage($0) }
        for notice in notices where ![configuration.reply, refusal, goodbye].contains(notice) {
            throw BrokenPromise("\(client.name) was told \(notice)")
        }
        if notices.filter({ $0 != goodbye }).count > 1 { throw BrokenPromise("\(client.name) was told \(client.notices)") }
        let rest = client.rest
        if rest.isEmpty { return }
        var possible = [configuration.reply, refusal, goodbye] + (fault.mayCutOff ? [Self.absence, Self.presence] : [])
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

    /// Whether it is one of the sentences by which clients are told that the stream is away for long.
    private func isOfOutage(_ notice: String) -> Bool {
        guard fault.mayCutOff, configuration.isOfCluster else { return false }
        return notice == Self.absence || notice == Self.presence
            || notice.hasSuffix(" not relayed: the other servers cannot be reached")
    }
}
