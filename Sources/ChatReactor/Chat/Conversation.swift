import Broadcast
import ChatReactorText
import Reactor

/// What is said in a room of people: the log of its records, and a topic for each form in which somebody gets them.
///
///      say ──> records ──> encoded once a form ──> topic of lines ──> everybody but the speaker
///                 │                           └──> topic of JSON  ──> 〃
///                 └──> replayed to those who come later
///
/// A record is appended first, so what is published is in the history, and has a number, in the same order.
final class Conversation {
    /// The name of the room.
    let name: ChatName
    let records: RecordLog
    weak var chat: Chat?
    weak var room: ChatServer.Room?
    /// What the people in the room talk about; empty if nobody has said. Who has said so, and when.
    private(set) var topicText = ""
    private(set) var topicSetter = ""
    private(set) var topicTime: Int64 = 0
    let openedTime = Timestamp.now

    /// What the one who has opened the room has others need who enter it; nil if nothing.
    var ownKey: String?
    /// What those have laid down who keep the room in order.
    var modes = RoomModes()
    /// Those who need no key.
    var invitations = Invitations()

    /// Those of the forms that somebody in the room gets.
    private var topics: [(form: WireForm, topic: Topic)] = []
    private var peopleByNumber: [Int: Person] = [:]
    /// Those with IRC clients who are in other rooms as well, by number.
    private(set) var clientsOfSeveralRooms: [Int: IRCClient] = [:]
    private(set) lazy var presence = Presence(in: self)
    /// Those who have more to say than the room takes in one turn, in the order in which they may go on.
    private var heldBack: [Connection] = []
    /// Those who speak in the room and are not in it: they wait for slow readers as well.
    private var speakers: [Speaker] = []
    private var heldBackTimer: EventLoop.Timer?
    private var encoded: [UInt8] = []
    /// Whether one of the topics had grown enough when something was last published to it: the others need not be looked at.
    private var mayHaveGrownEnough = false
    private let topicCapacity: Int
    /// For the topics of some forms. The others reserve their own.
    private var topicMemory: [WireForm: MemoryReservation]
    private let pressureGroup = PressureGroup()

    /// A connection that the room does not keep alive.
    private struct Speaker {
        weak var connection: Connection?
    }

    init(
        _ name: ChatName, of chat: Chat, records: RecordLog, topicCapacity: Int, topicMemory: [WireForm: MemoryReservation] = [:],
        key: String? = nil
    ) {
        self.name = name
        ownKey = key
        self.chat = chat
        self.records = records
        self.topicCapacity = topicCapacity
        self.topicMemory = topicMemory
        // The topic of a room whose log was there before, if it still has that.
        records.read(from: records.place(ofLast: 1) { $0 == .topic }) { record in
            if record.kind == .topic { (topicText, topicSetter, topicTime) = (record.text, record.from, record.time) }
            return false
        }
    }

    // MARK: - People

    /// Those in the room, in no particular order.
    ///
    /// - Complexity: O(*n*).
    var people: [Person] { Array(peopleByNumber.values) }
    var online: Int { peopleByNumber.count }

    func contains(_ person: Person) -> Bool { peopleByNumber[person.number] != nil }

    func setInSeveralRooms(_ client: IRCClient, _ isSo: Bool) {
        clientsOfSeveralRooms[client.number] = isSo && contains(client) ? client : nil
    }

    /// Lets a person come in without a key, whom another has invited. Returns false if too many may already.
    func invite(_ person: Person, by other: Person) -> Bool {
        if let replica = chat?.replica { return replica.invite(person, to: self) }
        return invite(person, isByOperator: isKept(by: other))
    }

    func invite(_ person: Person, isByOperator: Bool) -> Bool {
        invitations.add(person, isByOperator: isByOperator)
    }

    /// Takes that back.
    func withdrawInvitation(of person: Person) { invitations.remove(person) }

    func withdrawInvitations(except numbers: Set<Int>) { invitations.keepOnly(numbers) }

    /// Is what another server knows of the room.
    func restore(_ person: Person) { peopleByNumber[person.number] = person }

    /// Lets everybody go without a word.
    func forgetPeople() {
        peopleByNumber = [:]
        invitations = Invitations()
        modes = RoomModes()
        presence.crowd = .init()
    }

    /// Adds a person, and tells the others.
    func add(_ person: Person) {
        if peopleByNumber.isEmpty, name != .lobby { modes.operators.insert(person.number) }
        peopleByNumber[person.number] = person
        chat?.irc?.didJoin(person, self)
        presence.didJoin(person)
    }

