import Glibc
import TestSupport
import Testing

@testable import ChatReactor
@testable import Reactor
@testable import ReactorWeb

/// A chat and a handful of clients that do whatever the seed says, beside a model that knows what each of them must get.
final class RandomChat {
    /// What the scenarios of a run went through: a test in which nobody ever lags would prove little.
    struct Tally {
        var lines = 0
        var replayed = 0
        var gaps = 0
        var closedAsTooSlow = 0
        // Of those who come by WebSocket.
        var webLines = 0
        var webReplayed = 0
        var webGaps = 0
        var pongs = 0
        var closingHandshakes = 0
        // Of those with IRC clients.
        var ircLines = 0
        var ircReplayed = 0
        var ircGaps = 0
    }

    fileprivate final class Participant {
        enum Kind {
            case lines
            /// It comes by WebSocket.
            case frames
            /// It has an IRC client.
            case irc
        }

        let peer: Peer
        let kind: Kind
        /// What it asks for, if it comes by WebSocket.
        let socket: ChatSocket?
        /// Nil until its WebSocket is accepted.
        private(set) weak var person: Person?
        private(set) var number = 0
        weak var connection: Connection?
        /// Whether its connection has the server's own options, and not those of the scenario.
        var hasServersOptions = false
        /// Whether it takes what comes at once.
        var isSlow: Bool
        /// What it has still to write.
        var outgoing: [UInt8] = []
        /// Whether what it has written ends inside a line, which the end of its stream would make a whole one.
        var isWithinLine = false
        var hasHungUp = false
        var checked = 0

        init(_ peer: Peer, _ kind: Kind, socket: ChatSocket? = nil, isSlow: Bool) {
            self.peer = peer
            self.kind = kind
            self.socket = socket
            self.isSlow = isSlow
        }

        func become(_ person: Person) {
            self.person = person
            number = person.number
        }

        /// Whether it takes part: somebody whose WebSocket is not accepted yet does not.
        var isAdmitted: Bool { number > 0 }
        /// Whether it goes on to write what it has still to write.
        var isWriting: Bool { !hasHungUp || socket?.hasSentClose == true }

        /// How it gets what happens.
        func form(of member: ChatModel.Member) -> WireForm {
            switch kind {
            case .lines: return member.isJSON ? .json : .text
            case .frames: return member.isJSON ? .jsonFrames : .textFrames
            case .irc:
                var parts: IRCForm.Parts = []
                if member.irc?.capabilities.contains("message-tags") == true { parts.insert(.messageTags) }
                if member.irc?.capabilities.contains("server-time") == true { parts.insert(.time) }
                return .irc(with: parts)
            }
        }

        /// Has it write a line, which ends with a newline.
        func write(_ line: [UInt8], using random: inout SeededGenerator) {
            guard let socket else { return outgoing += line }
            // What is no UTF-8 would be no text.
            outgoing += socket.frames(of: String(decoding: line.dropLast(), as: UTF8.self).utf8, using: &random)
        }

        /// What it has got next, whole, and how many bytes that took; nil if there is nothing yet.
        func next() throws -> (next: ChatSocket.Next, length: Int)? {
            let unchecked = peer.received[checked...]
            if let socket { return try socket.next(in: unchecked) }
            guard let end = unchecked.firstIndex(of: 10) else { return nil }
            var line = unchecked[..<end]
            if kind == .irc, line.popLast() != 13 { throw ChatModel.Broken("a message does not end in CR LF") }
            return (.text(String(decoding: line, as: UTF8.self)), end + 1 - checked)
        }
    }

    /// Tells the model what happens.
    private final class Recorder: ChatServerObserver {
        unowned let scenario: RandomChat

        init(_ scenario: RandomChat) { self.scenario = scenario }

        func server(_ server: ChatServer, didAccept client: ChatServer.Client) {
            guard let person = client as? Person else { return }
            if let connection = person.connection {
                scenario.participants.first { $0.connection === connection }?.become(person)
            }
            scenario.tell {
                person is IRCClient
                    ? try $0.arriveByIRC(person.number) : try $0.arrive(person.number, isJSON: person.form.isJSON)
            }
        }

        func server(_ server: ChatServer, didPublish event: ChatServer.Event) {
            scenario.tell {
                try $0.didPublish(
                    event.kind, in: event.room.name.text, by: event.person?.number, name: event.name, text: event.text,
                    online: event.online)
            }
        }

