@testable import ChatReactor

/// What IRC clients have the server do, and what they hear of.
extension ChatModel {
    /// How those hear who have IRC clients that somebody is not in a room any more.
    enum Departure {
        case part(String?)
        case kick(by: Member, String)
        case quit
    }

    /// What somebody has sent with an IRC client, as the others get it who have one.
    struct Original {
        let text: String
        let isNotice: Bool
    }

    func arriveByIRC(_ number: Int) throws {
        try endOfAction()
        let member = Member(number)
        member.irc = IRCReader(server: ircServer)
        members[number] = member
    }

    // MARK: - What IRC clients hear

    func source(of member: Member) -> String {
        "\(member.name)!\(member.irc?.user ?? member.name)@localhost"
    }

    /// How those get a record who have IRC clients; nil if they hear of it otherwise.
    func told(_ entry: Entry, in room: Room, by member: Member?, _ original: Original?) -> Told? {
        told(entry, in: room, from: member.map(source) ?? ircServer, original)
    }

    private func told(_ entry: Entry, in room: Room, from source: String, _ original: Original?) -> Told? {
        let target = "#\(room.name)"
        let content: Told.Content
        switch entry.kind {
        case .message:
            content = .message(
                from: source, original?.isNotice == true ? "NOTICE" : "PRIVMSG", [target, original?.text ?? entry.text])
        case .action: content = .action(from: source, in: target, original?.text ?? entry.text)
        case .topic: content = .message(from: source, "TOPIC", [target, entry.text])
        case .join, .leave, .rename, .notice: return nil
        }
        return Told(content, id: .record(epoch: room.epoch, sequence: entry.sequence), hasTime: true)
    }

    /// Tells those in a room who have IRC clients.
    func tellIRC(_ told: Told, in room: Room, except other: Member? = nil) {
        for member in room.members where member !== other { member.irc?.hear(told, in: room) }
    }

    /// Tells those who share a room with somebody, each once.
    func tellIRCOnce(_ told: Told, about member: Member) {
        for other in members.values where other !== member && !other.hasVanished {
            guard let irc = other.irc, let shared = other.rooms.first(where: { $0.members.contains { $0 === member } }) else {
                continue
            }
            if other.rooms.count > 1 { irc.tellOnce(told) } else { irc.hear(told, in: shared) }
        }
    }

    func tellIRC(_ departure: Departure, of member: Member, from room: Room) {
        var told: Told
        var kicker: Member?
        switch departure {
        case .quit: return
        case .part(let reason): told = .done(by: source(of: member), "PART", ["#\(room.name)"] + (reason.map { [$0] } ?? []))
        case .kick(let other, let reason):
            told = .done(by: source(of: other), "KICK", ["#\(room.name)", member.name, reason])
            if other !== member { kicker = other }
            member.abandonHistory(of: room)
        }
        tellIRC(told, in: room, except: kicker)
        kicker?.irc?.answer(told)
        member.irc?.answer(told, leaving: room)
    }

    // MARK: - Commands

    /// A message that the server is about to act on.
    func command(_ number: Int, irc message: IRCMessage) throws {
        try endOfAction()
        guard let member = members[number], let irc = member.irc else { throw Broken("a message of somebody who is not there") }
        irc.beginCommand(
            label: message.tags.first { $0.key == "label" }?.value,
            isOrdered: !["CAP", "NOTICE", "PING", "PRIVMSG"].contains(message.command))
        let parameters = message.parameters
        func text(_ index: Int) -> String { index < parameters.count ? parameters[index] : "" }
        func reply(_ code: String, _ parameters: String...) { numeric(member, code, parameters) }
        switch message.command {
        case "CAP": negotiate(member, irc, text(0), text(1))
        case "NICK": takeName(member, irc, text(0))
        case "USER":
            irc.hasUser = true
            irc.user = text(0)
            register(member, irc)
        case "PING": irc.answer(Told(.message(from: ircServer, "PONG", [ircServer, text(0)])))
        case "JOIN":
            for target in parts(text(0)) {
                let name = Self.withoutSign(target)
                if !Self.isName(name) {
                    // After the answers of the rooms before.
                    pendingEntries.append { [unowned self] in numeric(member, "403", [target]) }
                } else if rooms[Self.key(name)]?.members.contains(where: { $0 === member }) != true {
                    enter(member, openRoom(name))
                }
            }
        case "PART":
            let reason = text(1).isEmpty ? nil : text(1)
            for target in parts(text(0)) {
                guard let room = room(target) else { reply("403", target); continue }
                guard room.members.contains(where: { $0 === member }) else { reply("442", target); continue }
                exit(member, room, reason: reason ?? "left", .part(reason))
            }
        case "TOPIC": changeTopic(member, irc, text(0), parameters.count > 1 ? parameters[1] : nil)
        case "KICK": kick(text(1), from: text(0), reason: text(2), by: member)
        case "NAMES":
            guard let room = room(text(0)) else { return reply("366", text(0)) }
            irc.answer(names(of: room))
        case "LIST":
            let lines = rooms.values.filter { !$0.members.isEmpty }.map { "#\($0.name) \($0.members.count) \($0.topic)" }
            irc.answer(Told(.rooms(Set(lines))))
        case "PRIVMSG", "NOTICE":
            let reachable = members.values.filter { canBeWrittenTo($0) }.map(\.number)
            speech = Speech(message, by: member, irc, to: targets(text(0)), reachable: Set(reachable))
        case "QUIT":
            let farewell = text(0).isEmpty ? "quit" : "quit: \(text(0))"
            irc.answer(Told(.message(from: "", "ERROR", ["Closing link: \(farewell)"])))
            irc.endCommandEarly()
            member.hasQuit = true
            vanish(number, reason: farewell)
        default: throw Broken("the model does not know \(message.command)")
        }
    }

