import ChatReactorText
import Reactor

/// Speaking: in rooms, and to one person alone.
extension IRCClient {
    func privateMessage(_ message: IRCMessage) { speak(message, isNotice: false) }

    func sendNotice(_ message: IRCMessage) { speak(message, isNotice: true) }

    private func speak(_ message: IRCMessage, isNotice: Bool) {
        guard let targets = message.parameters.first, !targets.isEmpty else {
            return isNotice ? () : reply(.noRecipient, text: "No recipient given (\(message.command))")
        }
        guard message.parameters.count > 1, !message.parameters[1].isEmpty else { return isNotice ? () : reply(.noText) }
        let text = Array(message.parameters[1].utf8)
        let original = IRCOriginal(text: text, isNotice: isNotice, clientTags: clientTags(of: message))
        for target in Self.targets(of: targets) { say(original, at: target) }
        if targets.split(separator: ",", omittingEmptySubsequences: true).count > Self.targetLimit {
            reply(.tooManyTargets, message.command)
        }
    }

    /// Those of the tags that are for the other clients.
    func clientTags(of message: IRCMessage) -> [(key: String, value: String)] {
        capabilities.contains(.messageTags) ? message.tags.filter { $0.key.hasPrefix("+") } : []
    }

    func say(_ original: IRCOriginal, at target: String) {
        if target.hasPrefix("#") { say(original, in: target) } else { say(original, to: target) }
    }

    private func say(_ original: IRCOriginal, in target: String) {
        guard let chat else { return }
        guard let (room, conversation) = findRoom(target) else { return refuse(original, .noSuchRoom, target) }
        guard conversation.contains(self) || !conversation.modes.isClosedToOthers else {
            return refuse(original, .cannotSend, target)
        }
        if let refusal = refusalToSpeak(in: conversation) {
            return refuse(original, .cannotSend, target, text: "Cannot send to channel: \(refusal)")
        }
        var original = original
        var kind = Record.Kind.message
        if let ctcp = CTCP(original.text.span) {
            // What programs ask each other is nothing for people.
            guard ctcp.command == "ACTION", !original.isNotice else { return pass(original, to: conversation) }
            kind = .action
            original.text = Array(ctcp.argument.utf8)
        }
        if original.isSeveralLines { return say(kind, original.visibleLines.span, original, in: room, conversation) }
        let isFormatted = IRCFormatting.contains(original.text.span)
        let plain = isFormatted ? IRCFormatting.plain(original.text.span) : original.text
        chat.withVisible(plain.span) { text in say(kind, text, original, in: room, conversation) }
    }

    /// - Parameter text: The original without its colours, made harmless. It may be several lines.
    private func say(
        _ kind: Record.Kind, _ text: Span<UInt8>, _ original: IRCOriginal, in room: ChatServer.Room, _ conversation: Conversation
    ) {
        guard let chat else { return }
        let target = "#\(room.name)"
        // Colours alone say nothing to the others.
        if text.isEmpty || original.isSeveralLines && Array(span: text).isBlankLines { return refuse(original, .noText) }
        var original = original
        let result: Conversation.Publication
        let outsider = conversation.contains(self) ? nil : connection
        if let outsider { conversation.addSpeaker(outsider) }
        defer { if let outsider, !outsider.isFinishing { conversation.holdBackIfFull(outsider) } }
        let judged = original.isSeveralLines ? Array(span: text).inOneLine : nil
        let verdict = if let judged { chat.judge(judged.span, by: self, in: room) } else { chat.judge(text, by: self, in: room) }
        switch verdict {
        case nil: return
        case .pass: result = conversation.publish(kind, from: name.text, text, by: self, asSent: original)
        case .rewrite(let other):
            let other = String(madeVisible: other)
            if other.isEmpty { return refuse(original, .noText) }
            (original.text, original.breaks) = (Array(other.utf8), [])
            result = conversation.publish(kind, from: name.text, other.utf8.span, by: self, asSent: original)
        case .refuse(let reason): return refuse(original, .cannotSend, target, text: String(madeVisible: reason))
        }
        guard case .placed(let sequence, let time) = result else {
            return refuse(original, .cannotSend, target, text: "that is too long for this room")
        }
        guard capabilities.contains(.echoMessage) else { return }
        let id = IRCNetwork.id(epoch: conversation.records.epoch, sequence: sequence)
        var line = line(for: original, to: target, at: time, id: id)
        if kind == .action { line.envelope = ("\u{1}ACTION ", "\u{1}") }
        send(line)
    }

