import ChatReactorText

/// Lines for people. What somebody says begins with a name, what the server says with `* `, and what only concerns the reader's own doing
/// with `! `. A name has neither, so nobody can imitate the other two.
struct TextForm {
    let label: TextLabel

    func encode(_ record: borrowing Record, isReplayed: Bool, to output: inout [UInt8]) {
        let (kind, online) = (record.kind, record.online)
        // Live lines never begin with a bracket: no name does.
        let time = isReplayed ? "[\(Timestamp.forPeople(record.time, now: Timestamp.now))] " : ""
        output.append(time)
        record.withContent { from, text in
            switch kind {
            case .message where text.isSeveralLines:
                for (index, line) in Array(span: text).lines.enumerated() {
                    if index > 0 { output.append("\n\(time)") }
                    label.append(name: from, text: line.span, to: &output)
                }
            case .message:
                label.append(name: from, text: text, to: &output)
            case .action:
                // Not `* ana waves`: that is how the server speaks, and `/me left: quit` would imitate it.
                var action = [UInt8(ascii: "*")]
                action.append(text)
                action.append(UInt8(ascii: "*"))
                label.append(name: from, text: action.span, to: &output)
            case .join:
                Self.appendNotice(from, " joined (\(online) online)", to: &output)
            case .leave:
                Self.appendNotice(from, " left: ", to: &output)
                output.append(text)
                output.append(" (\(online) online)")
            case .rename:
                Self.appendNotice(from, " is now ", to: &output)
                output.append(text)
            case .topic:
                Self.appendNotice(from, text.isEmpty ? " removed the topic" : " set the topic: ", to: &output)
                output.append(text)
            case .notice:
                Self.appendNotice(text, "", to: &output)
            }
        }
        output.append(UInt8(ascii: "\n"))
    }

    private static func appendNotice(_ subject: Span<UInt8>, _ rest: String, to output: inout [UInt8]) {
        output.append("* ")
        output.append(subject)
        output.append(rest)
    }

    static let replaced = "goodbye: you have logged in again, over another connection"

    static func encode(_ reply: Reply) -> [UInt8] {
        var output: [UInt8] = []
        switch reply {
        case .welcome(let welcome):
            let place = welcome.isFirst ? "welcome to \(welcome.server); you are \(welcome.name)" : "you are in \(welcome.room)"
            output.append("* \(place); \(welcome.online) online\n")
            if !welcome.topic.isEmpty { output.append("* the topic is: \(welcome.topic)\n") }
        case .loginNeeded(let server):
            output.append("* welcome to \(server); log in by /login NAME PASSWORD\n")
        case .loggedIn(let name):
            output.append("* you are logged in as \(name)\n")
        case .replaced:
            output.append("! \(replaced)\n")
        case .notice(let text):
            output.append("* \(text)\n")
        case .named(let name):
            output.append("* you are now \(name)\n")
        case .error(let text), .loginRefused(let text):
            output.append("! \(text)\n")
        case .privateMessage(let from, let to, let text, _, let isSender):
            // A name has no space in it, so nobody who speaks to a room can imitate this.
            output.append(isSender ? "you to \(to): " : "\(from) to you: ")
            output.append(contentsOf: text)
            output.append("\n")
        case .who(let room, let names, let isComplete):
            if names.isEmpty { output.append("* nobody is in \(room)\n") }
            // Several lines, since a client may not take one of any length.
            for start in stride(from: 0, to: names.count, by: 50) {
                let part = names[start..<min(start &+ 50, names.count)].map(\.text).joined(separator: ", ")
                output.append("* in \(room): \(part)\n")
            }
            if !isComplete { output.append("* in \(room): and others\n") }
        case .rooms(let rooms):
            for room in rooms { output.append("* \(room.name) (\(room.online) online)\n") }
        case .invitation(let room, let from):
            output.append("* \(from) invites you to \(room): /join \(room)\n")
        case .pong:
            output.append("* pong\n")
        case .historyEnd(_, let count):
            output.append("* end of history (\(count))\n")
        case .closed(let room):
            output.append("* \(room) was closed by the operator\n")
        case .gap(_, let missed?):
            output.append("! \(missed) messages are missing here\n")
        case .gap(_, nil):
            output.append("! messages may be missing here\n")
        case .sent:
            break
        }
        return output
    }
}
