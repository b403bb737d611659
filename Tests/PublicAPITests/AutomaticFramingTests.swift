import ChatReactor
import TestSupport
import Testing

/// What `AutomaticFraming` says.
struct AutomaticFramingTests {
    @Test("Of a connection that has sent no newline yet, what has been unfinished for the idle time counts as a line")
    func idleLine() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.automatic(idle: .milliseconds(5))))
        try member.peer.send("hello")
        try loop.run(until: "the message") { !member.handler.texts.isEmpty }
        try member.peer.send("again")
        try loop.run(until: "another message") { member.handler.texts.count >= 2 }
        #expect(member.handler.texts == ["hello", "again"])
    }

    @Test("Such a line is relayed with a newline like any other")
    func idleLineOnTheWire() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.automatic(idle: .milliseconds(5))))
        try member.peer.send("hello")
        try loop.run(until: "the message") { !member.handler.texts.isEmpty }
        #expect(member.handler.wireBytes == Array("hello\n".utf8))
    }

    @Test("From its first newline on, a connection's lines end in newlines alone")
    func strictFromTheFirstNewline() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.automatic(idle: .milliseconds(1))))
        try member.peer.send("one\ntw")
        try loop.run(until: "the first message") { !member.handler.texts.isEmpty }
        try loop.run(for: .milliseconds(100))
        try member.peer.send("o\n")
        try loop.run(until: "the second message") { member.handler.texts.count >= 2 }
        #expect(member.handler.texts == ["one", "two"])
    }

    @Test("Whole lines are as with lines: \\r\\n is taken as \\n, and the rest at the end counts")
    func asLines() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.automatic(idle: .seconds(3_600))))
        try member.peer.send("one\r\n\nrest")
        member.peer.shutDownSending()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.events == [.opened, .received("one"), .received(""), .received("rest"), .closed(.endOfInput)])
    }

    @Test("The idle time is 50 ms, and a second after a letter that came alone, unless said otherwise")
    func defaultIdle() {
        #expect(AutomaticFraming().idle == .milliseconds(50))
        #expect(AutomaticFraming().letterIdle == .seconds(1))
        #expect(AutomaticFraming.automatic() == AutomaticFraming(idle: .milliseconds(50), letterIdle: .seconds(1)))
    }

    /// Sends each piece after a pause of many idle times. A letter that came alone is waited for as long as it takes.
    private func texts(
        of pieces: [[UInt8]], letterIdle: Duration = .seconds(3_600), until count: Int,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [String] {
        let member = try TestConnection(options: .framed(.automatic(idle: .milliseconds(1), letterIdle: letterIdle)))
        for piece in pieces {
            try member.peer.send(piece)
            try member.loop.run(until: "read") { member.peer.isRead }
            try member.loop.run(for: .milliseconds(10))
        }
        try member.loop.run(until: "all messages", sourceLocation: sourceLocation) { member.handler.texts.count >= count }
        return member.handler.texts
    }

    @Test("Letters that come one by one are a line, which a newline ends", arguments: ["\n", "\r\n", "\r\0"])
    func letterByLetter(terminator: String) throws {
        let letters = ["x", "m", "a", "s", " ", "é", "🎄", terminator].map { Array($0.utf8) }
        #expect(try texts(of: letters + [Array("next\n".utf8)], until: 2) == ["xmas é🎄", "next"])
        // Each byte by itself, whether it is a letter or not.
        let bytes = Array("xmas é🎄\(terminator)next\n".utf8)
        #expect(try texts(of: bytes.map { [$0] }, until: 2) == ["xmas é🎄", "next"])
    }

    @Test("A letter that came alone is a line if no other follows for the letters' idle time")
    func letterAlone() throws {
        let start = ContinuousClock.now
        #expect(try texts(of: [[120]], letterIdle: .milliseconds(100), until: 1) == ["x"])
        #expect(start.duration(to: .now) >= .milliseconds(100))
        // The time for letters is never shorter than the other.
        let member = try TestConnection(options: .framed(.automatic(idle: .milliseconds(100), letterIdle: .zero)))
        let second = ContinuousClock.now
        try member.peer.send("x")
        try member.loop.run(until: "received") { !member.handler.texts.isEmpty }
        #expect(second.duration(to: .now) >= .milliseconds(100))
    }

    @Test("A letter that came alone is a line at once at the end of input")
    func letterAtTheEnd() throws {
        let member = try TestConnection(options: .framed(.automatic(letterIdle: .seconds(3_600))))
        try member.peer.send("x")
        member.peer.shutDownSending()
        #expect(try member.closeReason() == .endOfInput)
        #expect(member.handler.texts == ["x"])
    }

    @Test(
        "A newline that follows a line that a pause has ended belongs to it",
        arguments: [
            ["text", "\n"], ["text", "\r\n"], ["text", "\r\0"], ["text", "\r", "\n"], ["text", "\r", "\0"], ["text\r", "\n"],
            ["text\r", "\0"], ["text", "\nnext\n"],
        ])
    func newlineAfterAPause(pieces: [String]) throws {
        let isWhole = pieces.last == "\nnext\n"
        let all = (isWhole ? pieces : pieces + ["next\n"]) + ["\n"]
        #expect(try texts(of: all.map { Array($0.utf8) }, until: 3) == ["text", "next", ""])
    }

    @Test("A newline that follows no such line is an empty line", arguments: ["\n", "\r\n", "\r\0"])
    func emptyFirstLine(terminator: String) throws {
        #expect(try texts(of: [Array(terminator.utf8)], until: 1) == [""])
    }

    @Test("A pause in the middle of a letter ends nothing", arguments: ["é", "€", "🎄"])
    func cutLetter(letter: String) throws {
        let bytes = Array("caf\(letter)".utf8)
        for cut in 4..<bytes.count {
            #expect(try texts(of: [Array(bytes[..<cut]), Array(bytes[cut...])], until: 1) == ["caf\(letter)"])
        }
    }

    @Test("Inside another framing it is the same as lines", arguments: ["a", "a\n", "a\r\nb", "\n", "\r\n", "ab\ncd\n"])
    func insideAnother(text: String) {
        let bytes = Array(text.utf8)
        let extent = AutomaticFraming().extent(of: bytes)
        #expect(extent == LineFraming().extent(of: bytes))
        #expect(AutomaticFraming().maximumEnvelopeLength == LineFraming().maximumEnvelopeLength)
        guard case .length(let length) = extent else { return }
        let message = Array(bytes[..<length])
        #expect(AutomaticFraming().content(of: message) == LineFraming().content(of: message))
    }
}
