import ChatReactorText

/// What a person can have done by a command. Each answers with what was done, with what comes of it, or with an error.
extension Person {
    /// Runs a line that began with a slash, given without it.
    func run(_ line: String) {
        guard let chat else { return }
        let (name, argument) = line.splitAtSpace
        if login.isAwaited, !CommandTable.beforeLogin.contains(name.lowercased()) { return tellToLogIn() }
        if isOperator, runAsOperator(line, name.lowercased(), argument) { return }
        if let command = chat.commands[name.lowercased()] { return command.run(self, argument) }
        tellUnknown(name)
    }

    private func tellUnknown(_ name: String) {
        let similar = nearest(to: name.lowercased(), in: chat?.commands.names ?? [])
        tell(.error("there is no /\(name); " + (similar.map { "did you mean /\($0)?" } ?? "/help lists what there is")))
    }

    func tellToLogIn() {
        tell(.error("log in first, by /login NAME PASSWORD"))
    }

    /// Runs an operator's command that an operator has given. Returns false if it is none, but one of people's.
    private func runAsOperator(_ line: String, _ name: String, _ argument: String) -> Bool {
        let isExplicit = name == "op"
        guard isExplicit || chat?.commands[name] == nil && OperatorCommand.all.contains(where: { $0.name == name }) else {
            return false
        }
        guard let answer = chat?.runOperatorCommand(isExplicit ? argument : line, by: self) else { return false }
        show(answer)
        return true
    }

    /// Tells what has come of an operator's command: for a hook that learns that later than it returns.
    public final func show(_ answer: OperatorAnswer) {
        for text in answer.lines.dropLast(answer.isDone ? 0 : 1).prefix(Self.listLimit) { tell(.notice(text)) }
        let rest = answer.lines.count - Self.listLimit
        if rest > 0 { tell(.notice("\(rest) lines more are not shown")) }
        if !answer.isDone, let reason = answer.lines.last { tell(.error(reason)) }
    }

    func tellUsage(_ name: String, as reply: (String) -> Reply = Reply.error) {
        if let command = chat?.commands[name] { tell(reply("this command is \(command.usage)")) }
    }

    /// A name, or nil after having said what is wrong with it.
    private func parseName(_ text: String) -> ChatName? {
        do throws(ChatName.Invalid) {
            return try ChatName(text)
        } catch {
            // Others may be called so, but nobody can ask for it.
            if error == .reserved { return ChatName(unchecked: text) }
            tell(.error("\(error)"))
            return nil
        }
    }

    /// Who has a name, or nil after having said that nobody has.
    func parsePerson(_ text: String) -> Person? {
        guard let name = parseName(text) else { return nil }
        // Who has yet to log in hears nobody.
        guard let person = chat?.person(named: name), !person.login.isAwaited else {
            tell(.error("nobody is called \(name)"))
            return nil
        }
        return person
    }

    // MARK: - Names

    func changeName(to text: String) {
        guard let chat else { return }
        if text.isEmpty { return tellUsage("nick") }
        if isToldToBeMuted { return }
        let name: ChatName
        do throws(ChatName.Invalid) { name = try ChatName(text) } catch { return tell(.error("\(error)")) }
        if name.text == self.name.text { return tell(.error("you are \(name) already")) }
        if isLoggedIn, name != self.name { return tell(.error("you are logged in as \(self.name), which stays your name")) }
        if let room = roomThatKeepsName { return tell(.error("you are banned from \(room.name), and keep your name there")) }
        do throws(NameRegistry.Refusal) {
            if let replica = chat.replica { return try replica.rename(self, to: name) }
            try chat.rename(self, to: name, isGranted: false)
        } catch {
            return tell(.error("\(error)"))
        }
        tell(.named(name))
    }

    // MARK: - Private messages

    func sayPrivately(_ argument: String) {
        let (name, text) = argument.splitAtSpace
        if name.isEmpty || text.isEmpty { return tellUsage("msg") }
        if let person = parsePerson(name) { sayPrivately(text, to: person) }
    }

    func reply(_ text: String) {
        if text.isEmpty { return tellUsage("reply") }
        // One that has left may still be there until the last that it was sent has been taken.
        guard let chat, let lastWriter, chat.person(named: lastWriter.name) === lastWriter else {
            return tell(.error("nobody who is still here has written to you"))
        }
        sayPrivately(text, to: lastWriter)
    }