        func server(_ server: ChatServer, didClose client: ChatServer.Client, reason: CloseReason) {
            guard let person = client as? Person else { return }
            scenario.didClose(person.number, reason)
        }
    }

    private var random: SeededGenerator
    private let loop: EventLoop
    private let server: ChatServer
    private let chat: Chat
    private let network: IRCNetwork
    private var model: ChatModel!
    private var options = Connection.Options()
    private var participants: [Participant] = []
    private var failure: ChatModel.Broken?
    private var said = 0
    /// How what was said as a number must be shown.
    private var shown: [Int: String] = [:]
    private var isEnding = false
    /// Whether the hook is called for a topic, which the model knows of by the command.
    private var speaksOtherwise = false
    private var tally = Tally()
    private let policy: SlowSubscriberPolicy
    /// Whether so much is said that who does not read soon lacks more than is kept for it.
    private let isLoud: Bool

    /// Plays scenarios until one of them breaks a promise, which an issue tells of.
    static func play(_ count: Int) throws -> Tally {
        let base = SeededGenerator()
        var tally = Tally()
        for offset in 0..<count {
            let seed = base.seed &+ UInt64(offset)
            let scenario = try RandomChat(SeededGenerator(seed: seed))
            defer { scenario.loop.close() }
            do {
                try scenario.play()
            } catch let broken as ChatModel.Broken {
                Issue.record("CHATREACTOR_SEED=\(seed) has it again at once: \(broken.what)")
                break
            }
            tally.add(scenario.tally)
        }
        return tally
    }

    private init(_ generator: SeededGenerator) throws {
        random = generator
        var loopConfiguration = EventLoop.Configuration()
        loopConfiguration.readSize = .random(in: 64...4_096, using: &random)
        loopConfiguration.readBudget = .random(in: 64...8_192, using: &random)
        loop = try EventLoop(configuration: loopConfiguration)
        policy = [
            .backpressure(stall: .seconds(60), grace: .seconds(60)), .backpressure(stall: .seconds(60), grace: .seconds(60)),
            .skip, .skip, .disconnect,
        ].randomElement(using: &random)!
        isLoud = Int.random(in: 0..<6, using: &random) == 0
        var configuration = ChatServer.Configuration()
        configuration.maximumMessageLength = 256
        configuration.logCapacity = 4_096
        configuration.slowClients = policy
        var chatConfiguration = Chat.Configuration(name: "tea")
        chatConfiguration.history = .random(in: 0...30, using: &random)
        chatConfiguration.lobbySize = 4_096 * .random(in: 1...4, using: &random)
        chatConfiguration.roomSize = 4_096
        configuration.chat = chatConfiguration
        server = try ChatServer(on: loop, configuration: configuration)
        chat = try #require(server.chat)
        network = try chat.serveIRC(.init())
        options.framing = .lines
        options.maximumMessageLength = 256
        options.batchesMessages = false
        options.lingerTimeout = .zero
        // It ends a connection that has hung up while the room's history was being sent to it.
        options.flushTimeout = .milliseconds(50)
        model = ChatModel(
            history: chatConfiguration.history, ircServer: network.serverName,
            isOpen: { [unowned self] number in
                let connection = participants.first { $0.number == number }?.person?.connection
                return connection.map {
                    !$0.isFinishing && !$0.hasFailedOutput && $0.pendingOutput <= Person.privateMessageLimit
                } == true
            },
            isPresent: { [unowned self] number, name in
                participants.first { $0.number == number }?.person?.rooms.contains { $0.name.text == name } == true
            },
            log: { [unowned self] name in chat.room(named: ChatName(unchecked: name))?.conversation?.records })
        server.addObserver(Recorder(self))
        chat.onSay { [unowned self] person, room, text in
            if speaksOtherwise { return .pass }
            tell { try $0.say(person.number, in: room.name.text, text) }
            checkWords(text, of: person.number)
            return .pass
        }
        for name in chat.commands.names {
            guard let command = chat.commands[name] else { continue }
            chat.addCommand(
                .init(name, help: "") { [unowned self] person, argument in
                    tell { try $0.command(person.number, name, argument) }
                    speaksOtherwise = name == "topic" || name == "quit"
                    command.run(person, argument)
                    speaksOtherwise = false
                    // What is replayed begins with what is kept now.
                    tell { try $0.endOfAction() }
                })
        }
        tellOfMessages()
    }

