import ChatReactor
import SimulatedKernel

/// Somebody who has come to a simulated chat with an IRC client. It does with what it is told what such a client does: it keeps a list of the people
/// in each of its rooms. Whoever is told of must be in it, and in the end it must be who is there.
///
/// It gives no marks, so which line answers which command is not known. What is live in a room is checked record by record all the same.
final class IRCPeer {
    private unowned let member: ChatMember
    /// Whether it has asked for tags, times, echoes, labels and batches.
    let takesMore: Bool
    private(set) var name: String?
    private var views: [String: View] = [:]
    /// The batches that have begun and not ended, and what each is of.
    private var batches: [String: String] = [:]
    private var saidPrivately: [(to: String, id: String)] = []
    private(set) var asksToQuit = false
    private var labelCount = 0
    /// The labels of commands that are not answered yet.
    private var labels: [String] = []
    /// Whom it has asked to have sent out of a room.
    private(set) var namesToKick: Set<String> = []
    /// How often it has said something, so that nothing is said twice.
    var sayingCount = 0
    /// In which rooms it has asked to be how often: it may have been there without being seen.
    private(set) var joins: [String: Int] = [:]

    /// What it knows of a room that it is in.
    private struct View {
        /// Nil if nobody has seen it there.
        let stay: ChatStay?
        var people: Set<String> = []
        /// Whether it keeps the room.
        var isKept = false
        var hasAllNames = false
        /// The record that may come next.
        var next = 0
        /// What has come of a record that is too long for one message.
        var begun = ""
        var past: [Int] = []
        /// Whether something was told as missing: it may have been about people.
        var hasGap = false
        /// How many records may be missing before the next one.
        var missed = 0
    }

    /// A message, read in the plainest way.
    struct Message {
        var tags: [String: String] = [:]
        var source = ""
        var command = ""
        var parameters: [String] = []

        var nick: String { String(source.prefix { $0 != "!" }) }

        init(_ line: String) {
            var rest = line.unicodeScalars[...]
            func word() -> String {
                let word = rest.prefix { $0 != " " }
                rest = rest.dropFirst(word.count).drop { $0 == " " }
                return String(word)
            }
            if rest.first == "@" {
                for tag in word().dropFirst().split(separator: ";") {
                    let parts = tag.split(separator: "=", maxSplits: 1).map(String.init)
                    tags[parts[0]] = parts.count > 1 ? parts[1] : ""
                }
            }
            if rest.first == ":" { source = String(word().dropFirst()) }
            command = word()
            while let first = rest.first {
                if first == ":" {
                    parameters.append(String(rest.dropFirst()))
                    return
                }
                parameters.append(word())
            }
        }
    }

    init(_ member: ChatMember, takesMore: Bool) {
        self.member = member
        self.takesMore = takesMore
    }

    // MARK: - What it asks for

    func register(as nick: String) {
        let capabilities = takesMore ? "CAP REQ :message-tags server-time echo-message labeled-response batch\r\n" : ""
        member.write("\(capabilities)NICK :\(nick)\r\nUSER u 0 * :somebody\r\nCAP END\r\nJOIN #lobby\r\n")
        joins["lobby", default: 0] += 1
    }

    func say(_ text: String, in room: String) { ask("PRIVMSG #\(room) :\(text)") }

    func sayPrivately(_ id: String, to name: String) {
        saidPrivately.append((name, id))
        ask("PRIVMSG \(name) :\(ChatMember.privateText(id, name))")
    }

    func join(_ room: String) {
        joins[ChatMember.key(room), default: 0] += 1
        ask("JOIN #\(room)")
    }

    func quit() {
        asksToQuit = true
        ask("QUIT :bye")
    }

    /// Whether it keeps a room, as far as it knows.
    func keeps(_ room: String) -> Bool { views["#\(room)"]?.isKept == true }

    func kick(_ name: String, from room: String, reason: String) {
        namesToKick.insert(ChatMember.key(name))
        ask("KICK #\(room) \(name) :\(reason)")
    }

    func ask(_ line: String) {
        labelCount += 1
        // Nothing answers what is no command, and a connection that is closed has no label.
        let isLabeled = takesMore && labelCount % 3 == 0 && !line.isEmpty && !line.hasPrefix("QUIT") && !member.hasEnded
        if isLabeled { labels.append("\(labelCount)") }
        member.write((isLabeled ? "@label=\(labelCount) " : "") + line + "\r\n")
    }

    /// Those of its private messages that have this text.
    func privateMessages(saying text: String) -> [ChatMember.PrivateMessage] {
        saidPrivately.enumerated().compactMap { index, sent in
            let whole = ChatMember.privateText(sent.id, sent.to)
            guard whole == text || member.isTorn && whole.hasPrefix(text) else { return nil }
            return .init(writer: member.number, command: index, to: sent.to, id: sent.id)
        }
    }

    // MARK: - What it is told

    private func wrong(_ kind: String, _ line: String) -> Finding { Finding(kind, "peer \(member.number): \(line)") }

