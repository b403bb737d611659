import Broadcast
import ChatReactorText
public import Reactor

/// The people of a ``ChatServer``, the rooms that they are in, and what they can have done.
///
/// ```swift
/// var configuration = ChatServer.Configuration()
/// configuration.chat = Chat.Configuration(name: "tea")
/// let server = try ChatServer(on: loop, configuration: configuration)
/// server.chat?.onSay { person, room, text in
///     text.contains("spam") ? .refuse("not here") : .pass
/// }
/// ```
///
/// It belongs to the loop's thread, on which it calls its hooks. A hook may call anything.
public final class Chat {
    /// How a chat is set up.
    public struct Configuration: Sendable {
        /// What the server is called in its welcome: one line.
        public var name: String
        /// Lines that newcomers are told, each as a notice.
        public var messageOfTheDay: [String] = []
        /// How many of a room's last messages somebody gets who enters it. From 0 to 10,000.
        public var history = 20
        /// How many bytes of records the lobby keeps. At most 1 GiB.
        public var lobbySize = 1_048_576
        /// How many bytes of records a room keeps that people have opened. In memory, it takes no more than it uses. At most 1 GiB.
        public var roomSize = 65_536
        /// How many rooms there may be, besides the lobby.
        public var maximumRooms = 10_000
        /// How a line of the text form shows who says something.
        public var label = TextLabel.name
        /// The directory in which each room keeps its records in a file, which outlives the server. It must be there, and no
        /// other server may use it. With nil, records are kept in memory.
        ///
        /// The disk space of a file is reserved when its room is first opened, so that nothing that is said can fail for lack of
        /// it. A file keeps the size that it was made with. If nothing was said in a room, its file goes with the last one who
        /// leaves.
        public var roomLogDirectory: String?
        /// How many files there may be in that directory: a room that would need one more is refused. Files of rooms that are
        /// empty count too.
        public var maximumRoomLogs = 1_000
        /// Rooms that are not listed to those who are not in them.
        public var secretRooms: [SecretRoom] = []
        /// Who has to log in, and how often somebody may try. Nobody can log in before ``Chat/authenticator`` is set.
        public var loginRules = LoginRules()

        /// A chat as `chatd --chat` makes it without any other option.
        public init(name: String) {
            self.name = name
        }
    }

    /// What a hook says of a newcomer.
    public enum Admission {
        /// Let it in, as a guest.
        case admit
        /// Let it in under a name, which may be a reserved one, and also if it would have to log in. If somebody has that name already, the
        /// newcomer is a guest. Who has proved to have a name is let in by `Chat.logIn(_:as:)`, which may be called in the hook.
        case admitAs(ChatName)
        /// Close it, after telling it why, in one line.
        case refuse(String)
    }

    /// What a hook says of something that a person is about to say, or to set as a topic.
    public enum Verdict {
        /// Let it be said as it is.
        case pass
        /// Say something else instead.
        case rewrite(String)
        /// Say nothing, and tell the person why, in one line.
        case refuse(String)
    }

    /// The loop of the server.
    public let loop: EventLoop
    /// The configuration, clamped.
    public let configuration: Configuration
    /// The room that everybody enters first. It is always there.
    public private(set) lazy var lobby = makeRoom(
        .lobby, records: lobbyRecords, topicCapacity: lobbyTopicCapacity, topicMemory: lobbyMemory)

    /// Lines that newcomers are told, each as a notice. At first they are those of the configuration.
    public var messageOfTheDay: [String] {
        didSet { messageOfTheDay = messageOfTheDay.map { String(madeVisible: $0) } }
    }

    /// What the server is called in its welcome: one line. At first it is that of the configuration.
    public var name: String {
        didSet { name = String(madeVisible: name) }
    }
    /// How many of a room's last messages somebody gets who enters it, from 0 to 10,000. At first it is that of the configuration.
    public var history: Int {
        didSet { history = min(max(history, 0), 10_000) }
    }

