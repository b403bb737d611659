import ChatReactorText
import Reactor

/// Rooms, which IRC calls channels. Their names have a number sign in front.
extension IRCClient {
    /// The room that a client means; nil after having said that there is none, or none that it knows of.
    func parseRoom(_ text: String) -> (room: ChatServer.Room, conversation: Conversation)? {
        let found = findRoom(text)
        if found == nil { reply(.noSuchRoom, text) }
        return found
    }

    func findRoom(_ text: String) -> (room: ChatServer.Room, conversation: Conversation)? {
        // As a client names one that it is in: then the name need not be looked at.
        if let room = rooms.last(where: { text.utf8.dropFirst().elementsEqual($0.name.text.utf8) }), text.hasPrefix("#") {
            return room.conversation.map { (room, $0) }
        }
        guard let name = Self.roomName(text), let room = chat?.room(named: name), knows(of: room) else { return nil }
        return room.conversation.map { (room, $0) }
    }

    static func roomName(_ text: String) -> ChatName? {
        guard text.hasPrefix("#") else { return nil }
        do throws(ChatName.Invalid) {
            return try ChatName(String(text.dropFirst()))
        } catch {
            // Nobody can ask for it, and still it may be there.
            return error == .reserved ? ChatName(unchecked: String(text.dropFirst())) : nil
        }
    }

    /// The parts of a list, which must not be long.
    static func parts(of text: String) -> [String] {
        text.split(separator: ",", maxSplits: targetLimit, omittingEmptySubsequences: true).prefix(targetLimit).map(String.init)
    }

    /// Those whom a command is about, each once, in whatever case: one line is not to do what takes others twenty.
    static func targets(of text: String) -> [String] {
        var names: Set<String> = []
        return parts(of: text).filter { names.insert(ChatName.fold($0)).inserted }
    }

    // MARK: - Coming and going

    func join(_ message: IRCMessage) {
        if message.parameters[0] == "0" {
            for room in rooms { exit(room, reason: "left") }
            return
        }
        let keys = message.parameters.dropFirst().first?.split(separator: ",", omittingEmptySubsequences: false) ?? []
        for (index, text) in Self.parts(of: message.parameters[0]).enumerated() {
            join(text, key: index < keys.count ? String(madeVisible: String(keys[index])) : "")
        }
    }

    private func join(_ text: String, key: String) {
        guard let chat, let name = Self.roomName(text) else { return reply(.noSuchRoom, text) }
        let found = chat.room(named: name)
        if found?.conversation?.contains(self) == true { return }
        if rooms.count >= Self.roomLimit { return reply(.tooManyRooms, text) }
        if let refusal = found?.conversation?.refusalToEnter(of: self) {
            switch refusal {
            case .banned: return reply(.banned, text)
            case .inviteOnly: return reply(.inviteOnly, text)
            case .full: return reply(.roomIsFull, text)
            }
        }
        if let refusal = refusalToEnter(name, with: key) { return reply(.wrongKey, text, text: refusal) }
        let room: ChatServer.Room
        do throws(Chat.RoomRefusal) { room = try chat.openRoom(name, for: form, key: key) } catch {
            return reply(.noSuchRoom, text, text: "No such channel: \(error)")
        }
        enter(room, telling: .last(capabilities.contains(.chathistory) ? 0 : chat.history))
    }

    /// Tells the client that it is in a room, and who else is there.
    func tellEntered(_ room: ChatServer.Room) {
        guard let conversation = room.conversation else { return }
        send(network.joinLine(of: self, to: room.name, with: capabilities.parts, at: Timestamp.now))
        if !conversation.topicText.isEmpty { tellTopic(of: conversation) }
        if capabilities.contains(.readMarker) { tellMarker(of: .init(isRoom: true, name: room.name)) }
        tellNames(in: conversation)
    }

    /// Sends a part of the history, and then what is live. That is not put off, as with others: who comes and goes meanwhile would be missed.
    func catchUp(with extent: Replay.Extent, of room: ChatServer.Room) {
        guard let conversation = room.conversation else { return }
        if case .last(let count) = extent, count > 0 { sendLast(count, of: conversation) }
        do throws(Errno) { try conversation.subscribe(self) } catch {
            reply(.noSuchRoom, "#\(room.name)", text: "No such channel: \(error)")
            exit(room, reason: "left")
        }
    }

    func part(_ message: IRCMessage) {
        let reason = Self.remark(message.parameters.dropFirst().first ?? "")
        for text in Self.parts(of: message.parameters[0]) {
            guard let (room, conversation) = parseRoom(text) else { continue }
            guard conversation.contains(self) else {
                reply(.youAreNotInRoom, text)
                continue
            }
            // Who may not speak there does not do so by leaving either.
            let shown = partingWords(reason, from: [room])
            // A hook may have had it leave.
            guard conversation.contains(self) else { continue }
            exit(room, reason: shown.isEmpty ? "left" : shown, .part(shown))
        }
    }