    func read(_ line: String, in scenario: ChatScenario) throws(Finding) {
        guard line.utf8.last == 13 else { throw wrong("a message without its end", line) }
        let line = String(decoding: line.utf8.dropLast(), as: UTF8.self)
        let message = Message(line)
        let tagLength = line.hasPrefix("@") ? line.prefix { $0 != " " }.utf8.count + 1 : 0
        if line.utf8.count - tagLength > 510 { throw wrong("a message that is too long", line) }
        if !takesMore, !message.tags.isEmpty { throw wrong("somebody is sent tags who takes none", line) }
        if let batch = message.tags["batch"], batches[batch] == nil {
            throw wrong("a message in a batch that has not begun", line)
        }
        if let label = message.tags["label"] {
            guard labels.first == label else { throw wrong("a label is told twice, or not in its turn", line) }
            labels.removeFirst()
            scenario.counts[.chatLabels] += 1
        }
        let parameters = message.parameters
        switch message.command {
        case "001": name = parameters[0]
        case "BATCH":
            let batch = String(parameters[0].dropFirst())
            if parameters[0].hasPrefix("+") { batches[batch] = parameters[1] } else { batches[batch] = nil }
        case "353":
            for word in parameters[3].split(separator: " ") {
                if let name, word == "@\(name)" { views[parameters[2]]?.isKept = true }
                views[parameters[2]]?.people.insert(word.hasPrefix("@") ? String(word.dropFirst()) : String(word))
            }
        case "366": views[parameters[1]]?.hasAllNames = true
        case "JOIN": try join(message, line)
        case "PART": try leave(message.nick, parameters[0], line)
        case "KICK": try leave(parameters[1], parameters[0], line)
        case "QUIT": try quit(message, line)
        case "NICK": try rename(message, line)
        case "PRIVMSG" where !parameters[0].hasPrefix("#"):
            if message.nick == name, takesMore { break }
            try member.reader.takePrivate(message.nick, parameters[1], in: scenario)
        case "PRIVMSG", "NOTICE", "TOPIC":
            if parameters[0].hasPrefix("#") { try take(message, line, in: scenario) }
        default: break
        }
    }

    private func join(_ message: Message, _ line: String) throws(Finding) {
        let room = message.parameters[0]
        if message.nick != name {
            guard views[room] != nil else { throw wrong("somebody is told of a room that it is not in", line) }
            if views[room]?.people.insert(message.nick).inserted == false, views[room]?.hasGap == false {
                throw wrong("somebody comes who is there", line)
            }
            return
        }
        if views[room] != nil { throw wrong("somebody comes twice to a room", line) }
        let stay = member.stays.first { !$0.isTold && "#\($0.history.name)" == room }
        stay?.isTold = true
        views[room] = View(stay: stay, next: stay?.start ?? 0)
    }

    private func leave(_ nick: String, _ room: String, _ line: String) throws(Finding) {
        guard let view = views[room] else { throw wrong("somebody is told of a room that it is not in", line) }
        if nick == name {
            views[room] = nil
            if let lacking = lacking(in: view, to: view.stay?.end) {
                throw wrong("something was not told before", "\(line): \(lacking)")
            }
        } else if views[room]?.people.remove(nick) == nil, !view.hasGap {
            throw wrong("somebody leaves who was not there", line)
        }
    }

    private func quit(_ message: Message, _ line: String) throws(Finding) {
        var isKnown = false
        for room in views.keys where views[room]?.people.remove(message.nick) != nil { isKnown = true }
        if !isKnown, !hasGap { throw wrong("somebody leaves who was not there", line) }
    }

    private func rename(_ message: Message, _ line: String) throws(Finding) {
        guard let new = message.parameters.first else { throw wrong("a new name that is none", line) }
        if message.nick == name { name = new }
        var isKnown = message.nick == name || new == name
        for room in views.keys where views[room]?.people.remove(message.nick) != nil {
            isKnown = true
            if views[room]?.people.insert(new).inserted == false, !hasGap { throw wrong("a name that somebody has", line) }
        }
        if !isKnown, !hasGap { throw wrong("somebody is renamed who was not there", line) }
    }

    private var hasGap: Bool { views.values.contains(where: \.hasGap) }

    // MARK: - Records

