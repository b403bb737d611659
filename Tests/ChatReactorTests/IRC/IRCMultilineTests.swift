import TestSupport
import Testing

@testable import ChatReactor

/// Several lines that are one message (`draft/multiline`).
struct IRCMultilineTests {
    private static let s = ":\(IRCFixture.server)"
    private static let all = "batch draft/multiline message-tags"

    private let irc: IRCFixture
    private let ana: Talker

    init() throws {
        irc = try IRCFixture()
        ana = try irc.register("ana", "\(Self.all) echo-message labeled-response", in: "#tea")
    }

    private func send(_ lines: String..., to target: String = "#tea", opening: String = "") throws {
        try irc.say(ana, "\(opening)BATCH +7 draft/multiline \(target)")
        for line in lines {
            let goesOn = line.hasPrefix("…")
            try irc.say(
                ana,
                "@batch=7\(goesOn ? ";draft/multiline-concat" : "") PRIVMSG \(target) :\(goesOn ? String(line.dropFirst()) : line)"
            )
        }
        try irc.say(ana, "BATCH -7")
    }

    @Test func `it is offered with what it takes, and nobody has it by default`() throws {
        let new = try irc.connect()
        #expect(try irc.ask(new, "CAP LS 302").first?.contains(" draft/multiline=max-bytes=4096,max-lines=32 ") == true)
        #expect(try irc.ask(new, "CAP LS").first?.contains(" draft/multiline ") == true)
        let ben = try irc.register("ben", in: "#tea")
        #expect(try irc.ask(ben, "BATCH +1 draft/multiline #tea") == ["\(Self.s) 421 ben BATCH :Unknown command"])
        // Rooms that take no long text have no place for the names before each line.
        let small = try IRCFixture(server: { $0.maximumMessageLength = 1_024 })
        let other = try small.connect()
        #expect(try small.ask(other, "CAP LS 302", "CAP REQ :draft/multiline").contains { $0.contains("NAK") })
    }

    @Test func `everybody gets it whole, in its own way`() throws {
        let ben = try irc.register("ben", Self.all, in: "#tea")
        let cleo = try irc.register("cleo", "message-tags", in: "#tea")
        let (zoe, bot) = (try irc.joinByLines("zoe", in: "tea"), try irc.joinByLines("bot", in: "tea", json: true))
        try irc.clear()
        try send("", "how \u{2}is ", "…everyone?", "", "fine", opening: "@label=x;+a=b ")
        let batch = [
            "@msgid=ID;+a=b :ana!ana@localhost BATCH +REF draft/multiline #tea", "@batch=REF :ana!ana@localhost PRIVMSG #tea :",
            "@batch=REF :ana!ana@localhost PRIVMSG #tea :how \u{2}is ",
            "@batch=REF;draft/multiline-concat :ana!ana@localhost PRIVMSG #tea :everyone?",
            "@batch=REF :ana!ana@localhost PRIVMSG #tea :", "@batch=REF :ana!ana@localhost PRIVMSG #tea :fine", "BATCH -REF",
        ]
        let id = "\(String(try irc.conversation("tea").records.epoch, radix: 36))-1"
        func masked(_ lines: [String]) -> [String] {
            lines.map {
                $0.replacing("msgid=\(id)", with: "msgid=ID").replacing(#/(batch=|[+-])[a-z0-9]+-[0-9]+/#) { "\($0.1)REF" }
            }
        }
        let heard = try irc.answers(ben)
        let sequence = try IRCMessage(heard[0]).tag("msgid")?.split(separator: "-").last ?? ""
        func shown(_ lines: [String]) -> [String] {
            masked(lines.map { $0.replacing("-\(sequence) ", with: "-1 ").replacing("-\(sequence);", with: "-1;") })
        }
        #expect(shown(heard) == batch)
        #expect(shown(try irc.answers(ana)) == ["@label=x;" + batch[0].dropFirst()] + batch.dropFirst())
        #expect(
            shown(try irc.answers(cleo)) == [
                "@msgid=ID;+a=b :ana!ana@localhost PRIVMSG #tea :how \u{2}is ",
                "@+a=b :ana!ana@localhost PRIVMSG #tea :everyone?",
                "@+a=b :ana!ana@localhost PRIVMSG #tea :fine",
            ])
        #expect(try irc.answers(zoe) == ["ana: ", "ana: how is everyone?", "ana: ", "ana: fine"])
        let object = try #require(try irc.answers(bot).first)
        #expect(object.contains(#""text":"how is everyone? fine","lines":["","how is everyone?","","fine"]}"#))
        // The history has it as one message, in a batch of its own.
        let history = shown(try irc.ask(ben, "CHATHISTORY LATEST #tea * 5"))
        #expect(history.count == 8)
        #expect(history[1] == "@batch=1;msgid=ID :ana!ana@localhost BATCH +REF draft/multiline #tea")
        #expect(history[3] == "@batch=REF :ana!ana@localhost PRIVMSG #tea :how is everyone?")
        #expect(history[6] == "@batch=1 BATCH -REF" && history[7] == "\(Self.s) BATCH -1")
        let replay = try irc.ask(zoe, "/history 1").filter { $0.hasSuffix("fine") || $0.contains("everyone") }
        #expect(replay.count == 2 && replay.allSatisfy { $0.hasPrefix("[") })
    }

