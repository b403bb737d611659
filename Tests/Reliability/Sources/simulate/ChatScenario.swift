import ChatReactor
import Glibc
import Reactor
import SimulatedKernel

/// Plays a plan of a chat: a server and people on the simulated kernel, beside an oracle that knows what each of them is to be told.
///
/// Of the server it uses what an embedder may use. What happens in the rooms it hears as an observer; whether that is right, and whether it reaches
/// everybody, it sees by what the peers have sent and been sent.
final class ChatScenario: Stage, ChatServerObserver {
    let plan: ChatPlan
    let loop: EventLoop
    private(set) var server: ChatServer?
    private(set) var operators: OperatorCommands?
    var members: [ChatMember] = []
    /// The rooms that there are.
    var histories: [String: ChatRoomHistory] = [:]
    /// Those that are gone.
    private var closedRooms: [WeakRoom] = []
    var random = SeededGenerator(seed: 0)
    var counts = ScenarioCounts()
    var unseenProgress: UInt64 = 0
    /// Whether peers write and read while time passes.
    private var isWaiting = false
    private(set) var isTraced = false
    var isLoopClosed = false
    var isShutdownAnnounced = false
    var isShuttingDown = false
    var hasShutDown = false
    var hasBans = false
    var finding: Finding?

    var peerCount: Int { members.count }
    static let port: UInt16 = 7
    static let ircPort: UInt16 = 8
    static let webPort: UInt16 = 9

    private struct WeakRoom {
        weak var room: ChatServer.Room?
        let name: String
    }

    /// Plays a plan, and adds what it went through to `counts`. The result is a hash of all system calls.
    static func play(_ plan: ChatPlan, isTraced: Bool, counts: inout ScenarioCounts) throws(Finding) -> UInt64 {
        try playOnKernel(plan.setting.faults, seed: plan.seed, isTraced: isTraced) {
            weak var leakedLoop: EventLoop?
            weak var leakedServer: ChatServer?
            weak var leakedChat: Chat?
            var people: [ChatMember] = []
            var rooms: [WeakRoom] = []
            do {
                let scenario = try ChatScenario(plan)
                leakedLoop = scenario.loop
                leakedServer = scenario.server
                leakedChat = scenario.server?.chat
                do {
                    try scenario.play(isTraced: isTraced)
                } catch {
                    // Nothing of this scenario may be alive in the next one.
                    scenario.isLoopClosed = true
                    scenario.loop.close()
                    scenario.letGo()
                    throw error
                }
                people = scenario.members
                rooms = scenario.closedRooms + scenario.histories.values.map { WeakRoom(room: $0.room, name: $0.name) }
                scenario.letGo()
                counts.add(scenario.counts)
                counts.addKernel()
            }
            if leakedServer != nil || leakedChat != nil { throw Finding("the server outlives all that used it") }
            if people.contains(where: { $0.person != nil }) { throw Finding("a person outlives its connection") }
            if let room = rooms.first(where: { $0.room != nil }) { throw Finding("a room outlives the server", room.name) }
            if leakedLoop != nil { throw Finding("the loop outlives its close") }
        }
    }

    private init(_ plan: ChatPlan) throws {
        self.plan = plan
        loop = try EventLoop(configuration: plan.setting.loop)
        let server = try ChatServer(on: loop, configuration: plan.setting.server)
        self.server = server
        guard let chat = server.chat else { throw Finding("a chat server has no chat") }
        open(server.room)
        server.addObserver(self)
        chat.addCommand(
            .init("mark", help: "Answer with a number.") { [weak self] person, mark in self?.hear(mark, from: person) })
        chat.onAdmission { [unowned self] person in admission(of: person) }
        if plan.setting.isModerated {
            chat.onSay { _, _, text in
                if text.contains("spam") { return .refuse("not here") }
                return text.contains("wine") ? .rewrite(ChatScenario.rewritten(text)) : .pass
            }
        }
        operators = OperatorCommands(for: chat) { [unowned self] in shutDown() }
        try server.listen(on: .loopback(port: Self.port))
        var irc = ChatServer.IRCConfiguration()
        irc.cloakKey = Array("what is random is of the seed".utf8)
        irc.pingInterval = nil
        try server.listenForIRC(on: .loopback(port: Self.ircPort), irc)
        var web = ChatServer.WebConfiguration()
        web.pingInterval = plan.setting.pingInterval
        try server.listenForWeb(on: .loopback(port: Self.webPort), web)
    }