    func kick(_ message: IRCMessage) {
        let rooms = Self.parts(of: message.parameters[0])
        let names = Self.parts(of: message.parameters[1])
        let reason = Self.remark(message.parameters.count > 2 ? message.parameters[2] : "")
        // One room and several people, or as many of the one as of the other.
        if rooms.count == 1 {
            kick(names, from: rooms[0], reason)
        } else {
            for (room, name) in zip(rooms, names) { kick([name], from: room, reason) }
        }
    }

    private func kick(_ names: [String], from roomText: String, _ given: String) {
        guard let (room, conversation) = parseRoom(roomText) else { return }
        guard conversation.contains(self) || isOperator else { return reply(.youAreNotInRoom, roomText) }
        guard conversation.isKept(by: self) else { return reply(.notOperatorOfRoom, roomText) }
        for text in names {
            guard let person = findPerson(text) else { continue }
            guard conversation.contains(person) else {
                reply(.notInRoom, text, roomText)
                continue
            }
            let reason = given.isEmpty ? name.text : given
            conversation.withdrawInvitation(of: person)
            if person.form.kind != .irc { person.tell(.error("\(name) has sent you out of \(room.name): \(reason)")) }
            let words = "kicked by \(name)" + (given.isEmpty ? "" : ": \(given)")
            person.leave(room, reason: words, .kick(by: self, reason))
        }
    }

    func invite(_ message: IRCMessage) {
        if message.parameters.isEmpty { return tellInvitations() }
        guard message.parameters.count > 1 else { return reply(.needMoreParameters, message.command) }
        let (nick, text) = (message.parameters[0], message.parameters[1])
        guard let person = findPerson(nick) else { return }
        guard let (room, conversation) = parseRoom(text) else { return }
        guard conversation.contains(self) else { return reply(.youAreNotInRoom, text) }
        if conversation.refusalToInvite(of: self) != nil { return reply(.notOperatorOfRoom, text) }
        if conversation.contains(person) { return reply(.isInRoom, nick, text) }
        if isToldToBeMuted { return }
        if let refusal = refusalToWrite(to: person) { return reply(.noSuchNick, nick, text: refusal) }
        guard conversation.invite(person, by: self) else { return notice("too many are invited to \(room.name) already") }
        reply(.inviting, person.name.text, "#\(room.name)")
        if let absence = (person as? IRCClient)?.away { reply(.away, person.name.text, text: absence) }
        if !person.ignored.contains(name) { person.tell(.invitation(room: room.name, from: name)) }
        let line = network.line(by: self, "INVITE", [person.name.text, "#\(room.name)"])
        for case let client as IRCClient in conversation.people
        where client !== self && client.capabilities.contains(.inviteNotify) && conversation.isKept(by: client) {
            client.send(line)
        }
    }

    private func tellInvitations() {
        for room in chat?.rooms ?? [] where room.conversation?.invitations.contains(self) == true {
            reply(.invitation, "#\(room.name)")
        }
        reply(.invitationsEnd)
    }

    // MARK: - What is there

    /// How many rooms a client gets the names of that asks for those of all.
    private static let namedRoomLimit = 100

    func listNames(_ message: IRCMessage) {
        guard let text = message.parameters.first else {
            for room in visibleRooms.prefix(Self.namedRoomLimit) {
                if let conversation = room.conversation { tellNames(in: conversation, isLast: false) }
            }
            return reply(.namesEnd, "*")
        }
        for text in Self.targets(of: text) {
            if let (_, conversation) = findRoom(text) { tellNames(in: conversation) } else { reply(.namesEnd, text) }
        }
    }

    private func tellNames(in conversation: Conversation, isLast: Bool = true) {
        charge(forLookingAt: conversation.online)
        let room = "#\(conversation.name)"
        let isWhole = conversation.contains(self)
        var names: [String] = []
        for person in conversation.people.sorted(by: { $0.number < $1.number })
        where isWhole || (person as? IRCClient)?.isInvisible != true {
            let shown = capabilities.contains(.userhostInNames) ? network.source(of: person) : person.name.text
            names.append(prefix(of: person, in: conversation) + shown)
        }
        // What precedes them in a message.
        let limit = IRCForm.lengthLimit - 2 - network.serverName.utf8.count - shownName.utf8.count - room.utf8.count - 14
        let symbol = conversation.isSecret ? "@" : "="
        for text in Self.join(names, atMost: limit) { reply(.names, symbol, room, text: text) }
        if isLast { reply(.namesEnd, room) }
    }