    /// Who knows which names are somebody's, and judges passwords; nil if nobody logs in.
    ///
    /// Setting it closes those who have logged in under a name that is not known any more, and makes guests of those who have a known one
    /// without a login.
    ///
    /// - Complexity: O(1) to read. To set is O(*n*) for *n* people.
    public var authenticator: (any ChatAuthenticator)? {
        get { currentAuthenticator }
        set {
            // Exchanged, so that the one before is released after the access: its deinit may call this chat.
            var other = newValue
            swap(&other, &currentAuthenticator)
            enforceLogins()
        }
    }

    /// Rooms that are not listed to those who are not in them, some of which need a key: at first those of the configuration. Who is in a room
    /// stays there.
    public var secretRooms: [SecretRoom] {
        didSet { secretKeys = Self.keys(of: secretRooms) }
    }
    /// Their keys, by name; nil of one that has none.
    private(set) var secretKeys: [ChatName: String?]

    private static func keys(of rooms: [SecretRoom]) -> [ChatName: String?] {
        var keys: [ChatName: String?] = [:]
        // As they come from those who give them.
        for room in rooms where room.name != .lobby {
            keys.updateValue(room.key.map { String(madeVisible: $0) }, forKey: room.name)
        }
        return keys
    }

    /// Who has to log in, and how often somebody may try: at first what the configuration says, clamped. That a login is required is about
    /// newcomers, and closes nobody.
    public var loginRules: LoginRules {
        didSet {
            loginRules = loginRules.clamped
            if loginRules.rate != oldValue.rate { attemptRates.setLimit(loginRules.rate) }
            if loginRules.allowsPlainConnections != oldValue.allowsPlainConnections { tellChangedCapabilities() }
        }
    }

    let slowClients: SlowSubscriberPolicy
    let slowHighWater: Int?
    let sendThreads: SendThreads?
    /// The line with which somebody leaves who gets lines.
    var quitWord: [UInt8]?
    let label: TextLabel

    weak var server: ChatServer?
    /// The lines of people, and what topics have counted that are gone.
    var tally = ChatServer.Counts()
    /// The rooms that people have opened.
    private var openedRooms: [ChatName: ChatServer.Room] = [:]
    /// Where rooms have their logs, unless they are in memory.
    private let roomLogs: RoomLogs?
    private let lobbyRecords: RecordLog
    /// The rooms with a file that are closed, but that somebody still refers to: then the file is still open, too.
    private var closedRooms: [ClosedRoom] = []
    private var names = NameRegistry()
    /// What the chat is to those who have IRC clients; nil as long as nobody can come with one.
    private(set) var irc: IRCNetwork?
    let moderation = Moderation()
    /// What makes the chat one with those of other servers; nil if it is on its own.
    var replica: ChatReplica?
    private var numberCount = 0
    private let started = ContinuousClock.now
    private var currentAuthenticator: (any ChatAuthenticator)?
    let logins: LoginQueue
    let attemptRates: AttemptRates
    /// Those who ignore somebody, by the name that they ignore, and then by their numbers.
    private var ignorersByName: [ChatName: [Int: Person]] = [:]
    let commands = CommandTable()
    /// For the line that somebody has sent, so that not each needs memory of its own.
    private var line: [UInt8] = []
    private var hooks = Hooks()
    private let topicCapacity: Int
    private let lobbyTopicCapacity: Int
    /// For a topic of the lobby in each form: however many rooms there are, newcomers can enter.
    private let lobbyMemory: [WireForm: MemoryReservation]
    /// How many bytes of text a record may have. The longest line that somebody can send becomes as long by being made visible. A
    /// form may double it again, which still is less than a quarter of a topic's log.
    let maximumTextLength: Int

    private struct ClosedRoom {
        weak var room: ChatServer.Room?
    }

    private struct Hooks {
        var admission: (Person) -> Admission = { _ in .admit }
        var moderation: ((Person, ChatServer.Room, String) -> Verdict)?
        var operatorCommand: ((Person, String) -> OperatorAnswer)?
    }