    @Test func `frames have a line each`() {
        var output: [UInt8] = []
        let content = Array("anaa\nb".utf8)
        unsafe content.withUnsafeBufferPointer { content in
            guard let start = content.baseAddress else { return }
            let record = unsafe Record(
                sequence: 1, time: 0, kind: .message, online: 0, content: start, fromLength: 3, textLength: 3)
            WireForm.textFrames.encode(record, in: .lobby, isReplayed: false, label: .name, to: &output)
        }
        #expect(output == [0x81, 6] + Array("ana: a".utf8) + [0x81, 6] + Array("ana: b".utf8))
    }

    @Test func `what is too long for one message is several that belong together`() throws {
        let ben = try irc.register("ben", Self.all, in: "#tea")
        try irc.say(ana, "PRIVMSG #tea :\(String(repeating: "x", count: 480))")
        let lines = try irc.answers(ben).map { try IRCMessage($0) }
        #expect(lines.map(\.command) == ["BATCH", "PRIVMSG", "PRIVMSG", "BATCH"])
        #expect(lines[2].tag("draft/multiline-concat") == "")
        #expect(lines[1].parameters[1] + lines[2].parameters[1] == String(repeating: "x", count: 480))
    }

    @Test func `somebody alone gets it, too`() throws {
        let (ben, zoe) = (try irc.register("ben", Self.all), try irc.joinByLines("zoe"))
        try send("a", "", "b", to: "ben")
        #expect(try irc.answers(ben).map { try IRCMessage($0).command } == ["BATCH", "PRIVMSG", "PRIVMSG", "PRIVMSG", "BATCH"])
        try send("a", "", "b", to: "zoe")
        #expect(try irc.answers(zoe) == ["ana to you: a", "ana to you: b"])
    }