    private func sayPrivately(_ text: String, to person: Person) {
        if isToldToBeMuted { return }
        if let refusal = person.refusalToHear { return tell(.error(refusal)) }
        let time = Timestamp.now
        func message(isSender: Bool) -> Reply {
            .privateMessage(from: name, to: person.name, text: Array(text.utf8), time: time, isSender: isSender)
        }
        if let replica = chat?.replica {
            // After what was said in a room before, also to somebody at the same server.
            replica.submit(
                .privateMessage(from: name.text, to: person.name.text, text: Array(text.utf8)), to: person)
        } else if !person.ignored.contains(name) {
            // Somebody who is ignored is not told so.
            person.tell(message(isSender: false))
            person.lastWriter = self
        }
        tell(message(isSender: true))
    }

    func ignore(_ text: String) {
        if text.isEmpty { return tellUsage("ignore") }
        guard let chat, let name = parseName(text) else { return }
        if name == self.name { return tell(.error("you cannot ignore yourself")) }
        let count = ignored.count - followed.count
        if count >= Self.ignoreLimit { return tell(.error("you ignore \(count) people already")) }
        chat.ignore(name, by: self)
        tell(.notice("you ignore \(name)"))
    }

    func unignore(_ text: String) {
        if text.isEmpty { return tellUsage("unignore") }
        guard let chat, let name = parseName(text) else { return }
        if !ignored.contains(name) { return tell(.error("you do not ignore \(name)")) }
        chat.stopIgnoring(name, by: self)
        tell(.notice("you do not ignore \(name) any more"))
    }

    // MARK: - Rooms

    /// A room's name, which may be written with a number sign, as elsewhere; or nil after having said what is wrong with it.
    private func parseRoomName(_ text: String) -> ChatName? {
        parseName(text.hasPrefix("#") ? String(text.dropFirst()) : text)
    }

    func listPeople(in text: String) {
        var listed = room
        if !text.isEmpty {
            guard let name = parseRoomName(text) else { return }
            listed = chat?.room(named: name).flatMap { knows(of: $0) ? $0 : nil }
            if listed == nil { return tell(.error("there is no room \(name)")) }
        }
        guard let listed, let conversation = listed.conversation else { return }
        let names = conversation.people.map(\.name).sorted { $0.text < $1.text }
        tell(.who(room: listed.name, names: Array(names.prefix(Self.listLimit)), isComplete: names.count <= Self.listLimit))
    }

    func listRooms() {
        let rooms = (chat?.rooms ?? []).filter(knows).map { (name: $0.name, online: $0.conversation?.online ?? 0) }
        tell(.rooms(Array(rooms.sorted { ($1.online, $0.name.text) < ($0.online, $1.name.text) }.prefix(Self.listLimit))))
    }

    func join(_ text: String) {
        if text.isEmpty { return tellUsage("join") }
        let (first, key) = text.splitAtSpace
        guard let chat, let name = parseRoomName(first) else { return }
        if let room = chat.room(named: name), room.conversation?.contains(self) == true {
            // A program may be in several: what it says goes to this one from now on.
            if room === self.room { return tell(.error("you are in \(room.name) already")) }
            return prefer(room)
        }
        guard mayEnter(name, with: key) else { return }
        // Else somebody would take it for a room to which the key keeps others out.
        if !key.isEmpty, chat.room(named: name) != nil, chat.key(of: name) == nil {
            tell(.notice("\(name) has no key: everybody may come in"))
        }
        move(to: name, telling: .last(chat.history), key: key)
    }

    func leaveRoom() {
        guard let chat, let room else { return }
        if room === chat.lobby { return tell(.error("you are in the lobby; /quit leaves the server")) }
        leave(room)
    }

    func resume(_ argument: String) {
        let words = argument.split(separator: " ", maxSplits: 3)
        guard let chat, words.count >= 3, let epoch = UInt64(words[1]), let sequence = UInt64(words[2]) else {
            return tellUsage("resume")
        }
        guard let name = parseRoomName(String(words[0])) else { return }
        let extent = Replay.Extent.after(epoch: epoch, sequence: sequence)
        let key = words.count > 3 ? String(words[3]).trimmed : ""
        guard let room = chat.room(named: name), room.conversation?.contains(self) == true else {
            if mayEnter(name, with: key) { move(to: name, telling: extent, key: key) }
            return
        }
        // Of several servers, once what the person has said before has its place: it would be sent that as somebody else's.
        if let replica = chat.replica { return replica.enter(name, telling: extent, key: key, by: self) }
        enter(room, telling: extent)
    }

