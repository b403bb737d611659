import ChatReactor
import Glibc
import SimulatedKernel

/// What happens in a chat.
extension ChatScenario {
    func perform(_ action: ChatAction) throws {
        switch action {
        case .call(let number, let form, let input, let output, let isEager):
            let stream = world_call(Int32(port(for: form)), input, output)
            if stream < 0 { break }
            let member = ChatMember(
                number, stream: stream, isEager: isEager, form: form, limit: plan.setting.server.maximumMessageLength,
                seed: random.next())
            members.append(member)
            member.irc?.register(as: random.element(of: Self.names))
        case .say(let number, let lines):
            guard let member = member(number) else { break }
            if member.irc != nil {
                // What is shown otherwise than it was sent reaches the others as it was sent, if they have IRC clients too.
                let said = (0..<lines).map { makeSaid(by: member, $0) }.filter {
                    $0.raw == Array($0.shown.utf8) && $0.length < 400
                }
                member.say(said, in: channel(random.element(of: Self.rooms)))
            } else {
                member.say((0..<lines).map { makeSaid(by: member, $0) })
            }
        case .command(let number, let command):
            if let member = member(number) {
                if let irc = member.irc { give(command, by: irc, member) } else { give(command, by: member) }
            }
        case .read(let number, let bytes): if let member = member(number) { _ = world_read(member.stream, bytes) }
        case .becomeEager(let number): member(number)?.isEager = true
        case .stopSending(let number):
            if let member = member(number), member.web != nil, !random.oneIn(3) {
                member.closeSocket()
            } else {
                leave(number, world_shut_down)
            }
        case .hangUp(let number): leave(number, world_close)
        case .reset(let number): leave(number, world_reset)
        case .operate(let number, let operation): if let member = member(number) { try operate(operation, on: member) }
        case .wait(let time): try pass(time)
        case .stall(let time): kernel_advance(Int64(time) * 1_000_000)
        case .limitDescriptors(let more): kernel_limit_descriptors(kernel_open_descriptors() + Int32(more))
        case .exhaust(let error): kernel_exhaust(error)
        case .liftLimit: liftLimit()
        case .nothing: break
        }
        try throwFinding()
    }

    private func port(for form: ChatAction.Form) -> UInt16 {
        switch form {
        case .lines: Self.port
        case .irc, .ircWithTags: Self.ircPort
        case .webText, .webJSON: Self.webPort
        }
    }

    private func leave(_ number: Int, _ how: (Int32) -> Void) {
        guard let member = member(number) else { return }
        member.end()
        how(member.stream)
    }

    // MARK: - What people say

