public import Reactor

/// Somebody in a chat: a client with a name, which is in rooms, speaks there, and gives commands.
///
/// What it sends are lines, each delivered alone: a person that has said as much as the room takes in a turn, or that is still being sent
/// a room's history, is not heard until that is over.
public class Person: ChatServer.Client, ConnectionHandler {
    /// How many rooms a program may be in. People are in one.
    static let roomLimit = 20
    /// How much may wait for somebody who does not read, before others are told that they cannot be written to.
    static let privateMessageLimit = 65_536
    /// How many names somebody may ignore.
    static let ignoreLimit = 1_000
    /// How many names more are ignored because somebody who was ignored has taken them.
    static let followLimit = 100
    /// How many bytes a room's topic may have: so many that a message of IRC holds it whole, with the usual names before it.
    static let topicLimit = 300
    /// How many people or rooms are listed.
    static let listLimit = 1_000
    /// How many messages `/history` shows.
    static let historyLimit = 10_000
    /// How much of what it has asked for may wait for a person that is heard.
    static let replyLimit = 131_072

    /// The name, which `/nick` changes.
    public final internal(set) var name: ChatName
    /// The number of the client among all of this run.
    public final let number: Int
    /// What it is called by until it takes a name: its number, among those of all servers of the chat.
    final var guestNumber: Int
    /// How the person gets what happens.
    private(set) final var form: WireForm
    /// The rooms, of which what is said goes to the last one.
    final var rooms: [ChatServer.Room] = []
    private var replays: [Replay] = []
    /// Whether reading is paused until a replay has ended.
    private var isPausedForReplay = false
    private var isPausedForReplies = false
    /// Where the person comes from, without a port. It is known also when the connection is closed, which cannot be asked any more.
    final var origin: SocketAddress?
    /// Whom the person ignores, and those of them who were not asked for: see `Chat.goOnToIgnore`.
    final var ignored: Set<ChatName> = []
    final var followed: Set<ChatName> = []
    /// Who has last written to this person alone, whatever it is called by now: another may have taken its name.
    final weak var lastWriter: Person?
    /// When the person has last sent a line.
    final var lastHeard = ContinuousClock.now

    final weak var chat: Chat?

    init(_ number: Int, form: WireForm, of chat: Chat, server: ChatServer) {
        self.number = number
        self.form = form
        guestNumber = number
        name = .guest(number)
        self.chat = chat
        super.init(of: server)
    }

    /// The room to which goes what the person says; nil once it has left.
    public override var room: ChatServer.Room? { rooms.last }
    /// Whom a name is kept for: who comes from the same address.
    final var owner: String { origin?.description ?? "" }
    var isGuest: Bool { name == .guest(guestNumber) }

    /// Whether the person may give the operator's commands: it has logged in under the name of an operator.
    public var isOperator: Bool { isLoggedIn && chat?.authenticator?.isOperator(name) == true }

    /// Tells the person something, as a notice of the server: one line, without its newline.
    public func notify(_ line: String) {
        tell(.notice(String(madeVisible: line)))
    }

    // MARK: - Coming and going

    public func connectionDidOpen(_ connection: Connection) {
        origin = address(over: connection)?.withPort(0)
        opened(connection)
        guard let chat else { return connection.close() }
        begin(in: chat)
    }

    /// Comes to a chat.
    func begin(in chat: Chat) { chat.admit(self) }

    /// Takes the name that it comes with, under which the chat finds it from now on. Returns false if there is none to be had yet.
    func takeFirstName(in chat: Chat) -> Bool {
        // Nobody else can have a guest's name.
        (try? chat.claim(name, for: self, isGranted: true)) != nil
    }

    /// Takes part from now on.
    func begins(in chat: Chat) {
        enter(chat.lobby, telling: .last(chat.history), isFirst: true)
    }