    /// The server has acted on it.
    func endCommand(_ number: Int) throws {
        try endOfAction()
        if let room = speakOn() { throw Broken("something is not said in \(room.name)") }
        speech = nil
        members[number]?.irc?.endCommand()
    }

    private func parts(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }

    /// Each once, in whatever case.
    private func targets(_ text: String) -> [String] {
        var keys: Set<String> = []
        return parts(text).filter { target in
            keys.insert((target.hasPrefix("#") ? "#" : "") + Self.key(Self.withoutSign(target))).inserted
        }
    }

    private func room(_ target: String) -> Room? {
        target.hasPrefix("#") ? rooms[Self.key(Self.withoutSign(target))] : nil
    }

    private func shownName(_ member: Member) -> String {
        member.irc?.isRegistered == true ? member.name : member.irc?.wantedName ?? "*"
    }

    private func numeric(_ member: Member, _ code: String, _ parameters: [String]) {
        member.irc?.answer(Told(.numeric(code, parameters)))
    }

    // MARK: - Who somebody is

    private func negotiate(_ member: Member, _ irc: IRCReader, _ command: String, _ text: String) {
        if command == "END" {
            irc.isNegotiating = false
            return register(member, irc)
        }
        if !irc.isRegistered { irc.isNegotiating = true }
        for word in text.split(separator: " ") {
            if word.hasPrefix("-") {
                irc.capabilities.remove(String(word.dropFirst()))
            } else {
                irc.capabilities.insert(String(word))
            }
        }
        irc.answer(Told(.message(from: ircServer, "CAP", [shownName(member), "ACK", text])))
    }

    private func takeName(_ member: Member, _ irc: IRCReader, _ name: String) {
        guard Self.isName(name), !name.hasPrefix("guest") else { return numeric(member, "432", [name]) }
        let other = self.member(named: name)
        if !irc.isRegistered {
            if other != nil { return numeric(member, "433", [name]) }
            irc.wantedName = name
            return register(member, irc)
        }
        if name == member.name { return }
        if other != nil, other !== member { return numeric(member, "433", [name]) }
        let told = Told.done(by: source(of: member), "NICK", [name])
        takeName(member, name)
        irc.answer(told)
    }

    private func register(_ member: Member, _ irc: IRCReader) {
        guard !irc.isRegistered, irc.hasUser, !irc.isNegotiating, let name = irc.wantedName else { return }
        if self.member(named: name) != nil {
            irc.wantedName = nil
            return numeric(member, "433", [name])
        }
        member.name = name
        irc.isRegistered = true
        irc.answer(Told(.welcome))
    }

    // MARK: - Rooms

    /// What somebody is told who has come into a room, and then what is live.
    func answerJoin(_ irc: IRCReader, _ member: Member, _ room: Room) {
        irc.answer(.done(by: source(of: member), "JOIN", ["#\(room.name)"]))
        tellTopic(of: room, to: member)
        irc.answer(names(of: room))
        for entry in lastSaid(history, in: room) {
            let speaker = self.member(named: entry.from).map(source) ?? "\(entry.from)!\(entry.from)@\(ircServer)"
            guard var past = told(entry, in: room, from: speaker, nil) else { continue }
            past.isPast = true
            irc.answer(past)
        }
        irc.open(room)
    }

    private func tellTopic(of room: Room, to member: Member) {
        if room.topic.isEmpty { return }
        let parameters = [shownName(member), "#\(room.name)", room.topic]
        member.irc?.answer(Told(.message(from: ircServer, "332", parameters)))
        numeric(member, "333", ["#\(room.name)", room.topicSetter])
    }

    private func names(of room: Room) -> Told {
        let names = room.members.map { (room.operators.contains($0.number) ? "@" : "") + $0.name }
        return Told(.names(of: "#\(room.name)", Set(names)))
    }

    private func changeTopic(_ member: Member, _ irc: IRCReader, _ target: String, _ text: String?) {
        guard let room = room(target) else { return numeric(member, "403", [target]) }
        let isThere = room.members.contains { $0 === member }
        guard let text else {
            return room.topic.isEmpty ? numeric(member, "331", ["#\(room.name)"]) : tellTopic(of: room, to: member)
        }
        if !isThere { return numeric(member, "442", [target]) }
        if text == room.topic { return }
        (room.topic, room.topicSetter) = (text, member.name)
        expect(.topic, text, in: room, by: member)
        let id = Told.ID.record(epoch: room.epoch, sequence: room.lastSequence + 1)
        irc.answer(.done(by: source(of: member), "TOPIC", ["#\(room.name)", text], id: id))
    }