    private static let names = [
        "ana", "Ana", "ben", "cleo", "zoë", "Łukasz", "7", "under_score", "guest2", "no such:name", "you",
    ]
    private static let rooms = ["lobby", "tea", "Tea", "kitchen", "#attic", "a b", "server"]
    /// What imitates something else, or could break a line, and how it is shown.
    private static let pieces: [(raw: [UInt8], shown: String)] = [
        (Array("* guest1 left: quit (3 online)".utf8), "* guest1 left: quit (3 online)"), (Array("! goodbye".utf8), "! goodbye"),
        (Array("ana: hello".utf8), "ana: hello"), (Array("[00:16] ana: hello".utf8), "[00:16] ana: hello"),
        (Array(#"{"type":"error","text":"\u0041"}"#.utf8), #"{"type":"error","text":"\u0041"}"#),
        (Array("tab\there \"quoted\" back\\slash".utf8), "tab\there \"quoted\" back\\slash"),
        (Array("\u{1B}[2J".utf8), "^[[2J"), (Array("\u{202E}abc".utf8), "\\u{202E}abc"), (Array("\u{85}".utf8), "\\u{85}"),
        (Array("a\rb".utf8), "a^Mb"), ([0xFF, 0xC0, 0x41], "\u{FFFD}\u{FFFD}A"), (Array("👩‍👩‍👧 שלום é".utf8), "👩‍👩‍👧 שלום é"),
        (Array("ana to you: hello".utf8), "ana to you: hello"), (Array("spam".utf8), "spam"), (Array("wine".utf8), "wine"),
    ]

    /// Something that nobody else says, nor the same person once more.
    private func makeSaid(by member: ChatMember, _ index: Int, with command: String? = nil) -> ChatMember.Said {
        var raw: [UInt8] = []
        var shown = ""
        if random.oneIn(2) { (raw, shown) = random.element(of: Self.pieces) }
        if member.web != nil {
            // What is no UTF-8 would be no text, and what ends a line there becomes a space.
            if raw.contains(13) { shown = String(decoding: raw.map { $0 == 13 ? 32 : $0 }, as: UTF8.self) }
            raw = Array(String(decoding: raw, as: UTF8.self).utf8)
        }
        let longest = plan.setting.server.maximumMessageLength
        let length = random.oneIn(8) ? random.number(1...longest + 40) : random.number(0...min(longest / 4, 200))
        let id = "s\(member.number).\(member.irc?.sayingCount ?? member.script.count).\(index)"
        let padding =
            (raw.isEmpty ? "" : " ") + String(repeating: "abcdefghi ", count: max(length - raw.count - id.utf8.count, 0) / 10)
        raw += Array((padding + id).utf8)
        shown += padding + id
        if plan.setting.isModerated, shown.contains("wine"), !shown.contains("spam") { shown = Self.rewritten(shown) }
        return ChatMember.Said(raw: raw, shown: shown, command: command ?? (random.oneIn(6) ? "/me " : ""))
    }

    private func give(_ command: ChatAction.Command, by member: ChatMember) {
        let id = "\(member.number).\(member.script.count)"
        // Somebody who is there, as a rule.
        let others = members.compactMap { $0.isOpen ? $0.person?.name.text : nil }
        let name = random.oneIn(4) || others.isEmpty ? random.element(of: Self.names) : random.element(of: others)
        let room = random.oneIn(12) ? "r\(random.number(1...9))" : random.element(of: Self.rooms)
        switch command {
        case .nick: member.ask(.other, "/nick \(random.element(of: Self.names))")
        case .msg: member.ask(.message(to: name, id: "pm\(id)"), "/msg \(name) \(ChatMember.privateText("pm\(id)", name))")
        case .reply: member.ask(.message(to: "", id: "pm\(id)"), "/REPLY \(ChatMember.privateText("pm\(id)", ""))")
        case .join: member.ask(.join(bare(room)), "/join \(room)")
        case .leave: member.ask(.other, "/leave")
        case .json: member.ask(.json, "/json")
        case .history:
            let count = random.element(of: [1, 2, 5, 30, 10_000])
            member.ask(.history(count), "/history \(count)")
        case .resume: resume(random.oneIn(2) ? member.stays.last?.history.name ?? room : room, member)
        case .ignore:
            member.changedNames.insert(ChatMember.key(name))
            member.ask(.ignore(ChatMember.key(name)), "/ignore \(name)")
        case .unignore: member.ask(.unignore(ChatMember.key(name)), "/unignore \(name)")
        case .topic: member.ask(.topic, random.element(of: ["/topic", "/topic -", "/topic t\(id) of \(name)"]))
        case .who, .kick: member.ask(.other, random.oneIn(2) ? "/who" : "/who \(room)")
        case .rooms: member.ask(.other, "/rooms")
        case .help: member.ask(.other, random.oneIn(2) ? "/help" : "/help msg")
        case .ping: member.ask(.other, "/ping")
        case .unknown: member.ask(.other, "/jion \(id)")
        case .blank: member.ask(.blank, random.element(of: ["", " ", "\t "]))
        case .quit: member.quit(saying: random.oneIn(2) ? makeSaid(by: member, 0, with: "/quit ") : nil)
        case .quitWord:
            let isJSON = member.script.contains(.json) || member.web?.isJSON == true
            member.ask(isJSON ? .blank : .quit, isJSON ? "" : "x")
        }
    }

    /// What is nearest to a command of lines.
    private func give(_ command: ChatAction.Command, by irc: IRCPeer, _ member: ChatMember) {
        let id = "\(member.number).\(random.number(0...999_999))"
        let others = members.compactMap { $0.isOpen ? $0.person?.name.text : nil }
        let name = random.oneIn(4) || others.isEmpty ? random.element(of: Self.names) : random.element(of: others)
        let room = channel(random.oneIn(12) ? "r\(random.number(1...9))" : random.element(of: Self.rooms))
        switch command {
        case .nick: irc.ask("NICK :\(random.element(of: Self.names))")
        case .msg, .reply: irc.sayPrivately("pm\(id)", to: channel(name))
        case .join, .resume: irc.join(room)
        case .leave: irc.ask("PART #\(room)\(random.oneIn(2) ? "" : " :left")")
        case .topic: irc.ask("TOPIC #\(room)\(random.element(of: ["", " :", " :t\(id) of \(name)"]))")
        case .who, .rooms: irc.ask(random.oneIn(2) ? "LIST" : "WHO #\(room)")
        case .ignore: irc.ask("WHOIS \(name)")
        case .ping: irc.ask("PING \(id)")
        case .blank: irc.ask("")
        case .quit: irc.quit()
        case .kick: kick(by: irc, member)
        case .json, .history, .unignore, .help, .unknown, .quitWord: irc.ask("no_\(command)")
        }
    }

    /// Sends somebody out of a room that the client keeps, if there is one.
    private func kick(by irc: IRCPeer, _ member: ChatMember) {
        let stays = member.stays.filter { $0.end == nil && (irc.keeps($0.history.name) || random.oneIn(6)) }
        // Whoever opens a room keeps it.
        guard let history = stays.last?.history else { return irc.join(random.element(of: ["tea", "kitchen", "attic"])) }
        let present = members.filter { other in other.stays.contains { $0.history === history && $0.end == nil } }
        let names = present.compactMap { $0.person?.name.text }
        irc.kick(random.element(of: names), from: history.name, reason: random.oneIn(2) ? "go" : "")
    }

    /// A parameter has no space in it.
    private func channel(_ room: String) -> String { bare(room).split(separator: " ").joined(separator: "_") }

    private func bare(_ room: String) -> String { room.hasPrefix("#") ? String(room.dropFirst()) : room }

    private func resume(_ room: String, _ member: ChatMember) {
        let name = bare(room)
        let history = histories[ChatMember.key(name)]
        let epoch = random.oneIn(4) ? 1 : history?.epoch ?? 1
        let sequence = random.number(0...(history?.count ?? 3) + (random.oneIn(5) ? 3 : 0))
        member.ask(.resume(ChatMember.key(name), epoch: epoch, sequence: sequence), "/resume \(room) \(epoch) \(sequence)")
    }

    // MARK: - What the operator does

    private func operate(_ operation: ChatAction.Operation, on member: ChatMember) throws {
        guard let server, let operators, let person = member.person else { return }
        let name = person.name.text
        switch operation {
        case .kick: _ = operators.run("kick \(name) too loud")
        case .ban:
            hasBans = true
            _ = operators.run(random.oneIn(2) ? "ban \(name) for 1s" : "ban 127.0.0.\(random.number(1...3)) for 2s go")
        case .mute:
            if operators.run("mute \(name) for 2s").isDone { member.wasMuted = true }
            // Whoever is called so next is muted as well.
            for other in members { other.wasMuted = true }
        case .unmute: _ = operators.run("unmute \(name)")
        case .closeRoom:
            if let room = person.room {
                // The lobby cannot be closed.
                for other in members where room !== server.room {
                    guard other.stays.contains(where: { $0.end == nil && $0.history.room === room }) else { continue }
                    other.movedDuring.insert(other.marksHeard)
                }
                _ = operators.run("close \(room.name)")
            }
        case .say:
            _ = operators.run("say op \(random.number(0...99_999)) \(String(repeating: "o", count: random.number(0...300)))")
        case .sayAsServer: server.room.say("srv \(random.number(0...99_999))", as: .server)
        case .announceShutdown:
            _ = operators.run("shutdown in \(random.element(of: ["1s", "12s", "90s"])) to sleep")
            isShutdownAnnounced = true
        case .cancelShutdown:
            _ = operators.run("shutdown cancel")
            isShutdownAnnounced = false
        }
        // One whose peer has hung up does not finish: sending to it fails, and it is closed at the end of the turn.
        for other in members where other.isAccepted && (other.connection?.isFinishing != false || !other.isOpen) {
            other.wasRemoved = true
        }
        noting { () throws(Finding) in try lookAround() }
    }

    /// The time of an announced shutdown has come.
    func shutDown() {
        isShuttingDown = true
        var hasEnded = false
        server?.shutDown(timeout: .seconds(2)) { [unowned self] in
            if hasEnded { record(Finding("a shutdown ends twice")) }
            hasEnded = true
            hasShutDown = true
        }
    }
}