    /// - Parameter sharedRates: Those of all loops, if there are several.
    init(
        on loop: EventLoop, _ configuration: Configuration, settings: ChatServer.Configuration, sharedRates: AttemptRates? = nil
    ) throws(ChatServer.StartError) {
        var configuration = configuration
        configuration.history = min(max(configuration.history, 0), 10_000)
        configuration.lobbySize = min(max(configuration.lobbySize, 1), 1 << 30)
        configuration.roomSize = min(max(configuration.roomSize, 1), 1 << 30)
        configuration.maximumRooms = max(configuration.maximumRooms, 0)
        // The lobby has one in any case.
        configuration.maximumRoomLogs = max(configuration.maximumRoomLogs, 1)
        configuration.loginRules = configuration.loginRules.clamped
        loginRules = configuration.loginRules
        secretRooms = configuration.secretRooms
        secretKeys = Self.keys(of: configuration.secretRooms)
        attemptRates = sharedRates ?? AttemptRates(limit: configuration.loginRules.rate)
        logins = LoginQueue(attemptRates)
        self.configuration = configuration
        label = configuration.label
        if let directory = configuration.roomLogDirectory {
            do throws(RoomLogError) {
                let logs = try RoomLogs(directory, limit: configuration.maximumRoomLogs)
                roomLogs = logs
                lobbyRecords = try logs.open(.lobby, capacity: configuration.lobbySize)
            } catch {
                throw .roomLog(error)
            }
        } else {
            roomLogs = nil
            do throws(Errno) {
                lobbyRecords = try RecordLog(capacity: configuration.lobbySize, on: loop)
            } catch {
                throw .system(error)
            }
        }
        self.loop = loop
        name = String(madeVisible: configuration.name)
        history = configuration.history
        messageOfTheDay = configuration.messageOfTheDay.map { String(madeVisible: $0) }
        slowClients = settings.slowClients
        slowHighWater = settings.slowHighWater
        sendThreads = settings.sendThreads
        quitWord = settings.quitWord.map { Array($0.utf8) }
        maximumTextLength = WireForm.longestText(sent: settings.maximumMessageLength)
        // A log grows in one turn by an eighth, and then one message more. That must be no more than a quarter, or somebody could
        // lag too far behind within one turn.
        let longest = WireForm.longestMessage(sent: settings.maximumMessageLength)
        topicCapacity = max(configuration.roomSize, 8 * longest)
        lobbyTopicCapacity = max(settings.logCapacity, 8 * longest)
        do throws(Errno) {
            let size = try Topic.memorySize(ofCapacity: lobbyTopicCapacity)
            var reservations: [WireForm: MemoryReservation] = [:]
            for form in WireForm.ofLines { reservations[form] = try loop.reserveMemory(size) }
            lobbyMemory = reservations
        } catch {
            throw .system(error)
        }
    }

    // MARK: - Hooks

    // Closures are exchanged by `swap`, so that what they replace is released after the access: its deinit may call this chat.

    /// Has a hook decide about each newcomer, before anybody hears of it. It replaces the one before.
    public func onAdmission(_ hook: @escaping (_ person: Person) -> Admission) {
        var new = hooks
        new.admission = hook
        swap(&new, &hooks)
    }

    /// Has a hook decide about what a person says in a room, sets as its topic (`-` to remove it), or gives as its reason for leaving, before
    /// anybody hears it: not about private messages. A reason that is refused is left out. Several lines that are one message are given with spaces in between. It replaces the one before.
    public func onSay(_ hook: @escaping (_ person: Person, _ room: ChatServer.Room, _ text: String) -> Verdict) {
        var new = hooks
        new.moderation = hook
        swap(&new, &hooks)
    }

    /// Has a hook run the commands of people who are operators: see `Person.isOperator`. They give one as `/op COMMAND`, and where
    /// people have no command of that name, without the `op`. It replaces the one before.
    ///
    /// ```swift
    /// let commands = OperatorCommands(for: chat) { loop.stop() }
    /// chat.onOperatorCommand { [weak commands] _, line in commands?.run(line) ?? .init(.text) }
    /// ```
    public func onOperatorCommand(_ hook: @escaping (_ person: Person, _ line: String) -> OperatorAnswer) {
        var new = hooks
        new.operatorCommand = hook
        swap(&new, &hooks)
    }

    /// What an operator's command has come to, given without a slash; nil if nobody runs such.
    func runOperatorCommand(_ line: String, by person: Person) -> OperatorAnswer? {
        let run = hooks.operatorCommand
        return run?(person, line)
    }

