import Glibc

/// A talk of programs in a chat of two servers. Only the one where `a`, `b` and `y` are meets the fault; `c` is at the other. Redis is killed
/// meanwhile, and started again. All must have the same records, under numbers without a gap; what somebody was told to have said, all have.
final class ChatConversation: Conversation {
    private func hearing(_ client: Client) -> ChatHearing { ChatHearing(client.received, said: client.said) }

    // MARK: - The conversation

    override func converse(_ port: UInt16) throws {
        guard let otherPort = partners?.otherPort else { return }
        for (name, port) in [("c", otherPort), ("a", port), ("b", port)] where !isGone { try join(name, port) }
        try waitForWelcomes()
        if isGone { return }
        for _ in 1...3 { for name in ["a", "b", "c"] { self[name].say() } }
        try waitForDelivery()
        if isGone { return }

        partners?.killRedis()
        for name in ["a", "c"] { self[name].say() }
        try partners?.startRedis()
        self["b"].say()
        try waitForDelivery()
        if isGone { return }

        self["b"].reset()
        if fault.count == 0 { return }
        // After a fault that has passed, the daemon is as good as before.
        try join("y", port)
        try waitForWelcomes()
        if isGone { return }
        self["y"].say()
        try waitForDelivery()
    }

    private func join(_ name: String, _ port: UInt16) throws {
        let said = Dictionary(uniqueKeysWithValues: clients.map { ($0.name, $0.said.count) })
        guard let client = try connect(name, port) else { return }
        client.missed = said
        client.send("/json\n")
    }

    private func waitForWelcomes() throws {
        try wait(for: "welcomes", givesUp: true) { self.clients.allSatisfy { $0.isClosed || self.wasServed($0) } }
        for client in clients where !wasServed(client) { client.close() }
    }

    override func wasServed(_ client: Client) -> Bool { hearing(client).welcome != nil }

    /// Everybody has everything that the others have said since, but for what was not read from somebody who was cut off.
    private func waitForDelivery(outlivesDaemon: Bool = false) throws {
        try wait(for: "delivery", outlivesDaemon: outlivesDaemon) {
            for client in self.clients where !client.isClosed {
                let texts = Set(self.hearing(client).texts.values)
                for sender in self.clients where sender !== client {
                    let sentCount = self.hearing(sender).sent.count
                    let due = sender.said.prefix(sender.isClosed ? sentCount : sender.said.count)
                    if !due.dropFirst(client.missed[sender.name, default: 0]).allSatisfy(texts.contains) { return false }
                    if !sender.isClosed, sentCount < sender.said.count { return false }
                }
            }
            return true
        }
    }

    override var lacks: String {
        clients.map { client in
            let hearing = hearing(client)
            if hearing.welcome == nil {
                return "\(client.name) is not welcomed, and has \(String(decoding: client.received, as: UTF8.self))"
            }
            let state = client.isClosed ? "is closed" : "has \(hearing.records.map(\.text)) in \(hearing.texts.keys.sorted())"
            return "\(client.name) \(state), and has sent \(hearing.sent.count) of \(client.said.count)"
        }.joined(separator: ", ")
    }

    // MARK: - The promises

    /// To whom sending fails in the midst of a room's history, is not heard until the time for sending it is over, after half a minute.
    override var mayBeInVain: Bool { super.mayBeInVain || fault.isHard && ["send", "sendmsg", "writev"].contains(fault.call) }

    /// Who is at a server that loses the others for long is sent away.
    override var allowedCloses: Int { fault.mayCutOff ? .max : super.allowedCloses }

    /// The other server goes on.
    override func leaveOthers() throws {
        guard let one = clients.first(where: { $0.name == "c" }) else { return }
        try waitForDelivery(outlivesDaemon: true)
        if one.wasCutOff { throw BrokenPromise("c was closed, by a server that no fault concerns") }
        one.isLeaving = true
        one.close()
        partners?.hearOther()
    }

    override func checkLines() throws {
        var texts: [Int: String] = [:]
        var epoch: Int?
        for client in clients {
            let hearing = hearing(client)
            guard let welcome = hearing.welcome else { continue }
            if let failure = hearing.failure { throw BrokenPromise("\(client.name) \(failure)") }
            if epoch != nil, epoch != welcome.epoch { throw BrokenPromise("\(client.name) is in another history") }
            epoch = welcome.epoch
            for (number, text) in hearing.texts {
                if let other = texts.updateValue(text, forKey: number), other != text {
                    throw BrokenPromise("number \(number) is \(other), and for \(client.name) \(text)")
                }
            }
            for sender in clients {
                let heard = hearing.records.map(\.text).filter { $0.hasPrefix(sender.name + " ") }
                let due = sender.said.dropFirst(client.missed[sender.name, default: 0])
                if !due.starts(with: heard) { throw BrokenPromise("\(client.name) has \(heard) of \(sender.said)") }
            }
        }
    }
}
