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

        /// Whether it knows by itself which servers there are, and says `lost` of one that has gone: then none has to show that it is there.
        var knowsServers: Bool { get }

        /// Whether the chat is to begin with this server, of an order that knows the servers: no other is one of it. From then on, this one is.
        func claimBeginning() -> Bool

        /// Takes an event, which `receive` gets once it has its place, here and at all other servers.
        ///
        /// - Parameter number: That of the person who has done it; `ChatReplica.nobody` if nobody has.
        func submit(_ event: [UInt8], of number: UInt64)

        /// Does what is next of what has come, by `receive`. Returns whether there was anything.
        func deliverNext() -> Bool

        /// Takes nothing any more for read before: what was read is not in what the server is told next.
        func forgetNumbers()

        /// Takes what precedes these for what was read before: it may come once more.
        func adopt(nextNumbers: [UInt64: UInt64])

        /// Calls `body` once all that was submitted until now has its place, or never gets one.
        func whenPlaced(_ body: @escaping () -> Void)

        /// Forgets what has no place yet, and is called otherwise from now on. It calls `connected` when it can be submitted to.
        func restart(as server: UInt64)

        /// Has no part in it any more.
        func leave()
    }

    /// Why people leave whose server does not reach the others.
    static let loss = "lost"
    /// How much a server that wants to be one of them takes before it asks again.
    static let joiningLimit = 256 << 20
    /// What they are told who come to it.
    static let absence = "this server does not reach the others now"

    /// The number of nobody.
    package static let nobody = UInt64.max

    /// How long things take. Tests do not wait so long.
    struct Times {
        /// How long a server waits for an answer to its hello, before it says it again and another server is asked: at first. After three in vain, it waits
        /// twice as long each time, as long as it hears others, but less than it may be silent.
        var answer = Duration.seconds(1)
        /// How often it says it when it hears nobody, before it begins alone.
        var attempts: UInt32 = 3
        /// How often a server says that it is there: more often than it is waited for.
        var alive = Duration.seconds(2)
        /// How long a server may be silent.
        var silence = Duration.seconds(10)
    }

    enum Phase {
        /// It says hello, and waits for the answer.
        case joining
        case established
        /// It has left for good.
        case ended
    }

    /// What a server has that wants to be one of them. It says hello again if it is not answered, and takes what answers any of its hellos since the first
    /// one: with much to tell, on a busy machine, an answer comes late.
    struct Joining {
        /// The last hello.
        var attempt: UInt32 = 0
        /// The first one since which nothing was missed; 0 if the next one will be.
        var firstAttempt: UInt32 = 0
        /// Whether the last one was read.
        var hasReadHello = false
        var answers: [Answer: [ChatSnapshot.Part]] = [:]
        /// The first one and what has happened since; empty until it was read.
        var backlog: [Placed] = []
        /// Whether a server was heard that is one of them, since the last one.
        var hasHeardOthers = false
        /// How many hellos in a row nobody has answered, and nobody was heard.
        var unheardCount: UInt32 = 0
        /// How many in a row nobody has answered though others were heard.
        var unansweredCount = 0
        /// How many bytes have come since the first one.
        var size = 0

        struct Answer: Hashable {
            let server: UInt64
            let attempt: UInt32
        }
    }

    struct Placed {
        let event: ChatEvent
        let key: PersonKey
        /// The event's number among those of its server.
        let number: UInt64
        let time: Int64
    }

    /// What this server is called among all: another name after each loss of the others.
    package internal(set) var server = UInt64.random(in: 1 ... .max)
    var former: UInt64 = 0
    unowned let chat: Chat
    /// The same, as long as there is one.
    weak var livingChat: Chat?
    package var order: (any Order)?
    var times = Times()
    var phase = Phase.joining
    var joining = Joining()
    /// The hellos that were not to be answered by others than those whose chat it has become one of.
    var attempts: ClosedRange<UInt32> = 0...0
    /// Those who were servers of that chat.
    var adopted: Set<UInt64> = []
    var isCutOff = false
    /// Whether it leaves for good.
    var isEnding = false
    var isApplying = false
    /// The time of the last event, by the clock of the order: milliseconds since the beginning of 1970.
    var time: Int64 = 0
    /// The number of the last event among those of its server.
    var number: UInt64 = 0
    /// The servers, in the order in which they were last heard: those first that have only said hello.
    var servers: [UInt64] = []
    /// The number of the next event of each server, where the last event that was applied has its place.
    var nextNumbers: [UInt64: UInt64] = [:]
    var people: [PersonKey: Person] = [:]
    var guestCount = 0
    /// This server's people, from before they have arrived to after they have departed.
    var locals: [UInt64: Person] = [:]
    var departing: Set<UInt64> = []
    /// Those who are not heard until what they have asked for has come to pass.
    var waiting: Set<UInt64> = []
    /// Those of them who asked before it changed who can log in.
    var judgedAnew: Set<UInt64> = []
    /// Those who have come while the server was not one of them.
    var newcomers: [Person] = []
    var held: [Held] = []
    /// The conversations to which something was said since it was seen that they take more.
    var touched: [Conversation] = []
    var heard: [UInt64: ContinuousClock.Instant] = [:]
    /// Rooms whose people's server is gone, for those of them who come back.
    var keptRooms: [ChatName: KeptRoom] = [:]
    /// When the first of them is kept no longer.
    var firstKeptEnd = Int64.max
    /// The bans that this server had when it lost the others, of which these may have taken back some.
    var formerBans: Set<Ban> = []
    /// Whether a room is kept that is empty now.
    var keepsEmptyRooms = false
    lazy var answerTimer = chat.loop.makeTimer { [weak self] in self?.nobodyHasAnswered() }
    private var isDelivering = false
    private lazy var deliveryTimer = chat.loop.makeTimer { [weak self] in self?.deliver() }
    lazy var aliveTimer = chat.loop.makeTimer { [weak self] in self?.keepAlive() }
    /// Called when the server becomes one of them, and when it is not any more, with the reason.
    package var onChange: ((Change) -> Void)?
    /// How many events could not be read, and what was lost by that is the same for all servers.
    package internal(set) var unreadableCount = 0

    package enum Change {
        /// It is one of so many.
        case joined(servers: Int)
        case left(reason: String)
        case otherJoined(servers: Int)
        case otherLeft(servers: Int)
    }

    struct KeptRoom {
        let room: ChatServer.Room
        /// In milliseconds since the beginning of 1970.
        let end: Int64
    }

    struct Held {
        weak var connection: Connection?
    }

    init(of chat: Chat) { (self.chat, livingChat) = (chat, chat) }

    deinit {
        // The rooms of a chat that is gone keep those who are in them, and are kept by them, and by what these are still to be told.
        for person in people.values { person.letGo() }
    }

    /// Whether people can be in the chat here.
    package var isEstablished: Bool { phase == .established && !isCutOff }
    package var serverCount: Int { servers.count }

    /// Calls what is not a part of what is being applied: an embedder's own, which may ask for anything. That is done at its place, at all
    /// servers.
    func callOut(_ body: () -> Void) {
        let wasApplying = isApplying
        isApplying = false
        body()
        isApplying = wasApplying
    }

    func tell(_ change: Change) { callOut { onChange?(change) } }

    // MARK: - What is asked for

    func submit(_ event: ChatEvent) {
        if phase == .established { order?.submit(event.encoded, of: Self.nobody) }
    }

    /// Submits what somebody is to be told, at whichever server.
    func submit(_ telling: ChatEvent.Telling, to person: Person) { submit(.tell(key(of: person), telling)) }

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
        if !isEstablished { return .unplaced }
        guard
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
        // A key that the operator has laid down was looked at here.
        let own = chat.secretKeys[name] == nil ? key : ""
        submit(.enter(room: name.text, extent, key: own, isMove: !person.form.allowsSeveralRooms), of: person)
    }

    func invite(_ person: Person, to conversation: Conversation) -> Bool {
        submit(.invite(key(of: person), room: conversation.name.text))
        return true
    }

    func key(of person: Person) -> PersonKey {
        (person as? RemotePerson)?.key ?? PersonKey(server: server, number: UInt64(person.number))
    }

    // MARK: - Coming and going

    /// Whether somebody can come now. If not, it waits, or is told that it cannot.
    func mayAdmit(_ person: Person) -> Bool {
        if isEstablished { return true }
        guard phase == .joining, !isCutOff else {
            refuse(person)
            return false
        }
        newcomers.append(person)
        person.connection?.pauseReading()
        return false
    }

    func refuseNewcomers() {
        let those = newcomers
        newcomers = []
        for person in those { refuse(person) }
    }

    func refuse(_ person: Person) {
        person.tell(.error("\(Self.absence), try again later"))
        // Browsers come back when a server is ending, and not when they were sent away.
        person.connection?.finish(reason: .shutdown)
    }

    func arrive(_ person: Person, as name: ChatName?, isLoggedIn: Bool = false) {
        locals[UInt64(person.number)] = person
        submit(.arrive(name: name?.text, origin: person.origin, isLoggedIn: isLoggedIn), of: person)
    }

    /// Has somebody have a name who has proved to. Returns false if it has left.
    func logIn(_ person: Person, as name: ChatName) -> Bool {
        if locals[UInt64(person.number)] === person { return submit(.logIn(name.text), of: person) }
        // It comes with that name: now, or once it was decided that it may.
        person.login.name = name
        guard person.login.isAwaited else { return true }
        person.stopAwaitingLogin()
        if mayAdmit(person) { arrive(person, as: name, isLoggedIn: true) }
        return true
    }

    func depart(_ person: Person, reason: String) {
        newcomers.removeAll { $0 === person }
        let number = UInt64(person.number)
        guard phase == .established, locals[number] === person, departing.insert(number).inserted else { return }
        order?.submit(ChatEvent.depart(reason: reason).encoded, of: number)
    }

    func admitNewcomers() {
        let those = newcomers
        newcomers = []
        for person in those {
            guard let connection = person.connection, !connection.isFinishing else { continue }
            connection.resumeReading()
            chat.admit(person)
        }
    }

    // MARK: - When there is too much

    /// Does what the order has brought, as much as those who are here take, and the rest later.
    package func deliver() {
        // What is done may bring more.
        if isDelivering { return }
        isDelivering = true
        defer { isDelivering = false }
        while let order {
            // Those who are slow, and those who read in this turn.
            if let delay = timeToWait { return deliveryTimer.arm(after: delay) }
            if !order.deliverNext() { return }
        }
    }

    /// Does that in the next turn.
    func deliverSoon() { deliveryTimer.arm(after: .zero) }

    /// Something is said in a room, or somebody comes, leaves or takes a name.
    func willPublish(in conversation: Conversation) {
        if touched.last !== conversation { touched.append(conversation) }
    }

    /// How long to wait before more is applied: until those who read the rooms of late have read some of that. Nil if no time.
    private var timeToWait: Duration? {
        touched.removeAll { !$0.hasGrownEnough && !$0.waitsForSubscribers }
        if touched.isEmpty { return nil }
        // A turn later, nothing has grown any more.
        return touched.contains(where: \.waitsForSubscribers) ? .milliseconds(5) : .zero
    }

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
}
