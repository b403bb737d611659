import ChatReactorText
import Reactor

/// What a chat is to those who come with IRC clients: a network of one server, whose channels are the rooms.
///
/// It tells them what the others are told in another way: each who comes and goes by itself, and who leaves or is renamed once, in however many
/// rooms they meet.
final class IRCNetwork {
    unowned let chat: Chat
    /// What the server calls itself. It has a point in it, by which clients tell it from people.
    let serverName: String
    let started = Timestamp.now
    let pingInterval: Duration?
    /// How long somebody may take to say who it is.
    var registrationTime = Duration.seconds(60)
    let version: String
    /// Tests watch what is done by replacing it.
    var commands = IRCCommand.table
    private let cloak: HostCloak
    /// The hosts of people, by their numbers, each made when it is first shown.
    private var hosts: [Int: String] = [:]
    private(set) var past = PastNames()
    private var watchers: [ChatName: [Int: IRCClient]] = [:]
    /// Those who have not said yet who they are, by their numbers.
    var newcomers: [Int: IRCClient] = [:]
    /// How many people there have been at most at a time when one came with an IRC client.
    private(set) var highestCount = 0
    private var privateMessageCount = 0
    var readMarkers = ReadMarkers()

    init(of chat: Chat, _ configuration: ChatServer.IRCConfiguration) {
        self.chat = chat
        serverName = Self.serverName(for: configuration.serverName ?? chat.name.lowercased())
        cloak = HostCloak(key: configuration.cloakKey)
        pingInterval = configuration.pingInterval
        version = configuration.version.split { !$0.isASCII || !$0.isLetter && !$0.isNumber && $0 != "." }.joined(separator: "-")
    }