    private func letGo() {
        server?.removeObserver(self)
        server = nil
        operators = nil
        histories = [:]
        closedRooms = []
        members = []
    }

    private func play(isTraced: Bool) throws {
        self.isTraced = isTraced
        for step in plan.steps {
            counts[.steps] += 1
            if isTraced { print("  \(step)") }
            random = SeededGenerator(seed: step.seed)
            kernel_seed(step.seed)
            try perform(step.action)
            if let turns = step.turns {
                for _ in 0..<turns {
                    _ = pump()
                    try turn(waitingAtMost: .zero)
                }
            } else {
                try rest()
            }
        }
        if isTraced { print("  the end") }
        try end()
        counts[.scenarios] += 1
    }

    func member(_ number: Int) -> ChatMember? { members.first { $0.number == number } }

    // MARK: - Time

    /// Peers write what they have to, and those read that do. Returns whether anything has moved.
    func pump() -> Bool {
        var hasMoved = false
        for member in members where member.pump() { hasMoved = true }
        return hasMoved
    }

    /// Turns until neither the loop nor a peer has anything to do.
    func rest() throws {
        for _ in 0..<100_000 {
            let hasMoved = pump()
            try settle()
            if !hasMoved { return }
        }
        throw Finding("the peers do not come to rest")
    }

    func pass(_ milliseconds: Int) throws {
        isWaiting = true
        defer { isWaiting = false }
        _ = pump()
        try wait(milliseconds)
    }

    func checkTurn(startedAt start: Int64) throws {
        counts[.turns] += 1
        noting { () throws(Finding) in
            try lookAround()
            for member in members {
                if let owed = member.connection?.pendingOutput, owed > 8_192 { member.web?.mayLackPongs = true }
                try member.reader.read(in: self)
            }
        }
        for member in members where member.reason != nil && !world_is_closed(member.stream) {
            throw Finding("a connection is closed, and its descriptor is not")
        }
        if isWaiting { _ = pump() }
        try throwFinding()
    }

    // MARK: - What the server does

    func server(_ server: ChatServer, didAccept client: ChatServer.Client) {
        counts[.connections] += 1
        // Whoever comes by WebSocket is a client later than it is accepted.
        _ = client.connection?.remoteAddress
        let stream = world_named()
        guard let person = client as? Person, let member = members.first(where: { $0.stream == stream }) else {
            return record(Finding("somebody is accepted who has not called"))
        }
        if member.isAccepted { record(Finding("somebody is accepted twice")) }
        member.person = person
        member.connection = person.connection
        member.isAccepted = true
        member.isToHearOfShutdown = isShutdownAnnounced
        // Somebody with an IRC client is nobody yet.
        if member.irc == nil { member.names.insert(ChatMember.key(person.name.text)) }
    }

    func server(_ server: ChatServer, didOpen room: ChatServer.Room) {
        if histories[room.name.text.lowercased()] != nil { record(Finding("a room is opened that is there")) }
        open(room)
    }

    private func open(_ room: ChatServer.Room) {
        let name = room.name.text
        histories[ChatMember.key(name)] = ChatRoomHistory(name, room, capacity: plan.setting.recordCapacity(of: name))
    }

    func server(_ server: ChatServer, didPublish event: ChatServer.Event) {
        unseenProgress += 1
        counts[.chatRecords] += 1
        noting { () throws(Finding) in try note(event) }
    }

    private func member(of person: Person?) -> ChatMember? {
        person.flatMap { person in members.first { $0.person === person } }
    }

    private func note(_ event: ChatServer.Event) throws(Finding) {
        try lookAround()
        guard let history = histories[ChatMember.key(event.room.name.text)], history.room === event.room else {
            throw Finding("something happens in a room that is not there", event.description)
        }
        let author = member(of: event.person)
        if event.person != nil, author == nil { throw Finding("somebody does something who is not there", event.description) }
        let content = ChatRecord.Content(
            kind: kind(of: event.kind), name: event.name, text: event.text, online: event.online)
        if event.description != content.line {
            throw Finding("an event is described otherwise than people are told", event.description)
        }
        if content.kind != .notice, let person = event.person,
            person.name.text != (content.kind == .rename ? event.text : event.name)
        {
            throw Finding("something happens under another name than its author's", event.description)
        }
        switch content.kind {
        case .join, .leave:
            if content.online != event.room.clientCount { throw Finding("somebody is counted who is not there", content.line) }
            if content.kind == .join { history.untoldJoins -= 1 } else { history.untoldLeaves -= 1 }
            if content.kind == .leave { noteFarewell(content.text, of: author) }
        case .notice: try checkCounts(content.text, in: history)
        case .rename: takeName(content.text, from: content.name, author)
        case .message, .action:
            if let author { try author.didSay(content) { mayRefuse($0, by: author) } }
        case .topic: break
        }
        let (ignorers, unsure) = content.kind.isSaid ? ignorers(of: ChatMember.key(content.name)) : ([], [])
        history.append(content, author: author?.number, ignorers: ignorers, unsure: unsure)
        if content.kind == .join, let stay = author?.stays.last(where: { $0.history === history }) {
            stay.start = history.count
            stay.online = content.online
        }
        if content.kind.isSaid || content.kind == .topic, let author, author.isJSON {
            author.untold.append((ObjectIdentifier(history), history.count))
        }
    }

