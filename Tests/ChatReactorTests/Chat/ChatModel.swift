@testable import ChatReactor

/// A chat in the simplest way: an array of everything that was ever said in a room, and a copy of each message for everybody who is to get
/// it.
///
/// It is told what a client has the server do, in the order in which the server does it, and what the server then publishes. It knows by
/// itself what that must be, and what each client must get.
final class ChatModel {
    struct Broken: Error {
        let what: String

        init(_ what: String) { self.what = what }
    }

    /// Something that has happened in a room.
    struct Entry {
        let sequence: UInt64
        let kind: ChatServer.Event.Kind
        let from: String
        let text: String
        let online: Int

        var isSaid: Bool { kind == .message || kind == .action }
        /// What it takes in a log.
        var size: Int { (36 + from.utf8.count + text.utf8.count + 7) / 8 * 8 }
    }

    final class Room {
        let name: String
        var entries: [Entry] = []
        var members: [Member] = []
        var topic = ""
        var topicSetter = ""
        /// Those who keep it in order, as IRC has it.
        var operators: Set<Int> = []
        /// Those who came and left, and are not announced yet.
        var untold = (joined: 0, left: 0)

        init(_ name: String) { self.name = name }

        /// What the server keeps of the room: how much of it was overwritten, a model that forgets nothing cannot know.
        var log: RecordLog?

        var lastSequence: UInt64 { UInt64(entries.count) }
        var firstSequence: UInt64 { log?.firstSequence ?? 1 }
        var epoch: UInt64 { log?.epoch ?? 0 }
    }

    /// What the server must publish next. Joins and leaves may be left out, and counted later.
    private struct Expectation {
        let room: Room
        let kind: ChatServer.Event.Kind
        let name: String
        let text: String
        let online: Int
        let actor: Member?
        /// What IRC clients get in its place.
        var original: Original?

        var mayBeLeftOut: Bool { kind == .join || kind == .leave }
    }

    var members: [Int: Member] = [:]
    private(set) var rooms: [String: Room] = [:]
    private var expected: [Expectation] = []
    /// What is told to somebody who has just entered a room.
    var pendingEntries: [() -> Void] = []
    /// Who has said the last.
    private var quitting: (number: Int, reason: String)?
    /// What the next thing said is.
    private var saidKind = ChatServer.Event.Kind.message
    /// What somebody with an IRC client is saying.
    var speech: Speech?
    let history: Int
    let ircServer: String
    private let isOpen: (Int) -> Bool
    private let isPresent: (Int, String) -> Bool
    private let log: (String) -> RecordLog?

    /// - Parameters:
    ///   - isOpen: Whether somebody's connection takes what is sent to it.
    ///   - isPresent: Whether somebody is in a room.
    ///   - log: The log of a room.
    init(
        history: Int, ircServer: String, isOpen: @escaping (Int) -> Bool, isPresent: @escaping (Int, String) -> Bool,
        log: @escaping (String) -> RecordLog?
    ) {
        self.history = history
        self.ircServer = ircServer
        self.isOpen = isOpen
        self.isPresent = isPresent
        self.log = log
        rooms["lobby"] = Room("lobby")
    }

    // MARK: - Names

    /// The names that are used, each with its others: they are the same.
    static let names = [
        ["ana", "Ana", "ANA"], ["bob", "Bob"], ["jos\u{E9}", "jose\u{301}", "JOS\u{C9}"], ["Straße", "STRASSE"],
        ["иван", "Иван"],
        ["tea", "Tea"], ["été", "ÉTÉ", "E\u{301}te\u{301}"], ["lobby", "Lobby"], ["dora"],
    ]

    /// What all forms of a name have in common. Scalars are compared, so that nothing but the table says what is the same.
    static func key(_ name: String) -> String {
        let same = names.first { $0.contains { $0.unicodeScalars.elementsEqual(name.unicodeScalars) } }
        return same?[0] ?? name
    }

    static func isName(_ text: String) -> Bool {
        text.hasPrefix("guest") || names.contains { $0.contains { $0.unicodeScalars.elementsEqual(text.unicodeScalars) } }
    }

