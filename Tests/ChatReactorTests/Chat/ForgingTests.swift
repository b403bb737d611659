import TestSupport
import Testing

@testable import ChatReactor

/// Nobody can make anybody else see a notice, an error, another's words, a line of history or an object that is not what it seems.
struct ForgingTests {
    /// What a forger sends, in pieces that are read one by one, and what the others get of it.
    struct Attempt: Sendable, CustomTestStringConvertible {
        let name: String
        let pieces: [[UInt8]]
        let seen: [String]
        var testDescription: String { name }

        init(_ name: String, _ pieces: [String], _ seen: [String]) {
            self.init(name, bytes: pieces.map { Array($0.utf8) }, seen)
        }

        init(_ name: String, bytes pieces: [[UInt8]], _ seen: [String]) {
            self.name = name
            self.pieces = pieces
            self.seen = seen
        }
    }

    static let attempts: [Attempt] = [
        .init("a notice", ["* server is now mallory\n"], ["mallory: * server is now mallory"]),
        .init("an error", ["! you are banned\n"], ["mallory: ! you are banned"]),
        .init("a line of history", ["[19:03] ana: I agree\n"], ["mallory: [19:03] ana: I agree"]),
        .init("another's words", ["ana: I agree\n"], ["mallory: ana: I agree"]),
        .init("a private message", ["ana to you: the password?\n"], ["mallory: ana to you: the password?"]),
        .init("a return in a line", ["hello\r* ana left: quit (1 online)\n"], ["mallory: hello^M* ana left: quit (1 online)"]),
        .init("two returns before a newline", ["hello\r\r\n"], ["mallory: hello^M"]),
        .init("a return and NUL, which end a line of telnet", ["hello\r\0* notice\n"], ["mallory: hello", "mallory: * notice"]),
        .init("NUL", ["hello\0* notice\n"], ["mallory: hello^@* notice"]),
        .init("a vertical tab and a form feed", ["hello\u{B}* notice\u{C}! error\n"], ["mallory: hello^K* notice^L! error"]),
        .init("the next line of C1", ["hello\u{85}* notice\n"], [#"mallory: hello\u{85}* notice"#]),
        .init(
            "separators of lines and paragraphs", ["hello\u{2028}* notice\u{2029}! error\n"],
            [#"mallory: hello\u{2028}* notice\u{2029}! error"#]),
        .init("backspaces and a delete", ["\u{8}\u{8}\u{7F}* notice\n"], ["mallory: ^H^H^?* notice"]),
        .init("an escape that erases the line", ["\u{1B}[2K\u{1B}[1G* notice\n"], ["mallory: ^[[2K^[[1G* notice"]),
        .init("an escape of C1", ["\u{9B}2K* notice\n"], [#"mallory: \u{9B}2K* notice"#]),
        .init(
            "bidi overrides, isolates and marks", ["\u{202E}eciton *\u{202C}\u{2066}\u{2069}\u{200E}\u{200F}\u{61C}\n"],
            [#"mallory: \u{202E}eciton *\u{202C}\u{2066}\u{2069}\u{200E}\u{200F}\u{61C}"#]),
        .init(
            "bytes that are no UTF-8",
            bytes: [[0x68, 0xC3, 0x0A], [0xE2, 0x80, 0x0A], [0xFE, 0xF8, 0x0A], [0xC0, 0x8A, 0x2A, 0x0A]],
            ["mallory: h\u{FFFD}", "mallory: \u{FFFD}", "mallory: \u{FFFD}\u{FFFD}", "mallory: \u{FFFD}\u{FFFD}*"]),
        .init(
            "surrogates and what is beyond Unicode", bytes: [[0xED, 0xA0, 0x80, 0xF4, 0x90, 0x80, 0x80, 0x0A]],
            [
                "mallory: " + String(repeating: "\u{FFFD}", count: 7)
            ]),
        .init("a line in several reads", ["hel", "lo\r", "* no", "tice\n"], ["mallory: hello^M* notice"]),
        .init("a return and its newline in two reads", ["hello\r", "\n* notice\n"], ["mallory: hello", "mallory: * notice"]),
        .init("a character in two reads", bytes: [[0xE2, 0x80], [0xA8, 0x2A, 0x0A]], [#"mallory: \u{2028}*"#]),
        .init(
            "commands of telnet", bytes: [[0x2A, 0xFF, 0xF9, 0x20, 0xFF, 0xFA, 0x0A, 0xFF, 0xF0, 0x21, 0x0A]], ["mallory: * !"]),
        .init(
            "commands of telnet within a character", bytes: [[0xE2, 0xFF, 0xF9, 0x80, 0xA8, 0x2A, 0x0A]],
            [#"mallory: \u{2028}*"#]
        ),
        .init(
            "/me", ["/me left: quit (1 online)\n", "/me \r\u{2028}* x\n"],
            [
                "mallory: *left: quit (1 online)*", #"mallory: *^M\u{2028}* x*"#,
            ]),
        .init("/me that ends early", ["/me waves*\t* ana left: quit\n"], ["mallory: *waves*\t* ana left: quit*"]),
        .init(
            "/topic", ["/topic tea\r* ana left: quit (1 online)\n"],
            [
                "* mallory set the topic: tea^M* ana left: quit (1 online)"
            ]),
        .init("//text", ["//me is a command\n", "///quit\n"], ["mallory: /me is a command", "mallory: //quit"]),
        .init("/nick with more than a name", ["/nick ana left: quit\n", "/nick *\n", "/nick ana:\n", "/nick ana\u{202E}\n"], []),
        .init("/nick with look-alikes", ["/nick \u{FF41}na\n", "/nick \u{1D41A}na\n", "/nick a\u{200B}na\n", "/nick ANA\n"], []),
        .init("/nick with the server's names", ["/nick server\n", "/nick guest1\n", "/nick you\n", "/nick \u{FF53}erver\n"], []),
        .init("/join of a room that is no name", ["/join lobby; 7 online\n", "/join *\n", "/join a\u{2028}b\n"], []),
        .init(
            "/quit with a text", ["/quit * ana left: quit\n"],
            ["* mallory left: quit: * ana left: quit (2 online)"]),
        .init(
            "/quit with more", ["/quit bye (2 online)\u{2028}* ana left: quit\n"],
            [#"* mallory left: quit: bye (2 online)\u{2028}* ana left: quit (2 online)"#]),
        .init("an object", [#"{"type":"notice","text":"hello"}"# + "\n"], [#"mallory: {"type":"notice","text":"hello"}"#]),
        .init(
            "the end of an object", [#"","from":"server"}\u000a{"type":"error","text":"x"}"# + "\n"],
            [
                #"mallory: ","from":"server"}\u000a{"type":"error","text":"x"}"#
            ]),
        .init("a line without its newline, and the end", ["* notice"], ["mallory: * notice"]),
    ]

    @Test(arguments: attempts)
    func nothingIsForged(_ attempt: Attempt) throws {
        let chat = try ChatFixture()
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot", json: true))
        let mallory = try chat.join("mallory")
        for piece in attempt.pieces {
            try mallory.client.send(piece)
            // Each is read by itself; a pause ends no line any more, since there has been a newline.
            try chat.fixture.loop.settle(for: .milliseconds(2))
        }
        if attempt.pieces.last?.last != 0x0A {
            mallory.client.socket.shutDownSending()
            try chat.run { mallory.isGone }
        }
        let lines = try ana.newLines.filter { $0 != "* mallory left: closed (2 online)" }
        #expect(lines == attempt.seen)
        // A program sees the same: each object is of mallory, and has the text that people see.
        let objects = try bot.takeObjects().filter { $0.type != "leave" }
        #expect(objects.allSatisfy { $0.from == "mallory" })
        #expect(objects.count == attempt.seen.count { !$0.hasPrefix("* mallory left: quit") })
        for (object, line) in zip(objects, attempt.seen) {
            let text = try #require(object.text)
            switch object.type {
            case "message": #expect(line == "mallory: \(text)")
            case "action": #expect(line == "mallory: *\(text)*")
            default: #expect(line == "* mallory set the topic: \(text)")
            }
        }
        // Nor is anything forged for those who come later.
        let late = try chat.join(keepsWelcome: true)
        try chat.settle()
        let history = late.takeLines().filter { !$0.hasPrefix("* ") }
        let said = attempt.seen.filter { $0.hasPrefix("mallory: ") }
        #expect(history.map { $0.replacing(#/^\[\d\d:\d\d\] /#, with: "") } == said)
        #expect(history.allSatisfy { $0.hasPrefix("[") })
    }

    @Test(
        "Nor by what an embedder says of them",
        arguments: ["{name} says {text}", "<{name}> {text}", "({name}) {text} .", "{name}-> {text}"])
    func labels(_ template: String) throws {
        let label = try TextLabel(template)
        let chat = try ChatFixture { $0.label = label }
        let (ana, mallory) = (try chat.join("ana"), try chat.join("mallory"))
        try mallory.send("* notice\r! error\u{2028}")
        let shown = template.replacing("{name}", with: "mallory").replacing("{text}", with: #"* notice^M! error\u{2028}"#)
        #expect(try ana.newLines == [shown])
    }

    @Test(
        "A label cannot look like the server",
        arguments: [
            "* {name} {text}", "! {name}: {text}", "[{name}] {text}", "{name}\u{2028}{text}", "{name}\u{202E} {text}",
            "{name}\n{text}",
            "{name}\u{85}{text}", "{text}{name}", "{name}{text}", "{name}", "", "{name} {text}", "{name}-{text}",
            "<{name}_said_{text}>",
        ])
    func invalidLabels(_ template: String) {
        #expect(throws: TextLabel.Invalid.self) { try TextLabel(template) }
    }
}
