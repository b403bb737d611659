/// What a client of a chat is told by one line.
enum WireLine {
    struct Welcome {
        var name: String?
        var room: String?
        var epoch: UInt64?
        var sequence: Int?
        /// What the room talks about, as programs are told.
        var topic: String?
        var online: Int
        var isFirst: Bool
    }

    /// A record as a program gets it.
    struct Numbered {
        let room: String
        let sequence: Int
        let time: String
        let content: ChatRecord.Content
        let isReplayed: Bool
    }

    case welcome(Welcome)
    case record(Numbered)
    case historyEnd(room: String?, count: Int)
    case gap(room: String?, missed: Int?)
    case privateMessage(from: String, text: String)
    case privateSent(to: String, text: String?)
    case sent(room: String, sequence: Int)
    case notice(String)
    case error(String)
    case who(room: String, names: [String])
    case rooms([String: Int])
    case pong
    case closed(room: String)

    // MARK: - JSON

    /// The keys of each object besides `type`, less those that may be missing: as Docs/chat-protocol.md has them.
    private static let keys: [String: (required: Set<String>, optional: Set<String>)] = [
        "welcome": (["server", "version", "name", "room", "epoch", "seq", "online"], ["text"]),
        "message": (["seq", "time", "room", "from", "text"], ["replayed"]),
        "action": (["seq", "time", "room", "from", "text"], ["replayed"]),
        "topic": (["seq", "time", "room", "from", "text"], ["replayed"]),
        "join": (["seq", "time", "room", "from", "online"], ["replayed"]),
        "leave": (["seq", "time", "room", "from", "text", "online"], ["replayed"]),
        "rename": (["seq", "time", "room", "from", "to"], ["replayed"]),
        "notice": (["text"], ["seq", "time", "room", "replayed", "name", "login"]), "login": (["server", "version"], []),
        "invitation": (["room", "from"], []),
        "private": (["time", "from", "to", "text"], []), "sent": (["time"], ["seq", "room", "to"]),
        "error": (["text"], ["login", "replaced"]), "pong": (["time"], []), "who": (["room", "names"], ["more"]),
        "rooms": (["rooms"], []),
        "closed": (["room"], []), "history-end": (["room", "count"], []), "gap": (["room"], ["missed"]),
    ]

    static func json(_ line: String) throws(Finding) -> WireLine {
        guard let object = (try? JSONValue(line, isCompact: true))?.object else {
            throw Finding("a program is sent what is no JSON object", line)
        }
        guard let type = object["type"]?.string, let keys = keys[type] else {
            throw Finding("an object of an unknown type", line)
        }
        let given = Set(object.keys).subtracting(["type"])
        guard keys.required.isSubset(of: given), given.isSubset(of: keys.required.union(keys.optional)) else {
            throw Finding("an object with other keys than its type has", line)
        }
        guard let parsed = parse(type, object) else { throw Finding("an object with a value of the wrong kind", line) }
        return parsed
    }