    private func kick(_ name: String, from target: String, reason given: String, by member: Member) {
        guard let room = room(target) else { return numeric(member, "403", [target]) }
        guard room.members.contains(where: { $0 === member }) else { return numeric(member, "442", [target]) }
        guard room.operators.contains(member.number) else { return numeric(member, "482", [target]) }
        guard let other = self.member(named: name) else { return numeric(member, "401", [name]) }
        guard room.members.contains(where: { $0 === other }) else { return numeric(member, "441", [name, target]) }
        let reason = "kicked by \(member.name)" + (given.isEmpty ? "" : ": \(given)")
        let departure = Departure.kick(by: member, given.isEmpty ? member.name : given)
        if other.irc != nil { return exit(other, room, reason: reason, departure) }
        other.hearAside(.error)
        leave(other, room, reason: reason, departure)
    }

    // MARK: - Speaking

    /// What one message says, to each of those who are still to get it.
    struct Speech {
        let member: Member
        let irc: IRCReader
        let command: String
        let sent: String
        /// Without what makes it an action.
        let text: String
        let isAction: Bool
        /// Whether it is for programs alone.
        let isForPrograms: Bool
        var targets: ArraySlice<String>
        /// Who can be written to. What the server writes may be how it finds out that somebody is gone, and it is too late to ask then.
        let reachable: Set<Int>

        init(_ message: IRCMessage, by member: Member, _ irc: IRCReader, to targets: [String], reachable: Set<Int>) {
            (self.member, self.irc, self.targets, self.reachable) = (member, irc, targets[...], reachable)
            command = message.command
            sent = message.parameters[1]
            isAction = sent.hasPrefix("\u{1}ACTION ")
            isForPrograms = sent.hasPrefix("\u{1}") && !(isAction && command == "PRIVMSG")
            text = isAction ? String(decoding: sent.utf8.dropFirst(8).dropLast(), as: UTF8.self) : sent
        }

        /// As those see it who have no IRC client. Of what makes a text bold and the like, the random chats have one code.
        var plain: String {
            String(madeVisible: String(String.UnicodeScalarView(text.unicodeScalars.filter { $0 != "\u{2}" })))
        }
    }

    /// Goes on to speak to whom it is not said in a room. Returns the room in which it is to be said next; nil at the end.
    private func speakOn() -> Room? {
        while let speech, let target = speech.targets.first {
            self.speech?.targets.removeFirst()
            let (member, irc) = (speech.member, speech.irc)
            func refuse(_ code: String) { if speech.command != "NOTICE" { numeric(member, code, [target]) } }
            guard target.hasPrefix("#") else {
                speak(speech, to: target, refuse)
                continue
            }
            guard let room = room(target) else {
                refuse("403")
                continue
            }
            guard room.members.contains(where: { $0 === member }) else {
                refuse("404")
                continue
            }
            if !speech.isForPrograms { return room }
            let told = Told.done(by: source(of: member), speech.command, ["#\(room.name)", speech.sent], id: .any)
            tellIRC(told, in: room, except: member)
            if irc.capabilities.contains("echo-message") { irc.answer(told) }
        }
        return nil
    }

    private func speak(_ speech: Speech, to name: String, _ refuse: (String) -> Void) {
        guard let other = self.member(named: name), speech.reachable.contains(other.number) else { return refuse("401") }
        let (member, irc) = (speech.member, speech.irc)
        let told = Told.done(by: source(of: member), speech.command, [other.name, speech.sent], id: .any)
        let plain = speech.isAction ? "*\(speech.plain)*" : speech.isForPrograms ? nil : speech.plain
        hearPrivately(other, from: member, plain, told: told)
        if irc.capabilities.contains("echo-message") { irc.answer(told) }
    }

    /// A person with an IRC client is about to say something in a room.
    func sayByIRC(in roomName: String, _ text: String) throws {
        try endOfAction()
        guard let room = speakOn(), let speech, room.name == roomName else { throw Broken("'\(text)' is said in \(roomName)") }
        if text != speech.plain { throw Broken("'\(text)' is said in place of '\(speech.plain)'") }
        let (member, irc) = (speech.member, speech.irc)
        let isNotice = speech.command == "NOTICE"
        expect(speech.isAction ? .action : .message, text, in: room, by: member, Original(text: speech.text, isNotice: isNotice))
        guard irc.capabilities.contains("echo-message") else { return }
        let content =
            speech.isAction
            ? Told.Content.action(from: source(of: member), in: "#\(room.name)", speech.text)
            : .message(from: source(of: member), speech.command, ["#\(room.name)", speech.text])
        irc.answer(Told(content, id: .record(epoch: room.epoch, sequence: room.lastSequence + 1), hasTime: true))
    }
}
