import ChatReactorText
import Reactor

/// What a chat server has told.
struct ChatState {
    /// The user's name there.
    var name: String?
    /// Whether the user has chosen it, so that it is to be taken back after a break.
    var hasChosenName = false
    /// The name that is to be taken back after a break; and why it was not given back.
    var lostName: String?
    var nameRefusal: String?
    var places = RoomPlaces()
    var unconfirmed = Unconfirmed()
    /// Whether it has answered `/json`.
    var speaksJSON = false
    /// The welcomes to rooms that are still to come in answer to `/resume`. What comes of such a room before, comes again.
    var awaited: [String] = []
    /// The rooms whose replay after a break has not come to its end.
    var resuming: Set<String> = []
    /// Whether the replay that follows is not the one that was asked for.
    var skipsReplay = false
    /// How many `/leave` are to be answered, each by the welcome to the room that was spoken to before.
    var leaves = 0
    /// The name before the break. A guest comes back as another one; what it had said comes from the one that it was.
    var formerName: String?
    /// By which the user logs in again after a break; and what was sent for that, and is not answered yet.
    var credentials: Credentials?
    var logins = UnansweredLogins()
    /// Whether the server wants a login before anything else.
    var awaitsLogin = false
    /// The keys by which the user has entered rooms, by their names in lower case.
    private var keys: [String: String] = [:]
    /// Whether the answer to the session's own `/ping` is to come: then what it had asked for before is done.
    var awaitsPong = false
    /// Whether the session itself has asked for history, and that has not begun.
    var hasAskedForHistory = false
    /// The names of the people in the rooms, for completion.
    var people = KnownPeople()

    /// - Parameter line: As the user has sent it.
    mutating func didSend(_ line: String) {
        unconfirmed.didSend(line)
        switch line.commandName {
        case "/join":
            let (room, key) = line.argument.splitAtSpace
            if !key.isEmpty { keys[Self.plainName(room)] = key }
        case "/leave": leaves += 1
        default: break
        }
    }

    /// What follows a place in a room to go on there: the key, if there was one.
    func key(of room: String) -> String { keys[room.lowercased()].map { " \($0)" } ?? "" }

    /// A room's name as it is typed, with or without a number sign and in any case.
    private static func plainName(_ typed: String) -> String {
        (typed.hasPrefix("#") ? String(typed.dropFirst()) : typed).lowercased()
    }

    static let welcomeBeginning = "* welcome to "

    /// Whether a line is the first one of a chat: `* welcome to NAME; you are guest7; 3 online`.
    static func isWelcome(_ line: Span<UInt8>) -> Bool {
        guard line.count < 1_024 else { return false }
        let text = String(copying: line)
        guard text.hasPrefix(welcomeBeginning) else { return false }
        return text.hasSuffix(" online") && text.contains("; you are ") || text.hasSuffix("; log in by /login NAME PASSWORD")
    }
}

extension Session {
    /// Has the server speak JSON, and takes the name and the rooms that the user wants or had.
    func beginChat() {
        chat.speaksJSON = false
        chat.awaited = []
        chat.resuming = []
        (chat.skipsReplay, chat.leaves, chat.awaitsPong) = (false, 0, false)
        chat.formerName = chat.name
        chat.people.forgetQuestions()
        chat.awaitsLogin = false
        chat.logins = UnansweredLogins()
        command("/json\n")
        if let credentials = chat.credentials {
            chat.logins.didSend(credentials)
            command("\(credentials.line)\n")
        }
        if isReconnected {
            if chat.credentials == nil, chat.hasChosenName, let name = chat.lostName ?? chat.name {
                (chat.lostName, chat.nameRefusal) = (name, nil)
                command("/nick \(name)\n")
            }
            for room in chat.places.rooms {
                guard let place = chat.places.places[room] else { continue }
                command("/resume \(room) \(place.epoch) \(place.sequence)\(chat.key(of: room))\n")
                chat.awaited.append(room)
            }
            chat.awaitsPong = true
            command("/ping\n")
        } else {
            if chat.credentials == nil, let name = configuration.name {
                (chat.lostName, chat.hasChosenName) = (name, true)
                command("/nick \(name)\n")
            }
        }
    }