    /// Removes a person, and tells the others why.
    ///
    /// - Parameter departure: How those hear of it who have IRC clients.
    func remove(_ person: Person, reason: String, _ departure: IRCDeparture) {
        let removed = peopleByNumber.removeValue(forKey: person.number)
        if removed == nil { return }
        clientsOfSeveralRooms[person.number] = nil
        modes.remove(person)
        chat?.irc?.didLeave(person, self, departure)
        if let connection = person.connection, heldBack.contains(where: { $0 === connection }) {
            heldBack = heldBack.filter { $0 !== connection }
            // It may be in other rooms.
            connection.resumeReading()
        }
        presence.didLeave(person, reason: reason)
        if online > 0 { return }
        // Somebody may refer to the room still, and have it opened again.
        if name != .lobby { modes = RoomModes() }
        // Speakers who are not in the room. It may go now, with its timer.
        let waiting = heldBack
        heldBack = []
        for connection in waiting { connection.resumeReading() }
        if let room { chat?.roomIsEmpty(room) }
    }

    /// Whether the records tell more than who came and went.
    var isWorthKeeping: Bool {
        records.place(ofLast: 1) { $0.isSaid || $0 == .topic }.sequence < records.nextSequence
    }

    func setTopic(_ text: String, by name: String, at time: Int64) {
        (topicText, topicSetter, topicTime) = (text, name, time)
    }

    /// What somebody needs who enters the room; nil if nothing.
    var key: String? { chat?.key(of: name) }

    // MARK: - Forms

    /// Has a person sent what is said from now on.
    ///
    /// - Throws: `Errno.noMemory` or `.tooManyOpenFiles` if the form has no topic yet, and none can be made.
    func subscribe(_ person: Person) throws(Errno) {
        let topic = try topic(of: person.form)
        if let connection = person.connection { topic.subscribe(connection) }
    }

    /// Takes a person out of the topic, whose connection may be closed already. The last one of a form takes the topic along.
    func unsubscribe(_ person: Person) {
        guard let topic = existingTopic(of: person.form) else { return }
        if let connection = person.connection { topic.unsubscribe(connection) }
        discardIfUnused(person.form)
    }

    /// Takes a person out of the topic who stays in the room, after what was said until now. Returns false if that is so much that it is
    /// lost instead: the person does not read, and so much for each of many such people would take too much memory.
    func unsubscribeWithoutLoss(_ person: Person) -> Bool {
        guard let topic = existingTopic(of: person.form), let connection = person.connection else { return true }
        let isWhole = topic.unsubscribe(connection, sendingAtMost: Person.replyLimit)
        unsubscribe(person)
        return isWhole
    }

    /// Sends a person what it has not been sent yet, so that what it is told alone from now on comes after that. One that lacks very much is left
    /// as it is.
    func sendWhatLacks(to person: Person) {
        guard let topic = existingTopic(of: person.form), let connection = person.connection, !connection.isFinishing,
            topic.isOwed(connection), topic.lag(of: connection) ?? 0 <= Person.replyLimit
        else { return }
        _ = topic.unsubscribe(connection, sendingAtMost: Person.replyLimit)
        topic.subscribe(connection)
    }

    /// Has a form have a topic, for somebody who is about to be subscribed.
    ///
    /// - Throws: Why there can be none.
    func prepare(_ form: WireForm) throws(Errno) {
        _ = try topic(of: form)
    }

    /// Takes back what `prepare` has done, if nobody was subscribed.
    func discardIfUnused(_ form: WireForm) {
        guard let topic = existingTopic(of: form), topic.subscriberCount == 0 else { return }
        topics.removeAll { $0.form == form }
        pressureGroup.remove(topic)
        chat?.tally.add(topic)
    }

    private func existingTopic(of form: WireForm) -> Topic? { topics.first { $0.form == form }?.topic }

    private func topic(of form: WireForm) throws(Errno) -> Topic {
        if let topic = existingTopic(of: form) { return topic }
        guard let chat else { throw .canceled }
        var configuration = Topic.Configuration()
        configuration.capacity = topicCapacity
        configuration.memory = topicMemory[form]
        configuration.policy = chat.slowClients
        configuration.highWater = chat.slowHighWater
        configuration.sendThreads = chat.sendThreads
        let name = name
        let server = chat.irc?.serverName ?? ""
        configuration.skipNotice = { missed in
            Self.encode(.gap(room: name, missed: UInt64(clamping: missed)), as: form, in: name, from: server)
        }
        configuration.closingNotice = Self.encode(.error("goodbye: you are reading too slowly"), as: form, in: name, from: server)
        let topic = try Topic(on: chat.loop, configuration: configuration)
        // A message that could not be published for lack of memory would be missing. So there is memory, or there is no topic.
        try topic.allocateLog()
        topics.append((form, topic))
        pressureGroup.add(topic)
        for connection in speakers.compactMap(\.connection) { topic.addPublisher(connection) }
        return topic
    }

