import Reactor

/// What makes a chat one with those of other servers: all of them do the same things in the same order.
///
///      somebody does something ──> submit ──> the order of all servers ──> apply, at each server: people, names, rooms, records
///
/// What a person asks for is looked at by its own server first, which knows who may do what; then it is an event, and has come to pass when the order has
/// brought it back. Nothing else changes what events are about. So whatever order they come in, all servers have the same afterwards; whether a name is free,
/// or which of two people has opened a room, is decided by the order alone. The person is not heard meanwhile, so its next line finds what this one has done.
///
/// A server becomes one of them by saying hello. One of them answers with a snapshot of what there was when it had read that, and the new one does what
/// has happened since. If nobody answers, the chat begins with it. A server that has missed something begins anew: its people are closed.
///
/// It belongs to the loop's thread.
package final class ChatReplica {
    /// Puts events in order.
    package protocol Order: AnyObject {
        /// Whether so much waits for its place that whoever adds to it is to wait, until `orderHasRoom`.
        var isFull: Bool { get }

        /// Takes an event, which `receive` gets once it has its place, here and at all other servers.
        ///
        /// - Parameter number: That of the person who has done it; `ChatReplica.nobody` if nobody has.
        func submit(_ event: [UInt8], of number: UInt64)

        /// Takes what precedes these for what was read before: it may come once more.
        func adopt(nextNumbers: [UInt64: UInt64])

        /// Calls `body` once all that was submitted until now has its place, or never gets one.
        func whenPlaced(_ body: @escaping () -> Void)

        /// Forgets what has no place yet, and is called otherwise from now on. It calls `connected` when it can be submitted to.
        func restart(as server: UInt64)
    }

    /// The number of nobody.
    package static let nobody = UInt64.max

    /// How long things take. Tests do not wait so long.
    struct Times {
        /// How long a server waits for an answer to its hello, before it says it again and another server is asked.
        var answer = Duration.seconds(1)
        /// How often it says it when it hears nobody, before it begins alone.
        var attempts: UInt32 = 3
        /// How often a server says that it is there: more often than it is waited for.
        var alive = Duration.seconds(2)
        /// How long a server may be silent.
        var silence = Duration.seconds(10)
    }

    private enum Phase {
        /// It says hello, and waits for the answer.
        case joining
        case established
        /// It has left for good.
        case ended
    }

    /// What a server has that wants to be one of them.
    private struct Joining {
        var attempt: UInt32 = 0
        var hasReadHello = false
        var parts: [ChatSnapshot.Part] = []
        /// What has happened since its hello.
        var backlog: [Placed] = []
        /// Whether a server was heard that is one of them, since its hello.
        var hasHeardOthers = false
        /// How many hellos in a row nobody has answered, and nobody was heard.
        var unheardCount: UInt32 = 0
    }

    private struct Placed {
        let event: ChatEvent
        let key: PersonKey
        /// The event's number among those of its server.
        let number: UInt64
        let time: Int64
    }

    /// What this server is called among all: another name after each loss of the others.
    package private(set) var server = UInt64.random(in: 1 ... .max)
    private var former: UInt64 = 0
    private unowned let chat: Chat
    /// The same, as long as there is one.
    private weak var livingChat: Chat?
    package var order: (any Order)?
    var times = Times()
    private var phase = Phase.joining
    private var joining = Joining()
    /// The one with which it has become one of them.
    private var attempt: UInt32 = 0
    private var isCutOff = false
    private(set) var isApplying = false
    /// The time of the last event, by the clock of the order: milliseconds since the beginning of 1970.
    private(set) var time: Int64 = 0
    /// The number of the last event among those of its server.
    private var number: UInt64 = 0
    /// The servers, in the order in which they became ones.
    private(set) var servers: [UInt64] = []
    /// The number of the next event of each server, where the last event that was applied has its place.
    private var nextNumbers: [UInt64: UInt64] = [:]
    private var people: [PersonKey: Person] = [:]
    private var guestCount = 0
    /// This server's people, from before they have arrived to after they have departed.
    private var locals: [UInt64: Person] = [:]
    private var departing: Set<UInt64> = []
    /// Those who are not heard until what they have asked for has come to pass.
    private var waiting: Set<UInt64> = []
    /// Those who have come while the server was not one of them.
    private var newcomers: [Person] = []
    private var held: [Held] = []
    /// The conversations to which something was said since it was seen that they take more.
    private var touched: [Conversation] = []
    private var heard: [UInt64: ContinuousClock.Instant] = [:]
    private var establishedSince = ContinuousClock.now
    private lazy var answerTimer = chat.loop.makeTimer { [weak self] in self?.nobodyHasAnswered() }
    private lazy var aliveTimer = chat.loop.makeTimer { [weak self] in self?.keepAlive() }
    /// Called when the server becomes one of them, and when it is not any more, with the reason.
    package var onChange: ((Change) -> Void)?
    /// How many events could not be read, and what was lost by that is the same for all servers.
    package private(set) var unreadableCount = 0

    package enum Change {
        /// It is one of so many.
        case joined(servers: Int)
        case left(reason: String)
        case otherJoined(servers: Int)
        case otherLeft(servers: Int)
    }

    private struct Held {
        weak var connection: Connection?
    }

    init(of chat: Chat) { (self.chat, livingChat) = (chat, chat) }

    deinit {
        // The rooms of a chat that is gone keep those who are in them, and are kept by them.
        for person in people.values { person.rooms = [] }
    }

    package var isEstablished: Bool { phase == .established }
    package var serverCount: Int { servers.count }

    /// Calls what is not a part of what is being applied: an embedder's own, which may ask for anything. That is done at its place, at all
    /// servers.
    func callOut(_ body: () -> Void) {
        let wasApplying = isApplying
        isApplying = false
        body()
        isApplying = wasApplying
    }

    private func tell(_ change: Change) { callOut { onChange?(change) } }

    // MARK: - What is asked for

    func submit(_ event: ChatEvent) {
        if phase == .established { order?.submit(event.encoded, of: Self.nobody) }
    }

    /// Submits what somebody has asked for, who is not heard until it has come to pass. Returns whether it was.
    @discardableResult
    func submit(_ event: ChatEvent, of person: Person) -> Bool {
        let number = UInt64(person.number)
        guard phase == .established, locals[number] === person, !departing.contains(number) else { return false }
        order?.submit(event.encoded, of: number)
        if waiting.insert(number).inserted { person.connection?.pauseReading() }
        return true
    }

    /// Submits what somebody says in a room, or nobody.
    func submit(
        _ kind: Record.Kind, from name: String, _ text: Span<UInt8>, by person: Person?, in conversation: Conversation
    ) -> Conversation.Publication {
        guard phase == .established,
            name.utf8.count &+ text.count &+ ChatName.maximumByteCount
                <= conversation.records.maximumContentLength
        else { return .tooLong }
        let event = ChatEvent.record(
            room: conversation.name.text, kind: kind.rawValue, from: person == nil ? name : "", text: Array(span: text))
        order?.submit(event.encoded, of: person.map { UInt64($0.number) } ?? Self.nobody)
        return .submitted
    }

    func rename(_ person: Person, to name: ChatName) throws(NameRegistry.Refusal) {
        try chat.checkClaim(on: name, for: person)
        submit(.rename(name.text), of: person)
    }

    func enter(_ name: ChatName, telling extent: Replay.Extent, key: String, by person: Person) {
        if !chat.mayOpen(name) { return person.tell(.error("\(Chat.RoomRefusal.tooMany)")) }
        let wanted: ChatEvent.Extent
        switch extent {
        case .last(let count): wanted = .last(count)
        case .after(let epoch, let sequence): wanted = .after(epoch: epoch, sequence: sequence)
        }
        // A key that the operator has laid down was looked at here.
        let own = chat.secretKeys[name] == nil ? key : ""
        submit(.enter(room: name.text, wanted, key: own, isMove: !person.form.allowsSeveralRooms), of: person)
    }

    func invite(_ person: Person, to conversation: Conversation) -> Bool {
        submit(.invite(key(of: person), room: conversation.name.text))
        return true
    }

    private func key(of person: Person) -> PersonKey {
        (person as? RemotePerson)?.key ?? PersonKey(server: server, number: UInt64(person.number))
    }

    // MARK: - Coming and going

    /// Whether somebody can come now. If not, it waits, or is told that it cannot.
    func mayAdmit(_ person: Person) -> Bool {
        if phase == .established { return true }
        guard phase == .joining, !isCutOff else {
            refuse(person)
            return false
        }
        newcomers.append(person)
        person.connection?.pauseReading()
        return false
    }

    private func refuseNewcomers() {
        let those = newcomers
        newcomers = []
        for person in those { refuse(person) }
    }

    private func refuse(_ person: Person) {
        person.tell(.error("this server does not reach the others now, try again later"))
        person.connection?.finish(reason: .requested)
    }

    func arrive(_ person: Person, as name: ChatName?) {
        locals[UInt64(person.number)] = person
        submit(.arrive(name: name?.text, owner: person.owner), of: person)
    }

    func depart(_ person: Person, reason: String) {
        newcomers.removeAll { $0 === person }
        let number = UInt64(person.number)
        guard phase == .established, locals[number] === person, departing.insert(number).inserted else { return }
        order?.submit(ChatEvent.depart(reason: reason).encoded, of: number)
    }

    private func admitNewcomers() {
        let those = newcomers
        newcomers = []
        for person in those {
            guard let connection = person.connection, !connection.isFinishing else { continue }
            connection.resumeReading()
            chat.admit(person)
        }
    }

    // MARK: - When there is too much

    func holdBackIfFull(_ connection: Connection) {
        guard order?.isFull == true else { return }
        connection.pauseReading()
        held.append(Held(connection: connection))
    }

    package func orderHasRoom() {
        let those = held
        held = []
        for one in those { one.connection?.resumeReading() }
    }

    // MARK: - Being one of them

    /// The order can be submitted to.
    package func connected() {
        isCutOff = false
        if phase == .joining { sayHello() }
    }

    private func sayHello() {
        joining.attempt += 1
        joining.hasReadHello = false
        joining.hasHeardOthers = false
        order?.submit(ChatEvent.hello(attempt: joining.attempt, former: former).encoded, of: Self.nobody)
        answerTimer.arm(after: times.answer)
    }

    private func nobodyHasAnswered() {
        guard phase == .joining, !isCutOff else { return }
        if joining.hasHeardOthers { joining.unheardCount = 0 }
        if joining.hasReadHello, !joining.hasHeardOthers { joining.unheardCount += 1 }
        if joining.unheardCount < times.attempts { return sayHello() }
        joining.unheardCount = 0
        order?.submit(ChatEvent.begin.encoded, of: Self.nobody)
        answerTimer.arm(after: times.answer)
    }

    private func becomeEstablished() {
        phase = .established
        answerTimer.cancel()
        establishedSince = .now
        for server in servers { heard[server] = .now }
        aliveTimer.arm(after: times.alive)
        let backlog = joining.backlog
        attempt = joining.attempt
        joining = Joining()
        tell(.joined(servers: servers.count))
        for placed in backlog where phase == .established { apply(placed) }
        if phase == .established { admitNewcomers() }
    }

    /// This server has missed something, or is taken for lost by the others: all that it knows may be wrong.
    package func startAnew(reason: String) {
        // What it has been told until now has a gap.
        if phase == .joining, joining.hasReadHello, !isCutOff { sayHello() }
        guard phase == .established, let chat = livingChat else { return }
        defer { withExtendedLifetime(chat) {} }
        phase = .joining
        joining = Joining()
        let those = Array(locals.values)
        for person in those {
            person.tell(.error("goodbye: this server has lost the others; connect again"))
            person.connection?.finish(reason: .requested)
        }
        chat.forgetEverything()
        (people, locals, waiting, departing) = ([:], [:], [], [])
        (servers, heard, nextNumbers, held, touched) = ([], [:], [:], [], [])
        aliveTimer.cancel()
        former = server
        server = UInt64.random(in: 1 ... .max)
        tell(.left(reason: reason))
        order?.restart(as: server)
    }

    /// The order has not been there for too long.
    package func cutOff() {
        isCutOff = true
        answerTimer.cancel()
        startAnew(reason: "the order of the servers was away for too long")
        refuseNewcomers()
    }

    /// Leaves for good: what follows is for this server's own people alone.
    func end(then body: @escaping () -> Void) {
        guard phase == .established, let order else {
            phase = .ended
            refuseNewcomers()
            return body()
        }
        order.submit(ChatEvent.end.encoded, of: Self.nobody)
        order.whenPlaced { [weak self] in
            self?.phase = .ended
            body()
        }
    }

    private func keepAlive() {
        guard phase == .established else { return }
        aliveTimer.arm(after: times.alive)
        submit(.alive)
        let now = ContinuousClock.now
        // Only who reads what comes can say that something does not come.
        guard let own = heard[server], own.duration(to: now) < times.alive * 2,
            establishedSince.duration(to: now) > times.silence
        else { return }
        for other in servers where other != server && heard[other].map({ $0.duration(to: now) > times.silence }) != false {
            heard[other] = now
            submit(.lost(server: other))
        }
    }

    // MARK: - What the order brings

    /// Gets an event at its place.
    ///
    /// - Parameters:
    ///   - server: Who has submitted it.
    ///   - person: The number of the person there.
    ///   - number: The event's number among those of the server.
    ///   - time: When the order has got it, in milliseconds since the beginning of 1970.
    package func receive(_ bytes: [UInt8], from server: UInt64, of person: UInt64, number: UInt64, at time: Int64) {
        // What follows may have an observer let go of the server.
        guard let chat = livingChat else { return }
        defer { withExtendedLifetime(chat) {} }
        if heard[server] != nil { heard[server] = .now }
        guard let event = ChatEvent(bytes) else {
            unreadableCount += 1
            return
        }
        let key = PersonKey(server: server, number: person)
        let placed = Placed(event: event, key: key, number: number, time: min(time, ChatSnapshot.limit))
        switch phase {
        case .established: apply(placed)
        case .joining: prepare(placed)
        case .ended: break
        }
    }

    private func prepare(_ placed: Placed) {
        let isOwn = placed.key.server == server
        switch placed.event {
        case .hello(let attempt, _) where isOwn:
            guard attempt == joining.attempt else { return }
            joining.hasReadHello = true
            (joining.parts, joining.backlog) = ([], [])
        case .snapshot(for: server, attempt: joining.attempt, let part):
            joining.hasHeardOthers = true
            guard joining.hasReadHello else { return }
            joining.parts.append(part)
            answerTimer.arm(after: times.answer)
            if part == .end { adopt() }
        case .begin where isOwn:
            guard joining.hasReadHello, !joining.hasHeardOthers else { return }
            beginAlone(placed)
        case .hello:
            if joining.hasReadHello { joining.backlog.append(placed) }
        default:
            joining.hasHeardOthers = true
            if joining.hasReadHello { joining.backlog.append(placed) }
        }
    }

    private func beginAlone(_ placed: Placed) {
        servers = [server]
        guestCount = 0
        (time, number) = (placed.time, placed.number)
        chat.lobby.conversation?.records.restart(epoch: epoch(for: placed.key.server), nextSequence: 1)
        chat.lobby.conversation?.setTopic("", by: "", at: 0)
        becomeEstablished()
    }

    /// The same at all servers, since it is made of what the event has: it is the only one of that server with that number, also within one
    /// millisecond.
    private func epoch(for server: UInt64) -> UInt64 {
        var mixed = UInt64(bitPattern: time) &+ server &* 0x9E37_79B9_7F4A_7C15 &+ number
        mixed = (mixed ^ (mixed &>> 31)) &* 0xBF58_476D_1CE4_E5B9
        return max((mixed ^ (mixed &>> 29)) & (1 << 53 - 1), 1)
    }

    private func apply(_ placed: Placed) {
        let key = placed.key
        time = max(time, placed.time)
        number = placed.number
        isApplying = true
        defer {
            isApplying = false
            if servers.contains(key.server) { nextNumbers[key.server] = placed.number &+ 1 }
        }
        switch placed.event {
        case .hello(let attempt, let former): welcome(key.server, attempt, former)
        case .snapshot(for: server, attempt: attempt, _) where !servers.contains(key.server):
            // It has answered late: this server did not wait for it, and neither knows what the other one does.
            startAnew(reason: "there are other servers already")
        case .lost(let lost):
            if lost == server {
                startAnew(reason: "the other servers have not heard of this one")
            } else {
                remove(lost, reason: "lost")
            }
        case _ where !servers.contains(key.server): break
        case .end: if key.server != server { remove(key.server, reason: "shutdown") }
        case .begin, .alive, .snapshot: break
        default: applyToChat(placed.event, key)
        }
    }

    private func applyToChat(_ event: ChatEvent, _ key: PersonKey) {
        switch event {
        case .record(let room, let kind, let from, let text): record(room, kind, from, text, by: key)
        case .countCrowd(let room): conversation(room)?.presence.tellCounts()
        case .invite(let guest, let room):
            if let person = people[guest] { _ = conversation(room)?.invite(person, isByOperator: false) }
        case .close(let room):
            close(ChatName(unchecked: room))
        case .tell(let whom, let telling):
            if whom.server == server { tell(whom, telling) }
        case .remove(let whom, let farewell):
            if whom.server == server { people[whom]?.leave(farewell: farewell) }
        case .arrive(let name, let owner): admit(key, as: name, owner: owner)
        default: applyToPerson(event, key)
        }
    }

    private func applyToPerson(_ event: ChatEvent, _ key: PersonKey) {
        guard let person = people[key] else { return }
        switch event {
        case .depart(let reason): remove(key, person, reason: reason)
        case .rename(let name): setName(ChatName(unchecked: name), of: person)
        case .enter(let room, let extent, let roomKey, let isMove):
            enter(ChatName(unchecked: room), extent, roomKey, isMove: isMove, person, key)
        case .leave(let name):
            if let room = chat.room(named: ChatName(unchecked: name)), room.conversation?.contains(person) == true {
                person.leave(room)
            }
        default: return
        }
        if key.server == server { goOn(with: person) }
    }

    private func goOn(with person: Person) {
        if waiting.remove(UInt64(person.number)) != nil { person.connection?.resumeReading() }
    }

    /// How long to wait before more is applied: until those who read the rooms of late have read some of that. Nil if no time.
    package var timeToWait: Duration? {
        touched.removeAll { !$0.hasGrownEnough && !$0.waitsForSubscribers }
        if touched.isEmpty { return nil }
        // A turn later, nothing has grown any more.
        return touched.contains(where: \.waitsForSubscribers) ? .milliseconds(5) : .zero
    }

    private func conversation(_ room: String) -> Conversation? { chat.room(named: ChatName(unchecked: room))?.conversation }

    // MARK: - Servers

    private func welcome(_ newcomer: UInt64, _ attempt: UInt32, _ former: UInt64) {
        if former == server { return startAnew(reason: "another server says that it was this one") }
        if former != 0 { remove(former, reason: "lost") }
        guard newcomer != server else { return }
        // Snapshots do not have those who were invited and have left.
        let numbers = Set(people.values.map(\.number))
        for room in chat.rooms { room.conversation?.withdrawInvitations(except: numbers) }
        // Another one each time, the newest first: one may be gone, and not be missed yet.
        let others = Array(servers.filter { $0 != newcomer }.reversed())
        let answerer = others.isEmpty ? nil : others[Int(attempt &- 1) % others.count]
        heard[newcomer] = .now
        if servers.contains(newcomer) {
            removePeople(of: newcomer, reason: "lost")
        } else {
            servers.append(newcomer)
            tell(.otherJoined(servers: servers.count))
        }
        guard answerer == server, phase == .established else { return }
        for part in snapshot() { submit(.snapshot(for: newcomer, attempt: attempt, part)) }
    }

    private func remove(_ lost: UInt64, reason: String) {
        guard let index = servers.firstIndex(of: lost) else { return }
        servers.remove(at: index)
        (heard[lost], nextNumbers[lost]) = (nil, nil)
        removePeople(of: lost, reason: reason)
        tell(.otherLeft(servers: servers.count))
    }

    private func removePeople(of lost: UInt64, reason: String) {
        // In an order that is the same everywhere.
        for key in people.keys.filter({ $0.server == lost }).sorted(by: { $0.number < $1.number }) {
            if let person = people[key] { remove(key, person, reason: reason) }
        }
    }

    // MARK: - People

    private func admit(_ key: PersonKey, as name: String?, owner: String) {
        guard people[key] == nil, let person = person(key, owner) else { return }
        guestCount += 1
        // Nobody takes such a name, but it may have been given.
        while chat.person(named: .guest(guestCount)) != nil { guestCount += 1 }
        person.guestNumber = guestCount
        people[key] = person
        if name.map({ chat.register(person, as: ChatName(unchecked: $0)) }) != true {
            _ = chat.register(person, as: .guest(guestCount))
        }
        chat.letIn(person)
        if key.server == server { goOn(with: person) }
    }

    private func person(_ key: PersonKey, _ owner: String) -> Person? {
        if key.server == server { return locals[key.number] }
        return chat.server.map { RemotePerson(key, owner: owner, of: chat, server: $0) }
    }

    private func remove(_ key: PersonKey, _ person: Person, reason: String) {
        people[key] = nil
        person.disappear(reason: reason)
        guard key.server == server else { return }
        locals[key.number] = nil
        departing.remove(key.number)
        waiting.remove(key.number)
    }

    private func setName(_ name: ChatName, of person: Person) {
        do throws(NameRegistry.Refusal) {
            try chat.rename(person, to: name, isGranted: true)
            person.tell(.named(name))
        } catch {
            person.tell(.error("\(error)"))
        }
    }

    private func tell(_ whom: PersonKey, _ telling: ChatEvent.Telling) {
        let person = people[whom]
        if case .privateMessage(let from, let to, _) = telling {
            // It was there, and was reading, as far as the other server knew.
            let refusal = person == nil ? "\(to) has left" : person?.refusalToHear
            if let refusal, person?.ignored.contains(ChatName(unchecked: from)) != true {
                if let sender = chat.person(named: ChatName(unchecked: from)) { submit(.tell(key(of: sender), .error(refusal))) }
                return
            }
        }
        if let person { tell(person, telling) }
    }

    private func tell(_ person: Person, _ telling: ChatEvent.Telling) {
        switch telling {
        case .privateMessage(let from, let to, let text):
            let sender = ChatName(unchecked: from)
            // Somebody who is ignored is not told so.
            if person.ignored.contains(sender) { return }
            person.tell(.privateMessage(from: sender, to: ChatName(unchecked: to), text: text, time: time, isSender: false))
            person.lastWriter = chat.person(named: sender)
        case .notice(let line): person.tell(.notice(line))
        case .error(let line): person.tell(.error(line))
        case .invitation(let room, let from):
            if person.ignored.contains(ChatName(unchecked: from)) || person.refusalToHear != nil { return }
            person.tell(.invitation(room: ChatName(unchecked: room), from: ChatName(unchecked: from)))
        }
    }

    // MARK: - Rooms

    private func enter(
        _ name: ChatName, _ wanted: ChatEvent.Extent, _ given: String, isMove: Bool, _ person: Person, _ key: PersonKey
    ) {
        let extent: Replay.Extent
        switch wanted {
        case .last(let count): extent = .last(count)
        case .after(let epoch, let sequence): extent = .after(epoch: epoch, sequence: sequence)
        }
        if let conversation = chat.room(named: name)?.conversation, !conversation.contains(person),
            let own = conversation.ownKey, own != given, conversation.invitations?.contains(person) != true
        {
            // It was opened a moment ago.
            return person.tell(.error("that is not the key of \(name)"))
        }
        // Others may have been opened a moment ago.
        if !chat.mayOpen(name) { return person.tell(.error("\(Chat.RoomRefusal.tooMany)")) }
        let room: ChatServer.Room
        do throws(Errno) {
            room = try chat.openSharedRoom(name, key: given.isEmpty ? nil : given, epoch: epoch(for: key.server))
        } catch {
            return startAnew(reason: "the room \(name) cannot be opened: \(error)")
        }
        if isMove, let present = person.room, present !== room { person.exit(present, reason: "moved") }
        person.enter(room, telling: extent)
    }

    /// Sends everybody out of a room, in an order that is the same everywhere.
    private func close(_ name: ChatName) {
        guard name != .lobby, let room = chat.room(named: name), let conversation = room.conversation else { return }
        for person in conversation.people.sorted(by: { key(of: $0) < key(of: $1) }) {
            person.tell(.closed(room: room.name))
            person.leave(room)
        }
    }

    private func record(_ room: String, _ kind: UInt8, _ from: String, _ text: [UInt8], by key: PersonKey) {
        guard let kind = Record.Kind(rawValue: kind), kind != .join, kind != .leave, kind != .rename,
            let room = chat.room(named: ChatName(unchecked: room)), let conversation = room.conversation
        else { return }
        if touched.last !== conversation { touched.append(conversation) }
        if key.number == Self.nobody {
            _ = conversation.publish(kind, from: from, text.span)
            return
        }
        guard let person = people[key] else { return }
        guard conversation.contains(person) else { return person.tell(.error("you are not in \(room.name) any more")) }
        let publication = conversation.publish(kind, from: person.name.text, text.span, by: person)
        person.didPublish(publication, in: room)
        if kind == .topic, case .placed = publication { person.tellTopic(conversation.topicText) }
    }

    // MARK: - Snapshots

    /// What all servers have to be set up with alike, or one of them would refuse what others take.
    private var settings: UInt64 {
        let values = [
            chat.maximumTextLength, chat.lobby.conversation?.records.capacity ?? 0, chat.configuration.roomSize,
            chat.configuration.maximumRooms,
        ]
        return values.reduce(0) { ($0 ^ UInt64($1)) &* 0x9E37_79B9_7F4A_7C15 }
    }

    func snapshot() -> [ChatSnapshot.Part] {
        var parts: [ChatSnapshot.Part] = [
            .start(
                .init(
                    settings: settings, guestCount: UInt64(guestCount), time: time,
                    servers: servers.map { .init(name: $0, nextNumber: nextNumbers[$0] ?? 0) }))
        ]
        var left = ChatSnapshot.recordLimit
        for room in chat.rooms.sorted(by: { $0.name.folded < $1.name.folded }) {
            guard let conversation = room.conversation else { continue }
            let records = conversation.recentRecords(atMost: min(left, room === chat.lobby ? left / 2 : 65_536))
            left -= records.size
            parts.append(.room(conversation.image(nextSequence: records.firstSequence)))
            for piece in records.pieces { parts.append(.records(room: room.name.text, piece)) }
        }
        for (key, person) in people.sorted(by: { $0.key < $1.key }) {
            parts.append(
                .person(
                    key, name: person.name.text, guestNumber: UInt64(person.guestNumber), owner: person.owner,
                    rooms: person.rooms.map(\.name.text).sorted()))
            for room in chat.rooms where room.conversation?.invitations?.contains(person) == true {
                parts.append(.invitation(key, room: room.name.text))
            }
        }
        return parts + [.end]
    }

    private func adopt() {
        guard case .start(let start)? = joining.parts.first, start.servers.contains(where: { $0.name == server }) else {
            return refuseToJoin("what the other servers have answered is not whole")
        }
        for part in joining.parts {
            switch part {
            case .start(let start):
                if start.settings != settings {
                    return refuseToJoin(
                        "the other servers are set up with another --max-line or --room-size, or another number of rooms")
                }
                (guestCount, time, servers) = (Int(clamping: start.guestCount), start.time, start.servers.map(\.name))
                nextNumbers = Dictionary(start.servers.map { ($0.name, $0.nextNumber) }) { one, _ in one }
                nextNumbers[server] = nil
                order?.adopt(nextNumbers: nextNumbers)
                // It is in the snapshot, and has come once more.
                joining.backlog.removeAll { $0.number < nextNumbers[$0.key.server] ?? 0 }
            case .room(let image):
                let name = ChatName(unchecked: image.name)
                do throws(Errno) {
                    let room = try chat.openSharedRoom(name, key: image.key, epoch: image.epoch)
                    room.conversation?.restore(image)
                } catch {
                    return refuseToJoin("the room \(name) cannot be opened: \(error)")
                }
            case .records(let room, let records):
                for record in records { conversation(room)?.restore(record) }
            case .person(let key, let name, let guestNumber, let owner, let rooms):
                guard let server = chat.server else { return }
                let person = RemotePerson(key, owner: owner, of: chat, server: server)
                person.guestNumber = Int(clamping: guestNumber)
                guard chat.register(person, as: ChatName(unchecked: name)) else { continue }
                people[key] = person
                for name in rooms {
                    guard let room = chat.room(named: ChatName(unchecked: name)) else { continue }
                    room.conversation?.restore(person)
                    person.rooms.append(room)
                }
            case .invitation(let key, let room):
                if let person = people[key] { _ = conversation(room)?.invite(person, isByOperator: false) }
            case .end: break
            }
        }
        becomeEstablished()
    }

    /// Tries again later.
    private func refuseToJoin(_ reason: String) {
        chat.forgetEverything()
        (people, servers) = ([:], [])
        joining.hasReadHello = false
        refuseNewcomers()
        tell(.left(reason: reason))
    }
}