    /// Words in as few lines as may be.
    static func join(_ words: [String], atMost limit: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in words {
            if !line.isEmpty, line.utf8.count + word.utf8.count >= limit {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? word : " \(word)"
        }
        return line.isEmpty ? lines : lines + [line]
    }

    /// The beginning of a text, of whole characters.
    static func cut(_ text: String, atMost limit: Int) -> String {
        var text = text
        while text.utf8.count > limit { text.removeLast() }
        return text
    }

    /// What shows that somebody keeps a room in order, or has a voice there.
    func prefix(of person: Person, in conversation: Conversation) -> String {
        let isOperator = conversation.modes.operators.contains(person.number)
        let hasVoice = conversation.modes.voiced.contains(person.number)
        if isOperator { return hasVoice && capabilities.contains(.multiPrefix) ? "@+" : "@" }
        return hasVoice ? "+" : ""
    }

    /// The rooms that a client of IRC takes for channels: somebody is in each of them.
    var visibleRooms: [ChatServer.Room] {
        (chat?.rooms ?? []).filter { $0.clientCount > 0 && knows(of: $0) }.sorted { $0.name.text < $1.name.text }
    }

    func listChannels(_ message: IRCMessage) {
        charge(forLookingAt: chat?.rooms.count ?? 0)
        var rooms = visibleRooms
        for condition in Self.parts(of: message.parameters.first ?? "") {
            if condition.hasPrefix(">"), let count = Int(condition.dropFirst()) {
                rooms.removeAll { $0.clientCount <= count }
            } else if condition.hasPrefix("<"), let count = Int(condition.dropFirst()) {
                rooms.removeAll { $0.clientCount >= count }
            }
        }
        let named = Self.parts(of: message.parameters.first ?? "").filter { !$0.hasPrefix(">") && !$0.hasPrefix("<") }
        if !named.isEmpty {
            let masks = named.map { IRCMask($0) }
            rooms.removeAll { room in !masks.contains { $0.matches("#\(room.name)") } }
        }
        reply(.listStart, "Channel")
        for room in rooms.prefix(Self.listLimit) {
            reply(.list, "#\(room.name)", String(room.clientCount), text: room.conversation?.topicText ?? "")
        }
        if rooms.count > Self.listLimit {
            notice("\(rooms.count - Self.listLimit) more rooms are not listed: ask for some of them by a mask, or by >N")
        }
        reply(.listEnd)
    }

    // MARK: - Topics

    func topic(_ message: IRCMessage) {
        let text = message.parameters[0]
        guard let (room, conversation) = parseRoom(text) else { return }
        guard conversation.contains(self) || message.parameters.count == 1 else { return reply(.youAreNotInRoom, text) }
        guard message.parameters.count > 1 else {
            return conversation.topicText.isEmpty ? reply(.noTopic, "#\(room.name)") : tellTopic(of: conversation)
        }
        if conversation.refusalToSetTopic(of: self) != nil { return reply(.notOperatorOfRoom, text) }
        if let refusal = refusalToSpeak(in: conversation) { return reply(.cannotSend, text, text: refusal) }
        var topic = Self.cut(Self.remark(message.parameters[1], atMost: Self.topicLimit), atMost: Self.topicLimit)
        if topic == conversation.topicText { return }
        guard let chat else { return }
        switch chat.judge((topic.isEmpty ? "-" : topic).utf8.span, by: self, in: room) {
        case nil: return
        case .pass: break
        case .rewrite(let other): topic = Self.cut(Self.remark(other, atMost: Self.topicLimit), atMost: Self.topicLimit)
        case .refuse(let reason): return reply(.cannotSend, text, text: reason)
        }
        guard case .placed(let sequence, let time) = conversation.publish(.topic, from: name.text, topic.utf8.span, by: self)
        else { return reply(.cannotSend, text, text: "that is too long for this room") }
        var line = network.line(by: self, "TOPIC", ["#\(room.name)"], text: Array(topic.utf8), at: time)
        line.id = IRCNetwork.id(epoch: conversation.records.epoch, sequence: sequence)
        send(line)
    }

    private func tellTopic(of conversation: Conversation) {
        reply(.topic, "#\(conversation.name)", text: conversation.topicText)
        send(
            IRCLine(
                network.serverName, IRCNumeric.topicSetter.code,
                [shownName, "#\(conversation.name)", conversation.topicSetter, String(conversation.topicTime / 1_000)]))
    }
}

extension ChatName {
    /// The name that a client of IRC means, which may be one that nobody can ask for.
    init(nick text: String) throws(Invalid) {
        do throws(Invalid) { self = try ChatName(text) } catch {
            if error != .reserved { throw error }
            self.init(unchecked: text)
        }
    }
}
