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

    @Test("The idle time is 50 ms unless said otherwise")
    func defaultIdle() {
        #expect(AutomaticFraming().idle == .milliseconds(50))
        #expect(AutomaticFraming.automatic() == AutomaticFraming(idle: .milliseconds(50)))
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
