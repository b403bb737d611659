import ChatReactorText
import Reactor

/// The modes of rooms and of people.
extension IRCClient {
    func mode(_ message: IRCMessage) {
        let target = message.parameters[0]
        if target.hasPrefix("#") {
            guard let (_, conversation) = parseRoom(target) else { return }
            guard message.parameters.count > 1 else { return tellModes(of: conversation) }
            changeModes(of: conversation, message.parameters[1], Array(message.parameters.dropFirst(2)))
        } else {
            guard let person = findPerson(target) else { return }
            guard person === self else { return reply(.othersMode) }
            guard message.parameters.count > 1 else { return reply(.userMode, ownModes) }
            changeOwnModes(message.parameters[1])
        }
    }

    private var ownModes: String { "+" + (isInvisible ? "i" : "") + (isOpered ? "o" : "") }

    private func changeOwnModes(_ text: String) {
        var changes = ModeChanges()
        var isUnknown = false
        for (isSet, letter) in Self.changes(text) {
            switch letter {
            case "i" where isInvisible != isSet:
                isInvisible = isSet
                changes.add(isSet, letter)
            // OPER alone makes an operator.
            case "o" where !isSet && isOpered:
                operatorName = nil
                changes.add(isSet, letter)
            case "i", "o": break
            default: isUnknown = true
            }
        }
        if isUnknown { reply(.unknownUserMode) }
        for parameters in changes.parameters(atMost: IRCForm.lengthLimit) {
            send(IRCLine(network.source(of: self), "MODE", [shownName] + parameters))
        }
    }

    /// Each letter of what somebody asks for, and whether it is to be set.
    private static func changes(_ text: String) -> [(isSet: Bool, letter: Character)] {
        var isSet = true
        var changes: [(Bool, Character)] = []
        for letter in text.prefix(2 * targetLimit) {
            switch letter {
            case "+": isSet = true
            case "-": isSet = false
            default: changes.append((isSet, letter))
            }
        }
        return changes
    }

    // MARK: - Rooms

    private func tellModes(of conversation: Conversation) {
        let modes = conversation.modes
        var letters = "+"
        if modes.isInviteOnly { letters += "i" }
        let key = conversation.key
        if key != nil { letters += "k" }
        if modes.limit != nil { letters += "l" }
        if modes.isModerated { letters += "m" }
        if modes.isClosedToOthers { letters += "n" }
        if conversation.isSecret { letters += "s" }
        if modes.isTopicLocked { letters += "t" }
        var parameters = [shownName, "#\(conversation.name)", letters]
        // The key is for those who have given it.
        if let key {
            // One that is no word was given by who has opened the room, or by the operator of the server.
            let isWord = !key.unicodeScalars.contains(" ") && key.utf8.first != UInt8(ascii: ":")
            parameters.append(conversation.contains(self) && isWord ? key : "*")
        }
        if let limit = modes.limit { parameters.append(String(limit)) }
        send(IRCLine(network.serverName, IRCNumeric.roomMode.code, parameters))
        reply(.creationTime, "#\(conversation.name)", String(conversation.openedTime / 1_000))
    }

    private func changeModes(of conversation: Conversation, _ text: String, _ arguments: [String]) {
        let room = "#\(conversation.name)"
        var arguments = arguments[...]
        var changes = ModeChanges()
        let isOperator = conversation.isKept(by: self)
        var (isRefused, areBansTold) = (false, false)
        for (isSet, letter) in Self.changes(text) {
            // Everybody may see who is banned.
            if letter == "b", arguments.isEmpty {
                if !areBansTold { tellBans(of: conversation) }
                areBansTold = true
                continue
            }
            guard "biklmnostv".contains(letter) else {
                reply(.unknownMode, String(letter))
                continue
            }
            let takesArgument = "bov".contains(letter) || letter == "k" || letter == "l" && isSet
            let argument = takesArgument ? arguments.popFirst() : nil
            guard isOperator else {
                isRefused = true
                continue
            }
            // An empty one of a key or a limit is judged as any other.
            let isMissing = argument == nil || argument == "" && "bov".contains(letter)
            if takesArgument, isMissing, letter != "k" || isSet {
                reply(.needMoreParameters, "MODE")
                continue
            }
            change(conversation, letter, isSet, argument ?? "", &changes)
        }
        if isRefused { reply(.notOperatorOfRoom, room) }
        let source = network.source(of: self)
        // Masks become longer than they were given.
        let limit = IRCForm.lengthLimit - 2 - source.utf8.count - room.utf8.count - ": MODE ".utf8.count
        let time = Timestamp.now
        for parameters in changes.parameters(atMost: limit) {
            let line = network.line(by: self, "MODE", [room] + parameters, at: time)
            conversation.publishToIRC(from: connection) { _ in line }
            send(line)
        }
    }