    /// A server's name, as a host may be called: nothing in it ends it within a message.
    private static func serverName(for name: String) -> String {
        let letters = name.unicodeScalars.map { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == ".") ? scalar : "-"
        }
        let host = String(String.UnicodeScalarView(letters)).split(separator: "-").joined(separator: "-").prefix(50)
        return host.contains(".") ? String(host) : "\(host.isEmpty ? "chat" : host).irc"
    }

    // MARK: - Who people are

    /// The one who does something, as messages name it: `ana!ana@host`.
    func source(of person: Person) -> String { "\(person.name)!\(user(of: person))@\(host(of: person))" }

    func user(of person: Person) -> String { (person as? IRCClient)?.user ?? Self.user(for: person.name.text) }

    /// Names are longer than user names may be.
    static func user(for name: String) -> String { IRCClient.cut(name, atMost: IRCClient.userLimit) }

    func host(of person: Person) -> String {
        if let host = hosts[person.number] { return host }
        guard let origin = person.origin else { return serverName }
        let host = cloak.host(of: origin)
        // Of one that has left, nobody would take it out any more.
        if person.connection?.isFinishing == false { hosts[person.number] = host }
        return host
    }

    /// The name that a person has logged in under.
    func account(of person: Person) -> String? { person.isLoggedIn ? person.name.text : nil }

    /// An identifier for what is in no history.
    func makeID() -> String {
        privateMessageCount &+= 1
        return "p\(String(UInt64(bitPattern: started), radix: 36))-\(privateMessageCount)"
    }

    /// The identifier of a record, which is the same after a restart.
    static func id(epoch: UInt64, sequence: UInt64) -> String { "\(String(epoch, radix: 36))-\(sequence)" }

    func didCount(_ online: Int) { highestCount = max(highestCount, online) }

    /// A message about what somebody does.
    func line(
        by person: Person, _ command: String, _ parameters: [String] = [], text: [UInt8]? = nil, at time: Int64 = Timestamp.now
    ) -> IRCLine {
        var line = IRCLine(source(of: person), command, parameters, text: text)
        (line.time, line.account) = (time, account(of: person))
        return line
    }

    // MARK: - What is said

    /// The message for a record that has just been made; nil for those of which clients of IRC hear otherwise.
    func line(
        for record: borrowing Record, in conversation: Conversation, by person: Person?, asSent original: IRCOriginal?
    ) -> IRCLine? {
        let source = person.map { self.source(of: $0) }
        return line(for: record, in: conversation, from: source, account: person.flatMap(account), asSent: original)
    }

    /// The message for a record that may be long past.
    ///
    /// - Parameter source: Who has done it; nil if only the name is known.
    func line(
        for record: borrowing Record, in conversation: Conversation, from source: String?, account: String? = nil,
        asSent original: IRCOriginal? = nil
    ) -> IRCLine? {
        let (kind, sequence, time) = (record.kind, record.sequence, record.time)
        if kind == .join || kind == .leave || kind == .rename { return nil }
        let text = original?.text ?? record.withContent { Array(span: $1) }
        let source = source ?? self.source(named: record.from, kind)
        let isNotice = kind == .notice || original?.isNotice == true
        let command = kind == .topic ? "TOPIC" : isNotice ? "NOTICE" : "PRIVMSG"
        var line = IRCLine(source, command, ["#\(conversation.name)"], text: text)
        if kind == .action { line.envelope = ("\u{1}ACTION ", "\u{1}") }
        line.time = time
        line.id = Self.id(epoch: conversation.records.epoch, sequence: sequence)
        line.account = account
        line.clientTags = original?.clientTags ?? []
        line.breaks = original?.breaks ?? []
        return line
    }

    /// Who has done something of whom only the name is known: the server, or somebody who may be gone.
    private func source(named name: String, _ kind: Record.Kind) -> String {
        if kind == .notice || name == ChatName.server.text { return serverName }
        return "\(name)!\(Self.user(for: name))@\(serverName)"
    }

    // MARK: - Who comes and goes

    func didJoin(_ person: Person, _ conversation: Conversation) {
        let time = Timestamp.now
        conversation.publishToIRC(from: person.connection) { parts in
            joinLine(of: person, to: conversation.name, with: parts, at: time)
        }
        guard let message = (person as? IRCClient)?.away else { return }
        let line = line(by: person, "AWAY", text: Array(message.utf8), at: time)
        for case let client as IRCClient in conversation.people
        where client !== person && client.capabilities.contains(.awayNotify) {
            tell(client, line)
        }
    }

    func joinLine(of person: Person, to room: ChatName, with parts: IRCForm.Parts, at time: Int64) -> IRCLine {
        var line = line(by: person, "JOIN", ["#\(room)"], at: time)
        if parts.contains(.extendedJoin) {
            line.parameters.append(line.account ?? "*")
            line.text = Array(realName(of: person).utf8)
        }
        return line
    }

    func realName(of person: Person) -> String { (person as? IRCClient)?.realName ?? person.name.text }

    func didLeave(_ person: Person, _ conversation: Conversation, _ departure: IRCDeparture) {
        let line: IRCLine
        switch departure {
        case .quit: return
        case .part(let reason):
            let text = reason.isEmpty ? nil : Array(reason.utf8)
            line = self.line(by: person, "PART", ["#\(conversation.name)"], text: text)
        case .kick(let kicker, let reason):
            line = self.line(by: kicker, "KICK", ["#\(conversation.name)", person.name.text], text: Array(reason.utf8))
        }
        var kicker: IRCClient?
        if case .kick(let client, _) = departure, client !== person { kicker = client }
        conversation.publishToIRC(from: kicker?.connection) { _ in line }
        // It is the answer to what that one has sent.
        kicker?.send(line)
        // It is in the room no more.
        (person as? IRCClient)?.send(line)
    }

    func didQuit(_ person: Person, _ reason: String) {
        guard chat.person(named: person.name) === person, !person.login.isAwaited,
            (person as? IRCClient)?.isRegistered != false
        else { return }
        past.add(.init(name: person.name, user: user(of: person), host: host(of: person), realName: realName(of: person)))
        publishOnce(line(by: person, "QUIT", text: Array(reason.utf8)), by: person)
        tellWatchers(of: person.name, isOnline: false)
    }

    func didRename(_ person: Person, from old: ChatName) {
        let oldUser = (person as? IRCClient)?.user ?? Self.user(for: old.text)
        var line = IRCLine("\(old)!\(oldUser)@\(host(of: person))", "NICK", text: Array(person.name.text.utf8))
        line.time = Timestamp.now
        line.account = account(of: person)
        publishOnce(line, by: person)
        if let client = person as? IRCClient, client.isRegistered {
            // It may not have asked for it: then it has not been told yet.
            client.tellWhatWasBefore()
            client.send(line)
            client.connection?.giveOwnOutputItsTurn()
        }
        // Who has not come in yet was nobody under the name before, and is told of when it has.
        if old == person.name || person.login.isAwaited || !isHere(person) { return }
        past.add(.init(name: old, user: oldUser, host: host(of: person), realName: realName(of: person)))
        tellWatchers(of: old, isOnline: false)
        tellWatchers(of: person.name, isOnline: true)
    }

    private func isHere(_ person: Person) -> Bool { (person as? IRCClient)?.isRegistered ?? !person.rooms.isEmpty }

    /// Tells those who meet a person under which name it has logged in, or that it has not any more.
    func didChangeAccount(of person: Person) {
        let line = line(by: person, "ACCOUNT", [account(of: person) ?? "*"])
        for peer in peers(of: person, who: .accountNotify) { tell(peer, line) }
    }

    /// Tells everybody who is in a room with a person something about it, each once, and in its order with what each was told before of any room.
    ///
    /// - Complexity: O(*n*) for *n* IRC clients in the rooms that are in several.
    func publishOnce(_ line: IRCLine, by person: Person) {
        let rooms = person.rooms
        var those: [Int: IRCClient] = [:]
        // One room's topic may be behind another's. What is about a person in all rooms would be told before that it has left one of them, as whom it
        // was then called, or after that somebody else has come who has its name now.
        for room in rooms { those.merge(room.conversation?.clientsOfSeveralRooms ?? [:]) { one, _ in one } }
        those[person.number] = nil
        for client in those.values { tell(client, line) }
        let told = those.values.compactMap(\.connection)
        for room in rooms { room.conversation?.publishToIRC(from: person.connection, except: told) { _ in line } }
    }

    /// Tells one client alone something about a person, after what it was told of it in any room: it may have left one since. What it is told of
    /// it in any room from now on comes after that.
    func tell(_ client: IRCClient, _ line: IRCLine) {
        for room in client.rooms { room.conversation?.sendWhatLacks(to: client) }
        client.sendAside(line)
        // It may have been the turn of a room.
        client.connection?.giveOwnOutputItsTurn()
    }

    /// Those who are in a room with a person, and whose clients want to know something.
    func peers(of person: Person, who want: IRCCapabilities) -> [IRCClient] {
        var found: [Int: IRCClient] = [:]
        for room in person.rooms {
            for case let client as IRCClient in room.conversation?.people ?? []
            where client !== person && client.capabilities.contains(want) {
                found[client.number] = client
            }
        }
        return Array(found.values)
    }

    func forget(_ person: Person) {
        hosts[person.number] = nil
        guard let client = person as? IRCClient else { return }
        client.isNewcomer = false
        for name in client.watched { stopWatching(name, by: client) }
    }

    // MARK: - Who watches whom

    func watch(_ name: ChatName, by client: IRCClient) { watchers[name, default: [:]][client.number] = client }

    func stopWatching(_ name: ChatName, by client: IRCClient) {
        watchers[name]?[client.number] = nil
        if watchers[name]?.isEmpty == true { watchers[name] = nil }
    }

    func tellWatchers(of name: ChatName, isOnline: Bool) {
        for client in (watchers[name] ?? [:]).values { client.tellWatched([name], isOnline: isOnline) }
    }
}

/// Who was there lately, for `WHOWAS`.
struct PastNames {
    private static let limit = 1_000

    struct Entry {
        let name: ChatName
        let user: String
        let host: String
        let realName: String
        var time = Timestamp.now
    }

    /// Oldest first.
    private var entries: [Entry] = []

    mutating func add(_ entry: Entry) {
        // Half at a time, so that not each has all others moved.
        if entries.count >= Self.limit { entries.removeFirst(Self.limit / 2) }
        entries.append(entry)
    }

    /// Newest first.
    ///
    /// - Complexity: O(*n*) for all that are kept.
    func entries(matching mask: IRCMask) -> [Entry] { entries.reversed().filter { mask.matches($0.name.text) } }
}

extension [UInt8] {
    init(span: Span<UInt8>) {
        self = []
        append(span)
    }
}
