import Reactor

/// What all servers do in the same way when the order has brought it.
extension ChatReplica {
    /// Gets an event at its place.
    ///
    /// - Parameters:
    ///   - server: Who has submitted it.
    ///   - person: The number of the person there.
    ///   - number: The event's number among those of the server.
    ///   - time: When the order has got it, in milliseconds since the beginning of 1970.
    package func receive(_ bytes: [UInt8], from server: UInt64, of person: UInt64, number: UInt64, at time: Int64) {
        // What follows may have an observer let go of the server.
        guard let chat = livingChat else { return }
        defer { withExtendedLifetime(chat) {} }
        if heard[server] != nil { heard[server] = .now }
        guard let event = ChatEvent(bytes) else {
            unreadableCount += 1
            return
        }
        let key = PersonKey(server: server, number: person)
        let placed = Placed(event: event, key: key, number: number, time: min(time, ChatSnapshot.limit))
        switch phase {
        case .established: apply(placed)
        case .joining:
            joining.size += bytes.count
            if joining.size > ChatReplica.joiningLimit {
                // No chat is as large: whoever may write to the order does that.
                forgetAnswers()
                sayHello()
            } else {
                prepare(placed)
            }
        case .ended: break
        }
    }

    /// The same at all servers, since it is made of what the event has: it is the only one of that server with that number, also within one
    /// millisecond.
    func epoch(for server: UInt64) -> UInt64 {
        var mixed = UInt64(bitPattern: time) &+ server &* 0x9E37_79B9_7F4A_7C15 &+ number
        mixed = (mixed ^ (mixed &>> 31)) &* 0xBF58_476D_1CE4_E5B9
        return max((mixed ^ (mixed &>> 29)) & (1 << 53 - 1), 1)
    }

    func apply(_ placed: Placed) {
        let key = placed.key
        time = max(time, placed.time)
        number = placed.number
        isApplying = true
        if time >= firstKeptEnd { forgetKeptRooms() }
        defer {
            isApplying = false
            if servers.contains(key.server) { nextNumbers[key.server] = placed.number &+ 1 }
        }
        didHear(placed)
        switch placed.event {
        case .hello(let attempt, let former): welcome(key.server, attempt, former)
        case .snapshot(for: server, let attempt, _)
        where attempts.contains(attempt) && !servers.contains(key.server) && !adopted.contains(key.server):
            // It has answered too late: this server did not wait for it, and neither knows what the other one does.
            startAnew(reason: "there are other servers already")
        case .lost(let lost):
            if lost == server {
                startAnew(reason: "the other servers have not heard of this one")
            } else {
                remove(lost, reason: Self.loss)
            }
        case _ where !servers.contains(key.server): break
        case .end:
            if key.server != server {
                remove(key.server, reason: "shutdown")
            } else if isEnding {
                // What this server's people have said after that, nobody hears: here they are not told that it was said.
                phase = .ended
            } else {
                startAnew(reason: "the other servers were told that this one has ended")
            }
        case .begin, .alive, .snapshot: break
        default: applyToChat(placed.event, key)
        }
    }

    func applyToChat(_ event: ChatEvent, _ key: PersonKey) {
        switch event {
        case .record(let room, let kind, let from, let text): record(room, kind, from, text, by: key)
        case .countCrowd(let room): conversation(room)?.presence.tellCounts()
        case .invite(let guest, let room):
            if let person = people[guest] { _ = conversation(room)?.invite(person, isByOperator: false) }
        // Where an operator has done that, it was done at once, and is done again at its place: another may have done the opposite meanwhile.
        case .ban(let ban): chat.learn(of: [ban])
        case .unban(let subject): chat.learnOfUnban(of: subject)
        case .mute(let name, let duration):
            let end = duration.map { time + Int64(min($0, UInt64(ChatSnapshot.limit - time))) }
            chat.moderation.mutes.add(ChatName(unchecked: name), until: end, at: time)
        case .unmute(let name): _ = chat.moderation.mutes.remove(ChatName(unchecked: name), at: time)
        case .close(let room):
            close(ChatName(unchecked: room))
        case .tell(let whom, let telling):
            if whom.server == server { tell(whom, telling) }
        case .remove(let whom, let farewell):
            if whom.server == server { people[whom]?.leave(farewell: farewell) }
        case .arrive(let name, let origin, let isLoggedIn): admit(key, as: name, from: origin, isLoggedIn: isLoggedIn)
        default: applyToPerson(event, key)
        }
    }

