import Reactor

/// What an operator may do. ``OperatorCommands`` does these by lines of text.
extension Chat {
    // MARK: - Kicking and banning

    /// Closes a person's connection, after telling why in one line. The others see `left: kicked`.
    public func kick(_ person: Person, reason: String = "") {
        let reason = String(madeVisible: reason)
        close(person, telling: reason.isEmpty ? "kicked" : "kicked: \(reason)")
    }

    func close(_ person: Person, telling line: String) {
        person.tell(.error(line))
        person.leave(farewell: "kicked")
    }

    /// Who is kept out. Replacing the list closes nobody.
    public var bans: BanList {
        get { moderation.bans }
        set { moderation.bans = newValue }
    }

    /// Adds a ban, and closes those whom it is about.
    ///
    /// - Returns: Whom it has closed.
    /// - Throws: If the file of the bans cannot be written. The ban holds all the same, and those are closed.
    ///
    /// - Complexity: O(*n*) for *n* people.
    @discardableResult
    public func ban(_ ban: Ban) throws(BanListError) -> [Person] {
        let banned = people.filter { isMeant($0, by: ban) }
        replica?.submit(.ban(ban))
        // Of several servers, each closes its own people.
        defer {
            for person in banned where !(person is RemotePerson) { close(person, telling: ban.notice) }
            if replica != nil { enforceBans() }
        }
        try bans.add(ban)
        return banned
    }

    /// Takes a ban back.
    ///
    /// - Returns: Whether there was one.
    /// - Throws: If the file of the bans cannot be written. The ban is gone all the same.
    @discardableResult
    public func unban(_ subject: Ban.Subject) throws(BanListError) -> Bool {
        replica?.submit(.unban(subject))
        return try bans.remove(subject)
    }

    /// A server of the chat has bans, some of which this one may have, too.
    func learn(of others: [Ban]) {
        let own = Set(bans.all)
        let new = others.filter { !own.contains($0) }
        if new.isEmpty { return }
        do throws(BanListError) { try bans.add(contentsOf: new) } catch { server?.cannotKeepBans(error) }
        enforceBans()
    }

    /// A server of the chat has a ban no more.
    func learnOfUnban(of subject: Ban.Subject) {
        do throws(BanListError) { _ = try bans.remove(subject) } catch { server?.cannotKeepBans(error) }
    }

    /// Closes those who are banned and there all the same, as after a list was replaced.
    ///
    /// - Returns: Whom it has closed.
    ///
    /// - Complexity: O(*n*) for *n* people, and what looking up an address takes for each.
    @discardableResult
    public func enforceBans() -> [Person] {
        // Of several servers, each closes its own people, also those who have not come in yet.
        let those = replica == nil ? people : server?.clients.compactMap { $0 as? Person } ?? []
        let banned = those.compactMap { person in ban(of: person).map { (person, $0) } }
        for (person, ban) in banned { close(person, telling: ban.notice) }
        return banned.map(\.0)
    }

    /// What keeps somebody out.
    func ban(of person: Person) -> Ban? { bans.ban(of: person.name) ?? person.origin.flatMap(bans.ban(of:)) }

    private func isMeant(_ person: Person, by ban: Ban) -> Bool {
        switch ban.subject {
        case .name(let name): person.name == name
        case .addresses(let block): person.origin.map(block.contains) ?? false
        }
    }

    // MARK: - Muting

    /// Has nothing be heard of who is called so, until an end or for good: neither in rooms nor privately. Who is muted cannot take
    /// another name.
    ///
    /// It is forgotten when a guest leaves, and with the server.
    public func mute(_ name: ChatName, for duration: Duration? = nil) {
        // At its place in the order: a mute follows a person to another name.
        if let replica { return replica.submit(.mute(name.text, for: duration.map { UInt64(Mutes.milliseconds($0)) })) }
        moderation.mutes.add(name, until: duration.map { muteTime + Mutes.milliseconds($0) }, at: muteTime)
    }

    /// Takes that back. Returns whether the name was muted.
    @discardableResult
    public func unmute(_ name: ChatName) -> Bool {
        guard let replica else { return moderation.mutes.remove(name, at: muteTime) }
        replica.submit(.unmute(name.text))
        return mute(of: name) != nil
    }

    // MARK: - Rooms and the server

    /// Says one line, given without its newline, in every room, as a notice of the server.
    ///
    /// - Returns: Whether it was published everywhere: with its newline it must not be longer than a quarter of a room's log.
    @discardableResult
    public func announce(_ line: String) -> Bool {
        rooms.map { $0.announce(line) }.allSatisfy { $0 }
    }

    /// Sends everybody out of a room that people have opened: to another one that they are in, or to the lobby. The lobby stays as it is.
    ///
    /// - Complexity: O(*n*) for *n* people in the room.
    public func close(_ room: ChatServer.Room) {
        guard room !== lobby, let conversation = room.conversation else { return }
        if let replica { return replica.submit(.close(room: room.name.text)) }
        sendOut(conversation.people, of: room)
    }

    func sendOut(_ people: [Person], of room: ChatServer.Room) {
        for person in people {
            person.tell(.closed(room: room.name))
            person.leave(room)
        }
    }

    /// Tells everybody, or of several machines those who are at this one, that the server will shut down, does so again a minute and ten seconds before it, and then calls the closure, in
    /// which `ChatServer.shutDown` may be called. Those who come until then are told, too. It replaces the time and the closure before.
    ///
    /// - Parameters:
    ///   - delay: How long until then. A negative one counts as zero.
    ///   - reason: One line; empty for none.
    ///   - action: Called once, on the loop's thread, in a later turn.
    public func scheduleShutDown(after delay: Duration, reason: String = "", action: @escaping () -> Void) {
        let reason = String(madeVisible: reason)
        moderation.scheduleShutDown(of: self, after: delay, reason: reason, then: action)
        // Newcomers on other loops are told, too.
        let deadline = ContinuousClock.Instant.now.advanced(clamping: max(delay, .zero))
        onOtherLoops { $0.moderation.expectShutDown(at: deadline, reason: reason) }
    }

    /// Calls that off, and tells everybody. Returns whether there was something to call off.
    @discardableResult
    public func cancelShutDown() -> Bool {
        guard moderation.cancelShutDown() else { return false }
        onOtherLoops { _ = $0.moderation.cancelShutDown() }
        let notice = "the server does not shut down after all"
        if isAmongOtherMachines { tellMachine(notice) } else { announce(notice) }
        return true
    }

    /// Tells everybody who is at this machine, of several, on whichever loop.
    func tellMachine(_ notice: String) {
        tellAll(.notice(notice))
        onOtherLoops { $0.tellAll(.notice(notice)) }
    }

    /// Changes the chats of the other loops in the same way.
    func onOtherLoops(_ body: @escaping @Sendable (Chat) -> Void) {
        guard let server else { return }
        server.group?.executeOnOthers(than: server.number) { server in if let chat = server.chat { body(chat) } }
    }
}