    private func tellOfMessages() {
        for (name, command) in network.commands {
            network.commands[name]?.run = { client in
                { [unowned self] message in
                    tell { try $0.command(client.number, irc: message) }
                    speaksOtherwise = ["TOPIC", "PART", "QUIT"].contains(name)
                    command.run(client)(message)
                    speaksOtherwise = false
                    tell { try $0.endCommand(client.number) }
                }
            }
        }
    }

    private func tell(_ body: (ChatModel) throws -> Void) {
        do { try body(model) } catch { failure = failure ?? error as? ChatModel.Broken }
    }

    /// Whether what is said is what was sent, and how it must be shown.
    private func checkWords(_ text: String, of number: Int) {
        // One that goes within a line has said what has come of it.
        if isEnding { return }
        if let saying = Int(text.prefix { $0 != " " }), let shown = shown[saying], shown != text {
            failure = failure ?? ChatModel.Broken("guest\(number) is heard to say '\(text)', and not '\(shown)'")
        }
    }

    // MARK: - What happens

    private func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }
    private func pick<T>(_ values: [T]) -> T { values.randomElement(using: &random)! }

    private func play() throws {
        for _ in 0..<Int.random(in: 1...3, using: &random) { try arrive() }
        for _ in 0..<(isLoud ? 100 : Int.random(in: 10...40, using: &random)) {
            for _ in 0..<Int.random(in: 1...3, using: &random) { try act() }
            try turn()
        }
        try settle()
        try end()
    }

    private func act() throws {
        let present = participants.filter { !$0.hasHungUp }
        if present.isEmpty { return try arrive() }
        guard let participant = present.filter(\.isAdmitted).randomElement(using: &random) else { return }
        switch Int.random(in: 0..<30, using: &random) {
        case 0: if participants.count(where: { !$0.hasHungUp }) < 6 { try arrive() }
        case 1: if chance(4) { hangUp(participant) }
        case 2: if chance(4) { kick(participant) } else { participant.isSlow.toggle() }
        case 3..<8: if !isLoud || chance(8) { participant.peer.read(atMost: .random(in: 1...4_000, using: &random)) }
        default:
            for _ in 0..<(chance(6) ? 30 : Int.random(in: 1...4, using: &random)) {
                if let socket = participant.socket, chance(20) {
                    participant.outgoing += socket.frames(of: sayingOfTwoLines(), using: &random)
                } else {
                    participant.write(line(of: participant), using: &random)
                }
            }
        }
    }

    private func arrive() throws {
        let (near, far) = try socketPair(SOCK_STREAM)
        if isLoud || chance(2) { near.setOption(SOL_SOCKET, SO_SNDBUF, Int32(1)) }
        let kind: Participant.Kind = chance(3) ? .irc : chance(3) ? .frames : .lines
        let descriptor = OwnedDescriptor(takingOver: near)
        let isSlow = chance(isLoud ? 2 : 3)
        let participant = Participant(
            far, kind, socket: kind == .frames ? ChatSocket(using: &random) : nil, isSlow: isSlow)
        participants.append(participant)
        switch kind {
        case .irc: try arriveByIRC(participant, descriptor)
        case .frames: try arriveByWeb(participant, descriptor)
        case .lines:
            let person = try #require(chat.makePerson(form: .text))
            participant.become(person)
            if chance(3) { participant.outgoing += Array("/json\n".utf8) }
            try loop.adopt(socket: descriptor, options: options, handler: person)
        }
    }

    /// Asks for a WebSocket, as at a listener for the web.
    private func arriveByWeb(_ participant: Participant, _ descriptor: consuming OwnedDescriptor) throws {
        guard let socket = participant.socket else { return }
        participant.outgoing += socket.request
        // A client should wait for the answer, and nothing is lost of one that does not.
        if chance(4) { for _ in 0..<Int.random(in: 1...3, using: &random) { participant.write(saying(), using: &random) } }
        if chance(3) { participant.write(Array("/json\n".utf8), using: &random) }
        var configuration = ChatServer.WebConfiguration()
        configuration.pingInterval = nil
        let caller = WebCaller(from: .loopback(port: 0), by: nil, to: server, configuration)
        participant.connection = try loop.adopt(
            socket: descriptor, options: HTTPHandler.connectionOptions, handler: caller.makeHandler())
        participant.hasServersOptions = true
    }

    private func arriveByIRC(_ participant: Participant, _ descriptor: consuming OwnedDescriptor) throws {
        let client = chat.makeIRCClient(of: network, in: server)
        participant.become(client)
        let name = name()
        let capabilities = chance(2) ? "CAP REQ :message-tags server-time echo-message labeled-response batch\r\n" : ""
        participant.outgoing += Array(
            "\(capabilities)NICK \(name)\r\nUSER u\(client.number) 0 * :\(name)\r\nCAP END\r\n".utf8)
        var options = options
        options.maximumMessageLength = IRCClient.tagLimit + IRCClient.messageLimit
        try loop.adopt(socket: descriptor, options: options, handler: client)
    }

    /// The operator closes somebody's connection.
    private func kick(_ participant: Participant) {
        guard let person = participant.person, person.connection?.isFinishing == false,
            model.members[person.number]?.hasVanished == false
        else { return }
        tell { try $0.kick(person.number) }
        chat.kick(person, reason: "too loud")
        tell { try $0.endOfAction() }
    }

    private func hangUp(_ participant: Participant) {
        if participant.isWithinLine { return }
        participant.hasHungUp = true
        if let socket = participant.socket, socket.isOpen, !chance(4) {
            participant.outgoing += socket.close(using: &random)
        } else if chance(2) {
            participant.peer.hangUp()
        } else {
            participant.peer.shutDownSending()
        }
    }

    private func name() -> String {
        chance(8) ? "guest\(Int.random(in: 1...max(participants.count, 1), using: &random))" : pick(pick(ChatModel.names))
    }

    private func roomName() -> String { (chance(4) ? "#" : "") + pick(["tea", "Tea", "été", "ÉTÉ", "lobby", "Lobby", "dora"]) }

    private func line(of participant: Participant) -> [UInt8] {
        if participant.kind == .irc { return message(of: participant) }
        let text: String
        switch Int.random(in: 0..<60, using: &random) {
        case 0..<30: return saying()
        case 30..<33: return Array("/me ".utf8) + saying()
        case 33..<36: text = "/nick \(chance(10) ? "a:b" : name())"
        case 36..<40: text = "/join \(roomName())"
        case 40: text = "/leave"
        case 41..<43: text = "/ignore \(name())"
        case 43: text = "/unignore \(name())"
        case 44..<46: text = "/msg \(name()) private \(number())"
        case 46: text = "/reply answer \(number())"
        case 47: text = "/who\(chance(2) ? "" : " " + roomName())"
        case 48: text = "/rooms"
        case 49: text = "/topic\(chance(4) ? "" : chance(4) ? " -" : " what of \(number())?")"
        case 50..<52: text = "/history \(Int.random(in: 0...30, using: &random))"
        case 52..<54:
            let room = pick(["tea", "ÉTÉ", "lobby"])
            text =
                "/resume \(room) \(chance(6) ? 17 : model.rooms[ChatModel.key(room)]?.epoch ?? 0) \(Int.random(in: 0...30, using: &random))"
        case 54: text = "/json"
        case 55: text = "/ping"
        case 56: text = chance(2) ? "" : "  \t"
        case 57:
            model.members[participant.number]?.allowError()
            text = "/histry 3"
        case 58: text = "/me"
        default: text = chance(3) ? chance(2) ? "/quit" : "/quit bye \(number())" : "//\(number()) is no command"
        }
        return Array((text + (chance(10) ? "\r\n" : "\n")).utf8)
    }

    private func message(of participant: Participant) -> [UInt8] {
        func room() -> String { "#" + (chance(20) ? "a:b" : roomName().split(separator: "#").joined()) }
        func reason() -> String { chance(2) ? "" : " :because of \(number())" }
        guard let member = model.members[participant.number], member.irc?.isRegistered == true else {
            return Array("NICK \(name())\r\n".utf8)
        }
        if member.rooms.isEmpty, chance(2) { return Array("JOIN \(chance(2) ? "#lobby" : room())\r\n".utf8) }
        let text: String
        switch Int.random(in: 0..<(isLoud && chance(2) ? 20 : 60), using: &random) {
        case 0..<24: text = "\(chance(8) ? "NOTICE" : "PRIVMSG") \(room()) :\(ircSaying())"
        case 24..<27: text = "PRIVMSG \(room()) :\u{1}ACTION \(ircSaying())\u{1}"
        case 27: text = "PRIVMSG \(room()),\(name()),\(room()) :\(chance(3) ? "\u{1}VERSION \(number())\u{1}" : ircSaying())"
        case 28..<32: text = "NICK \(chance(10) ? "a:b" : name())"
        case 32..<39: text = "JOIN \(room())\(chance(3) ? "," + room() : "")"
        case 39..<42: text = "PART \(room())\(reason())"
        case 42..<45: text = "\(chance(4) ? "NOTICE" : "PRIVMSG") \(name()) :private \(number())"
        case 45..<48: text = "TOPIC \(room())\(chance(4) ? "" : chance(4) ? " :" : " :what of \(number())?")"
        case 48..<51: text = "KICK \(room()) \(name())\(reason())"
        case 51..<53: text = "NAMES \(room())"
        case 53: text = "LIST"
        case 54: text = "PING \(number())"
        case 55: text = "CAP REQ :\(chance(2) ? "-" : "")\(pick(["message-tags", "server-time", "echo-message"]))"
        case 56: text = chance(3) ? "QUIT\(reason())" : ""
        default: text = "NICK \(name())"
        }
        let label = chance(2) ? "@label=\(number()) " : ""
        return Array("\(label)\(text)\r\n".utf8)
    }

    /// Something that is said with an IRC client, which the others are shown otherwise, or in several messages.
    private func ircSaying() -> String {
        var text = "\(number()) "
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            text += pick(["olá", "\u{2}bold\u{2}", "\u{1B}[", "🙂", "\u{202E}"])
        }
        if isLoud || chance(4) { text += String(repeating: "z", count: .random(in: 1...350, using: &random)) }
        return text
    }

    private func number() -> Int {
        said += 1
        return said
    }

    /// Something that is said, with what must be escaped in some form, and made visible in all.
    private func saying() -> [UInt8] {
        let saying = number()
        // A command takes no space at its end.
        var text = "\(saying) -"
        var line = Array(text.utf8)
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let (bytes, visible): ([UInt8], String) = pick([
                (Array("olá \"x\\y\"".utf8), "olá \"x\\y\""), ([0x1B, 0x5B], "^[["), ([0xFF], "\u{FFFD}"),
                (Array("\ta\u{301}".utf8), "\ta\u{301}"), (Array("🙂".utf8), "🙂"), ([0x2E, 0xE2, 0x80, 0xAE], ".\\u{202E}"),
            ])
            line += bytes
            text += visible
        }
        if isLoud || chance(4) {
            let padding = String(repeating: "z", count: .random(in: 1...150, using: &random))
            line += Array(padding.utf8)
            text += padding
        }
        shown[saying] = text
        return line + [10]
    }

    /// A text of two lines, which are said as one.
    private func sayingOfTwoLines() -> [UInt8] {
        let (first, second) = (number(), number())
        shown[first] = "\(first) one \(second) two"
        return Array("\(first) one\(pick(["\n", "\r\n", "\n\n"]))\(second) two\(pick(["", "\n"]))".utf8)
    }

    private func didClose(_ number: Int, _ reason: CloseReason) {
        let words =
            switch reason {
            case .tooSlow, .outputOverflow: "too slow"
            case .shutdown: "shutdown"
            case .messageTooLong: "kicked"
            default: "closed"
            }
        tell { try $0.close(number, words: words) }
        let participant = participants.first { $0.number == number }
        if reason == .tooSlow || reason == .outputOverflow {
            tally.closedAsTooSlow += 1
            // One that is finishing is not moved ahead.
            if policy == .skip, participant?.hasHungUp == false, model.members[number]?.hasQuit == false {
                failure = failure ?? ChatModel.Broken("a client was closed that should have been moved ahead")
            }
            participant?.hasHungUp = true
        } else if participant?.hasHungUp == false, model.members[number]?.hasQuit == false {
            failure = failure ?? ChatModel.Broken("a client was closed: \(reason)")
        }
    }

    // MARK: - What must hold

    private func turn() throws {
        for participant in participants where !participant.outgoing.isEmpty && participant.isWriting {
            let count = chance(3) ? Int.random(in: 1...participant.outgoing.count, using: &random) : participant.outgoing.count
            let sent = participant.peer.sendAvailable(Array(participant.outgoing.prefix(count)))
            // A frame that is cut off is none.
            if sent > 0 { participant.isWithinLine = participant.socket == nil && participant.outgoing[sent - 1] != 10 }
            participant.outgoing.removeFirst(sent)
        }
        try loop.runOnce(waitingAtMost: .zero)
        for participant in participants where participant.hasServersOptions && participant.isAdmitted {
            limitFlush(of: participant)
        }
        try check()
    }

    /// Has somebody who has come as at a listener be waited for as shortly as the others.
    private func limitFlush(of participant: Participant) {
        participant.hasServersOptions = false
        guard let connection = participant.connection else { return }
        var options = connection.options
        options.flushTimeout = self.options.flushTimeout
        connection.setOptions(Connection.SharedOptions(options))
    }

    private func check() throws {
        tell { try $0.endOfAction() }
        for participant in participants {
            if !participant.isSlow { participant.peer.read() }
            if let owed = participant.connection?.pendingOutput, owed > 16_384 { participant.socket?.mayLackPongs = true }
            while let (next, length) = try participant.next() {
                participant.checked += length
                switch next {
                case .head: break
                case .pong: tally.pongs += 1
                case .text(let line):
                    tally.countLine(of: participant.kind)
                    tell { try $0.members[participant.number]?.check(line) }
                case .close(let code): try check(code, of: participant)
                }
            }
            if participant.socket?.hasClose == true { endSocket(of: participant) }
        }
        if let failure { throw failure }
    }

    /// Whether somebody's WebSocket is closed with the code that is due.
    private func check(_ code: Int?, of participant: Participant) throws {
        let member = model.members[participant.number]
        let isAnswer = participant.socket?.hasSentClose == true && code == participant.socket?.ownCode
        // One that is finishing is not moved ahead.
        let mayBeTooSlow = policy != .skip || participant.hasHungUp || member?.hasQuit == true
        let isRight =
            switch code {
            case 1000:
                isAnswer || member?.hasQuit == true || participant.hasHungUp && participant.socket?.hasSentClose == false
            case 1013: mayBeTooSlow
            default: isAnswer
            }
        if isAnswer { tally.closingHandshakes += 1 }
        if !isRight { throw ChatModel.Broken("a WebSocket is closed with \(code.map(String.init) ?? "no code")") }
    }

    /// A client whose WebSocket is closed hangs up once it has seen that nothing follows.
    private func endSocket(of participant: Participant) {
        participant.peer.read()
        guard participant.peer.isAtEnd, participant.checked == participant.peer.received.count else { return }
        participant.hasHungUp = true
        participant.outgoing = []
        participant.peer.hangUp()
    }

    /// How many bytes clients have still to write.
    private var unsentCount: Int { participants.reduce(0) { $0 + ($1.isWriting ? $1.outgoing.count : 0) } }

    /// Has every client read all that comes, and checks that nothing is missing.
    private func settle() throws {
        for participant in participants { participant.isSlow = false }
        var quiet = 0
        var turns = 0
        while quiet < 10 + 4 * participants.count {
            let (lines, unsent) = (tally.allLines, unsentCount)
            try turn()
            turns += 1
            if turns > 50_000 { throw ChatModel.Broken("there is no end of what clients get") }
            quiet = lines == tally.allLines && unsent == unsentCount ? quiet + 1 : 0
        }
        for participant in participants {
            if !participant.isAdmitted { throw ChatModel.Broken("a WebSocket is not accepted") }
            guard let member = model.members[participant.number], !member.isClosed else { continue }
            if participant.socket?.lacksAnswerToClose == true { throw ChatModel.Broken("a Close frame is not answered") }
            if participant.hasHungUp { continue }
            if participant.checked < participant.peer.received.count { throw ChatModel.Broken("a client got a part of a line") }
            if let lacking = member.lacking { throw ChatModel.Broken("\(member.name) does not get \(lacking)") }
            if participant.socket?.lacksPong == true { throw ChatModel.Broken("\(member.name) does not get a pong") }
            if participant.kind == .frames {
                tally.webReplayed += member.replayedLines
                tally.webGaps += member.gaps
            } else {
                tally.replayed += member.replayedLines
                tally.gaps += member.gaps
            }
            tally.ircReplayed += member.irc?.pastCount ?? 0
            tally.ircGaps += member.irc?.gaps ?? 0
        }
        try compareWithServer()
    }

    private func compareWithServer() throws {
        let present = model.members.values.filter(\.isThere)
        if chat.online != present.count { throw ChatModel.Broken("\(chat.online) are online, and not \(present.count)") }
        let rooms = chat.rooms.map { "\($0.name) \($0.clients.count)" }.sorted()
        let expected = model.rooms.values.map { "\($0.name) \($0.members.count)" }.sorted()
        if rooms != expected { throw ChatModel.Broken("the rooms are \(rooms), and not \(expected)") }
        for room in chat.rooms {
            guard let conversation = room.conversation, let members = model.rooms[ChatModel.key(room.name.text)]?.members else {
                continue
            }
            let parts: [IRCForm.Parts] = [[], .messageTags, .time, [.messageTags, .time]]
            for form in WireForm.ofLines + WireForm.ofFrames + parts.map(WireForm.irc) {
                let itsMembers = members.filter { member in
                    form == (participants.first { $0.number == member.number }?.form(of: member))
                }
                // One that has hung up may have been taken out of the topic, and not out of the room yet.
                let mustHave = itsMembers.contains { member in
                    participants.contains { $0.number == member.number && !$0.hasHungUp }
                }
                let hasTopic = conversation.hasTopic(of: form)
                if mustHave && !hasTopic || itsMembers.isEmpty && hasTopic {
                    throw ChatModel.Broken("\(room.name) has \(hasTopic ? "a" : "no") topic of \(form)")
                }
            }
            let entries = model.rooms[ChatModel.key(room.name.text)]?.entries ?? []
            try compare(conversation.records, with: entries)
        }
    }

    /// The log has the newest of all entries, and no fewer than there is room for.
    private func compare(_ records: RecordLog, with entries: [ChatModel.Entry]) throws {
        if records.nextSequence != UInt64(entries.count) + 1 { throw ChatModel.Broken("the log has lost count") }
        let kept = entries.drop { $0.sequence < records.firstSequence }
        let size = kept.reduce(0) { $0 + $1.size }
        let largest = entries.map(\.size).max() ?? 0
        if kept.count < entries.count, size < records.capacity - 2 * largest {
            throw ChatModel.Broken("the log has forgotten too much")
        }
        var rest = kept
        var isSame = true
        records.forEach(from: records.firstSequence) { record in
            let entry = rest.popFirst()
            isSame = isSame && entry?.sequence == record.sequence && entry?.from == record.from && entry?.text == record.text
            return true
        }
        if !isSame || !rest.isEmpty { throw ChatModel.Broken("the log does not hold what was said") }
    }

    private func end() throws {
        isEnding = true
        for participant in participants {
            participant.hasHungUp = true
            participant.peer.hangUp()
        }
        // What was written before is still heard, a little in each turn.
        let deadline = ContinuousClock.now.advanced(by: .seconds(10))
        while chat.online > 0 || server.clientCount > 0, .now < deadline { try loop.runOnce(waitingAtMost: .milliseconds(1)) }
        tell { try $0.endOfAction() }
        if let failure { throw failure }
        if chat.online > 0 || server.clientCount > 0 || chat.rooms.count > 1 {
            throw ChatModel.Broken("somebody is left who has gone")
        }
        try loop.runOnce(waitingAtMost: .zero)
        if participants.contains(where: { $0.person != nil }) { throw ChatModel.Broken("a person outlives its connection") }
    }
}

extension RandomChat.Tally {
    var allLines: Int { lines + webLines + ircLines }

    fileprivate mutating func countLine(of kind: RandomChat.Participant.Kind) {
        switch kind {
        case .lines: lines += 1
        case .frames: webLines += 1
        case .irc: ircLines += 1
        }
    }

    mutating func add(_ other: Self) {
        lines += other.lines
        replayed += other.replayed
        gaps += other.gaps
        closedAsTooSlow += other.closedAsTooSlow
        webLines += other.webLines
        webReplayed += other.webReplayed
        webGaps += other.webGaps
        pongs += other.pongs
        closingHandshakes += other.closingHandshakes
        ircLines += other.ircLines
        ircReplayed += other.ircReplayed
        ircGaps += other.ircGaps
    }
}