    /// Gives the topic of a form its memory, however much there is left when somebody comes who gets it.
    func reserveMemory(for form: WireForm) throws(Errno) {
        guard topicMemory[form] == nil, !hasTopic(of: form), let loop = chat?.loop else { return }
        topicMemory[form] = try loop.reserveMemory(Topic.memorySize(ofCapacity: topicCapacity))
    }

    /// Those of the forms that somebody in the room gets.
    var liveTopics: [Topic] { topics.map(\.topic) }

    /// Whether somebody in the room gets a form.
    func hasTopic(of form: WireForm) -> Bool { existingTopic(of: form) != nil }

    /// How many bytes a person has not been sent yet that were said in the room.
    func lag(of person: Person) -> Int {
        guard let connection = person.connection else { return 0 }
        return existingTopic(of: person.form)?.lag(of: connection) ?? 0
    }

    // MARK: - Speaking

    /// What has become of something that was to be put down.
    enum Publication {
        /// It has a number and a time.
        case placed(sequence: UInt64, time: Int64)
        /// It gets them where all servers of the chat have it: its person is told then.
        case submitted
        /// It never gets them: the server does not reach the others.
        case unplaced
        /// It is too long for the room.
        case tooLong
    }

    /// Puts down what has happened, and tells everybody but the person who did it. In a chat of several servers, that is done at its place among what happens
    /// at all of them.
    ///
    /// - Parameters:
    ///   - text: Valid UTF-8 without control characters, but for the newlines of a message of several lines.
    ///   - original: What those get who have IRC clients, if that is more than the text.
    ///   - reachesIRC: Whether they get it at all.
    /// - Complexity: O(*n*) for *n* bytes, and for the number of those who ignore the person.
    @discardableResult
    func publish(
        _ kind: Record.Kind, from name: String, _ text: Span<UInt8>, by person: Person? = nil, online: Int = 0,
        asSent original: IRCOriginal? = nil, reachesIRC: Bool = true
    ) -> Publication {
        // What is in the history must fit into the topics, too.
        guard let chat, text.count <= chat.maximumTextLength else { return .tooLong }
        if let replica = chat.replica, !replica.isApplying { return replica.submit(kind, from: name, text, by: person, in: self) }
        let time = chat.replica?.time ?? Timestamp.now
        chat.replica?.willPublish(in: self)
        let online = Int32(clamping: online)
        let place = records.end
        guard let sequence = records.append(kind, from: name.utf8.span, text: text, time: time, online: online) else {
            return .tooLong
        }
        if kind == .topic { setTopic(String(text), by: name, at: time) }
        let sender = person?.connection
        // Whom somebody ignores is still there for it: what it must not get is what that person says, or a bot of that name.
        let others = kind.isSaid ? chat.ignorers(of: person?.name ?? ChatName(unchecked: name)) : []
        // Taken out of the property, each access to which would have to be checked.
        var message: [UInt8] = []
        swap(&message, &encoded)
        let topics = topics
        var line: IRCLine?
        for (form, topic) in topics where reachesIRC || form.kind != .irc {
            message.removeAll(keepingCapacity: true)
            // What is published is made of what is in the history.
            records.read(from: place) { record in
                if form.kind == .irc {
                    // The same for all of them.
                    if line == nil { line = chat.irc?.line(for: record, in: self, by: person, asSent: original) }
                    line?.append(with: form.parts, to: &message)
                } else {
                    form.encode(record, in: self.name, isReplayed: false, label: chat.label, to: &message)
                }
                return false
            }
            if form.kind == .irc, message.count > topic.maximumMessageLength {
                for piece in IRCForm.pieces(of: message, atMost: topic.maximumMessageLength) {
                    publish(piece.span, to: topic, from: sender, except: others)
                }
            } else {
                publish(message.span, to: topic, from: sender, except: others)
            }
        }
        swap(&message, &encoded)
        if let server = chat.server, server.makesEvents, let room {
            server.didPublish(ChatServer.Event(kind, in: room, by: person, name: name, text: text, online: Int(online)))
        }
        return .placed(sequence: sequence, time: time)
    }