    func applyToPerson(_ event: ChatEvent, _ key: PersonKey) {
        guard let person = people[key] else { return }
        switch event {
        case .depart(let reason):
            // Its server was cut off, and its people come back.
            keepsEmptyRooms = reason == Self.loss
            remove(key, person, reason: reason)
            keepsEmptyRooms = false
        case .rename(let name):
            setName(ChatName(unchecked: name), of: person)
            if key.server == server { enforceRules(on: person, after: .renamed) }
        case .logIn(let name): logIn(person, as: ChatName(unchecked: name), isOwn: key.server == server)
        case .enter(let room, let extent, let roomKey, let isMove):
            enter(ChatName(unchecked: room), extent, roomKey, isMove: isMove, person, key)
        case .leave(let name):
            if let room = chat.room(named: ChatName(unchecked: name)), room.conversation?.contains(person) == true {
                person.leave(room)
            }
        default: return
        }
        if key.server == server { goOn(with: person) }
    }

    func goOn(with person: Person) {
        if waiting.remove(UInt64(person.number)) != nil { person.connection?.resumeReading() }
    }

    func conversation(_ room: String) -> Conversation? { chat.room(named: ChatName(unchecked: room))?.conversation }

    // MARK: - People

    func admit(_ key: PersonKey, as name: String?, from origin: SocketAddress?, isLoggedIn: Bool) {
        guard people[key] == nil, let person = person(key, from: origin) else { return }
        guestCount += 1
        // Nobody takes such a name, but it may have been given.
        while chat.person(named: .guest(guestCount)) != nil { guestCount += 1 }
        person.guestNumber = guestCount
        people[key] = person
        let wanted = name.map { ChatName(unchecked: $0) }
        if let wanted, isLoggedIn { displace(wanted, for: person) }
        let hasName = wanted.map { chat.register(person, as: $0) } == true
        if !hasName { _ = chat.register(person, as: .guest(guestCount)) }
        person.login.name = hasName && isLoggedIn ? wanted : nil
        if key.server == server, person.isLoggedIn { chat.server?.didLogIn(person) }
        chat.letIn(person)
        if key.server != server { return }
        goOn(with: person)
        enforceRules(on: person, after: person.isLoggedIn ? .loggedIn : .renamed)
    }

    /// What its server goes by may have changed since the person has asked for its name: who is banned, and which names are somebody's.
    private func enforceRules(on person: Person, after change: NameChange) {
        let isJudgedAnew = judgedAnew.remove(UInt64(person.number)) != nil
        if let ban = chat.ban(of: person) { return chat.close(person, telling: ban.notice) }
        guard isJudgedAnew else { return }
        switch change {
        // By a password that may be another one now.
        case .loggedIn: chat.close(person, telling: "goodbye: who can log in has changed; log in again")
        case .renamed: callOut { chat.enforceLogin(of: person) }
        }
    }

    private enum NameChange {
        case renamed, loggedIn
    }

    func person(_ key: PersonKey, from origin: SocketAddress?) -> Person? {
        if key.server == server { return locals[key.number] }
        return chat.server.map { RemotePerson(key, from: origin, of: chat, server: $0) }
    }

    func remove(_ key: PersonKey, _ person: Person, reason: String) {
        people[key] = nil
        person.disappear(reason: reason)
        guard key.server == server else { return }
        locals[key.number] = nil
        departing.remove(key.number)
        waiting.remove(key.number)
    }

    func logIn(_ person: Person, as name: ChatName, isOwn: Bool) {
        displace(name, for: person)
        let before = person.login.name
        // First, since those who are told of the new name may ask whose it is.
        person.login.name = name
        if name.text != person.name.text, (try? chat.rename(person, to: name, isGranted: true)) == nil {
            person.login.name = before
            return
        }
        guard isOwn else { return }
        chat.server?.didLogIn(person)
        person.tell(.loggedIn(name))
        enforceRules(on: person, after: .loggedIn)
    }

    /// Has whoever has a name give way to somebody who has proved to have it.
    private func displace(_ name: ChatName, for person: Person) {
        guard let other = chat.person(named: name), other !== person else { return }
        if !other.isLoggedIn { return chat.becomeGuest(other) }
        other.tell(.replaced)
        // It may be the last one in a room that is entered again at once.
        keepsEmptyRooms = true
        remove(key(of: other), other, reason: "logged in again")
        keepsEmptyRooms = false
        other.connection?.finish(reason: .requested)
    }

    func setName(_ name: ChatName, of person: Person) {
        do throws(NameRegistry.Refusal) {
            try chat.rename(person, to: name, isGranted: true)
            person.tell(.named(name))
        } catch {
            person.tell(.error("\(error)"))
        }
    }

