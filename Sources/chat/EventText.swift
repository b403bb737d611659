import ChatReactorText

/// What people read of what a chat server tells. The words are those that the server itself has for people.
struct EventText {
    /// The user's name.
    var ownName: String?
    /// The room to which the user speaks. What comes from another one begins with its name.
    var room: String?

    /// The lines for an event, and whether it calls the user by name.
    func lines(for event: ChatEvent, now: Int64 = Timestamp.now) -> (lines: [StyledLine], isMention: Bool) {
        switch event.kind {
        case .message, .action, .private: return message(event, now)
        // Who came and left meanwhile is of no use to anybody.
        case .join where event.isReplayed, .leave where event.isReplayed, .rename where event.isReplayed: return ([], false)
        case .join: return notice(event, now, "\(event.from ?? "") joined (\(event.online ?? 0) online)")
        case .leave: return notice(event, now, "\(event.from ?? "") left: \(event.text ?? "") (\(event.online ?? 0) online)")
        case .rename: return notice(event, now, "\(event.from ?? "") is now \(event.to ?? "")")
        case .topic:
            let topic = event.text ?? ""
            let words = topic.isEmpty ? "removed the topic" : "set the topic: \(topic)"
            return notice(event, now, "\(event.from ?? "") \(words)")
        case .notice: return notice(event, now, event.text ?? "")
        case .welcome:
            var lines = [StyledLine("* you are in \(event.room ?? ""); \(event.online ?? 0) online")]
            if let topic = event.text, !topic.isEmpty { lines.append(StyledLine("* the topic is: \(topic)")) }
            return (lines, false)
        case .error: return ([StyledLine("! \(event.text ?? "")")], false)
        case .who: return (people(event), false)
        case .rooms: return (event.rooms.map { StyledLine("* \($0.name) (\($0.online) online)") }, false)
        case .login: return ([StyledLine("* log in by /login NAME PASSWORD")], false)
        case .invitation:
            let room = event.room ?? ""
            return ([StyledLine("* \(event.from ?? "") invites you to \(room): /join \(room)")], true)
        case .pong: return ([StyledLine("* pong")], false)
        case .gap:
            let count = event.missed.map { "\($0) messages are" } ?? "messages may be"
            return ([StyledLine("! \(prefix(event))\(count) missing here")], false)
        case .closed: return ([StyledLine("* \(event.room ?? "") was closed by the operator")], false)
        case .historyEnd where event.count == 0: return ([], false)
        case .historyEnd: return ([StyledLine("* end of history (\(event.count ?? 0))")], false)
        case .sent: return ([], false)
        }
    }

    /// What the user has said, when it is sent.
    func own(_ text: String, now: Int64 = Timestamp.now) -> StyledLine {
        var line = StyledLine("\(Timestamp.forPeople(now, now: now)) ")
        line.add(ownName ?? "you", .ownName)
        line.add(": \(text)")
        return line
    }

    private func message(_ event: ChatEvent, _ now: Int64) -> ([StyledLine], Bool) {
        let messages = (event.lines ?? [event.text ?? ""]).map { message(event, $0, now) }
        return (messages.map(\.0), messages.contains { $0.1 })
    }

    private func message(_ event: ChatEvent, _ text: String, _ now: Int64) -> (StyledLine, Bool) {
        let isOwn = event.from == ownName
        var line = StyledLine("\(Timestamp.forPeople(event.time ?? now, now: now)) \(prefix(event))")
        line.add(event.from ?? "", isOwn ? .ownName : .name)
        if event.kind == .private { line.add(" to you") }
        line.add(": ")
        let star = event.kind == .action ? "*" : ""
        line.add(star)
        let isMention = add(text, to: &line, marksName: !isOwn)
        line.add(star)
        return (line, isMention || event.kind == .private)
    }

    private func notice(_ event: ChatEvent, _ now: Int64, _ text: String) -> ([StyledLine], Bool) {
        let time = event.isReplayed ? "\(Timestamp.forPeople(event.time ?? now, now: now)) " : ""
        return ([StyledLine("\(time)* \(prefix(event))\(text)")], false)
    }

    private func people(_ event: ChatEvent) -> [StyledLine] {
        let room = event.room ?? ""
        if event.names.isEmpty { return [StyledLine("* nobody is in \(room)")] }
        var line = StyledLine("* in \(room): ")
        for (index, name) in event.names.enumerated() {
            if index > 0 { line.add(", ") }
            line.add(name, name == ownName ? .ownName : .name)
        }
        if event.isPartial { line.add(" and others") }
        return [line]
    }

    private func prefix(_ event: ChatEvent) -> String {
        guard let other = event.room, other != room else { return "" }
        return "[\(other)] "
    }

    /// Adds a text, with the user's name marked wherever it is a word of its own. Returns whether it is there.
    private func add(_ text: String, to line: inout StyledLine, marksName: Bool) -> Bool {
        guard marksName, let name = ownName?.lowercased(), !name.isEmpty else {
            line.add(text)
            return false
        }
        var isThere = false
        var rest = text[...]
        while let start = rest.firstIndex(where: Self.isOfName) {
            let end = rest[start...].firstIndex { !Self.isOfName($0) } ?? rest.endIndex
            let isName = rest[start..<end].lowercased() == name
            if isName {
                line.add(String(rest[..<start]))
                line.add(String(rest[start..<end]), .mark)
            } else {
                line.add(String(rest[..<end]))
            }
            isThere = isThere || isName
            rest = rest[end...]
        }
        line.add(String(rest))
        return isThere
    }

    private static func isOfName(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_" || character == "-"
    }
}