    /// Publishes what no person says. Returns whether it is not too long.
    private func publishOwn(_ kind: Record.Kind, from name: String, _ line: String) -> Bool {
        switch publish(kind, from: name, String(madeVisible: line).utf8.span) {
        case .placed, .submitted: true
        case .unplaced, .tooLong: false
        }
    }

    /// Tells everybody a line as a notice.
    func announce(_ line: String) -> Bool { publishOwn(.notice, from: "", line) }

    /// Says a line under a name that is nobody's, on behalf of a connection that is in no room.
    func say(_ line: String, as name: ChatName, from connection: Connection?) -> Bool {
        if line.isEmpty { return false }
        if let connection { addSpeaker(connection) }
        guard publishOwn(.message, from: name.text, line) else { return false }
        if let connection { holdBackIfFull(connection) }
        return true
    }

    /// Has somebody who is not in the room wait for slow readers as those do who are.
    func addSpeaker(_ connection: Connection) {
        if speakers.contains(where: { $0.connection === connection }) { return }
        speakers = speakers.filter { $0.connection != nil } + [Speaker(connection: connection)]
        for (_, topic) in topics { topic.addPublisher(connection) }
    }

    /// Tells everybody who speaks in the room something that is not in its history. A program may be in other rooms as well, and is told
    /// once.
    func tellAll(_ reply: Reply) {
        guard let room else { return }
        let others = people.filter { $0.room !== room }.compactMap(\.connection)
        let server = chat?.irc?.serverName ?? ""
        for (form, topic) in topics {
            publish(Self.encode(reply, as: form, in: name, from: server).span, to: topic, except: others)
        }
        // They are not subscribed yet.
        for person in people where person.room === room && person.isAwaitingLive(room) { person.tell(reply) }
    }

    /// Tells those who have IRC clients what the others are told otherwise, or not at all.
    ///
    /// - Parameters:
    ///   - line: The message for those whose clients want so much; nil for nothing.
    ///   - sender: Whose doing it is.
    ///   - others: Who is not to get it either.
    func publishToIRC(
        from sender: Connection? = nil, except others: [Connection] = [], _ line: (IRCForm.Parts) -> IRCLine?
    ) {
        for (form, topic) in topics where form.kind == .irc {
            guard let line = line(form.parts) else { continue }
            var message: [UInt8] = []
            line.append(with: form.parts, to: &message)
            publish(message.span, to: topic, from: sender, except: others)
        }
    }

    private func publish(
        _ message: Span<UInt8>, to topic: Topic, from sender: Connection? = nil, except others: [Connection]
    ) {
        topic.publish(message, from: sender, except: others)
        if topic.hasGrownEnough { mayHaveGrownEnough = true }
    }

    /// Encodes what those are told who get a form.
    private static func encode(_ reply: Reply, as form: WireForm, in room: ChatName, from server: String) -> [UInt8] {
        form.kind == .irc ? IRCForm.encode(reply, in: room, from: server) : form.encode(reply)
    }

    // MARK: - Holding back

    /// Whether nobody can say more in this turn without leaving those behind who are slow.
    var hasGrownEnough: Bool { topics.contains { $0.topic.hasGrownEnough } }

    /// Whether somebody who is slow is waited for.
    var waitsForSubscribers: Bool { topics.contains { $0.topic.waitsForSubscribers } }

    /// Has a connection that has just said something wait for the next turn, if the room takes no more in this one.
    ///
    /// A read may hold thousands of short lines, each of which becomes longer by a name. They must not make the log grow by more
    /// than subscribers can follow: one of them would be closed who has not been slow.
    func holdBackIfFull(_ connection: Connection) {
        guard mayHaveGrownEnough else { return }
        mayHaveGrownEnough = hasGrownEnough
        guard mayHaveGrownEnough else { return }
        connection.pauseReading()
        heldBack.append(connection)
        armHeldBackTimer()
    }

    private func armHeldBackTimer() {
        guard let loop = chat?.loop else { return }
        let timer = heldBackTimer ?? loop.makeTimer { [weak self] in self?.letNextGoOn() }
        heldBackTimer = timer
        timer.arm(after: .zero)
    }

    /// One in a turn: the others would say something, too, before the room is seen to be full again.
    private func letNextGoOn() {
        if heldBack.isEmpty { return }
        let connection = heldBack.removeFirst()
        if !heldBack.isEmpty { armHeldBackTimer() }
        connection.resumeReading()
    }
}