    /// Enters the room that the user wants, unless the server has put the user there, and asks for its past. Until the name and the room are
    /// given or refused, nothing is sent: it could be said by another name, or in another room.
    private func enterWantedRoom(from first: String) {
        let other = configuration.room.flatMap { Self.isSame($0, first) ? nil : $0 }
        if let other { command("/join \(other)\n") }
        chat.skipsReplay = other != nil && configuration.history != nil
        chat.awaitsPong = other != nil || configuration.name != nil || configuration.credentials != nil
        if chat.awaitsPong { command("/ping\n") }
        if let history = configuration.history {
            chat.hasAskedForHistory = true
            command("/history \(history)\n")
        }
        if !chat.awaitsPong { becomeReady() }
    }

    /// Whether a room of the server's is the one that the user means: a name may be written in any case, and with `#`.
    private static func isSame(_ typed: String, _ room: String) -> Bool {
        (typed.hasPrefix("#") ? String(typed.dropFirst()) : typed).lowercased() == room.lowercased()
    }

    func deliverToChat(_ line: Span<UInt8>, endsLine: Bool) {
        let text = endsLine && line.count > 0 && line[0] == UInt8(ascii: "{") ? String(copying: line) : ""
        if let event = ChatEvent(text) { return take(event, line) }
        // A kind that a later version has.
        if chat.speaksJSON, text.utf8.first == UInt8(ascii: "{") { return }
        let isPrelude = if case .greeting = state { !chat.speaksJSON } else { false }
        // What comes before JSON after a break will come again. History that was asked for comes as JSON.
        if isPrelude, isReconnected || configuration.history != nil && Self.isOfHistory(line) { return }
        delegate?.session(didReceive: line, endsLine: endsLine, isPrelude: isPrelude)
    }

    private static func isOfHistory(_ line: Span<UInt8>) -> Bool {
        line.count > 0 && (line[0] == UInt8(ascii: "[") || String(copying: line).hasPrefix("* end of history ("))
    }

    /// What an event is to the user.
    private enum Worth {
        case news
        /// A program may want it; people know it.
        case routine
        /// It came to the client itself.
        case none
    }

    private func take(_ event: ChatEvent, _ line: Span<UInt8>) {
        // A name is sent back, in a command. With a newline in it, a server could have the user say whatever it likes.
        for name in [event.room, event.name] where name.map(Self.isWord) == false { return }
        let worth: Worth
        if event.kind == .welcome, let room = event.room {
            worth = enter(room, event)
        } else if event.kind == .login {
            worth = awaitLogin()
        } else if !chat.speaksJSON {
            return
        } else if event.isRecord, let room = event.room, let sequence = event.sequence {
            worth = receive(event, sequence, in: room) ? .news : .none
        } else {
            worth = answer(event)
        }
        if worth != .none { delegate?.session(didReceive: event, as: line, isNews: worth == .news) }
    }

    /// The server wants a login before anything else.
    private func awaitLogin() -> Worth {
        (chat.speaksJSON, chat.awaitsLogin) = (true, true)
        // It is sent already.
        if !chat.logins.isEmpty { return .none }
        if configuration.insists {
            end(.refused("the server wants a login: see --login"))
            return .none
        }
        becomeReady()
        return .news
    }