    func tell(_ whom: PersonKey, _ telling: ChatEvent.Telling) {
        let person = people[whom]
        if case .privateMessage(let from, let to, _) = telling {
            // It was there, and was reading, as far as the other server knew.
            let refusal = person == nil ? "\(to) has left" : person?.refusalToHear
            if let refusal, person?.ignored.contains(ChatName(unchecked: from)) != true {
                if let sender = chat.person(named: ChatName(unchecked: from)) { submit(.error(refusal), to: sender) }
                return
            }
        }
        if let person { tell(person, telling) }
    }

    func tell(_ person: Person, _ telling: ChatEvent.Telling) {
        switch telling {
        case .privateMessage(let from, let to, let text):
            let sender = ChatName(unchecked: from)
            // Somebody who is ignored is not told so.
            if person.ignored.contains(sender) { return }
            person.tell(.privateMessage(from: sender, to: ChatName(unchecked: to), text: text, time: time, isSender: false))
            person.lastWriter = chat.person(named: sender)
        case .notice(let line): person.tell(.notice(line))
        case .error(let line): person.tell(.error(line))
        case .invitation(let room, let from):
            if person.ignored.contains(ChatName(unchecked: from)) || person.refusalToHear != nil { return }
            person.tell(.invitation(room: ChatName(unchecked: room), from: ChatName(unchecked: from)))
        }
    }

    // MARK: - Rooms

    func enter(
        _ name: ChatName, _ extent: Replay.Extent, _ given: String, isMove: Bool, _ person: Person, _ key: PersonKey
    ) {
        // A key is for a room that is opened with it: nobody else is to be in one that had none.
        if !given.isEmpty, let kept = keptRooms[name]?.room.conversation, kept.ownKey == nil { keptRooms[name] = nil }
        let existing = chat.room(named: name) ?? keptRooms[name]?.room
        if let conversation = existing?.conversation, !conversation.contains(person),
            let own = conversation.ownKey, own != given, conversation.invitations.contains(person) != true
        {
            // It was opened a moment ago.
            return person.tell(.error("that is not the key of \(name)"))
        }
        // Others may have been opened a moment ago.
        if !chat.mayOpen(name) { return person.tell(.error("\(Chat.RoomRefusal.tooMany)")) }
        let room: ChatServer.Room
        do throws(Errno) {
            room = try chat.openSharedRoom(name, key: given.isEmpty ? nil : given, epoch: epoch(for: key.server))
        } catch {
            return startAnew(reason: "the room \(name) cannot be opened: \(error)")
        }
        if isMove, let present = person.room, present !== room { person.exit(present, reason: "moved") }
        person.enter(room, telling: extent)
    }

    /// A room is empty, and there no more.
    func roomIsEmpty(_ room: ChatServer.Room) {
        if keepsEmptyRooms, chat.mayOpenMore(besides: keptRooms.count) { keep(room, until: time + 60_000) }
    }

    func keep(_ room: ChatServer.Room, until end: Int64) {
        room.conversation?.withdrawInvitations(except: [])
        keptRooms[room.name] = KeptRoom(room: room, end: end)
        firstKeptEnd = min(firstKeptEnd, end)
    }

    private func forgetKeptRooms() {
        keptRooms = keptRooms.filter { $0.value.end > time }
        firstKeptEnd = keptRooms.values.map(\.end).min() ?? .max
    }

    /// In an order that is the same everywhere.
    func close(_ name: ChatName) {
        guard name != .lobby, let room = chat.room(named: name), let conversation = room.conversation else { return }
        chat.sendOut(conversation.people.sorted { key(of: $0) < key(of: $1) }, of: room)
    }

    func record(_ name: String, _ kind: UInt8, _ from: String, _ text: [UInt8], by key: PersonKey) {
        guard let kind = Record.Kind(rawValue: kind), kind != .join, kind != .leave, kind != .rename else { return }
        let room = chat.room(named: ChatName(unchecked: name))
        if key.number == Self.nobody {
            _ = room?.conversation?.publish(kind, from: from, text.span)
            return
        }
        guard let person = people[key] else { return }
        // It was sent out a moment ago: the room may be gone with that.
        guard let room, let conversation = room.conversation, conversation.contains(person) else {
            return person.tell(.error("you are not in \(name) any more"))
        }
        let publication = conversation.publish(kind, from: person.name.text, text.span, by: person)
        person.didPublish(publication, in: room)
        if kind == .topic, case .placed = publication { person.tellTopic(conversation.topicText) }
    }
}