    /// Adds a command, or replaces the one of that name.
    public func addCommand(_ command: Command) {
        commands.add(command)
    }

    /// Lends `body` what somebody has sent, made harmless.
    func withVisible(_ text: Span<UInt8>, _ body: (Span<UInt8>) -> Void) {
        // What `body` does may bring another line.
        var visible: [UInt8] = []
        swap(&visible, &line)
        visible.removeAll(keepingCapacity: true)
        VisibleText.append(text, to: &visible, invalidUTF8: .replacementCharacter)
        body(visible.span)
        swap(&visible, &line)
    }

    /// What the hook says of a text; nil if it has removed the person from the room, in which not everybody is who speaks there.
    func judge(_ text: Span<UInt8>, by person: Person, in room: ChatServer.Room) -> Verdict? {
        guard let moderation = hooks.moderation else { return .pass }
        let wasThere = room.conversation?.contains(person) == true
        let verdict = moderation(person, room, String(text))
        let isThere = wasThere ? room.conversation?.contains(person) == true : person.connection?.isFinishing == false
        return isThere ? verdict : nil
    }

    // MARK: - People

    /// How many people are there.
    public var online: Int { names.count }

    /// The people, in no particular order.
    ///
    /// - Complexity: O(*n*).
    public var people: [Person] { names.all }

    /// Who has a name, which need not be written in the same case; nil if nobody has.
    public func person(named name: ChatName) -> Person? { names[name] }

    /// Keeps a name for a bot, or for somebody who must log in: from now on nobody can take it, and `rename` alone gives it.
    /// Somebody who has it already keeps it.
    ///
    /// - Returns: Whether nobody has it.
    @discardableResult
    public func reserve(_ name: ChatName) -> Bool {
        names.reserve(name)
        return names[name] == nil
    }

    /// Makes who is at the other end of a connection that is being accepted.
    func makePerson(form: WireForm) -> Person? {
        guard let server else { return nil }
        return Person(makeNumber(), form: form, of: self, server: server)
    }

    /// The number of a person that is new here.
    func makeNumber() -> Int {
        numberCount += 1
        return numberCount
    }

    /// Has those who come by WebSocket get in, however little memory is left by then.
    func reserveMemoryForFrames() throws(Errno) {
        for form in WireForm.ofFrames { try lobby.conversation?.reserveMemory(for: form) }
    }

    /// Has those who have IRC clients get in, however little memory is left by then.
    func serveIRC(_ configuration: ChatServer.IRCConfiguration) throws(Errno) -> IRCNetwork {
        if let irc { return irc }
        try lobby.conversation?.reserveMemory(for: .irc(with: []))
        let network = IRCNetwork(of: self, configuration)
        irc = network
        return network
    }

    func makeIRCClient(of network: IRCNetwork, in server: ChatServer) -> IRCClient {
        return IRCClient(makeNumber(), of: self, server: server, in: network)
    }

    /// Lets a person in whose connection has opened.
    func admit(_ person: Person) {
        if let replica {
            if !replica.mayAdmit(person) { return }
            // It has waited since it has logged in.
            if person.login.isDecided, let name = person.login.name { return replica.arrive(person, as: name, isLoggedIn: true) }
        }
        var wanted: ChatName?
        switch hooks.admission(person) {
        case .admit: break
        case .admitAs(let name): wanted = name
        case .refuse(let reason):
            person.tell(.error(String(madeVisible: reason)))
            return person.leave(farewell: "kicked")
        }
        // The hook may have closed it, or have had it finish.
        guard person.connection?.isFinishing == false else { return }
        // It has logged in.
        if names[person.name] === person { return letIn(person) }
        if let replica, let name = person.login.name { return replica.arrive(person, as: name, isLoggedIn: true) }
        if wanted == nil, mustLogIn(person) {
            // Of several servers, the others need not know.
            if replica == nil { try? names.rename(person, to: person.name) }
            return awaitLogin(of: person)
        }
        if let wanted, let ban = bans.ban(of: wanted) { return close(person, telling: ban.notice) }
        if let replica { return replica.arrive(person, as: wanted) }
        if let wanted, (try? names.rename(person, to: wanted, isGranted: true)) != nil {
            person.name = wanted
        } else {
            guard person.takeFirstName(in: self) else { return }
        }
        letIn(person)
    }