    func member(named name: String) -> Member? {
        members.values.first { $0.isThere && $0.key == Self.key(name) }
    }

    // MARK: - What happens

    func arrive(_ number: Int, isJSON: Bool) throws {
        try endOfAction()
        let member = Member(number)
        member.isJSON = isJSON
        members[number] = member
        enter(member, rooms["lobby"]!, since: nil, isFirst: true)
    }

    /// The operator closes somebody's connection.
    func kick(_ number: Int) throws {
        try endOfAction()
        guard let member = members[number] else { return }
        if let irc = member.irc {
            irc.tellAside(
                Told(
                    .message(
                        from: ircServer, "NOTICE", [irc.isRegistered ? member.name : irc.wantedName ?? "*", "kicked: too loud"])))
            irc.tellAside(Told(.message(from: "", "ERROR", ["Closing link: kicked"])))
        } else {
            for room in member.rooms { member.abandonHistory(of: room) }
            member.reply(.error)
        }
        member.hasQuit = true
        vanish(number, reason: "kicked")
    }

    /// A connection is closed. What was sent to it may be lost.
    func close(_ number: Int, words: String) throws {
        try endOfAction()
        vanish(number, reason: words)
        members[number]?.isClosed = true
        try endOfAction()
    }

    /// A person is gone: by itself, or because its connection is closed.
    func vanish(_ number: Int, reason: String) {
        guard let member = members[number], !member.hasVanished else { return }
        if member.isThere { tellIRCOnce(.done(by: source(of: member), "QUIT", [reason]), about: member) }
        member.hasVanished = true
        member.irc?.end()
        for room in member.rooms { exit(member, room, reason: reason, .quit) }
    }

    /// At the end of whatever has been done: what had to be published has been.
    func endOfAction() throws {
        while let next = expected.first {
            guard next.mayBeLeftOut else { throw Broken("\(next.name)'s \(next.kind) in \(next.room.name) is not published") }
            if next.kind == .join { next.room.untold.joined += 1 } else { next.room.untold.left += 1 }
            expected.removeFirst()
        }
        saidKind = .message
        let entries = pendingEntries
        pendingEntries = []
        for enter in entries { enter() }
        if let quitting { vanish(quitting.number, reason: quitting.reason) }
        quitting = nil
    }

    func didPublish(_ kind: ChatServer.Event.Kind, in name: String, by number: Int?, name from: String, text: String, online: Int)
        throws
    {
        if kind == .leave, let number, members[number]?.hasVanished == false,
            // What is expected of another room may be left out there.
            !expected.contains(where: { $0.kind == .leave && $0.actor?.number == number && $0.room.name == name })
        {
            try endOfAction()
            vanish(number, reason: text)
        }
        if kind == .notice {
            try endOfAction()
            guard let room = rooms[Self.key(name)] else { throw Broken("a notice in \(name), where nobody is") }
            // Who has left in a crowd is only counted, and its connection may not be closed yet.
            for member in room.members where !isPresent(member.number, name) { vanish(member.number, reason: "") }
            try endOfAction()
            let counts = [(room.untold.joined, "joined"), (room.untold.left, "left")].filter { $0.0 > 0 }.map {
                "\($0.0) \($0.1)"
            }
            let notice = "\(counts.joined(separator: ", ")) (\(room.members.count) online)"
            if text != notice { throw Broken("'\(text)' in \(name), and not '\(notice)'") }
            room.untold = (0, 0)
            expected.append(Expectation(room: room, kind: .notice, name: "", text: notice, online: 0, actor: nil))
        }
        while let next = expected.first, next.mayBeLeftOut,
            next.kind != kind || next.actor?.number != number || next.room.name != name
        {
            if next.kind == .join { next.room.untold.joined += 1 } else { next.room.untold.left += 1 }
            expected.removeFirst()
        }
        guard let next = expected.first else { throw Broken("\(from)'s \(kind) '\(text)' in \(name) comes unexpected") }
        expected.removeFirst()
        let isRight =
            next.kind == kind && next.room.name == name && next.actor?.number == number && next.name == from && next.text == text
            && next.online == online
        if !isRight {
            throw Broken(
                "\(from)'s \(kind) '\(text)' in \(name), \(online) online; it should be \(next.name)'s \(next.kind) '\(next.text)' in "
                    + "\(next.room.name), \(next.online) online")
        }
        let entry = Entry(sequence: next.room.lastSequence + 1, kind: kind, from: from, text: text, online: online)
        next.room.entries.append(entry)
        for member in next.room.members where member !== next.actor && !(entry.isSaid && member.ignored.contains(Self.key(from)))
        {
            if let irc = member.irc {
                if let told = told(entry, in: next.room, by: next.actor, next.original) { irc.hear(told, in: next.room) }
            } else {
                member.hear(entry, in: next.room)
            }
        }
    }