    @Test func `others judge it as one line, and what they say instead is one`() throws {
        let ben = try irc.register("ben", in: "#tea")
        var judged: [String] = []
        irc.chat.onSay { _, _, text in
            judged.append(text)
            return judged.count == 1 ? .pass : judged.count == 2 ? .rewrite("other") : .refuse("no")
        }
        for _ in 0..<3 { try send("a", "b", "…c") }
        #expect(
            try irc.answers(ben).map { String($0.suffix(5)) }
                == ["a :a", "a :b", "a :c", "other"].map { String("#te\($0)".suffix(5)) })
        #expect(judged == ["a bc", "a bc", "a bc"])
        #expect(try irc.answers(ana).last == "\(Self.s) 404 ana #tea :no")
    }

    @Test func `what is none is refused, and nothing of it is said`() throws {
        let zoe = try irc.joinByLines("zoe", in: "tea")
        func codes() throws -> [String] {
            try irc.answers(ana).map { try IRCMessage($0) }.filter { $0.command == "FAIL" }.map {
                $0.parameters.dropFirst().dropLast().joined(separator: " ")
            }
        }
        _ = try codes()
        for (lines, code) in [
            (
                ["BATCH +1 draft/multiline #tea", "@batch=2 PRIVMSG #tea :hi", "@batch=1 PRIVMSG #tea :hi", "BATCH -1"],
                "MULTILINE_INVALID"
            ),
            (["BATCH +1 draft/multiline #tea", "@batch=1 NOTICE #tea :hi", "BATCH -1"], "MULTILINE_INVALID"),
            (
                ["BATCH +1 draft/multiline #tea", "@batch=1;draft/multiline-concat PRIVMSG #tea :", "BATCH -1"],
                "MULTILINE_INVALID"
            ),
            (["BATCH +1 draft/multiline #tea", "BATCH -1"], "MULTILINE_INVALID"),
            (
                ["BATCH +1 draft/multiline #tea", "@batch=1 PRIVMSG #tea :", "@batch=1 PRIVMSG #tea :", "BATCH -1"],
                "MULTILINE_INVALID"
            ),
            (
                ["BATCH +1 draft/multiline #tea", "@batch=1 PRIVMSG #tea :\u{1}VERSION", "@batch=1 PRIVMSG #tea :x", "BATCH -1"],
                "MULTILINE_INVALID"
            ),
            (["BATCH +1 draft/multiline #tea", "BATCH +2 draft/multiline #tea", "BATCH -1"], "MULTILINE_INVALID"),
            (["BATCH -1"], "MULTILINE_INVALID"), (["BATCH +1 netsplit a b"], "MULTILINE_INVALID"),
            (["@batch=9 PRIVMSG #tea :hi"], "MULTILINE_INVALID"),
            (
                ["BATCH +1 draft/multiline #tea", "@batch=1 PRIVMSG #milk :hi", "@batch=1 PRIVMSG #tea :hi", "BATCH -1"],
                "MULTILINE_INVALID_TARGET #tea #milk"
            ),
            (
                ["BATCH +1 draft/multiline #tea"] + Array(repeating: "@batch=1 PRIVMSG #tea :hi", count: 40) + ["BATCH -1"],
                "MULTILINE_MAX_LINES 32"
            ),
            (
                ["BATCH +1 draft/multiline #tea"]
                    + Array(repeating: "@batch=1 PRIVMSG #tea :\(String(repeating: "x", count: 400))", count: 11) + ["BATCH -1"],
                "MULTILINE_MAX_BYTES 4096"
            ),
        ] {
            for line in lines { try irc.say(ana, line) }
            #expect(try codes() == [code])
        }
        #expect(try irc.answers(zoe).isEmpty)
        #expect(ana.lines.count > 0)
    }

    @Test func `one line in a batch is a message like any other, and others may come before its end`() throws {
        let zoe = try irc.joinByLines("zoe", in: "tea")
        try irc.say(
            ana, "BATCH +1 draft/multiline #tea", "PRIVMSG #tea :before", "@batch=1 PRIVMSG #tea :\u{1}ACTION waves\u{1}",
            "BATCH -1")
        #expect(try irc.answers(zoe) == ["ana: before", "ana: *waves*"])
    }

    @Test func `as many of the longest lines as may be reach everybody`() throws {
        let irc = try IRCFixture(server: { $0.maximumMessageLength = 4_096 })
        let name = String(repeating: "\u{4E00}", count: 24)
        let ana = try irc.connect()
        try irc.say(ana, "CAP REQ :\(Self.all)", "NICK \(name)", "USER a 0 * :A", "CAP END", "JOIN #tea")
        let (zoe, ben, cleo) = (
            try irc.joinByLines("zoe", in: "tea"), try irc.register("ben", Self.all, in: "#tea"),
            try irc.register("cleo", in: "#tea")
        )
        try irc.say(ana, "BATCH +1 draft/multiline #tea")
        for _ in 0..<31 { try irc.say(ana, "@batch=1 PRIVMSG #tea :\(String(repeating: "\u{61C}", count: 65))") }
        try irc.say(ana, "BATCH -1")
        #expect(try irc.answers(zoe).filter { $0.contains("u{61C}") }.count == 31)
        #expect(try irc.answers(ben).filter { $0.contains("PRIVMSG") }.count == 31)
        #expect(try irc.answers(cleo).filter { $0.contains("PRIVMSG") }.count == 31)
    }
}