    /// Has a newcomer, who has a name, take part.
    func letIn(_ person: Person) {
        person.begins(in: self)
        // Those who were told so may have had it leave.
        guard names[person.name] === person else { return }
        irc?.tellWatchers(of: person.name, isOnline: true)
        if let (remaining, reason) = moderation.pendingShutdown {
            person.tell(.notice(Moderation.shutdownNotice(in: remaining, reason: reason)))
        }
    }

    func forget(_ person: Person) {
        names.remove(person)
        irc?.forget(person)
        // The number is never used again.
        if person.isGuest { _ = moderation.mutes.remove(person.name, at: muteTime) }
        for name in person.ignored { stopIgnoring(name, by: person) }
    }

    /// Gives a person another name, which may be a reserved one, and tells those who are in its rooms.
    ///
    /// - Returns: Whether it has the name now. Not if somebody else has it, if it is banned, or if the person has left.
    @discardableResult
    public func rename(_ person: Person, to name: ChatName) -> Bool {
        guard person.connection?.isOpen == true, names[person.name] === person, !person.login.isAwaited else { return false }
        if let replica { return replica.submit(.rename(name.text), of: person) }
        return (try? rename(person, to: name, isGranted: true)) != nil
    }

    /// Has the chat find a person under a name from now on.
    ///
    /// - Parameter isGranted: Whether the person need not care about names that are reserved, or kept for others.
    func claim(_ name: ChatName, for person: Person, isGranted: Bool) throws(NameRegistry.Refusal) {
        // Of several servers, the one that the person is at has looked.
        if replica == nil { try checkPolicy(of: name, for: person, isGranted: isGranted) }
        try names.rename(person, to: name, isGranted: isGranted)
    }

    private func checkPolicy(of name: ChatName, for person: Person, isGranted: Bool) throws(NameRegistry.Refusal) {
        if bans.ban(of: name) != nil { throw .banned }
        if !isGranted, person.login.name != name, authenticator?.isKnown(name) == true { throw .needsLogin(name) }
    }

    /// Whether a person could have a name now.
    func checkClaim(on name: ChatName, for person: Person) throws(NameRegistry.Refusal) {
        try checkPolicy(of: name, for: person, isGranted: false)
        try names.check(name, for: person)
    }

    /// Gives a person another name, and tells those who are in its rooms.
    ///
    /// - Parameter isGranted: Whether the person need not care about names that are reserved, or kept for others.
    func rename(_ person: Person, to name: ChatName, isGranted: Bool) throws(NameRegistry.Refusal) {
        let old = person.name
        try claim(name, for: person, isGranted: isGranted)
        // What it has proved was about the name that it had. Later it may be somebody else's.
        let isLoggedOut = person.login.name.map { $0 != name } ?? false
        if isLoggedOut { person.login.name = nil }
        moderation.mutes.move(from: old, to: name, at: muteTime)
        // Those who ignore somebody go on to ignore whom it is called now.
        for ignorer in (ignorersByName[old] ?? [:]).values where !ignorer.ignored.contains(name) {
            goOnToIgnore(name, insteadOf: old, by: ignorer)
        }
        // An observer of what follows may give it another name, or have it leave: that has to find it under this one.
        person.name = name
        irc?.didRename(person, from: old)
        if isLoggedOut {
            irc?.didChangeAccount(of: person)
            (person as? IRCClient)?.tellLoggedOut()
        }
        for room in person.rooms where room.conversation?.contains(person) == true {
            room.conversation?.publish(.rename, from: old.text, name.text.utf8.span, by: person)
        }
    }

    // MARK: - Ignoring

    func ignore(_ name: ChatName, by person: Person) {
        person.followed.remove(name)
        if person.ignored.insert(name).inserted { ignorersByName[name, default: [:]][person.number] = person }
    }

    func stopIgnoring(_ name: ChatName, by person: Person) {
        person.followed.remove(name)
        person.ignored.remove(name)
        ignorersByName[name]?[person.number] = nil
        if ignorersByName[name]?.isEmpty == true { ignorersByName[name] = nil }
    }

