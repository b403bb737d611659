import ChatReactorText
import Reactor

/// Somebody who has come with an IRC client: a person like all others, who may be in several rooms, and speaks another language.
///
/// What it sends are messages, each of which is a command of ``IRCCommand``. What a command has come to leaves in one piece when it is done.
final class IRCClient: Person {
    /// How many bytes a user name may have.
    static let userLimit = 20
    /// How many characters a description of oneself, a reason or an absence may have.
    static let remarkLimit = 300
    /// How many names somebody may watch.
    static let watchLimit = 100
    /// How many rooms or people one command may name.
    static let targetLimit = 20
    /// How many bytes of tags a client may send, and of all else, without its CR and LF.
    static let tagLimit = 4_096
    static let messageLimit = IRCForm.lengthLimit - 2
    /// How many bytes of answers may wait for a client: what one command comes to, with some tens of thousands of people in a room. One for whom
    /// much waits is not heard before it has read.
    static let answerLimit = 8_388_608

    /// How a request of HTTP begins. A page of the Web can have the browser of whoever looks at it send one here, with commands of IRC in
    /// its body, which somebody on this machine or behind a wall around it would seem to give.
    private static let methodsOfHTTP: Set = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]

    /// The commands whose answers say nothing about how things are. Who speaks gets the room's messages as all others do, many at once.
    private static let wordsAlone: Set = ["BATCH", "CAP", "NOTICE", "PING", "PONG", "PRIVMSG", "TAGMSG"]

    let network: IRCNetwork
    var registration = IRCRegistration()
    private(set) var isRegistered = false
    /// Whether it is there, and has not said yet who it is.
    var isNewcomer = false {
        didSet { network.newcomers[number] = isNewcomer ? self : nil }
    }
    private(set) var capabilities: IRCCapabilities = []
    /// What the client says that its user is called, on its machine.
    var user = ""
    /// What somebody says of itself.
    var realName = ""
    /// Why somebody is away; nil if it is there.
    var away: String?
    /// Whether those alone find it who share a room with it.
    var isInvisible = false
    /// The name of the operator that it has shown by `OPER` to be, whatever it is called.
    var operatorName: ChatName?
    /// The names of which it is told who comes and goes.
    var watched: Set<ChatName> = []
    let signOnTime = Timestamp.now

    /// Up to when somebody has read who has not logged in, by whatever name: that is forgotten with the client.
    var ownMarkers = ReadMarkers()
    /// The message of several lines that it has begun.
    var multiline: Multiline?
    /// What the answer to the command that is being run is to be known by, if the client has said.
    var label: String?
    /// What the command that is being run has come to so far; nil between commands.
    private var responses: [IRCLine]?
    private var batchCount = 0
    private var timer: EventLoop.Timer?
    private var isAskedToAnswer = false

    init(_ number: Int, of chat: Chat, server: ChatServer, in network: IRCNetwork) {
        self.network = network
        super.init(number, form: .irc(with: []), of: chat, server: server)
    }

    /// What it is called in what it is told: before it has a name, nothing.
    var shownName: String { isRegistered ? name.text : registration.name?.text ?? "*" }

    /// Whether it has asked for what it may do, and may do it still.
    var isOpered: Bool { operatorName.flatMap { chat?.authenticator?.isOperator($0) } == true }

    public override var isOperator: Bool { isOpered || super.isOperator }

    // MARK: - Coming and going

    override func begin(in chat: Chat) {
        // It is nobody yet.
        isNewcomer = true
        timer = chat.loop.schedule(after: network.registrationTime) { [weak self] in self?.registrationDidTimeOut() }
    }

    private func registrationDidTimeOut() {
        leave(farewell: "you have not said in time who you are", reason: .firstMessageTimedOut)
    }

    override func takeFirstName(in chat: Chat) -> Bool {
        guard let wanted = registration.name else { return false }
        do throws(NameRegistry.Refusal) {
            try chat.claim(wanted, for: self, isGranted: false)
        } catch {
            registration.name = nil
            tellRefused(wanted.text, error)
            return false
        }
        name = wanted
        return true
    }

    override func begins(in chat: Chat) {
        isRegistered = true
        isNewcomer = false
        network.didCount(chat.online)
        greet()
        timer?.cancel()
        armPing()
    }

    public override func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        timer?.cancel()
        super.connectionDidClose(connection, reason: reason)
    }

    override func leave(farewell: String, reason: CloseReason = .requested) {
        send(IRCLine("", "ERROR", text: Array("Closing link: \(farewell)".utf8)))
        // Whatever the command is, it is done: a connection that finishes takes no more.
        label = nil
        flush()
        responses = nil
        super.leave(farewell: farewell, reason: reason)
    }

    public override func connectionDidTimeOut(_ connection: Connection, reason: CloseReason) {
        leave(farewell: farewellAfterSilence, reason: reason)
    }

    override func didProve(_ name: ChatName, to chat: Chat) -> Bool { proved(name, to: chat) }

    override func loginWasRefused(_ refusal: LoginRefusal) { tellRefused(refusal) }

    // MARK: - Rooms

    override func roomsDidChange() {
        for room in rooms { room.conversation?.setInSeveralRooms(self, rooms.count > 1) }
    }

    override func greet(_ room: ChatServer.Room, isFirst: Bool) { tellEntered(room) }

    override func replay(
        _ extent: Replay.Extent, of room: ChatServer.Room, precedesLive: Bool = true, isAfterGap: Bool = false
    ) { catchUp(with: extent, of: room) }

    /// What was said before somebody sent the client out precedes that.
    override func stopHearing(_ room: ChatServer.Room) { _ = room.conversation?.unsubscribeWithoutLoss(self) }

    /// Nobody need be in any room.
    override func leave(_ room: ChatServer.Room, reason: String = "moved", _ departure: IRCDeparture = .part("")) {
        exit(room, reason: reason, departure)
    }

    // MARK: - Being there

    /// Asks a client that is silent whether it is there: what is between it and the server may have forgotten the connection.
    private func armPing() {
        guard let loop = chat?.loop, let interval = network.pingInterval else { return }
        timer = loop.makeTimer { [weak self] in self?.ping(every: interval) }
        timer?.arm(after: interval)
    }

    private func ping(every interval: Duration) {
        let silence = lastHeard.duration(to: .now)
        if silence < interval {
            isAskedToAnswer = false
            timer?.arm(after: interval - silence)
        } else if isAskedToAnswer {
            leave(farewell: "nothing has come from you for too long", reason: .idleTimedOut)
        } else {
            isAskedToAnswer = true
            send(IRCLine("", "PING", text: Array(network.serverName.utf8)))
            timer?.arm(after: interval)
        }
    }

    // MARK: - Hearing

    public override func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        lastHeard = .now
        isAskedToAnswer = false
        chat?.tally.receivedMessages &+= 1
        messages.withMessage(at: 0) { receive($0) }
        didHear(over: connection)
    }

    public override func connectionDidDiscardMessage(_ connection: Connection) {
        reply(.inputTooLong)
        if isOneTooManyLongLines() { leave(farewell: "three lines were too long within a minute", reason: .messageTooLong) }
    }

    private func receive(_ line: Span<UInt8>) {
        let message: IRCMessage
        do throws(IRCMessage.Invalid) { message = try IRCMessage(line) } catch {
            if error == .notUTF8 { refuseEncoding(of: line) }
            return
        }
        if message.tagByteCount > Self.tagLimit || line.count - message.tagByteCount > Self.messageLimit {
            return reply(.inputTooLong)
        }
        answer(message) { run(message) }
    }

    private func answer(_ message: IRCMessage, _ body: () -> Void) {
        label = capabilities.contains(.labeledResponse) ? message.tags.first { $0.key == "label" }?.value : nil
        responses = []
        body()
        flush()
        responses = nil
    }

    /// What is not UTF-8 is done by half if at all, so nothing of it is.
    private func refuseEncoding(of line: Span<UInt8>) {
        if line.count > Self.tagLimit + Self.messageLimit { return reply(.inputTooLong) }
        let text = String(decoding: Array(span: line), as: UTF8.self)
        guard let message = try? IRCMessage(text.utf8.span) else { return }
        if line.count - message.tagByteCount > Self.messageLimit { return reply(.inputTooLong) }
        answer(message) { fail(message.command, "INVALID_UTF8", text: "a message is UTF-8") }
    }

    private func run(_ message: IRCMessage) {
        guard let command = network.commands[message.command] else {
            if !isRegistered, Self.methodsOfHTTP.contains(message.command) { return leave(farewell: "this is no web server") }
            return reply(.unknownCommand, String(message.command.prefix(50)))
        }
        if !isRegistered, !command.precedesRegistration { return reply(.notRegistered) }
        if message.parameters.count < command.minimumCount { return reply(.needMoreParameters, message.command) }
        if capabilities.contains(.multiline), takesAsLine(message) { return }
        if !Self.wordsAlone.contains(command.name) { tellWhatWasBefore() }
        command.run(self)(message)
    }

    /// Tells what others have done in its rooms, before what a command comes to: that is how things are since. A client that is told of somebody's
    /// coming after it has sent it out would show it for ever.
    func tellWhatWasBefore() { for room in rooms { room.conversation?.sendWhatLacks(to: self) } }

    // MARK: - Telling

    /// Sends a message; one that a command brings about when that is done.
    func send(_ line: IRCLine) {
        if responses == nil { sendAside(line) } else { responses?.append(line) }
    }

    /// Sends a message that is no answer to the command that is being run.
    func sendAside(_ line: IRCLine) {
        var output: [UInt8] = []
        line.append(with: capabilities.parts, to: &output)
        connection?.send(output.span)
    }

    /// How many bytes the command that is being run has come to so far, or about.
    var answerLength: Int { responses?.reduce(0) { $0 + $1.longestLength } ?? 0 }

    /// Sends what a command has come to, in one piece, and so that the client can tell to which of its commands it belongs.
    private func flush() {
        guard var lines = responses else { return }
        responses = []
        if let label {
            if lines.isEmpty { lines.append(IRCLine(network.serverName, "ACK")) }
            // A batch has the label itself; what is in it refers to the batch.
            if lines.count == 1 && !lines[0].isSeveral(with: capabilities.parts)
                || lines[0].command == "BATCH" && lines.last?.command == "BATCH"
                    && lines[0].parameters.first?.dropFirst() == lines.last?.parameters.first?.dropFirst()
            {
                lines[0].ownTags.append(("label", label))
            } else {
                let batch = makeBatch()
                for index in lines.indices where !lines[index].ownTags.contains(where: { $0.key == "batch" }) {
                    lines[index].ownTags.append(("batch", batch))
                }
                var start = IRCLine(network.serverName, "BATCH", ["+\(batch)", "labeled-response"])
                start.ownTags = [("label", label)]
                lines = [start] + lines + [IRCLine(network.serverName, "BATCH", ["-\(batch)"])]
            }
        }
        if lines.isEmpty { return }
        var output: [UInt8] = []
        for line in lines { line.append(with: capabilities.parts, to: &output) }
        connection?.send(output.span)
        // An answer tells how things are now: what happens in a room from now on must not come before it, though it may have been the rooms' turn.
        connection?.giveOwnOutputItsTurn()
    }

    /// A name for a batch, which no other of this client has.
    func makeBatch() -> String {
        batchCount &+= 1
        return String(batchCount, radix: 36)
    }

    /// Answers by a numeric.
    ///
    /// - Parameters:
    ///   - parameters: What stands between the client's name and the text.
    ///   - text: In place of the numeric's own.
    func reply(_ numeric: IRCNumeric, _ parameters: String..., text: String? = nil) {
        let text = text ?? numeric.text
        send(
            IRCLine(
                network.serverName, numeric.code, [shownName] + parameters.map(Self.asMiddle),
                text: text.map { Array(String(madeVisible: $0).utf8) }))
    }

    /// What somebody has sent, so that it can stand between other parameters.
    private static func asMiddle(_ text: String) -> String {
        // By scalars: a space that a mark follows is no character of its own, and ends a parameter all the same.
        let harmless = String(madeVisible: text).unicodeScalars.split(separator: " ").joined(separator: "_".unicodeScalars)
        var middle = String.UnicodeScalarView()
        var length = 0
        for scalar in harmless {
            length += UTF8.width(scalar)
            // As long as the longest mask.
            if length > 192 { break }
            middle.append(middle.isEmpty && scalar == ":" ? "_" : scalar)
        }
        return middle.isEmpty ? "*" : String(middle)
    }

    /// Says that a command was not done, as IRCv3 has it for what has no numeric.
    func fail(_ command: String, _ code: String, _ context: String..., text: String) {
        fail(command, code, context, text: text)
    }

    func fail(_ command: String, _ code: String, _ context: [String], text: String) {
        send(IRCLine(network.serverName, "FAIL", ([command, code] + context).map(Self.asMiddle), text: Array(text.utf8)))
    }

    func notice(_ text: String) {
        send(IRCLine(network.serverName, "NOTICE", [shownName], text: Array(text.utf8)))
    }

    /// What the chat tells people, in this language.
    override func encode(_ reply: Reply) -> [UInt8] {
        if let line = line(for: reply) { send(line) }
        return []
    }

    private func line(for reply: Reply) -> IRCLine? {
        let server = network.serverName
        func notice(_ text: String) -> IRCLine { IRCLine(server, "NOTICE", [shownName], text: Array(text.utf8)) }
        switch reply {
        case .notice(let text), .error(let text), .loginRefused(let text): return notice(text)
        case .replaced: return notice(TextForm.replaced)
        case .closed(let room): return notice("\(room) was closed by the operator")
        case .gap(let room, let missed):
            return IRCLine(server, "NOTICE", ["#\(room)"], text: Array(IRCForm.notice(ofMissed: missed).utf8))
        case .privateMessage(let from, _, let text, let time, let isSender):
            guard !isSender, let person = chat?.person(named: from) else { return nil }
            var line = IRCLine(network.source(of: person), "PRIVMSG", [shownName], text: text)
            (line.time, line.id, line.account) = (time, network.makeID(), network.account(of: person))
            return line
        case .invitation(let room, let from):
            guard let person = chat?.person(named: from) else { return nil }
            return network.line(by: person, "INVITE", [shownName, "#\(room)"])
        case .loggedIn(let name):
            tellLoggedIn(as: name)
            return nil
        // Its own commands answer in numerics, and it is told what is new in messages.
        case .welcome, .loginNeeded, .named, .who, .rooms, .pong, .historyEnd, .sent: return nil
        }
    }

    /// What is to be sent from now on has what the client has asked for.
    ///
    /// - Returns: Whether it has.
    @discardableResult
    func setCapabilities(_ new: IRCCapabilities) -> Bool {
        let form = WireForm.irc(with: new.parts)
        if form != self.form {
            do throws(Errno) {
                for (room, isWhole) in try changeForm(to: form) {
                    try room.conversation?.subscribe(self)
                    if !isWhole { tell(.gap(room: room.name, missed: nil)) }
                }
            } catch {
                // There is no memory for another topic.
                notice("what you have asked for cannot be had now: \(error)")
                return false
            }
        }
        capabilities = new
        return true
    }
}

/// What a client has said of itself until it is let in.
struct IRCRegistration {
    var name: ChatName?
    var hasUser = false
    /// Whether it is still asking for capabilities.
    var isNegotiating = false
    /// Whether it is told the values of capabilities, and what it was told last of those that come and go.
    var takesValues = false
    var toldChangeable: [IRCCapabilities: String] = [:]
    /// What it has given by `PASS`.
    var password: String?
    /// The name that it has proved to have.
    var provenName: ChatName?
    var sasl: SASL?
    /// Why a password is being judged.
    var judgement: Judgement?

    struct SASL {
        var mechanism: String
        /// What has come of the answer.
        var response = ""
    }

    enum Judgement {
        case sasl
        case pass
        case oper
    }
}
