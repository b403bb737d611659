import ChatReactorText

/// Rooms that not everybody hears of, or may enter.
extension Chat {
    /// What somebody needs who enters a room; nil if nothing.
    func key(of name: ChatName) -> String? {
        // What the operator has laid down precedes what people have.
        if let key = secretKeys[name] { return key }
        return room(named: name)?.conversation?.ownKey
    }

    /// Whether a room is listed to those alone who are in it.
    func isSecret(_ name: ChatName) -> Bool { secretKeys[name] != nil || room(named: name)?.conversation?.ownKey != nil }
}

extension Person {
    /// Whether the person hears of a room.
    func knows(of room: ChatServer.Room) -> Bool {
        room.conversation?.contains(self) == true || chat?.isSecret(room.name) == false
    }

    /// Whether the person may enter a room. If not, it is told why.
    func mayEnter(_ name: ChatName, with given: String) -> Bool {
        guard let chat, let key = chat.key(of: name) else { return true }
        if chat.room(named: name)?.conversation?.invitations?.contains(self) == true { return true }
        if given.isEmpty {
            tell(.error("\(name) has a key: /join \(name) KEY, or be invited"))
            return false
        }
        // Of an address and a room: who guesses keeps nobody out of others.
        let origin = "\(owner) \(name.folded)"
        guard chat.keyRate.mayAttempt(origin, at: .now) else {
            tell(.error("there were too many wrong keys, try again in a minute"))
            return false
        }
        if given == key { return true }
        _ = chat.keyRate.admits(origin, at: .now)
        tell(.error("that is not the key of \(name)"))
        return false
    }

    /// Runs `/invite NAME`.
    func invite(_ text: String) {
        if text.isEmpty { return tellUsage("invite") }
        guard let room, let conversation = room.conversation, let person = parsePerson(text) else { return }
        if isToldToBeMuted { return }
        if conversation.contains(person) { return tell(.error("\(person.name) is in \(room.name) already")) }
        guard let connection = person.connection, !connection.isFinishing, !connection.hasFailedOutput else {
            return tell(.error("\(person.name) has left"))
        }
        if connection.pendingOutput > Self.privateMessageLimit { return tell(.error("\(person.name) is not reading")) }
        guard conversation.invite(person) else { return tell(.error("too many are invited to \(room.name) already")) }
        // Somebody who is ignored is not told so.
        if !person.ignored.contains(name) { person.tell(.invitation(room: room.name, from: name)) }
        tell(.notice("\(person.name) is invited to \(room.name)"))
    }
}