    func expect(
        _ kind: ChatServer.Event.Kind, _ text: String, in room: Room, by member: Member, online: Int = 0,
        _ original: Original? = nil
    ) {
        expected.append(
            Expectation(room: room, kind: kind, name: member.name, text: text, online: online, actor: member, original: original))
    }

    // MARK: - Speaking

    /// A person is about to say something in a room.
    func say(_ number: Int, in roomName: String, _ text: String) throws {
        let kind = saidKind
        if kind == .message { try endOfAction() }
        saidKind = .message
        if members[number]?.irc != nil { return try sayByIRC(in: roomName, text) }
        guard let member = members[number], let room = member.rooms.last else { throw Broken("somebody speaks who is nowhere") }
        if room.name != roomName { throw Broken("\(member.name) speaks in \(roomName), and not in \(room.name)") }
        expect(kind, text, in: room, by: member)
        if member.isJSON { member.reply(.sent(room: room.name, sequence: room.lastSequence + 1)) }
    }

    /// A person gives a command.
    func command(_ number: Int, _ name: String, _ argument: String) throws {
        try endOfAction()
        guard let member = members[number] else { throw Broken("somebody gives a command who is not there") }
        switch name {
        case "nick": rename(member, argument)
        case "me": if argument.isEmpty { member.reply(.error) } else { saidKind = .action }
        case "msg": sayPrivately(member, argument)
        case "reply":
            if argument.isEmpty { return member.reply(.error) }
            guard let other = member.lastWriter, !other.hasVanished else { return member.reply(.error) }
            sayPrivately(member, argument, to: other)
        case "who":
            let room = argument.isEmpty ? member.rooms.last : rooms[Self.key(Self.withoutSign(argument))]
            member.reply(room.map { .who(room: $0.name, names: $0.members.map(\.name)) } ?? .error)
        case "rooms":
            // A line of text for each, and one object for all.
            for _ in 0..<(member.isJSON ? 1 : rooms.count) {
                member.reply(.rooms(rooms.values.map { ($0.name, $0.members.count) }))
            }
        case "join": join(member, argument)
        case "leave": leaveRoom(member)
        case "topic": changeTopic(member, argument)
        case "history":
            guard let count = Int(argument), count > 0, let room = member.rooms.last else { return member.reply(.error) }
            member.reply(.notice("history of "))
            var replay = last(count, of: room, for: member)
            replay.alwaysEnds = true
            member.replay(replay, of: room)
        case "resume": resume(member, argument)
        case "ignore":
            guard Self.isName(argument), Self.key(argument) != member.key else { return member.reply(.error) }
            member.ignored.insert(Self.key(argument))
            member.reply(.notice("you ignore"))
        case "unignore":
            guard Self.isName(argument), member.ignored.remove(Self.key(argument)) != nil else { return member.reply(.error) }
            member.reply(.notice("any more"))
        case "ping": member.reply(.pong)
        case "json":
            if member.isJSON { return member.reply(.notice("JSON")) }
            member.isJSON = true
            member.allowUnknownGaps(member.rooms.count)
            for room in member.rooms { member.close(room) }
            for room in member.rooms {
                greet(member, room, isFirst: false)
                member.open(room, Replay([], in: room, after: room.lastSequence))
            }
        case "quit":
            member.hasQuit = true
            quitting = (number, argument.isEmpty ? "quit" : "quit: \(argument)")
        default: throw Broken("the model does not know /\(name)")
        }
    }