    /// Enters another room: in place of the present one for people, and besides it for programs.
    private func move(to name: ChatName, telling extent: Replay.Extent, key: String) {
        guard let chat else { return }
        if form.allowsSeveralRooms, rooms.count >= Self.roomLimit {
            return tell(.error("you are in \(Self.roomLimit) rooms already"))
        }
        if let replica = chat.replica { return replica.enter(name, telling: extent, key: key, by: self) }
        let room: ChatServer.Room
        do throws(Chat.RoomRefusal) { room = try chat.openRoom(name, for: form, key: key) } catch {
            return tell(.error("\(error)"))
        }
        guard !form.allowsSeveralRooms, let present = self.room else { return enter(room, telling: extent) }
        exit(present, reason: "moved")
        // Those who were told that may have had everybody leave the other room, which is closed then.
        enter((try? chat.openRoom(name, for: form, key: key)) ?? chat.lobby, telling: extent)
    }

    func changeTopic(_ text: String) {
        guard let chat, let room, let conversation = room.conversation else { return }
        if text.isEmpty {
            let topic = conversation.topicText
            return tell(.notice(topic.isEmpty ? "\(room.name) has no topic" : "the topic is: \(topic)"))
        }
        if isToldToBeMuted { return }
        if let refusal = conversation.refusalToSpeak(of: self) ?? conversation.refusalToSetTopic(of: self) {
            return tell(.error(refusal))
        }
        if text.utf8.count > Self.topicLimit { return tell(.error("a topic has at most \(Self.topicLimit) bytes")) }
        var topic = text == "-" ? "" : text
        // Nobody need hear that nothing has changed.
        if topic.isEmpty, conversation.topicText.isEmpty { return tell(.notice("\(room.name) has no topic")) }
        // It would say to everybody what the hook refuses.
        switch chat.judge(text.utf8.span, by: self, in: room) {
        case nil: return
        case .pass: break
        case .rewrite(let other): topic = String(madeVisible: other)
        case .refuse(let reason): return tell(.error(String(madeVisible: reason)))
        }
        let published = conversation.publish(.topic, from: name.text, topic.utf8.span, by: self)
        didPublish(published, in: room)
        // It may be too long for the log, and then nobody has heard of it.
        if case .placed = published { tellTopic(topic) }
    }

    func tellTopic(_ topic: String) { tell(.notice(topic.isEmpty ? "the topic is removed" : "the topic is: \(topic)")) }

    func showHistory(_ text: String) {
        guard let room, let count = Int(text), count > 0 else { return tellUsage("history") }
        tell(.notice("history of \(room.name):"))
        replay(.last(min(count, Self.historyLimit)), of: room, precedesLive: false)
    }

    // MARK: - Help and leaving

    func showHelp(_ text: String) {
        guard let chat else { return }
        let name = text.hasPrefix("/") ? String(text.dropFirst()) : text
        if name.isEmpty {
            for name in chat.commands.names {
                if let command = chat.commands[name] { tell(.notice("\(command.usage) - \(command.help)")) }
            }
            return
        }
        guard let command = chat.commands[name.lowercased()] else { return tellUnknown(name) }
        tell(.notice("\(command.usage) - \(command.help)"))
    }

    func quit(_ text: String) {
        leave(farewell: Self.farewell(with: partingWords(IRCClient.remark(text), from: rooms)))
    }

    /// What the others are told of one who has left by itself.
    static func farewell(with words: String) -> String { words.isEmpty ? "quit" : "quit: \(words)" }
}

extension StringProtocol {
    /// Without spaces and tabs at its ends.
    var trimmed: String {
        var rest = unicodeScalars[...]
        while rest.first?.isSpace == true { rest.removeFirst() }
        while rest.last?.isSpace == true { rest.removeLast() }
        return String(String.UnicodeScalarView(rest))
    }
}

extension Unicode.Scalar {
    /// Whether it stands between the words of a command.
    var isSpace: Bool { self == " " || self == "\t" }
}