    private func change(
        _ conversation: Conversation, _ letter: Character, _ isSet: Bool, _ argument: String, _ changes: inout ModeChanges
    ) {
        switch letter {
        case "i": changes.set(&conversation.modes.isInviteOnly, isSet, letter)
        case "m": changes.set(&conversation.modes.isModerated, isSet, letter)
        case "s": changes.set(&conversation.modes.isSecret, isSet, letter)
        case "t": changes.set(&conversation.modes.isTopicLocked, isSet, letter)
        case "n": changes.set(&conversation.modes.isClosedToOthers, isSet, letter)
        case "l":
            let limit = isSet ? Int(argument) : nil
            if isSet, limit.map({ $0 > 0 }) != true {
                return reply(.invalidModeParameter, "#\(conversation.name)", "l", argument, text: "a limit is a number from 1")
            }
            if conversation.modes.limit == limit { return }
            conversation.modes.limit = limit
            changes.add(isSet, letter, limit.map(String.init))
        case "k": changeKey(of: conversation, isSet ? argument : nil, &changes)
        case "b": changeBan(of: conversation, isSet, argument, &changes)
        default: changeStanding(in: conversation, letter, isSet, argument, &changes)
        }
    }

    private func changeKey(of conversation: Conversation, _ key: String?, _ changes: inout ModeChanges) {
        if conversation.ownKey == key { return }
        func refuse(_ reason: String) { reply(.invalidModeParameter, "#\(conversation.name)", "k", "*", text: reason) }
        if conversation.name == .lobby { return refuse("everybody comes into the lobby") }
        if conversation.records.isInFile {
            // It would tell what was said under the key to whoever opens the room next.
            return refuse("a room whose history is in a file takes a key only from the one who opens it, by JOIN")
        }
        if let key {
            let isValid =
                !key.isEmpty && key.utf8.count <= 50 && key == String(madeVisible: key)
                && !key.unicodeScalars.contains { $0 == "," || $0 == " " || $0 == ":" }
            if !isValid { return refuse("a key is a word of at most 50 bytes, without commas and colons") }
        }
        conversation.ownKey = key
        changes.add(key != nil, "k", key ?? "*")
    }

    private func changeBan(of conversation: Conversation, _ isSet: Bool, _ argument: String, _ changes: inout ModeChanges) {
        var text = IRCMask.normalized(String(madeVisible: argument))
        let mask = IRCMask(text)
        if conversation.modes.isBanned(mask) == isSet { return }
        if isSet {
            let ban = RoomModes.Ban(mask: mask, text: text, setter: network.source(of: self), time: Timestamp.now / 1_000)
            guard conversation.modes.add(ban) else { return reply(.banListFull, "#\(conversation.name)", "b") }
        } else {
            // As it is listed: clients look for it in their lists letter by letter.
            text = conversation.modes.bans.first { $0.mask == mask }?.text ?? text
            conversation.modes.removeBan(of: mask)
        }
        changes.add(isSet, "b", text)
    }

    private func changeStanding(
        in conversation: Conversation, _ letter: Character, _ isSet: Bool, _ argument: String, _ changes: inout ModeChanges
    ) {
        guard let person = findPerson(argument) else { return }
        guard conversation.contains(person) else { return reply(.notInRoom, argument, "#\(conversation.name)") }
        let isOperator = letter == "o"
        var numbers = isOperator ? conversation.modes.operators : conversation.modes.voiced
        if numbers.contains(person.number) == isSet { return }
        if isSet { numbers.insert(person.number) } else { numbers.remove(person.number) }
        if isOperator { conversation.modes.operators = numbers } else { conversation.modes.voiced = numbers }
        changes.add(isSet, letter, person.name.text)
        if person.form.kind == .irc { return }
        let standing = isOperator ? "an operator of \(conversation.name)" : "a voice in \(conversation.name)"
        let verb = isOperator ? isSet ? "made you" : "made you no longer" : isSet ? "given you" : "taken from you"
        person.tell(.notice("\(name) has \(verb) \(standing)"))
    }

    private func tellBans(of conversation: Conversation) {
        let room = "#\(conversation.name)"
        for ban in conversation.modes.bans { reply(.banList, room, ban.text, ban.setter, String(ban.time)) }
        reply(.banListEnd, room)
    }
}

/// Changes of modes, as everybody is told them: `+mo-l ana`.
struct ModeChanges {
    private var all: [(isSet: Bool, letter: Character, argument: String?)] = []

    mutating func add(_ isSet: Bool, _ letter: Character, _ argument: String? = nil) {
        all.append((isSet, letter, argument))
    }

    mutating func set(_ mode: inout Bool, _ isSet: Bool, _ letter: Character) {
        if mode == isSet { return }
        mode = isSet
        add(isSet, letter)
    }

    /// The parameters of as many messages as it takes, each with the spaces that precede them of at most so many bytes, if one change is not longer.
    func parameters(atMost limit: Int) -> [[String]] {
        var messages: [[String]] = []
        var (text, arguments, length) = ("", [String](), 0)
        var sign: Bool?
        for change in all {
            // A sign, a letter, and a space before either of both.
            let own = 4 + (change.argument?.utf8.count ?? 0)
            if length + own > limit, !text.isEmpty {
                messages.append([text] + arguments)
                (text, arguments, length, sign) = ("", [], 0, nil)
            }
            if change.isSet != sign { text += change.isSet ? "+" : "-" }
            sign = change.isSet
            text.append(change.letter)
            if let argument = change.argument { arguments.append(argument) }
            length += own
        }
        return text.isEmpty ? messages : messages + [[text] + arguments]
    }
}