    /// Why somebody leaves, if not for another room.
    private func noteFarewell(_ words: String, of member: ChatMember?) {
        if words == "moved" || words == "left" { return }
        guard words.hasPrefix("kicked by ") else {
            member?.farewell = words
            return
        }
        counts[.chatKicks] += 1
        if member?.isNamedToBeKicked(by: members) != true { record(Finding("somebody is sent out whom nobody has named", words)) }
    }

    private func kind(of kind: ChatServer.Event.Kind) -> ChatRecord.Kind {
        switch kind {
        case .message: .message
        case .action: .action
        case .join: .join
        case .leave: .leave
        case .rename: .rename
        case .topic: .topic
        case .notice: .notice
        @unknown default: .notice
        }
    }

    /// Those who have come and gone in a crowd are counted.
    private func checkCounts(_ notice: String, in history: ChatRoomHistory) throws(Finding) {
        guard notice.hasSuffix(" online)"), !notice.hasPrefix("op ") else { return }
        // One that has come and gone within a turn has not been seen.
        let joins = members.reduce(0) { $0 + ($1.irc?.joins[ChatMember.key(history.name)] ?? 0) }
        let unseen = members.count { $0.isAccepted && $0.stays.isEmpty } + history.unseenVisits + joins
        let expected = (0...unseen).map { more in
            let counts = [(history.untoldJoins + more, "joined"), (history.untoldLeaves + more, "left")]
            let parts = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
            return "\(parts.joined(separator: ", ")) (\(history.room?.clientCount ?? 0) online)"
        }
        if !expected.contains(notice) { throw Finding("a crowd is counted wrongly", "\(notice) in place of \(expected[0])") }
        (history.untoldJoins, history.untoldLeaves, history.unseenVisits) = (0, 0, 0)
    }

    private func takeName(_ name: String, from old: String, _ author: ChatMember?) {
        author?.names.insert(ChatMember.key(name))
        // Each room is told. Those who ignore somebody go on to do so.
        for member in members
        where member.current == .ignore(ChatMember.key(old)) || member.mayIgnore.contains(ChatMember.key(old)) {
            member.mayIgnore.insert(ChatMember.key(name))
        }
        for member in members where member.ignored.contains(ChatMember.key(old)) {
            if member.ignored.insert(ChatMember.key(name)).inserted { member.changedNames.insert(ChatMember.key(name)) }
        }
    }

    private func ignorers(of name: String) -> (sure: Set<Int>, unsure: Set<Int>) {
        var (sure, unsure): (Set<Int>, Set<Int>) = ([], [])
        for member in members {
            switch member.current {
            case .ignore(name), .unignore(name): unsure.insert(member.number)
            default:
                if member.mayIgnore.contains(name) {
                    unsure.insert(member.number)
                } else if member.ignored.contains(name) {
                    sure.insert(member.number)
                }
            }
        }
        return (sure, unsure)
    }

    func server(_ server: ChatServer, didClose client: ChatServer.Client, reason: CloseReason) {
        noting { () throws(Finding) in
            guard let member = members.first(where: { $0.person === client }) else {
                throw Finding("somebody closes who was not there")
            }
            if member.reason != nil { throw Finding("a connection closes twice") }
            member.reason = reason
            try lookAround()
            noteUnseenVisit(of: member)
            try member.reader.read(in: self)
            try check(reason, of: member)
        }
    }

