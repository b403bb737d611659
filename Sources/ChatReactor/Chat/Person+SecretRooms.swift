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
    func isSecret(_ name: ChatName) -> Bool { secretKeys[name] != nil || room(named: name)?.conversation?.isSecret == true }
}

extension Person {
    /// Whether the person hears of a room.
    func knows(of room: ChatServer.Room) -> Bool {
        room.conversation?.contains(self) == true || chat?.isSecret(room.name) == false
    }

    /// Whether the person may enter a room. If not, it is told why.
    func mayEnter(_ name: ChatName, with given: String) -> Bool {
        guard let chat else { return true }
        if let refusal = chat.room(named: name)?.conversation?.refusalToEnter(of: self) {
            tell(.error(refusal.description(of: name)))
            return false
        }
        if let refusal = refusalToEnter(name, with: given) {
            tell(.error(refusal))
            return false
        }
        return true
    }

    /// Why a key, or that there is none, keeps the person out of a room; nil if it does not.
    func refusalToEnter(_ name: ChatName, with given: String) -> String? {
        guard let chat, let key = chat.key(of: name) else { return nil }
        if chat.room(named: name)?.conversation?.invitations.contains(self) == true { return nil }
        if given.isEmpty { return "\(name) has a key: /join \(name) KEY, or be invited" }
        // Of an address and a room: who guesses keeps nobody out of others.
        let origin = "\(owner) \(name.folded)"
        guard chat.attemptRates.mayGiveKey(origin) else { return "there were too many wrong keys, try again in a minute" }
        if given == key { return nil }
        chat.attemptRates.gaveWrongKey(origin)
        return "that is not the key of \(name)"
    }

    /// Runs `/invite NAME`.
    func invite(_ text: String) {
        if text.isEmpty { return tellUsage("invite") }
        guard let room, let conversation = room.conversation, let person = parsePerson(text) else { return }
        if isToldToBeMuted { return }
        if let refusal = conversation.refusalToInvite(of: self) { return tell(.error(refusal)) }
        if conversation.contains(person) { return tell(.error("\(person.name) is in \(room.name) already")) }
        if let refusal = person.refusalToHear { return tell(.error(refusal)) }
        guard conversation.invite(person, by: self) else { return tell(.error("too many are invited to \(room.name) already")) }
        if let replica = chat?.replica {
            // Once it may come in.
            replica.submit(.invitation(room: room.name.text, from: name.text), to: person)
        } else if !person.ignored.contains(name) {
            // Somebody who is ignored is not told so.
            person.tell(.invitation(room: room.name, from: name))
        }
        tell(.notice("\(person.name) is invited to \(room.name)"))
    }
}