    private func rename(_ member: Member, _ name: String) {
        guard Self.isName(name), !name.hasPrefix("guest") else { return member.reply(.error) }
        if name == member.name { return member.reply(.error) }
        if let other = self.member(named: name), other !== member { return member.reply(.error) }
        takeName(member, name)
        member.reply(.notice("you are now \(name)"))
    }

    func takeName(_ member: Member, _ name: String) {
        for other in members.values where other.ignored.contains(member.key) { other.goOnToIgnore(Self.key(name)) }
        tellIRCOnce(.done(by: source(of: member), "NICK", [name]), about: member)
        for room in member.rooms { expect(.rename, name, in: room, by: member) }
        member.name = name
    }

    private func sayPrivately(_ member: Member, _ argument: String) {
        let name = String(argument.prefix { $0 != " " })
        let text = String(argument.dropFirst(name.count).drop { $0 == " " })
        guard !text.isEmpty, let other = self.member(named: name) else { return member.reply(.error) }
        sayPrivately(member, text, to: other)
    }

    private func sayPrivately(_ member: Member, _ text: String, to other: Member) {
        if !isOpen(other.number) { return member.reply(.error) }
        hearPrivately(other, from: member, text)
        member.reply(.saidPrivately(to: other.name, text))
    }

    /// - Parameter told: How IRC clients get it.
    func hearPrivately(_ other: Member, from member: Member, _ text: String?, told: Told? = nil) {
        if other.ignored.contains(member.key) { return }
        if let irc = other.irc {
            irc.tellAside(
                told ?? .done(by: source(of: member), "PRIVMSG", [other.name, text ?? ""], id: .any))
        } else if let text {
            other.hearPrivately(from: member.name, to: other.name, text)
        }
        other.lastWriter = member
    }

    /// Whether others can write to somebody.
    func canBeWrittenTo(_ member: Member) -> Bool { isOpen(member.number) }

    // MARK: - Rooms

    static func withoutSign(_ name: String) -> String { name.hasPrefix("#") ? String(name.dropFirst()) : name }

    private func greet(_ member: Member, _ room: Room, isFirst: Bool) {
        member.reply(
            .welcome(
                room: room.name, name: member.name, online: room.members.count, sequence: room.lastSequence, epoch: room.epoch,
                isFirst: isFirst))
        if !room.topic.isEmpty, !member.isJSON { member.reply(.notice("the topic is: \(room.topic)")) }
    }

    func lastSaid(_ count: Int, in room: Room) -> ArraySlice<Entry> {
        room.entries.drop { $0.sequence < room.firstSequence }.filter(\.isSaid).suffix(count)
    }

    private func last(_ count: Int, of room: Room, for member: Member) -> Replay {
        let said = lastSaid(count, in: room)
        let heard = said.filter { !member.ignored.contains(Self.key($0.from)) }
        var replay = Replay(heard, in: room, after: (said.first?.sequence ?? room.lastSequence + 1) - 1)
        replay.isFiltered = heard.count < said.count
        return replay
    }

    func enter(_ member: Member, _ room: Room, since place: (epoch: UInt64, sequence: UInt64)? = nil, isFirst: Bool = false) {
        if room.members.contains(where: { $0 === member }) {
            member.close(room)
        } else {
            if room.members.isEmpty, room.name != "lobby" { room.operators = [member.number] }
            room.members.append(member)
            tellIRC(.done(by: source(of: member), "JOIN", ["#\(room.name)"]), in: room, except: member)
            expect(.join, "", in: room, by: member, online: room.members.count)
        }
        member.rooms = member.rooms.filter { $0 !== room } + [room]
        // What is replayed depends on whether the join has been published, and is in the log.
        pendingEntries.append { [unowned self] in
            room.log = log(room.name)
            if let irc = member.irc { return answerJoin(irc, member, room) }
            greet(member, room, isFirst: isFirst)
            guard let place else { return member.open(room, last(history, of: room, for: member)) }
            let isKnown = place.epoch == room.epoch && place.sequence <= room.lastSequence
            let start = isKnown ? place.sequence : room.firstSequence - 1
            let missed = room.entries.filter { $0.sequence > start && !($0.isSaid && member.ignored.contains(Self.key($0.from))) }
            var replay = Replay(missed, in: room, after: start, beginsWithGap: !isKnown)
            replay.isFiltered = UInt64(missed.count) < room.lastSequence - start
            replay.alwaysEnds = true
            member.open(room, replay)
        }
    }