    private static func parse(_ type: String, _ object: [String: JSONValue]) -> WireLine? {
        func text(_ key: String) -> String? { object[key]?.string }
        func number(_ key: String) -> Int? { object[key]?.integer }
        switch type {
        case "welcome":
            guard let name = text("name"), let room = text("room"), let epoch = number("epoch"), let sequence = number("seq"),
                let online = number("online"), text("server") == "tea", number("version") == 1
            else { return nil }
            return .welcome(
                Welcome(
                    name: name, room: room, epoch: UInt64(epoch), sequence: sequence, topic: text("text"), online: online,
                    isFirst: false))
        case "notice" where object["seq"] == nil:
            // A new name is told as a key, too.
            let prefix = object["login"] == .bool(true) ? "you are logged in as " : "you are now "
            guard let notice = text("text"), notice.without(prefix: prefix) == text("name") else { return nil }
            return .notice(notice)
        case "message", "action", "topic", "join", "leave", "rename", "notice":
            guard let kind = ChatRecord.Kind(rawValue: type), let room = text("room"), let sequence = number("seq"),
                let time = text("time"), isTime(time)
            else { return nil }
            if let replayed = object["replayed"], replayed != .bool(true) { return nil }
            let content = ChatRecord.Content(
                kind: kind, name: text("from") ?? "", text: text(kind == .rename ? "to" : "text") ?? "",
                online: number("online") ?? 0)
            return .record(
                Numbered(room: room, sequence: sequence, time: time, content: content, isReplayed: object["replayed"] != nil))
        case "private":
            guard let from = text("from"), let said = text("text"), text("to") != nil else { return nil }
            return .privateMessage(from: from, text: said)
        case "sent":
            if let to = text("to") { return object.count == 3 ? .privateSent(to: to, text: nil) : nil }
            guard let room = text("room"), let sequence = number("seq") else { return nil }
            return .sent(room: room, sequence: sequence)
        case "error": return text("text").map { .error($0) }
        case "pong": return .pong
        case "login": return .notice("log in")
        case "invitation": return text("from").flatMap { from in text("room").map { .notice("\(from) invites you to \($0)") } }
        case "closed": return text("room").map { .closed(room: $0) }
        case "who":
            guard let room = text("room"), case .array(let names)? = object["names"] else { return nil }
            return .who(room: room, names: names.compactMap(\.string))
        case "rooms":
            guard case .array(let rooms)? = object["rooms"] else { return nil }
            var online: [String: Int] = [:]
            for case .object(let room) in rooms { online[room["room"]?.string ?? ""] = room["online"]?.integer }
            return .rooms(online)
        case "history-end":
            guard let room = text("room"), let count = number("count") else { return nil }
            return .historyEnd(room: room, count: count)
        case "gap": return .gap(room: text("room"), missed: number("missed"))
        default: return nil
        }
    }

    /// Whether it is `1970-01-01T00:16:40.120Z`, with any digits.
    private static func isTime(_ text: String) -> Bool {
        String(text.map { $0.isASCII && $0.isNumber ? "0" : $0 }) == "0000-00-00T00:00:00.000Z"
    }

    // MARK: - Text

    /// What a line for people says that is neither a record nor said by somebody in the room.
    static func text(_ line: String) -> WireLine? {
        if let message = line.without(prefix: "! ") {
            if message == "messages may be missing here" { return .gap(room: nil, missed: nil) }
            if let count = message.number(before: " messages are missing here") { return .gap(room: nil, missed: count) }
            return .error(message)
        }
        if let notice = line.without(prefix: "* ") { return parse(notice: notice) }
        if let (name, text) = line.split(at: " to you: ") { return .privateMessage(from: name, text: text) }
        if let sent = line.without(prefix: "you to "), let (name, text) = sent.split(at: ": ") {
            return .privateSent(to: name, text: text)
        }
        return nil
    }

    private static func parse(notice: String) -> WireLine {
        if let place = notice.without(prefix: "welcome to tea; you are "), let (name, rest) = place.split(at: "; "),
            let online = rest.number(before: " online")
        {
            return .welcome(Welcome(name: name, room: "lobby", online: online, isFirst: true))
        }
        if let place = notice.without(prefix: "you are in "), let (room, rest) = place.split(at: "; "),
            let online = rest.number(before: " online")
        {
            return .welcome(Welcome(room: room, online: online, isFirst: false))
        }
        if let rest = notice.without(prefix: "end of history ("), let count = rest.number(before: ")") {
            return .historyEnd(room: nil, count: count)
        }
        return notice == "pong" ? .pong : .notice(notice)
    }
}

extension String {
    func without(prefix: String) -> String? {
        // By bytes: a mark that follows the prefix makes one character with its last one.
        utf8.starts(with: prefix.utf8) ? String(decoding: utf8.dropFirst(prefix.utf8.count), as: UTF8.self) : nil
    }

    /// What precedes and what follows a separator, the first of which counts; the former has no space in it.
    func split(at separator: String) -> (String, String)? {
        let first = String(prefix { $0 != " " && $0 != ":" && $0 != ";" })
        return without(prefix: first + separator).map { (first, $0) }
    }

    /// The number if all that follows it is `suffix`.
    func number(before suffix: String) -> Int? {
        let digits = String(prefix { $0.isASCII && $0.isNumber })
        return self == digits + suffix ? Int(digits) : nil
    }
}