    /// Somebody has closed before the mark was heard of a command that may have moved it: nobody has seen it in the other room.
    private func noteUnseenVisit(of member: ChatMember) {
        switch member.current {
        case .join(let room), .resume(let room, _, _): histories[ChatMember.key(room)]?.unseenVisits += 1
        case .other: histories["lobby"]?.unseenVisits += 1  // it may be `/leave`
        default: break
        }
    }

    // MARK: - Who is where

    /// Looks who is in which room. It is called before anything is added to a room's history, so that it is known from where on each is in it.
    func lookAround() throws(Finding) {
        guard let chat = server?.chat else { return }
        for person in chat.people { member(of: person)?.names.insert(ChatMember.key(person.name.text)) }
        var present: [(ChatMember, ChatRoomHistory)] = []
        var names: Set<String> = []
        for room in chat.rooms {
            let key = ChatMember.key(room.name.text)
            guard let history = histories[key], history.room === room else {
                throw Finding("there is a room that was not opened", room.name.text)
            }
            for case let person as Person in room.clients {
                guard let member = member(of: person) else { throw Finding("somebody is in a room who is not there") }
                present.append((member, history))
            }
        }
        for person in chat.people where !names.insert(ChatMember.key(person.name.text)).inserted {
            throw Finding("two people have one name", person.name.text)
        }
        for member in members {
            for stay in member.stays where stay.end == nil && !present.contains(where: { $0 === member && $1 === stay.history }) {
                stay.end = stay.history.count
                // It may have been sent out, whatever it asks for itself.
                if member.isNamedToBeKicked(by: members) { member.movedDuring.insert(member.marksHeard) }
                // Also of one that the reader has begun anew.
                stay.history.untoldLeaves += member.stays.contains { $0.history === stay.history && $0.end == nil } ? 0 : 1
            }
        }
        for (member, history) in present where !member.stays.contains(where: { $0.history === history && $0.end == nil }) {
            let stay = ChatStay(history, start: history.count, afterMark: member.marksHeard, ignored: member.ignored)
            member.stays.append(stay)
            history.untoldJoins += 1
        }
        for (key, history) in histories where key != "lobby" && !chat.rooms.contains(where: { $0 === history.room }) {
            histories[key] = nil
            closedRooms.append(WeakRoom(room: history.room, name: history.name))
        }
    }

    private func hear(_ mark: String, from person: Person) {
        unseenProgress += 1
        noting { () throws(Finding) in
            guard let member = member(of: person) else { throw Finding("somebody is heard who is not there") }
            if mark != "\(member.marksHeard)" {
                if member.isTorn { return }
                throw Finding(
                    "commands are done out of order, or not once", "peer \(member.number): \(mark) after \(member.marksHeard)")
            }
            try lookAround()
            let counts = Dictionary(member.stays.map { (ObjectIdentifier($0.history), $0.history.count) }) { $1 }
            if case .message(let to, let id) = member.current { expectPrivate(id, to, from: member) }
            try member.didHear(.init(name: person.name.text, counts: counts, ignored: [])) { mayRefuse($0, by: member) }
            person.notify("mark \(mark)")
        }
    }

    private func expectPrivate(_ id: String, _ to: String, from member: ChatMember) {
        // Only if it is certain.
        guard !to.isEmpty, !member.wasMuted, let receiver = members.first(where: { $0.isOpen && $0.person?.name.text == to }),
            receiver.names.count == 1 || receiver === member, receiver.ignored.isEmpty, receiver.isEager,
            receiver.connection?.isFinishing == false, receiver.connection?.pendingOutput == 0,
            !receiver.script.contains(where: { if case .ignore = $0 { true } else { false } })
        else { return }
        receiver.privateDue.insert(id)
    }

    private func admission(of person: Person) -> Chat.Admission {
        let every = plan.setting.refusesEvery
        guard every > 0, person.number % every == 0, let member = member(of: person) else { return .admit }
        member.wasRemoved = true
        return .refuse("not you")
    }

    /// What a hook makes of a text with `wine` in it.
    static func rewritten(_ text: String) -> String { "water for \(text.split(separator: " ").last ?? "")" }

    /// Whether the server may refuse something.
    private func mayRefuse(_ said: ChatMember.Said, by member: ChatMember) -> Bool {
        let setting = plan.setting
        if member.wasMuted { return true }
        if said.length > setting.server.maximumMessageLength { return true }
        if setting.isModerated, said.shown.contains("spam") { return true }
        let capacity = min(setting.chat.roomSize, setting.chat.lobbySize)
        return said.shown.utf8.count > max(capacity, 4_096) / 4 - 200
    }
}
