import ChatReactorText

/// One JSON object a line, for programs. Docs/chat-protocol.md has all of them, each with an example.
enum JSONForm {
    /// The version of the protocol, which `welcome` names. A program must pass over keys and types that it does not know, so only what
    /// would break such a program changes it.
    static let version = 1

    static func encode(_ record: borrowing Record, in room: ChatName, isReplayed: Bool, to output: inout [UInt8]) {
        var object = JSONObject()
        let (kind, online) = (record.kind, record.online)
        object.add("type", type(of: kind))
        object.add("seq", record.sequence)
        object.add("time", Timestamp.rfc3339(record.time))
        object.add("room", room.text)
        record.withContent { from, text in
            if kind != .notice { object.add("from", from) }
            switch kind {
            case .message where text.isSeveralLines:
                // One line as ever, for programs that know of nothing else.
                let text = Array(span: text)
                object.add("text", text.inOneLine.span)
                object.add("lines", text.lines.map { String(decoding: $0, as: UTF8.self) })
            case .message, .action, .topic, .notice: object.add("text", text)
            case .rename: object.add("to", text)
            case .join: object.add("online", online)
            case .leave:
                object.add("text", text)
                object.add("online", online)
            }
        }
        if isReplayed { object.add("replayed", true) }
        output.append(contentsOf: object.line())
    }

    private static func type(of kind: Record.Kind) -> String {
        switch kind {
        case .message: "message"
        case .action: "action"
        case .join: "join"
        case .leave: "leave"
        case .rename: "rename"
        case .topic: "topic"
        case .notice: "notice"
        }
    }

    static func encode(_ reply: Reply) -> [UInt8] {
        var object = JSONObject()
        switch reply {
        case .welcome(let welcome):
            object.add("type", "welcome")
            object.add("server", welcome.server)
            object.add("version", version)
            object.add("name", welcome.name.text)
            object.add("room", welcome.room.text)
            if !welcome.topic.isEmpty { object.add("text", welcome.topic) }
            object.add("epoch", welcome.epoch)
            object.add("seq", welcome.sequence)
            object.add("online", welcome.online)
        case .loginNeeded(let server):
            object.add("type", "login")
            object.add("server", server)
            object.add("version", version)
        case .loggedIn(let name):
            object.add("type", "notice")
            object.add("text", "you are logged in as \(name)")
            object.add("name", name.text)
            object.add("login", true)
        case .loginRefused(let text):
            object.add("type", "error")
            object.add("text", text)
            object.add("login", false)
        case .replaced:
            object.add("type", "error")
            object.add("text", TextForm.replaced)
            object.add("replaced", true)
        case .notice(let text):
            object.add("type", "notice")
            object.add("text", text)
        case .named(let name):
            object.add("type", "notice")
            object.add("text", "you are now \(name)")
            object.add("name", name.text)
        case .error(let text):
            object.add("type", "error")
            object.add("text", text)
        case .privateMessage(let from, let to, let text, let time, let isSender):
            object.add("type", isSender ? "sent" : "private")
            object.add("time", Timestamp.rfc3339(time))
            if !isSender { object.add("from", from.text) }
            object.add("to", to.text)
            if !isSender { object.add("text", text.span) }
        case .sent(let room, let sequence, let time):
            object.add("type", "sent")
            object.add("seq", sequence)
            object.add("time", Timestamp.rfc3339(time))
            object.add("room", room.text)
        case .who(let room, let names, let isComplete):
            object.add("type", "who")
            object.add("room", room.text)
            object.add("names", names.map(\.text))
            if !isComplete { object.add("more", true) }
        case .rooms(let rooms):
            object.add("type", "rooms")
            object.add("rooms", rooms) { object, room in
                object.add("room", room.name.text)
                object.add("online", room.online)
            }
        case .invitation(let room, let from):
            object.add("type", "invitation")
            object.add("room", room.text)
            object.add("from", from.text)
        case .pong:
            object.add("type", "pong")
            object.add("time", Timestamp.rfc3339(Timestamp.now))
        case .historyEnd(let room, let count):
            object.add("type", "history-end")
            object.add("room", room.text)
            object.add("count", count)
        case .closed(let room):
            object.add("type", "closed")
            object.add("room", room.text)
        case .gap(let room, let missed):
            object.add("type", "gap")
            object.add("room", room.text)
            if let missed { object.add("missed", missed) }
        }
        return object.line()
    }
}