    /// Ignores the new name of somebody who is ignored. Somebody who takes one name after the other must neither make the list of another
    /// endless, nor take from it a name that was asked for.
    private func goOnToIgnore(_ name: ChatName, insteadOf old: ChatName, by person: Person) {
        if person.followed.count >= Person.followLimit {
            let given = person.followed.contains(old) ? old : person.followed.first { names[$0] == nil } ?? person.followed.first
            if let given { stopIgnoring(given, by: person) }
        }
        ignore(name, by: person)
        person.followed.insert(name)
    }

    /// The connections of those who ignore a name.
    func ignorers(of name: ChatName) -> [Connection] {
        if ignorersByName.isEmpty { return [] }
        return ignorersByName[name]?.values.compactMap(\.connection) ?? []
    }

    // MARK: - Rooms

    /// The rooms, the lobby first and the others in no particular order.
    ///
    /// - Complexity: O(*n*).
    public var rooms: [ChatServer.Room] { [lobby] + openedRooms.values }

    /// The room of a name; nil if there is none. A room that people have opened is there as long as somebody is in it.
    public func room(named name: ChatName) -> ChatServer.Room? {
        name == .lobby ? lobby : openedRooms[name]
    }

    /// The room of a name, made if there is none, where somebody can be subscribed to a form.
    ///
    /// - Parameter key: What others need who enter it, if it is made; empty for nothing.
    func openRoom(_ name: ChatName, for form: WireForm, key: String = "") throws(RoomRefusal) -> ChatServer.Room {
        do throws(RoomRefusal) {
            let found = room(named: name)
            let room = if let found { found } else { try reopenRoom(name, key: key) }
            openedRooms[name] = name == .lobby ? nil : room
            do throws(Errno) {
                try room.conversation?.prepare(form)
            } catch {
                if room.conversation?.online == 0 { roomIsEmpty(room) }
                throw .log(RoomLogError(ofRoom: name, error))
            }
            if found == nil { server?.didOpen(room) }
            return room
        } catch {
            if case .log(let error) = error { server?.cannotOpen(name, error) }
            throw error
        }
    }

    /// Whether there is a room, or may be one more.
    func mayOpen(_ name: ChatName) -> Bool { room(named: name) != nil || mayOpenMore() }

    /// - Parameter others: How many there are besides those that are open.
    func mayOpenMore(besides others: Int = 0) -> Bool { openedRooms.count + others < configuration.maximumRooms }

    /// The room of a name in a chat of several servers, made if there is none.
    ///
    /// - Parameter epoch: Of its records, if it is made.
    func openSharedRoom(_ name: ChatName, key: String?, epoch: UInt64) throws(Errno) -> ChatServer.Room {
        if let room = room(named: name) { return room }
        if let kept = replica?.keptRooms.removeValue(forKey: name)?.room {
            openedRooms[name] = kept
            server?.didOpen(kept)
            return kept
        }
        let records = try RecordLog(capacity: configuration.roomSize, on: loop, epoch: epoch)
        let room = makeRoom(name, records: records, topicCapacity: topicCapacity, key: key)
        openedRooms[name] = room
        server?.didOpen(room)
        return room
    }

    /// Forgets who there is, and all rooms but the lobby, which is empty.
    func forgetEverything() {
        for person in people {
            person.rooms = []
            // Guests are counted anew.
            if person.isGuest { _ = moderation.mutes.remove(person.name, at: muteTime) }
        }
        for room in rooms { room.conversation?.forgetPeople() }
        openedRooms = [:]
        names.removeAll()
        ignorersByName = [:]
    }

    /// Has the chat find a person under its name from now on, who is at another server or has just come. Returns false if somebody else has that name.
    func register(_ person: Person, as name: ChatName) -> Bool {
        guard (try? names.rename(person, to: name, isGranted: true)) != nil else { return false }
        person.name = name
        return true
    }

    /// The time by which it is seen how many come and go, in milliseconds.
    var presenceTime: Int64 { replica?.time ?? Int64(started.duration(to: .now) / .milliseconds(1)) }

    /// The time by which mutes end, in milliseconds: while something is being done at all servers, that of the order.
    var muteTime: Int64 {
        guard let replica else { return presenceTime }
        return replica.isApplying ? replica.time : max(replica.time, Timestamp.now)
    }