    /// Says why something was not said. That of a notice is kept quiet: a program that answers by notices must not be answered by one.
    private func refuse(_ original: IRCOriginal, _ numeric: IRCNumeric, _ target: String? = nil, text: String? = nil) {
        if original.isNotice { return }
        if let target { reply(numeric, target, text: text) } else { reply(numeric, text: text) }
    }

    /// Says to those alone who have IRC clients what nobody else could make anything of.
    private func pass(_ original: IRCOriginal, to conversation: Conversation) {
        let line = line(for: original, to: "#\(conversation.name)")
        conversation.publishToIRC(from: connection, except: chat?.ignorers(of: name) ?? []) { _ in line }
        if capabilities.contains(.echoMessage) { send(line) }
    }

    /// - Parameter id: Nil for what is in no history, which has one of its own.
    private func line(
        for original: IRCOriginal, to target: String, at time: Int64 = Timestamp.now, id: String? = nil
    ) -> IRCLine {
        let command = original.isNotice ? "NOTICE" : "PRIVMSG"
        var line = network.line(by: self, command, [target], text: original.text, at: time)
        (line.id, line.clientTags, line.breaks) = (id ?? network.makeID(), original.clientTags, original.breaks)
        return line
    }

    private func say(_ original: IRCOriginal, to target: String) {
        guard let person = find(target) else { return refuse(original, .noSuchNick, target) }
        if let refusal = refusalToWrite(to: person) { return refuse(original, .noSuchNick, target, text: refusal) }
        var line = line(for: original, to: person.name.text)
        // Somebody who is ignored is not told so.
        if !person.ignored.contains(name) {
            if let client = person as? IRCClient {
                client.sendAside(line)
            } else {
                for text in Self.textsForPeople(original) {
                    person.tell(.privateMessage(from: name, to: person.name, text: text, time: Timestamp.now, isSender: false))
                }
            }
            person.lastWriter = self
        }
        if let absence = (person as? IRCClient)?.away, !original.isNotice { reply(.away, person.name.text, text: absence) }
        if capabilities.contains(.echoMessage) {
            line.parameters = [person.name.text]
            send(line)
        }
    }

    /// What those get who have no IRC client, a message a line; none of what only such a client can make something of.
    private static func textsForPeople(_ original: IRCOriginal) -> [[UInt8]] {
        var original = original
        if let ctcp = CTCP(original.text.span) {
            if ctcp.command != "ACTION" { return [] }
            original.text = Array("*\(ctcp.argument)*".utf8)
        }
        return original.visibleLines.lines.filter { !$0.isEmpty }
    }

    /// Who has a name; nil after having said that nobody has.
    func findPerson(_ text: String) -> Person? {
        let person = find(text)
        if person == nil { reply(.noSuchNick, text) }
        return person
    }

    /// Why nothing can be said to a person alone.
    func refusalToWrite(to person: Person) -> String? {
        if let mute = chat?.mute(of: name) { return mute.notice }
        return person.refusalToHear
    }

    // MARK: - Tags alone

    func tagMessage(_ message: IRCMessage) {
        guard capabilities.contains(.messageTags) else { return reply(.unknownCommand, message.command) }
        let tags = message.tags.filter { $0.key.hasPrefix("+") }
        if tags.isEmpty { return }
        for target in Self.targets(of: message.parameters[0]) {
            var line = network.line(by: self, "TAGMSG", [target])
            (line.id, line.clientTags) = (network.makeID(), tags)
            if target.hasPrefix("#") {
                guard let (room, conversation) = parseRoom(target) else { continue }
                guard conversation.contains(self), refusalToSpeak(in: conversation) == nil else {
                    reply(.cannotSend, target)
                    continue
                }
                line.parameters = ["#\(room.name)"]
                conversation.publishToIRC(from: connection, except: chat?.ignorers(of: name) ?? []) { parts in
                    parts.contains(.messageTags) ? line : nil
                }
            } else {
                guard let person = findPerson(target) else { continue }
                line.parameters = [person.name.text]
                if let client = person as? IRCClient, client.capabilities.contains(.messageTags), !client.ignored.contains(name),
                    refusalToWrite(to: client) == nil
                {
                    client.sendAside(line)
                }
            }
            if capabilities.contains(.echoMessage) { send(line) }
        }
    }
}