    func exit(_ member: Member, _ room: Room, reason: String, _ departure: Departure = .part(nil)) {
        room.members = room.members.filter { $0 !== member }
        room.operators.remove(member.number)
        member.rooms = member.rooms.filter { $0 !== room }
        member.close(room)
        tellIRC(departure, of: member, from: room)
        expect(.leave, reason, in: room, by: member, online: room.members.count)
        if room.members.isEmpty, room.name != "lobby" { rooms[Self.key(room.name)] = nil }
    }

    func openRoom(_ name: String) -> Room {
        let room = rooms[Self.key(name)] ?? Room(name)
        rooms[Self.key(name)] = room
        return room
    }

    private func move(_ member: Member, to name: String, since place: (epoch: UInt64, sequence: UInt64)?) {
        // It is made before the present one is left, in case that there are too many.
        let room = openRoom(name)
        if !member.isJSON, let present = member.rooms.last { exit(member, present, reason: "moved") }
        enter(member, room, since: place)
    }

    private func join(_ member: Member, _ argument: String) {
        let name = Self.withoutSign(argument)
        guard Self.isName(name) else { return member.reply(.error) }
        if let room = rooms[Self.key(name)], member.rooms.contains(where: { $0 === room }) {
            if room === member.rooms.last { return member.reply(.error) }
            member.rooms = member.rooms.filter { $0 !== room } + [room]
            return greet(member, room, isFirst: false)
        }
        move(member, to: name, since: nil)
    }

    private func leaveRoom(_ member: Member) {
        guard let room = member.rooms.last, room.name != "lobby" else { return member.reply(.error) }
        leave(member, room, reason: "moved")
    }

    /// Leaves a room for the one that it was in before, or for the lobby.
    func leave(_ member: Member, _ room: Room, reason: String, _ departure: Departure = .part(nil)) {
        let wasPresent = room === member.rooms.last
        exit(member, room, reason: reason, departure)
        if let next = member.rooms.last {
            if wasPresent { greet(member, next, isFirst: false) }
        } else {
            enter(member, rooms["lobby"]!, since: nil)
        }
    }

    private func resume(_ member: Member, _ argument: String) {
        let words = argument.split(separator: " ").map(String.init)
        guard words.count == 3, let epoch = UInt64(words[1]), let sequence = UInt64(words[2]), Self.isName(words[0]) else {
            return member.reply(.error)
        }
        if let room = rooms[Self.key(words[0])], member.rooms.contains(where: { $0 === room }) {
            enter(member, room, since: (epoch, sequence))
        } else {
            move(member, to: words[0], since: (epoch, sequence))
        }
    }

    private func changeTopic(_ member: Member, _ text: String) {
        guard let room = member.rooms.last else { return }
        if text.isEmpty { return member.reply(.notice(room.topic.isEmpty ? "has no topic" : "the topic is: \(room.topic)")) }
        if text == "-", room.topic.isEmpty { return member.reply(.notice("has no topic")) }
        room.topic = text == "-" ? "" : text
        room.topicSetter = member.name
        expect(.topic, room.topic, in: room, by: member)
        if member.isJSON { member.reply(.sent(room: room.name, sequence: room.lastSequence + 1)) }
        member.reply(.notice(room.topic.isEmpty ? "the topic is removed" : "the topic is: \(room.topic)"))
    }
}