    /// How long a name is muted; nil if it is not.
    func mute(of name: ChatName) -> Mutes.Mute? {
        moderation.mutes.isEmpty ? nil : moderation.mutes.mute(of: name, at: muteTime)
    }

    /// Whether people may come with IRC clients.
    package var servesIRC: Bool { irc != nil }
    /// What makes the chat one with those of other servers; nil if it is on its own.
    package var order: (any ChatReplica.Order)? { replica?.order }

    /// Whether something can be said: not while the chat is one of several servers, and does not reach the others.
    public var isReachable: Bool { replica?.isEstablished ?? true }

    /// Whether it is one with those of servers that go on when this one ends.
    var isAmongOtherMachines: Bool { replica?.order?.knowsServers == false }

    /// Has the chat be one with those of other servers, before anybody has come.
    package func beOne(by order: any ChatReplica.Order) -> ChatReplica {
        let made = ChatReplica(of: self)
        made.order = order
        replica = made
        return made
    }

    /// A room that nobody is in.
    private func reopenRoom(_ name: ChatName, key: String) throws(RoomRefusal) -> ChatServer.Room {
        if !mayOpen(name) { throw .tooMany }
        // What is said there is for those who had the key. A file would tell it to whoever opens the room next.
        if !key.isEmpty, secretKeys[name] == nil { return try makeRoom(name, key: key) }
        if let kept = closedRooms.compactMap(\.room).first(where: { $0.name == name }) { return kept }
        return try makeRoom(name)
    }

    /// Why a room cannot be opened. The description is for those who have asked for it.
    enum RoomRefusal: Error, CustomStringConvertible {
        case tooMany
        case log(RoomLogError)

        var description: String {
            switch self {
            case .tooMany: "there are too many rooms already"
            // Nobody is told where the server has its files.
            case .log(let error): "this room cannot be opened now: \(error.reason)"
            }
        }
    }

    private func makeRoom(_ name: ChatName, key: String? = nil) throws(RoomRefusal) -> ChatServer.Room {
        let records: RecordLog
        if let roomLogs, key == nil {
            if !roomLogs.mayOpen(name) { throw .tooMany }
            do throws(RoomLogError) { records = try roomLogs.open(name, capacity: configuration.roomSize) } catch {
                throw .log(error)
            }
        } else {
            do throws(Errno) {
                records = try RecordLog(capacity: configuration.roomSize, on: loop)
            } catch {
                throw .log(RoomLogError(ofRoom: name, error))
            }
        }
        return makeRoom(name, records: records, topicCapacity: topicCapacity, key: key)
    }

    private func makeRoom(
        _ name: ChatName, records: RecordLog, topicCapacity: Int, topicMemory: [WireForm: MemoryReservation] = [:],
        key: String? = nil
    ) -> ChatServer.Room {
        let conversation = Conversation(
            name, of: self, records: records, topicCapacity: topicCapacity, topicMemory: topicMemory, key: key)
        let room = ChatServer.Room(name, conversation)
        room.server = server
        return room
    }

    /// The last one has left.
    func roomIsEmpty(_ room: ChatServer.Room) {
        guard openedRooms[room.name] === room else { return }
        openedRooms[room.name] = nil
        replica?.roomIsEmpty(room)
        guard let roomLogs, let conversation = room.conversation, conversation.ownKey == nil else { return }
        // Whoever mistypes the name of a room opens one.
        if conversation.isWorthKeeping {
            closedRooms = closedRooms.filter { $0.room != nil } + [ClosedRoom(room: room)]
        } else {
            roomLogs.remove(room.name)
        }
    }

    /// Tells all who are here something, also those who have not come in yet.
    func tellOwn(_ reply: Reply) {
        tellAll(reply)
        if replica == nil { return }
        for client in server?.clients ?? [] {
            if let person = client as? Person, names[person.name] !== person { person.tell(reply) }
        }
    }

    /// Tells everybody something, in the form of each.
    func tellAll(_ reply: Reply) {
        for room in rooms { room.conversation?.tellAll(reply) }
        for person in people where person.rooms.isEmpty { person.tell(reply) }
    }
}
