import TestSupport
import Testing

@testable import ChatReactor

/// What is said, in rooms and to one person alone, between clients of every kind.
struct IRCSpeakingTests {
    private static let s = ":\(IRCFixture.server)"

    /// Ana and ben have IRC clients, zoe has lines, and a bot JSON.
    private final class Room {
        let irc: IRCFixture
        let ana, ben, zoe, bot: Talker

        init(_ capabilities: String = "") throws {
            irc = try IRCFixture()
            ana = try irc.register("ana", capabilities, in: "#tea")
            ben = try irc.register("ben", in: "#tea")
            zoe = try irc.joinByLines("zoe", in: "tea")
            bot = try irc.joinByLines("bot", in: "tea", json: true)
            try irc.clear()
        }

        /// What ben, zoe and the bot get of what ana sends.
        func heard(_ line: String) throws -> (ben: [String], zoe: [String], bot: [String?]) {
            #expect(try irc.ask(ana, line).isEmpty)
            let objects = try irc.objects(bot)
            return (try irc.answers(ben), try irc.answers(zoe), objects.map(\.text))
        }
    }

    // MARK: - In rooms

    @Test func `parting words are judged in each room that is left`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana", in: "#tea,#bar"), try irc.register("ben", in: "#tea,#bar"))
        let zoe = try irc.joinByLines("zoe", in: "bar")
        try irc.clear()
        var heard: [String] = []
        irc.chat.onSay { _, room, text in
            heard.append("\(room.name): \(text)")
            return text.contains("spam") ? .refuse("not here") : text.contains("wine") ? .rewrite("water") : .pass
        }
        for (words, shown) in [("so\u{2} long", " :so long"), ("spam", ""), ("wine", " :water")] {
            try irc.say(ben, "PART #tea :\(words)", "JOIN #tea")
            #expect(try irc.answers(ana) == [":ben!ben@localhost PART #tea\(shown)", ":ben!ben@localhost JOIN #tea"])
        }
        #expect(heard == ["tea: so long", "tea: spam", "tea: wine"])
        heard = []
        try irc.say(ben, "QUIT :wine")
        try irc.awaitEnd(of: ben)
        // The other room's hook gets what has become of it.
        #expect(heard == ["tea: wine", "bar: water"] || heard == ["bar: wine", "tea: water"])
        #expect(try irc.answers(ana) == [":ben!ben@localhost QUIT :quit: water"])
        #expect(try irc.answers(zoe) == ["* ben left: quit: water (2 online)"])
        // One who may not speak in one of them says nothing in any.
        let cleo = try irc.register("cleo", in: "#tea,#bar")
        try irc.say(ana, "MODE #tea +m")
        try irc.clear()
        heard = []
        try irc.say(cleo, "QUIT :so long")
        try irc.awaitEnd(of: cleo)
        #expect(cleo.takeLines() == ["ERROR :Closing link: quit"] && heard.count <= 1)
        #expect(try irc.answers(ana) == [":cleo!cleo@localhost QUIT :quit"])
        // In no room there is nobody to say it to, and nobody to ask.
        let dan = try irc.register("dan")
        heard = []
        try irc.say(dan, "QUIT :spam")
        try irc.awaitEnd(of: dan)
        #expect(dan.takeLines() == ["ERROR :Closing link: quit: spam"] && heard.isEmpty)
    }

    @Test func `a hook that removes whoever takes leave`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", in: "#tea")
        irc.chat.onSay { person, _, text in
            if text == "out" { person.chat?.kick(person, reason: "rude") }
            return .pass
        }
        for command in ["PART #tea :out", "QUIT :out"] {
            let ben = try irc.register("ben", in: "#tea")
            try irc.clear()
            try irc.say(ben, command)
            try irc.awaitEnd(of: ben)
            #expect(ben.takeLines().suffix(1) == ["ERROR :Closing link: kicked"])
            #expect(try irc.answers(ana) == [":ben!ben@localhost QUIT :kicked"])
        }
    }

    @Test(arguments: ["PRIVMSG", "NOTICE"])
    func `what is said reaches everybody else`(_ command: String) throws {
        let room = try Room()
        let heard = try room.heard("\(command) #Tea :olá,  \\o/ :)")
        #expect(heard.ben == [":ana!ana@localhost \(command) #tea :olá,  \\o/ :)"])
        #expect(heard.zoe == ["ana: olá,  \\o/ :)"] && heard.bot == ["olá,  \\o/ :)"])
        try room.irc.say(room.zoe, "hi\tthere")
        try room.irc.say(room.bot, "beep")
        #expect(
            try room.irc.answers(room.ana) == [
                ":zoe!zoe@localhost PRIVMSG #tea :hi\tthere", ":bot!bot@localhost PRIVMSG #tea :beep",
            ])
        #expect(try room.irc.conversation("tea").records.lastTexts(3) == ["olá,  \\o/ :)", "hi\tthere", "beep"])
    }

    @Test func `what somebody does is done, in both directions`() throws {
        let room = try Room()
        var heard = try room.heard("PRIVMSG #tea :\u{1}ACTION waves\u{1}")
        #expect(heard.ben == [":ana!ana@localhost PRIVMSG #tea :\u{1}ACTION waves\u{1}"])
        #expect(heard.zoe == ["ana: *waves*"] && heard.bot == ["waves"])
        // Some clients leave out the end.
        heard = try room.heard("PRIVMSG #tea :\u{1}action waves")
        #expect(heard.ben == [":ana!ana@localhost PRIVMSG #tea :\u{1}ACTION waves\u{1}"] && heard.zoe == ["ana: *waves*"])
        try room.irc.say(room.zoe, "/me pours")
        #expect(try room.irc.answers(room.ana) == [":zoe!zoe@localhost PRIVMSG #tea :\u{1}ACTION pours\u{1}"])
        #expect(try room.irc.ask(room.ana, "PRIVMSG #tea :\u{1}ACTION\u{1}") == ["\(Self.s) 412 ana :No text to send"])
    }

    @Test(arguments: ["PRIVMSG #tea :\u{1}VERSION\u{1}", "NOTICE #tea :\u{1}PING 1\u{1}", "NOTICE #tea :\u{1}ACTION waves\u{1}"])
    func `what programs ask each other is nothing for people`(_ line: String) throws {
        let room = try Room()
        let heard = try room.heard(line)
        #expect(heard.ben == [":ana!ana@localhost \(line)"] && heard.zoe.isEmpty && heard.bot.isEmpty)
        #expect(try room.irc.conversation("tea").records.lastTexts(1).isEmpty)
    }

    @Test func `colours are for those who can show them`() throws {
        let room = try Room()
        let text = "\u{2}bold\u{2} \u{3}04,12red\u{3} \u{4}FF0000x\u{F} \u{1D}y"
        var heard = try room.heard("PRIVMSG #tea :\(text)")
        #expect(heard.ben == [":ana!ana@localhost PRIVMSG #tea :\(text)"] && heard.zoe == ["ana: bold red x y"])
        #expect(heard.bot == ["bold red x y"])
        heard = try room.heard("PRIVMSG #tea :\u{1}ACTION \u{2}waves\u{1}")
        #expect(heard.ben == [":ana!ana@localhost PRIVMSG #tea :\u{1}ACTION \u{2}waves\u{1}"] && heard.zoe == ["ana: *waves*"])
        #expect(try room.irc.ask(room.ana, "PRIVMSG #tea :\u{2}\u{3}04\u{F}") == ["\(Self.s) 412 ana :No text to send"])
        // What could move a cursor is made visible.
        heard = try room.heard("PRIVMSG #tea :a\u{1B}[31mb\u{202E}c")
        #expect(heard.zoe == ["ana: a^[[31mb\\u{202E}c"])
    }

    @Test(
        arguments: [
            "/me ", "", "/msg ana ",
        ])
    func `a long text is several messages, and the same text`(_ command: String) throws {
        let room = try Room("message-tags")
        let words = (0..<400).map { $0 % 7 == 0 ? "e\u{301}\u{302}лан👩‍👩‍👧" : "word\($0)" }.joined(separator: " ")
        for text in [words, String(repeating: "x", count: 3_000), String(repeating: "👩‍👩‍👧", count: 200)] {
            try room.irc.clear()
            try room.irc.say(room.zoe, command + text)
            let messages = try room.irc.answers(room.ana).map { try IRCMessage($0) }
            #expect(messages.count > 2)
            let pieces = messages.map { $0.parameters.last ?? "" }
            let inner = pieces.map { command == "/me " ? String($0.dropFirst("\u{1}ACTION ".count).dropLast()) : $0 }
            #expect(inner.joined() == text)
            #expect(pieces.allSatisfy { command != "/me " || $0.hasPrefix("\u{1}ACTION ") && $0.hasSuffix("\u{1}") })
            // It is one text, which one message is named after.
            #expect(messages.map { $0.tag("msgid") != nil } == [true] + messages.dropFirst().map { _ in false })
        }
    }

    /// Nothing makes it longer than a person, a room and a text of the longest kind.
    @Test func `the longest text of the longest name reaches those who have asked for most`() throws {
        let name = String(repeating: "𐐨", count: 24)
        let irc = try IRCFixture { $0.roomSize = 1 << 20 }
        irc.chat.authenticator = try PlainAuthenticator([name: "tea"])
        let zoe = try irc.joinByLines("zoe", in: name)
        try irc.say(zoe, "/login \(name) tea")
        let ana = try irc.register("ana", "message-tags server-time account-tag", in: "#\(name)")
        // Two bytes become seven.
        try irc.say(zoe, String(repeating: "\u{61C}", count: 32_768))
        let messages = try irc.answers(ana).map { try IRCMessage($0) }
        #expect(messages.map { $0.parameters.last ?? "" }.joined() == String(repeating: "\\u{61C}", count: 32_768))
    }

    // MARK: - To one person

    @Test func `what is said to one reaches nobody else`() throws {
        let room = try Room()
        var heard = try room.heard("PRIVMSG ben,ZOE,bot :psst")
        #expect(
            heard.ben == [":ana!ana@localhost PRIVMSG ben :psst"] && heard.zoe == ["ana to you: psst"] && heard.bot == ["psst"])
        heard = try room.heard("NOTICE ben,zoe :psst")
        #expect(heard.ben == [":ana!ana@localhost NOTICE ben :psst"] && heard.zoe == ["ana to you: psst"] && heard.bot.isEmpty)
        heard = try room.heard("PRIVMSG ben,zoe :\u{1}ACTION \u{2}waves\u{1}")
        #expect(
            heard.ben == [":ana!ana@localhost PRIVMSG ben :\u{1}ACTION \u{2}waves\u{1}"] && heard.zoe == ["ana to you: *waves*"])
        heard = try room.heard("PRIVMSG ben,zoe :\u{1}VERSION\u{1}")
        #expect(heard.ben == [":ana!ana@localhost PRIVMSG ben :\u{1}VERSION\u{1}"] && heard.zoe.isEmpty)
        #expect(try room.irc.ask(room.zoe, "/msg ana hi") == ["you to ana: hi"])
        #expect(try room.irc.answers(room.ana) == [":zoe!zoe@localhost PRIVMSG ana :hi"])
        #expect(try room.irc.ask(room.zoe, "/reply again") == ["you to ana: again"])
        #expect(try room.irc.conversation("tea").records.lastTexts(1).isEmpty)
    }

    @Test func `a notice is never answered`() throws {
        let room = try Room()
        try room.irc.say(room.ben, "AWAY :out")
        try room.irc.clear()
        for line in ["NOTICE", "NOTICE ben", "NOTICE nobody :hi", "NOTICE #nowhere :hi", "NOTICE ben :hi", "NOTICE #tea :\u{2}"] {
            #expect(try room.irc.ask(room.ana, line).isEmpty)
        }
        #expect(try room.irc.ask(room.ana, "PRIVMSG ben :hi") == ["\(Self.s) 301 ana ben :out"])
    }

    @Test func `who ignores somebody hears nothing of it, and who is muted says nothing`() throws {
        let room = try Room()
        try room.irc.say(room.zoe, "/ignore ana")
        try room.irc.clear()
        for line in ["PRIVMSG #tea :a", "PRIVMSG #tea :\u{1}ACTION a\u{1}", "NOTICE #tea :a", "PRIVMSG zoe :a", "NOTICE zoe :a"] {
            #expect(try room.heard(line).zoe.isEmpty)
        }
        room.irc.chat.mute(try ChatName("ana"))
        #expect(
            try room.irc.ask(room.ana, "PRIVMSG #tea :hi") == ["\(Self.s) 404 ana #tea :Cannot send to channel: you are muted"])
        #expect(try room.irc.ask(room.ana, "PRIVMSG ben :hi") == ["\(Self.s) 401 ana ben :you are muted"])
        #expect(try room.irc.ask(room.ana, "NICK eve", "INVITE ben #tea").contains("\(Self.s) NOTICE ana :you are muted"))
        #expect(try room.irc.answers(room.ben).isEmpty && room.irc.answers(room.zoe).isEmpty)
    }

    @Test func `a hook decides about what is said`() throws {
        let room = try Room("echo-message")
        room.irc.chat.onSay { _, _, text in
            text.contains("spam") ? .refuse("not here") : text == "hi" ? .rewrite("hello\u{7}") : .pass
        }
        #expect(try room.irc.ask(room.ana, "PRIVMSG #tea :s\u{2}pam") == ["\(Self.s) 404 ana #tea :not here"])
        #expect(try room.irc.ask(room.ana, "NOTICE #tea :spam").isEmpty)
        #expect(try room.irc.ask(room.ana, "PRIVMSG #tea :\u{2}hi") == [":ana!ana@localhost PRIVMSG #tea :hello^G"])
        #expect(try room.irc.answers(room.ben) == [":ana!ana@localhost PRIVMSG #tea :hello^G"])
        #expect(try room.irc.answers(room.zoe) == ["ana: hello^G"])
    }

    // MARK: - Lines that are none

    @Test func `what is no message does no harm`() throws {
        let room = try Room()
        #expect(try room.irc.ask(room.ana, "", " ", ":only", "@a=b", "PRIVMSG #tea :a\u{0}b", "PRIVMSG #tea :a\rb").isEmpty)
        try room.ana.socket.send(Array("PRIVMSG #tea :".utf8) + [0xFF, 0xFE, 13, 10])
        #expect(try room.irc.answers(room.ana) == ["\(Self.s) FAIL PRIVMSG INVALID_UTF8 :a message is UTF-8"])
        try room.ana.socket.send(Array(repeating: 0x41, count: 5_000) + [0xFF, 13, 10])
        #expect(try room.irc.answers(room.ana) == ["\(Self.s) 417 ana :Input line was too long"])
        try room.ana.socket.send(Array(repeating: 0x41, count: 500) + [0xFF, 13, 10])
        #expect(try room.irc.answers(room.ana).count == 1)
        #expect(try room.irc.answers(room.ben).isEmpty)
    }

    /// One character may have any number of bytes.
    @Test(arguments: [
        "WHOIS ", "JOIN #", "PRIVMSG x,", "MODE #tea +l ", "KICK #tea ", "CHATHISTORY ", "STATS ", "HELP ", "NICK ",
    ])
    func `no answer is longer than a message`(_ command: String) throws {
        let room = try Room()
        let long = "a" + String(repeating: "\u{301}", count: (505 - command.utf8.count) / 2)
        #expect(try !room.irc.ask(room.ana, command + long + (command.contains(",") ? " x" : "")).isEmpty)
    }

    @Test func `three lines that are much too long close their sender`() throws {
        let room = try Room()
        let long = String(repeating: "x", count: 20_000)
        #expect(try room.irc.ask(room.ana, long) == ["\(Self.s) 417 ana :Input line was too long"])
        try room.irc.say(room.ana, long, long)
        try room.irc.run { room.ana.isGone }
        #expect(room.ana.takeLines().last == "ERROR :Closing link: three lines were too long within a minute")
        #expect(try room.irc.answers(room.ben) == [":ana!ana@localhost QUIT :three lines were too long within a minute"])
    }

    @Test func `a line has 510 bytes, and its tags 4096`() throws {
        let room = try Room("message-tags")
        let start = "PRIVMSG ben :"
        let longest = String(repeating: "x", count: 510 - start.utf8.count)
        let tags = "@+a=\(String(repeating: "y", count: 4_091)) "
        #expect(tags.utf8.count == 4_096)
        #expect(try room.irc.ask(room.ana, start + longest, tags + start + longest).isEmpty)
        #expect(try room.irc.answers(room.ben).map { try IRCMessage($0).parameters[1] }.joined() == longest + longest)
        for line in [start + longest + "x", "@+ab" + tags.dropFirst(3) + start + "hi"] {
            #expect(try room.irc.ask(room.ana, line) == ["\(Self.s) 417 ana :Input line was too long"])
        }
    }
}
