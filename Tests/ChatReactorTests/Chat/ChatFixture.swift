import TestSupport
import Testing

@testable import ChatReactor

/// A chat on a port of its own, in the thread of the test, and those who are in it: through real sockets, by lines alone.
final class ChatFixture {
    let fixture: ServerFixture
    var server: ChatServer { fixture.server }
    var chat: Chat { get throws { try #require(server.chat) } }

    init(
        _ configure: (inout Chat.Configuration) -> Void = { _ in },
        server change: (inout ChatServer.Configuration) -> Void = { _ in }
    ) throws {
        var chat = Chat.Configuration(name: "tea")
        configure(&chat)
        fixture = try ServerFixture {
            $0.chat = chat
            change(&$0)
        }
    }

    /// Has somebody come, and takes off what newcomers are told, unless the test is about that.
    ///
    /// - Parameters:
    ///   - source: The address of this machine that it comes from.
    ///   - caller: Where it comes from, as it says in the place of a proxy.
    func join(
        _ name: String? = nil, json: Bool = false, keepsWelcome: Bool = false, receiveBuffer: Int32? = nil,
        from source: SocketAddress? = nil, for caller: String? = nil
    ) throws -> Chatter {
        let client = try fixture.join(receiveBuffer: receiveBuffer, from: source, for: caller)
        let chatter = Chatter(client, in: self)
        chatters.append(chatter)
        if let name { try chatter.send("/nick \(name)") }
        if json { try chatter.send("/json") }
        if keepsWelcome { return chatter }
        try settle()
        for other in chatters { other.clear() }
        return chatter
    }

    private var chatters: [Chatter] = []

    /// Runs until everything that was sent up to now has been done, and has arrived.
    func settle(sourceLocation: SourceLocation = #_sourceLocation) throws {
        // The first answer comes once what was sent before it has been done; the second one once that has reached everybody.
        for _ in 0..<2 {
            let present = chatters.filter { !$0.isGone && $0.client.reads }
            for chatter in present { try chatter.askForAnswer() }
            try fixture.run(until: { present.allSatisfy { $0.hasAnswer || $0.isGone } }, sourceLocation: sourceLocation)
        }
    }

    /// The conversation of a room that is there.
    func conversation(in room: String) throws -> Conversation {
        try #require(try chat.room(named: ChatName(unchecked: room))?.conversation)
    }

    func epoch(of room: String) throws -> UInt64 { try conversation(in: room).records.epoch }

    func run(until condition: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try fixture.run(until: condition, sourceLocation: sourceLocation)
    }
}

/// Somebody in a chat.
final class Chatter {
    let client: Client
    private unowned let fixture: ChatFixture
    /// How much of what was received the test has seen.
    private var seen = 0
    private var awaitedAnswers = 0

    init(_ client: Client, in fixture: ChatFixture) {
        self.client = client
        self.fixture = fixture
    }

    var isGone: Bool { client.isAtEnd }

    func send(_ line: String) throws { try client.send(line + "\n") }

    /// The lines that have come since the last look, less the answers to pings.
    var newLines: [String] {
        get throws {
            try fixture.settle()
            return takeLines()
        }
    }

    /// The objects that have come since the last look, less the answers to pings.
    var newObjects: [JSONValue] {
        get throws {
            try fixture.settle()
            return try takeObjects()
        }
    }

    /// The objects that have come since the last look. Each of them must be what the protocol's schema says.
    func takeObjects(sourceLocation: SourceLocation = #_sourceLocation) throws -> [JSONValue] {
        try takeLines().map { try ChatProtocol.object($0, sourceLocation: sourceLocation) }
    }

    /// The lines that have come since the last look.
    func takeLines() -> [String] {
        let lines = unseenLines
        seen = wholeLines.count
        return lines
    }

    private var unseenLines: [String] { wholeLines.dropFirst(seen).filter { !isAnswer($0) } }

    /// The last line may have come in part.
    private var wholeLines: [String] { client.received.last == 0x0A ? client.lines : client.lines.dropLast() }

    func clear() { _ = takeLines() }

    /// Is gone without a word, and is waited for no more.
    func hangUp() {
        client.socket.hangUp()
        client.reads = false
    }

    // MARK: - Answers

    private func isAnswer(_ line: String) -> Bool {
        var line = line[...]
        // Whoever has sent what looks like telnet has been answered in telnet, too: by three bytes, and no newline.
        while line.hasPrefix("\u{FFFD}\u{FFFD}") { line = line.dropFirst(3) }
        return line == "* pong" || line.hasPrefix(#"{"type":"pong""#)
    }

    fileprivate func askForAnswer() throws {
        awaitedAnswers = client.lines.count(where: isAnswer) + 1
        try? send("/ping")
    }

    fileprivate var hasAnswer: Bool { client.lines.count(where: isAnswer) >= awaitedAnswers }
}