    private func take(_ message: Message, _ line: String, in scenario: ChatScenario) throws(Finding) {
        let room = message.parameters[0]
        guard var view = views[room] else { throw wrong("somebody is told of a room that it is not in", line) }
        // Also if something is wrong: nothing of it is used then.
        defer { views[room] = view }
        let isOfServer = !message.source.contains("!")
        var text = message.parameters.last ?? ""
        if isOfServer, text.hasPrefix("goodbye: ") || text == "messages may be missing here" { return }
        if isOfServer, let missed = text.number(before: " messages are missing here") {
            guard case .skip = scenario.plan.setting.server.slowClients else {
                throw wrong("a gap, under another policy than skip", line)
            }
            scenario.counts[.chatGaps] += 1
            view.hasGap = true
            view.missed += missed
            return
        }
        guard let stay = view.stay else { return }
        let history = stay.history
        let isAction = text.hasPrefix("\u{1}ACTION ")
        if isAction { text = String(decoding: text.utf8.dropFirst(8).dropLast(), as: UTF8.self) }
        let kind: ChatRecord.Kind =
            message.command == "TOPIC" ? .topic : isAction ? .action : message.command == "NOTICE" ? .notice : .message
        func isSame(_ content: ChatRecord.Content) -> Bool {
            content.kind == kind && (isOfServer || ChatMember.key(content.name) == ChatMember.key(message.nick))
        }
        text = view.begun + text
        let found = history.records.indices.filter {
            isSame(history.records[$0].content) && history.records[$0].content.text.utf8.elementsEqual(text.utf8)
        }
        if found.isEmpty {
            // The beginning of one that is too long for one message, perhaps.
            let isBeginning = history.records.contains { isSame($0.content) && $0.content.text.without(prefix: text) != nil }
            guard isBeginning, kind.isSaid, !text.isEmpty else { throw wrong("something is told that nobody has said", line) }
            view.begun = text
            return
        }
        view.begun = ""
        let start = stay.start ?? 0
        let isPast = message.tags["batch"].map { batches[$0] == "chathistory" } == true
        // What it has done itself comes back as an answer.
        if !isPast, message.nick == name, found.contains(where: { history.records[$0].author == member.number && $0 >= start }) {
            if kind != .topic, !takesMore { throw wrong("an echo that nobody has asked for", line) }
            return
        }
        if view.next == start, kind.isSaid, let index = found.first(where: { $0 < start }) {
            if index <= view.past.last ?? -1 { throw wrong("a history tells what was not due", line) }
            if takesMore, !isPast { throw wrong("something is told of the past as if it were new", line) }
            view.past.append(index)
            scenario.counts[.chatReplayed] += 1
            return
        }
        guard let index = found.first(where: { $0 >= view.next && isDue(history.records[$0]) }), !isPast else {
            throw wrong(
                "an IRC client is told what was not due to it", "\(line); next \(lacking(in: view, to: nil) ?? "nothing")")
        }
        if view.next == start { try checkPast(of: view, in: scenario, line) }
        let passed = (view.next..<index).filter { isDue(history.records[$0]) }.count
        if passed > view.missed {
            throw wrong("an IRC client is not told what is due to it", "\(line); \(lacking(in: view, to: nil) ?? "")")
        }
        if !isOfServer, !view.people.contains(message.nick), !view.hasGap {
            throw wrong("somebody speaks who is not there", "\(line); there are \(view.people)")
        }
        if passed > 0 { view.missed = 0 }
        view.next = index + 1
        scenario.counts[.chatLive] += 1
    }

    /// The history that has come is the last that was said, as much as is told of it, less what has made way for others.
    private func checkPast(of view: View, in scenario: ChatScenario, _ line: String) throws(Finding) {
        guard let stay = view.stay, let start = stay.start else { return }
        let said = stay.history.records.indices.prefix(start).filter { stay.history.records[$0].content.kind.isSaid }
        let due = said.suffix(scenario.plan.setting.chat.history)
        let lacking = due.dropLast(view.past.count)
        if Array(due.suffix(view.past.count)) != view.past { throw wrong("a history is not whole", line) }
        if let newest = lacking.last, !stay.history.mayBeOverwritten(newest) { throw wrong("a history is too short", line) }
    }

    private func isDue(_ record: ChatRecord) -> Bool {
        if record.author == member.number { return false }
        switch record.content.kind {
        case .message, .action, .topic: return true
        case .join, .leave, .rename: return false
        // Those who come and go in a crowd are told of one by one.
        case .notice: return !record.content.text.hasSuffix(" online)") || record.content.text.hasPrefix("op ")
        }
    }

    private func lacking(in view: View, to end: Int?) -> String? {
        guard let stay = view.stay else { return nil }
        let due = stay.history.records[
            min(view.next, stay.history.count)..<max(min(view.next, stay.history.count), end ?? stay.history.count)
        ]
        .filter(isDue)
        if due.count > view.missed { return "in \(stay.history.name): \(due[0].content.line)" }
        return view.begun.isEmpty ? nil : "the rest of \(view.begun)"
    }

    /// The label of a command that is not answered.
    var unanswered: String? { labels.first }

    /// What has not come, or is not as it is; nil if all is.
    var lacking: String? {
        for stay in member.stays where stay.end == nil {
            guard let view = views["#\(stay.history.name)"] else { return "that it is in \(stay.history.name)" }
            if let lacking = lacking(in: view, to: nil) { return lacking }
            let people = Set((stay.history.room?.clients ?? []).compactMap { ($0 as? Person)?.name.text })
            if view.people != people, !view.hasGap {
                return "who is in \(stay.history.name): \(view.people.sorted()), and not \(people.sorted())"
            }
        }
        for room in views.keys where !member.stays.contains(where: { $0.end == nil && "#\($0.history.name)" == room }) {
            return "that it is not in \(room)"
        }
        return batches.first.map { "the end of the batch \($0)" }
    }
}