    private static func isWord(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 256
            && name.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0.properties.generalCategory != .control }
    }

    private func enter(_ room: String, _ event: ChatEvent) -> Worth {
        let isFirst = !chat.speaksJSON || chat.awaitsLogin
        chat.awaitsLogin = false
        let isResumed = !isFirst && chat.awaited.contains(room)
        if isResumed {
            chat.awaited.removeAll { $0 == room }
            chat.resuming.insert(room)
        }
        let isNew = chat.places.current != room
        if let name = event.name { chat.name = name }
        if !isFirst, !isResumed, isNew, chat.leaves > 0, chat.places.places[room] != nil, let left = chat.places.current {
            chat.leaves -= 1
            chat.places.leave(left)
        }
        // After a break the lobby's first welcome tells nothing: the one that answers `/resume` follows.
        if !isFirst || !isReconnected {
            chat.places.enter(room, epoch: event.epoch ?? 0, sequence: event.sequence ?? 0, isResumed: isResumed)
        }
        chat.people.forgetAll(but: chat.places.rooms + [room])
        // A server may send as many welcomes as it likes: one question at a time.
        if chat.people.isToAsk(about: room) { command("/who \(room)\n") }
        if !isFirst {
            delegate?.sessionDidChangeState()
        } else {
            chat.speaksJSON = true
            if isReconnected { becomeReady() } else { enterWantedRoom(from: room) }
        }
        return isNew && !isResumed && !isFirst ? .news : .routine
    }

    private func receive(_ event: ChatEvent, _ sequence: UInt64, in room: String) -> Bool {
        if chat.awaited.contains(room) { return false }
        if chat.places.places[room] != nil { chat.people.learn(from: event) }
        if event.isReplayed, !chat.resuming.contains(room) { return !chat.skipsReplay }
        let isNew = chat.places.receive(sequence, in: room)
        // The user's own words, which had arrived before the break and were not confirmed: they are on the screen already.
        let isOwn = event.isReplayed && (event.from == chat.lostName ?? chat.name || event.from == chat.formerName)
        if isOwn, let text = event.text, chat.unconfirmed.didArrive(text) { return false }
        return isNew
    }

    private func answer(_ event: ChatEvent) -> Worth {
        switch event.kind {
        case .sent:
            chat.unconfirmed.didConfirm()
            if let room = event.room, let sequence = event.sequence { chat.places.didSay(sequence, in: room) }
            return .routine
        case .notice where chat.hasAskedForHistory && event.text?.hasPrefix("history of ") == true:
            // Who has typed nothing needs no title.
            chat.hasAskedForHistory = false
            return .routine
        case .notice:
            guard let name = event.name else { return .news }
            if event.login == true, let credentials = chat.logins.didSucceed(as: name) { chat.credentials = credentials }
            let isTakenBack = name == chat.lostName
            (chat.name, chat.hasChosenName, chat.lostName) = (name, true, nil)
            nameTimer.cancel()
            delegate?.sessionDidChangeState()
            return isTakenBack && isReconnected ? .routine : .news
        case .error where event.text?.hasPrefix("goodbye: ") == true:
            // It is said why when the connection has closed.
            return .routine
        case .pong where chat.awaitsPong:
            (chat.awaitsPong, chat.skipsReplay) = (false, false)
            // A room that could not be entered again has been answered by an error.
            chat.awaited = []
            if isReconnected, chat.resuming.isEmpty { noteUnconfirmed() }
            if !isReady { becomeReady() }
            return .none
        case .error where configuration.insists && !isReady:
            end(.refused(event.text ?? ""))
            return .none
        case .error where event.login != nil:
            // It answers nothing else that was sent.
            chat.logins.wasRefused()
            // The user may know the password.
            if chat.awaitsLogin, !isReady { becomeReady() }
        case .error:
            if chat.awaitsLogin, !isReady { becomeReady() }
            chat.leaves = 0
            if chat.lostName != nil {
                // The old connection may have to be found dead by the server first.
                nameTimer.arm(after: .seconds(15))
                if event.text == chat.nameRefusal { return .none }
                chat.nameRefusal = event.text
            } else if chat.unconfirmed.count == 1 {
                // What was said is refused: nobody wonders whether it has arrived.
                chat.unconfirmed.didConfirm()
            }
        case .who:
            guard let room = event.room else { return .news }
            if !event.isPartial || chat.people.names(in: room).isEmpty { chat.people.set(event.names, in: room) }
            return chat.people.hasAsked(about: room) ? .none : .news
        case .closed:
            if let room = event.room { chat.places.leave(room) }
            chat.people.forgetAll(but: chat.places.rooms)
        case .historyEnd:
            guard let room = event.room else { return .news }
            if chat.resuming.remove(room) != nil {
                if chat.resuming.isEmpty, chat.awaited.isEmpty { noteUnconfirmed() }
                return .routine
            }
            if chat.skipsReplay { return .none }
        default: break
        }
        return .news
    }

    /// What people read of what the chat tells now.
    var words: EventText { EventText(ownName: chat.name, room: chat.places.current) }

    /// Asks for the name that the user had before the connection broke.
    func askForName() {
        if isReady, let name = chat.lostName { command("/nick \(name)\n") }
    }

    /// Says what may not have reached the others, when all that has is known.
    func noteUnconfirmed() {
        let forgotten = chat.unconfirmed.forgottenCount
        if forgotten > 0 { delegate?.session(didNote: "perhaps not sent: \(forgotten) lines before these") }
        for text in chat.unconfirmed.takeAll() { delegate?.session(didNote: "perhaps not sent: \(text)") }
    }
}

extension String {
    /// The text in UTF-8, with replacement characters for what is none.
    init(copying bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