    public func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        vanish(reason: Self.words(for: reason))
        closed(reason: reason)
    }

    /// Is nobody in any room any more: at once, or when all servers of the chat have it so.
    private func vanish(reason: String) {
        if let replica = chat?.replica { return replica.depart(self, reason: reason) }
        disappear(reason: reason)
    }

    /// Is nobody in any room from now on.
    final func disappear(reason: String) {
        replays = []
        chat?.irc?.didQuit(self, reason)
        for room in rooms { exit(room, reason: reason, .quit) }
        chat?.forget(self)
    }

    /// The chat is gone: what it was in, and was still to be told of, is to go as well.
    final func letGo() { (rooms, replays) = ([], []) }

    private static func words(for reason: CloseReason) -> String {
        switch reason {
        case .tooSlow, .outputOverflow, .memoryLimit: "too slow"
        case .shutdown: "shutdown"
        case .messageTooLong: "kicked"
        case .failed(.timedOut), .handshakeTimedOut, .idleTimedOut, .firstMessageTimedOut: "timed out"
        default: "closed"
        }
    }

    /// Leaves the chat at once, and closes the connection when what was sent by `tell` has left.
    func leave(farewell: String, reason: CloseReason = .requested) {
        vanish(reason: farewell)
        connection?.finish(reason: reason)
    }

    /// Has given the password of a name. Returns false if it cannot have the name.
    func didProve(_ name: ChatName, to chat: Chat) -> Bool { chat.logIn(self, as: name) }

    func loginWasRefused(_ refusal: LoginRefusal) { tell(.loginRefused(refusal.description)) }

    // MARK: - Hearing

    public func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        lastHeard = .now
        guard let chat else { return }
        chat.tally.receivedMessages &+= 1
        // It is for people: a program that says it has said a word like any other.
        if let quitWord = chat.quitWord, !form.isJSON, messages.firstIndex(of: quitWord) == 0 { return leave(farewell: "quit") }
        messages.withMessage(at: 0) { message in chat.withVisible(message) { line in hear(line, in: chat) } }
        didHear(over: connection)
    }

    /// Has somebody wait who has asked for much, or said much.
    final func didHear(over connection: Connection) {
        // A program that asks without reading the answers is heard again once it has read.
        if connection.pendingOutput > Self.replyLimit, !isPausedForReplies {
            isPausedForReplies = true
            connection.pauseReading()
        }
        for room in rooms { room.conversation?.holdBackIfFull(connection) }
        chat?.replica?.holdBackIfFull(connection)
    }

    private func hear(_ line: Span<UInt8>, in chat: Chat) {
        let slash = UInt8(ascii: "/")
        guard line.indices.contains(where: { line[$0] != UInt8(ascii: " ") && line[$0] != UInt8(ascii: "\t") }) else { return }
        let isText = line[0] != slash
        let rest = isText ? line : line.extracting(droppingFirst: 1)
        guard isText || rest.count > 0 && rest[0] == slash else { return run(String(rest)) }
        if login.isAwaited { return tellToLogIn() }
        if let authenticator = chat.authenticator, Self.isMistypedLogin(rest, to: authenticator) {
            return tellUnread("login")
        }
        if let name = Self.secretCommand(afterSpacesIn: line) { return tellUnread(name) }
        say(rest)
    }

    /// Whether a line is a login without its slash, or with something before it. The password would be everybody's.
    private static func isMistypedLogin(_ line: Span<UInt8>, to authenticator: any ChatAuthenticator) -> Bool {
        let start = line.indices.first { !isSpace(line[$0]) && line[$0] != UInt8(ascii: "/") } ?? line.count
        let word = "login"
        guard line.count - start > word.utf8.count else { return false }
        for (offset, byte) in word.utf8.enumerated() where line[start + offset] | 0x20 != byte { return false }
        guard isSpace(line[start + word.utf8.count]) else { return false }
        let (name, password) = String(line.extracting(droppingFirst: start)).splitAtSpace.rest.splitAtSpace
        guard !password.isEmpty, let name = try? ChatName(name) else { return false }
        return authenticator.isKnown(name)
    }

    /// The name of the command that a line would be without the spaces before its slash, if that has a password or a key, which would be
    /// everybody's. Any other such line is a text: people quote commands, and programs.
    private static func secretCommand(afterSpacesIn line: Span<UInt8>) -> String? {
        guard isSpace(line[0]), let start = line.indices.first(where: { !isSpace(line[$0]) }), line[start] == UInt8(ascii: "/")
        else {
            return nil
        }
        let (name, argument) = String(line.extracting(droppingFirst: start + 1)).splitAtSpace
        let count = argument.unicodeScalars.split(maxSplits: 3, whereSeparator: \.isSpace).count
        let lowercased = name.lowercased()
        switch lowercased {
        case "login", "join": return count >= 2 ? lowercased : nil
        case "resume": return count >= 4 ? lowercased : nil
        default: return nil
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    /// Tells that a line was not said, since it is a command of which the beginning is mistyped.
    private func tellUnread(_ command: String) {
        tell(.error("nobody has read that: \(command == "login" ? "to log in, " : "")begin the line with /\(command)"))
    }

    public func connectionDidDiscardMessage(_ connection: Connection) {
        guard let limit = server?.configuration.maximumMessageLength else { return }
        tell(.error("line too long: the limit is \(limit) bytes"))
        guard isOneTooManyLongLines() else { return }
        let farewell = encode(.error("goodbye: three lines were too long within a minute"))
        connection.finish(sending: farewell, reason: .messageTooLong)
    }

    public func connectionDidTimeOut(_ connection: Connection, reason: CloseReason) {
        connection.finish(sending: encode(.error(farewellAfterSilence)), reason: reason)
    }

    /// The room for whose ban the person has to keep its name; nil if it need not.
    final var roomThatKeepsName: ChatServer.Room? { rooms.first { $0.conversation?.keepsName(of: self) == true } }

    // MARK: - Speaking

    /// Says something to the room.
    func say(_ text: Span<UInt8>) {
        publish(.message, text)
    }

    final func publish(_ kind: Record.Kind, _ text: Span<UInt8>) {
        guard let chat, let room, let conversation = room.conversation else { return }
        if !chat.moderation.mutes.isEmpty, isToldToBeMuted { return }
        if chat.irc != nil, let refusal = conversation.refusalToSpeak(of: self) { return tell(.error(refusal)) }
        if text.isEmpty { return tell(.error("there is nothing to say")) }
        switch chat.judge(text, by: self, in: room) {
        case nil: break
        case .pass: didPublish(conversation.publish(kind, from: name.text, text, by: self), in: room)
        case .rewrite(let other):
            if other.isEmpty { return tell(.error("there is nothing to say")) }
            didPublish(conversation.publish(kind, from: name.text, String(madeVisible: other).utf8.span, by: self), in: room)
        case .refuse(let reason): tell(.error(String(madeVisible: reason)))
        }
    }

    /// Why the person may not speak in a room; nil if it may.
    final func refusalToSpeak(in conversation: Conversation) -> String? {
        chat?.mute(of: name)?.notice ?? conversation.refusalToSpeak(of: self)
    }

    /// What the person says in leaving rooms, if it may say that in each of them, as the hook has it. It leaves all the same: nothing, if not.
    final func partingWords(_ text: String, from rooms: [ChatServer.Room]) -> String {
        var words = text
        for room in rooms where !words.isEmpty {
            guard let chat, let conversation = room.conversation, refusalToSpeak(in: conversation) == nil else { return "" }
            switch chat.judge(words.utf8.span, by: self, in: room) {
            case .pass: break
            case .rewrite(let other): words = IRCClient.remark(other)
            case .refuse, nil: return ""
            }
        }
        return words
    }

    final func didPublish(_ publication: Conversation.Publication, in room: ChatServer.Room) {
        switch publication {
        case .tooLong: tell(.error("that is too long for this room"))
        case .submitted: break
        case .unplaced: tell(.error(ChatReplica.absence))
        case .placed(let sequence, let time):
            if form.isJSON { tell(.sent(room: room.name, sequence: sequence, time: time)) }
        }
    }

    /// Whether the person is muted, and so has been told so, and may not do what others would hear of.
    var isToldToBeMuted: Bool {
        guard let mute = chat?.mute(of: name) else { return false }
        tell(.error(mute.notice))
        return true
    }

    /// Encodes what the person is told.
    func encode(_ reply: Reply) -> [UInt8] { form.encode(reply) }

    final func tell(_ reply: Reply) {
        guard let connection else { return tellElsewhere(reply) }
        let bytes = encode(reply)
        if !bytes.isEmpty { connection.send(bytes.span) }
    }

    /// Tells it to one who has no connection here: to nobody, if it has been closed.
    func tellElsewhere(_ reply: Reply) {}

    /// Why nothing can be said to the person alone; nil if it can.
    var refusalToHear: String? {
        // One that is finishing is still there, but gets nothing more.
        guard let connection, !connection.isFinishing, !connection.hasFailedOutput else { return "\(name) has left" }
        // What is said privately waits for one alone, and must not make the server close it.
        return connection.pendingOutput > Self.privateMessageLimit ? "\(name) is not reading" : nil
    }

    // MARK: - Rooms

    /// Enters a room, and is sent some of its history, or goes to one that it is in already.
    func enter(_ room: ChatServer.Room, telling extent: Replay.Extent, isFirst: Bool = false) {
        guard let conversation = room.conversation, let chat else { return }
        // Those who were told that it has left another room may have had it leave altogether. Of several servers, all do the same with everybody.
        guard chat.replica != nil || connection?.isFinishing == false else {
            if conversation.online == 0 { chat.roomIsEmpty(room) }
            return
        }
        let isNew = !conversation.contains(self)
        rooms = rooms.filter { $0 !== room } + [room]
        if isNew { conversation.add(self) } else { conversation.unsubscribe(self) }
        // So may those who were told that it has come.
        guard conversation.contains(self) else { return }
        roomsDidChange()
        greet(room, isFirst: isFirst)
        if isFirst { for line in chat.messageOfTheDay { tell(.notice(line)) } }
        replay(extent, of: room)
    }

    func greet(_ room: ChatServer.Room, isFirst: Bool) {
        guard let conversation = room.conversation, let chat else { return }
        let records = conversation.records
        tell(
            .welcome(
                .init(
                    server: chat.name, name: name, room: room.name, topic: conversation.topicText, epoch: records.epoch,
                    sequence: records.nextSequence &- 1, online: conversation.online, isFirst: isFirst)))
    }

    /// Leaves a room.
    ///
    /// - Parameters:
    ///   - reason: What the others are told.
    ///   - departure: How those are told who have IRC clients.
    final func exit(_ room: ChatServer.Room, reason: String, _ departure: IRCDeparture = .part("")) {
        rooms = rooms.filter { $0 !== room }
        replays = replays.filter { $0.room !== room }
        if case .quit = departure { room.conversation?.unsubscribe(self) } else { stopHearing(room) }
        roomsDidChange()
        room.conversation?.remove(self, reason: reason, departure)
    }

    /// Is in one room more, or less.
    func roomsDidChange() {}

    /// Gets nothing any more that is said in a room.
    func stopHearing(_ room: ChatServer.Room) { room.conversation?.unsubscribe(self) }

    /// Leaves a room for the one that the person was in before, or for the lobby.
    func leave(_ room: ChatServer.Room, reason: String = "moved", _ departure: IRCDeparture = .part("")) {
        guard let chat else { return }
        if let replica = chat.replica, !replica.isApplying {
            replica.submit(.leave(room: room.name.text), of: self)
            return
        }
        let wasPresent = room === self.room
        exit(room, reason: reason, departure)
        // It would be back at once: there is no other room for it.
        if case .kick = departure, room === chat.lobby, self.room == nil { return leave(farewell: "kicked") }
        if let next = self.room {
            if wasPresent { greet(next, isFirst: false) }
        } else {
            enter(chat.lobby, telling: .last(chat.history))
        }
    }

    // MARK: - History

    /// Has the person sent a part of a room's history.
    ///
    /// - Parameters:
    ///   - precedesLive: Whether it is subscribed to the room at the end. If it is already, what is live comes in between.
    ///   - isAfterGap: Whether something is lost that was said before, nobody knows how much.
    func replay(_ extent: Replay.Extent, of room: ChatServer.Room, precedesLive: Bool = true, isAfterGap: Bool = false) {
        guard let connection,
            let replay = Replay(extent, of: room, precedesLive: precedesLive, isAfterGap: isAfterGap)
        else { return }
        replays = replays.filter { $0.room !== room || $0.precedesLive && !precedesLive } + [replay]
        if !isPausedForReplay {
            isPausedForReplay = true
            connection.pauseReading()
        }
        if connection.pendingOutput == 0 { continueReplay() }
    }

    public func connectionDidDrain(_ connection: Connection) {
        if isPausedForReplies {
            isPausedForReplies = false
            connection.resumeReading()
        }
        continueReplay()
    }

    private func continueReplay() {
        // One that is finishing is sent nothing more, and cannot be subscribed.
        guard let connection, !connection.isFinishing else { return }
        // Nor is one to which nothing can be sent: what it has said is heard, and then it is closed.
        while !replays.isEmpty, connection.pendingOutput == 0, !connection.hasFailedOutput {
            let (piece, isLast) = replays[0].next(for: self)
            if !piece.isEmpty { connection.send(piece.span) }
            if !isLast { return }
            let replay = replays.removeFirst()
            if !replay.precedesLive { continue }
            do throws(Errno) {
                try replay.room.conversation?.subscribe(self)
            } catch {
                server?.cannotOpen(replay.room.name, RoomLogError(ofRoom: replay.room.name, error))
                let farewell = encode(.error("goodbye: \(replay.room.name) cannot be entered: \(error)"))
                return connection.finish(sending: farewell, reason: .requested)
            }
        }
        if replays.isEmpty || connection.hasFailedOutput, isPausedForReplay {
            isPausedForReplay = false
            connection.resumeReading()
        }
    }

    /// Whether the person is in a room, and not subscribed to it yet.
    func isAwaitingLive(_ room: ChatServer.Room) -> Bool { replays.contains { $0.room === room && $0.precedesLive } }

    /// What is said goes to this room from now on, of those that the person is in.
    func prefer(_ room: ChatServer.Room) {
        rooms = rooms.filter { $0 !== room } + [room]
        greet(room, isFirst: false)
    }

    /// Gets JSON from now on, of what happens from now on.
    func switchToJSON() {
        guard !form.isJSON else { return tell(.notice("this is JSON already")) }
        let roomsAndLosses: [(room: ChatServer.Room, isWhole: Bool)]
        do throws(Errno) { roomsAndLosses = try changeForm(to: form.asJSON) } catch {
            return tell(.error("there is no JSON for now: \(error)"))
        }
        if login.isAwaited, let chat { tell(.loginNeeded(server: chat.name)) }
        for (room, isWhole) in roomsAndLosses {
            greet(room, isFirst: false)
            // A replay that is under way goes on in the new form.
            if !isAwaitingLive(room) { replay(.last(0), of: room, isAfterGap: !isWhole) }
        }
    }

    /// Gets another form from now on, and is subscribed to no room.
    ///
    /// - Returns: The rooms, and whether nothing is lost that was said there.
    /// - Throws: Why there can be no topic. Then nothing has changed.
    final func changeForm(to new: WireForm) throws(Errno) -> [(room: ChatServer.Room, isWhole: Bool)] {
        do throws(Errno) {
            for room in rooms { try room.conversation?.prepare(new) }
        } catch {
            for room in rooms { room.conversation?.discardIfUnused(new) }
            throw error
        }
        let roomsAndLosses = rooms.map { (room: $0, isWhole: $0.conversation?.unsubscribeWithoutLoss(self) ?? true) }
        form = new
        return roomsAndLosses
    }
}
