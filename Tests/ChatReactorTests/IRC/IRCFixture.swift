import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// A chat with a listener for IRC clients and one for lines, in the thread of the test, and those who are in it.
final class IRCFixture {
    static let server = "irc.example.org"

    let loop: EventLoop
    let server: ChatServer
    let chat: Chat
    let ircPort: UInt16
    private let linePort: UInt16
    private var talkers: [Talker] = []
    private let log = Log()

    /// Why connections were closed, in order.
    var closeReasons: [CloseReason] { log.reasons }
    var network: IRCNetwork { get throws { try #require(chat.irc) } }

    init(
        _ configure: (inout Chat.Configuration) -> Void = { _ in },
        server change: (inout ChatServer.Configuration) -> Void = { _ in },
        irc changeIRC: (inout ChatServer.IRCConfiguration) -> Void = { _ in }, memoryLimit: Int? = nil,
        transport: TransportFactory? = nil
    ) throws {
        var loopConfiguration = EventLoop.Configuration()
        loopConfiguration.memoryLimit = memoryLimit
        loop = try EventLoop(configuration: loopConfiguration)
        var configuration = ChatServer.Configuration()
        var chatConfiguration = Chat.Configuration(name: "Tea House")
        configure(&chatConfiguration)
        configuration.chat = chatConfiguration
        change(&configuration)
        server = try ChatServer(on: loop, configuration: configuration)
        chat = try #require(server.chat)
        var irc = ChatServer.IRCConfiguration()
        irc.serverName = Self.server
        irc.cloakKey = Array("0123456789abcdef".utf8)
        changeIRC(&irc)
        ircPort = try #require(try server.listenForIRC(on: .loopback(port: 0), irc, transport: transport).address.port)
        linePort = try #require(try server.listen(on: .loopback(port: 0)).address.port)
        server.addObserver(log)
    }

    deinit { loop.close() }

    private final class Log: ChatServerObserver {
        var accepted: [Connection.ID] = []
        var reasons: [CloseReason] = []

        func server(_ server: ChatServer, didAccept client: ChatServer.Client) { accepted.append(client.id) }

        func server(_ server: ChatServer, didClose client: ChatServer.Client, reason: CloseReason) { reasons.append(reason) }
    }

    // MARK: - Coming

    /// Has an IRC client connect, which says nothing yet.
    ///
    /// - Parameters:
    ///   - source: The address of this machine that it comes from.
    ///   - caller: Where it comes from, as it says in the place of a proxy.
    func connect(
        from source: SocketAddress? = nil, for caller: String? = nil, receiveBuffer: Int32? = nil
    ) throws -> Talker {
        try add(.irc, port: ircPort, from: source, for: caller, receiveBuffer: receiveBuffer)
    }

    /// Has an IRC client connect to another place than the fixture's own.
    func connect(to place: SocketAddress) throws -> Talker { try add(.irc, at: place, from: nil) }

    /// Has something connect where IRC clients do, whose bytes the test makes by itself.
    func connectRaw() throws -> Peer { try Peer(port: ircPort) }

    /// Has somebody come with an IRC client, and be let in. What anybody was told until then is taken off.
    ///
    /// - Parameters:
    ///   - capabilities: What it asks for, with spaces in between.
    ///   - rooms: Where it goes, with commas in between.
    func register(
        _ nick: String, _ capabilities: String = "", in rooms: String = "", from source: SocketAddress? = nil,
        receiveBuffer: Int32? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Talker {
        let talker = try connect(from: source, receiveBuffer: receiveBuffer)
        if !capabilities.isEmpty { try talker.send("CAP REQ :\(capabilities)") }
        try talker.send("NICK \(nick)\r\nUSER \(nick) 0 * :\(nick.capitalizedFirst)")
        if !capabilities.isEmpty { try talker.send("CAP END") }
        if !rooms.isEmpty { try talker.send("JOIN \(rooms)") }
        try settle()
        #expect(talker.takeLines().contains { $0.contains(" 001 \(nick) ") }, sourceLocation: sourceLocation)
        takeOff()
        return talker
    }

    /// Has somebody come with `nc`, who is in the lobby then, or in another room.
    func joinByLines(_ name: String, in room: String = "", json: Bool = false) throws -> Talker {
        let talker = try add(json ? .json : .text, port: linePort, from: nil)
        if json { try talker.send("/json") }
        try talker.send("/nick \(name)")
        if !room.isEmpty { try talker.send("/join \(room)") }
        try settle()
        takeOff()
        return talker
    }

    /// Has somebody connect where lines are spoken, who is a guest.
    func connectByLines() throws -> Talker { try add(.text, port: linePort, from: nil) }

    /// Has somebody come with lines, as a guest whom the test does not listen to.
    ///
    /// - Parameter caller: Where it comes from, as it says in the place of a proxy.
    func addIdler(for caller: String? = nil) throws { try add(.text, port: linePort, from: nil, for: caller).reads = false }

    /// Has something connect where lines are spoken, which is served in a later turn.
    func connectByLinesLater() throws -> Peer { try Peer(port: linePort) }

    private func add(
        _ kind: Talker.Kind, port: UInt16, from source: SocketAddress?, for caller: String? = nil, receiveBuffer: Int32? = nil
    ) throws -> Talker {
        try add(kind, at: .loopback(port: port), from: source, for: caller, receiveBuffer: receiveBuffer)
    }

    private func add(
        _ kind: Talker.Kind, at address: SocketAddress, from source: SocketAddress?, for caller: String? = nil,
        receiveBuffer: Int32? = nil
    ) throws -> Talker {
        let count = log.accepted.count
        let socket = try source.map { try Peer(to: address, from: $0) } ?? Peer(to: address, receiveBuffer: receiveBuffer)
        if let caller { try socket.send("PROXY TCP4 \(caller) 127.0.0.1 1 1\r\n") }
        try loop.run(until: "accepted") { log.accepted.count > count }
        let talker = Talker(socket, kind, id: try #require(log.accepted.last))
        talkers.append(talker)
        return talker
    }

    // MARK: - Talking

    /// Has somebody send lines.
    func say(_ talker: Talker, _ lines: String...) throws {
        try talker.send(lines.joined(separator: talker.kind == .irc ? "\r\n" : "\n"))
    }

    /// The lines that somebody has got since the last look, once all that was sent has been done, and has reached everybody.
    func answers(_ talker: Talker, sourceLocation: SourceLocation = #_sourceLocation) throws -> [String] {
        try settle(sourceLocation: sourceLocation)
        return talker.takeLines(sourceLocation: sourceLocation)
    }

    /// The same, as objects.
    func objects(_ talker: Talker) throws -> [JSONValue] { try answers(talker).map { try ChatProtocol.object($0) } }

    /// What comes of lines that somebody sends.
    func ask(_ talker: Talker, _ lines: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> [String] {
        for line in lines { try talker.send(line) }
        return try answers(talker, sourceLocation: sourceLocation)
    }

    /// Runs until everything that was sent up to now has been done, and has arrived.
    func settle(sourceLocation: SourceLocation = #_sourceLocation) throws {
        // The first answer comes once what was sent before it has been done; the second one once that has reached everybody.
        for _ in 0..<2 {
            let present = talkers.filter { $0.reads && !$0.isGone }
            for talker in present { talker.askForAnswer() }
            try run(sourceLocation: sourceLocation) { present.allSatisfy { $0.hasAnswer || $0.isGone } }
        }
    }

    /// Runs the loop, and has everybody read who does, until a condition holds.
    func run(sourceLocation: SourceLocation = #_sourceLocation, until condition: () throws -> Bool) throws {
        try loop.run(
            until: {
                for talker in talkers where talker.reads { talker.read() }
                return try condition()
            }, sourceLocation: sourceLocation)
    }

    /// Waits until somebody has been told that it is closed, and is gone from the server.
    func awaitEnd(of talker: Talker, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try run(sourceLocation: sourceLocation) { talker.isGone }
        talker.hangUp()
        try run(sourceLocation: sourceLocation) { loop.connection(talker.id) == nil }
    }

    /// Takes off what everybody was told of what was sent until now.
    func clear(sourceLocation: SourceLocation = #_sourceLocation) throws {
        try settle(sourceLocation: sourceLocation)
        takeOff()
    }

    private func takeOff() { for talker in talkers { talker.clear() } }

    /// The room of a name, which is there.
    func conversation(_ room: String) throws -> Conversation {
        try #require(chat.room(named: ChatName(unchecked: room))?.conversation)
    }

    /// Who has a name.
    func person(_ name: String) throws -> Person { try #require(chat.person(named: ChatName(unchecked: name))) }
}

/// Somebody in a chat, by whatever protocol.
final class Talker {
    enum Kind { case irc, text, json }

    let socket: Peer
    let kind: Kind
    /// The server's name for it.
    let id: Connection.ID
    /// Whether it takes what comes.
    var reads = true
    private(set) var lines: [String] = []
    private var parsed = 0
    private var seen = 0
    private var answerCount = 0
    private var awaitedAnswers = 0
    /// The lines that were no message as long as one may be, or not ended as one is.
    private(set) var badLines: [String] = []

    init(_ socket: Peer, _ kind: Kind, id: Connection.ID) {
        self.id = id
        self.socket = socket
        self.kind = kind
    }

    var isGone: Bool { socket.isAtEnd || socket.readFailure != nil }

    /// Sends a line, or several with the ends of all but the last one.
    func send(_ line: String) throws { try socket.send(line + (kind == .irc ? "\r\n" : "\n")) }

    func read() {
        socket.read()
        let bytes = socket.received
        while let end = bytes[parsed...].firstIndex(of: 10) {
            let line = bytes[parsed..<end]
            parsed = end + 1
            if kind == .irc, !Self.isWellFormed(line) { badLines.append(String(decoding: line, as: UTF8.self)) }
            let text = String(decoding: kind == .irc ? line.dropLast() : line, as: UTF8.self)
            if isAnswer(text) { answerCount += 1 } else { lines.append(text) }
        }
    }

    /// Whether a message has its CR, is UTF-8, and has no more than 512 bytes besides its tags.
    private static func isWellFormed(_ line: ArraySlice<UInt8>) -> Bool {
        guard line.last == 13, !line.dropLast().contains(13), !line.contains(0) else { return false }
        guard String(validating: line, as: UTF8.self) != nil else { return false }
        let tags = line.first == UInt8(ascii: "@") ? (line.firstIndex(of: 32) ?? line.startIndex) - line.startIndex + 1 : 0
        return line.count + 1 - tags <= 512
    }

    /// Is gone without a word.
    func hangUp() {
        socket.hangUp()
        reads = false
    }

    /// The lines that have come since the last look.
    func takeLines(sourceLocation: SourceLocation = #_sourceLocation) -> [String] {
        #expect(badLines.isEmpty, sourceLocation: sourceLocation)
        defer { seen = lines.count }
        return Array(lines[seen...])
    }

    func clear() { seen = lines.count }

    // MARK: - Answers

    private func isAnswer(_ line: String) -> Bool {
        switch kind {
        case .irc: line.hasSuffix(":\(IRCFixture.server) PONG \(IRCFixture.server) :settled")
        case .text: line == "* pong"
        case .json: line.hasPrefix(#"{"type":"pong""#)
        }
    }

    fileprivate func askForAnswer() {
        awaitedAnswers = answerCount + 1
        try? send(kind == .irc ? "PING settled" : "/ping")
    }

    fileprivate var hasAnswer: Bool { answerCount >= awaitedAnswers }
}

extension String {
    var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }

    /// The line with what differs from run to run replaced by a word.
    var masked: String {
        var line = replacing(#/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/#, with: "TIME")
        line = line.replacing(#/\d{4}-\d\d-\d\d \d\d:\d\d UTC/#, with: "DATE")
        line = line.replacing(#/msgid=[^; ]+/#, with: "msgid=ID")
        return line.replacing(#/\b1[7-9]\d{8}\b/#, with: "SECONDS")
    }
}

/// A message as a client reads it.
extension IRCMessage {
    init(_ line: String) throws { try self.init(line.utf8.span) }

    func tag(_ key: String) -> String? { tags.first { $0.key == key }?.value }
}
