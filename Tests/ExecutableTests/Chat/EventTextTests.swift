import TestSupport
import Testing

@testable import chat

/// People read of a chat's events what the server itself would have said to them.
struct EventTextTests {
    private let text: EventText

    init() {
        var text = EventText()
        (text.ownName, text.room) = ("bot", "lobby")
        self.text = text
    }

    /// The words of an event, without the time before them.
    private func words(_ object: String, of text: EventText? = nil) throws -> [String] {
        let event = try #require(ChatEvent(object), "\(object)")
        return (text ?? self.text).lines(for: event).lines.map { Self.withoutTime($0.words) }
    }

    fileprivate static func withoutTime(_ line: String) -> String {
        String(line.trimmingPrefix(#/\[?(\d{4}-\d\d-\d\d )?\d\d:\d\d\]? /#))
    }

    @Test(arguments: [
        (#"{"type":"message","seq":1,"room":"lobby","from":"ana","text":"olá"}"#, ["ana: olá"]),
        (#"{"type":"action","seq":1,"room":"lobby","from":"ana","text":"waves"}"#, ["ana: *waves*"]),
        (
            #"{"type":"message","seq":1,"room":"lobby","from":"ana","text":"one two","lines":["one","two"]}"#,
            ["ana: one", "ana: two"]
        ),
        (#"{"type":"private","from":"ana","to":"bot","text":"hello"}"#, ["ana to you: hello"]),
        (#"{"type":"join","seq":1,"room":"lobby","from":"ana","online":4}"#, ["* ana joined (4 online)"]),
        (#"{"type":"leave","seq":1,"room":"lobby","from":"ana","text":"quit","online":3}"#, ["* ana left: quit (3 online)"]),
        (#"{"type":"rename","seq":1,"room":"lobby","from":"guest8","to":"Łukasz"}"#, ["* guest8 is now Łukasz"]),
        (#"{"type":"topic","seq":1,"room":"lobby","from":"ana","text":"tea"}"#, ["* ana set the topic: tea"]),
        (#"{"type":"topic","seq":1,"room":"lobby","from":"ana","text":""}"#, ["* ana removed the topic"]),
        (
            #"{"type":"notice","seq":1,"room":"lobby","text":"12 joined, 3 left (12 online)"}"#,
            ["* 12 joined, 3 left (12 online)"]
        ),
        (#"{"type":"notice","text":"you are now bot","name":"bot"}"#, ["* you are now bot"]),
        (#"{"type":"error","text":"there is no /jion; did you mean /join?"}"#, ["! there is no /jion; did you mean /join?"]),
        (#"{"type":"pong","time":"2026-11-27T19:03:16.000Z"}"#, ["* pong"]),
        (#"{"type":"who","room":"tea","names":["ana","bot"]}"#, ["* in tea: ana, bot"]),
        (#"{"type":"who","room":"tea","names":["ana","bot"],"more":true}"#, ["* in tea: ana, bot and others"]),
        (#"{"type":"who","room":"tea","names":[]}"#, ["* nobody is in tea"]),
        (
            #"{"type":"rooms","rooms":[{"room":"lobby","online":2},{"room":"tea","online":1}]}"#,
            ["* lobby (2 online)", "* tea (1 online)"]
        ),
        (
            #"{"type":"welcome","name":"bot","room":"tea","text":"green","epoch":1,"seq":1,"online":3}"#,
            ["* you are in tea; 3 online", "* the topic is: green"]
        ),
        (#"{"type":"welcome","name":"bot","room":"tea","epoch":1,"seq":1,"online":1}"#, ["* you are in tea; 1 online"]),
        (#"{"type":"gap","room":"lobby","missed":137}"#, ["! 137 messages are missing here"]),
        (#"{"type":"gap","room":"lobby"}"#, ["! messages may be missing here"]),
        (#"{"type":"history-end","room":"lobby","count":20}"#, ["* end of history (20)"]),
        (#"{"type":"closed","room":"kitchen"}"#, ["* kitchen was closed by the operator"]),
        (#"{"type":"sent","seq":1,"room":"lobby"}"#, []), (#"{"type":"sent","to":"ana"}"#, []),
        // Nobody wants to know who came and left while the user was away.
        (#"{"type":"join","seq":1,"room":"lobby","from":"ana","online":4,"replayed":true}"#, []),
        (#"{"type":"leave","seq":1,"room":"lobby","from":"ana","text":"quit","online":4,"replayed":true}"#, []),
        (#"{"type":"rename","seq":1,"room":"lobby","from":"ana","to":"ben","replayed":true}"#, []),
    ])
    func `each kind of event has the words of the server`(object: String, lines: [String]) throws {
        #expect(try words(object) == lines)
    }

    @Test func `every kind that there is has its words, whatever is missing in it`() throws {
        for example in try ChatDocuments.examples.get() {
            let kind = try #require(ChatEvent(example)).kind
            _ = try words(#"{"type":"\#(kind.rawValue)"}"#)
        }
    }

    @Test(arguments: [
        (#"{"type":"message","seq":1,"room":"tea","from":"ana","text":"olá"}"#, "[tea] ana: olá"),
        (#"{"type":"action","seq":1,"room":"tea","from":"ana","text":"waves"}"#, "[tea] ana: *waves*"),
        (#"{"type":"join","seq":1,"room":"tea","from":"ana","online":4}"#, "* [tea] ana joined (4 online)"),
        (#"{"type":"gap","room":"tea","missed":1}"#, "! [tea] 1 messages are missing here"),
    ])
    func `what comes from another room says from which`(object: String, line: String) throws {
        #expect(try words(object) == [line])
    }

    @Test func `a real server says the same to people`() throws {
        try withDaemon(["--chat", "--name", "tea"]) { daemon in
            let (ana, bot, cleo) = (try daemon.connect(), try daemon.connect(), try daemon.connect())
            func settle(_ peer: Peer) throws -> [String] {
                try peer.send("/ping\n")
                var lines: [String] = []
                while let line = try peer.receiveLine(), line != "* pong", !line.hasPrefix(#"{"type":"pong""#) {
                    lines.append(line)
                }
                return lines
            }
            try bot.send("/json\n/nick bot\n")
            try ana.send("/nick ana\n")
            for peer in [bot, ana, cleo] { _ = try settle(peer) }
            // All have come, and nobody hears of that any more.
            for peer in [bot, ana, cleo] { _ = try settle(peer) }
            for (speech, asked) in [
                ("hello", "/who"), ("/me waves", "/rooms"), ("/topic green", "/topic"), ("/topic -", "/topic"),
                ("/nick cleo", "/who nowhere"),
                ("/join kitchen", "/jion"), ("in there", "/msg nobody hi"), ("/leave", "/help nick"),
                ("\u{1B}[31m\t\u{202E}", "/ignore zoe"),
                ("//etc", "/unignore zoe"), ("last", "/history 3"), ("/quit bye", "/help"),
            ] {
                try cleo.send(speech + "\n")
                if !speech.hasPrefix("/quit") { _ = try settle(cleo) } else { _ = try cleo.receiveAll() }
                for peer in [ana, bot] { try peer.send(asked + "\n") }
                let told = try settle(ana).map(Self.withoutTime)
                let shown = try settle(bot).flatMap { try words($0) }
                #expect(!told.isEmpty && shown == told, "\(speech), \(asked): \(told) \(shown)")
            }
        }
    }

    @Test func `a time precedes what somebody says, with the date if it was another day`() throws {
        let object = #"{"type":"message","seq":1,"time":"2026-11-27T12:03:05.120Z","room":"lobby","from":"ana","text":"a"}"#
        let event = try #require(ChatEvent(object))
        let time = try #require(event.time)
        #expect(text.lines(for: event, now: time).lines[0].words.wholeMatch(of: #/\d\d:\d\d ana: a/#) != nil)
        let later = text.lines(for: event, now: time + 3 * 86_400_000).lines[0].words
        #expect(later.wholeMatch(of: #/2026-11-2[678] \d\d:\d\d ana: a/#) != nil)
        #expect(text.own("hi", now: time).words.wholeMatch(of: #/\d\d:\d\d bot: hi/#) != nil)
    }

    @Test(arguments: [
        ("hello bot", true), ("bot", true), ("BOT: hi", true), ("(Bot)", true), ("bot's tea", true), ("hi @bot, there", true),
        ("robot", false), ("bots", false), ("bot2", false), ("bot-1", false), ("my_bot", false), ("", false), ("böt", false),
        ("robot and bot", true), ("你好bot", false), ("你好 bot。", true),
    ])
    func `the user's name is marked where it is a word of its own`(said: String, isMention: Bool) throws {
        let event = try #require(ChatEvent(#"{"type":"message","seq":1,"room":"lobby","from":"ana","text":"\#(said)"}"#))
        let (lines, isMarked) = text.lines(for: event)
        #expect(isMarked == isMention)
        let marked = lines[0].pieces.filter { $0.style == .mark }.map(\.text)
        #expect(marked.map { $0.lowercased() } == (isMention ? ["bot"] : []))
        #expect(lines[0].words.hasSuffix("ana: \(said)"))
    }

    @Test func `one who talks of oneself is not called, and one who is spoken to alone is`() throws {
        let own = try #require(ChatEvent(#"{"type":"message","seq":1,"room":"lobby","from":"bot","text":"bot"}"#))
        #expect(!text.lines(for: own).isMention)
        let alone = try #require(ChatEvent(#"{"type":"private","from":"ana","to":"bot","text":"hello"}"#))
        #expect(text.lines(for: alone).isMention)
        var nameless = text
        nameless.ownName = nil
        let message = try #require(ChatEvent(#"{"type":"message","seq":1,"room":"lobby","from":"ana","text":"you"}"#))
        #expect(!nameless.lines(for: message).isMention)
    }

    @Test func `whatever a server sends, a line is one harmless line`() throws {
        let event = try #require(
            ChatEvent(
                #"{"type":"message","seq":1,"room":"te\na","from":"a\u001b[2Jna","text":"x\u001b]0;t\u0007\n\u009b1m\u202e"}"#))
        for isColored in [false, true] {
            var bytes: [UInt8] = []
            for line in text.lines(for: event).lines { line.append(to: &bytes, isColored: isColored) }
            let shown = String(decoding: bytes, as: UTF8.self).replacing(#/\u{1B}\[[0-9;]*m/#, with: "")
            #expect(shown.unicodeScalars.filter { $0.value < 32 } == ["\n"])
            #expect(shown.unicodeScalars.last == "\n")
            #expect(!shown.unicodeScalars.contains { (0x7F..<0xA0).contains($0.value) || $0.value == 0x202E })
        }
    }
}

extension StyledLine {
    /// All that is in the line, without its styles.
    var words: String { pieces.map(\.text).joined() }
}
