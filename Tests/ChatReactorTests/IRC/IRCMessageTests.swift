import TestSupport
import Testing

@testable import ChatReactor

/// What a line of IRC says, and how one is written.
struct IRCMessageTests {
    struct Parts: Equatable {
        var tags: [[String]] = []
        var source: String?
        var command = ""
        var parameters: [String] = []

        init(_ command: String, _ parameters: String..., source: String? = nil, tags: [[String]] = []) {
            (self.command, self.parameters, self.source, self.tags) = (command, parameters, source, tags)
        }

        init(_ message: IRCMessage) {
            (command, parameters, source) = (message.command, message.parameters, message.source)
            tags = message.tags.map { [$0.key, $0.value] }
        }
    }

    @Test(
        arguments: [
            ("foo bar baz asdf", Parts("FOO", "bar", "baz", "asdf")),
            (":coolguy foo bar baz asdf", Parts("FOO", "bar", "baz", "asdf", source: "coolguy")),
            ("foo bar baz :asdf quux", Parts("FOO", "bar", "baz", "asdf quux")),
            ("foo bar baz :", Parts("FOO", "bar", "baz", "")),
            ("foo bar baz ::asdf", Parts("FOO", "bar", "baz", ":asdf")),
            (":coolguy foo bar baz :  asdf quux ", Parts("FOO", "bar", "baz", "  asdf quux ", source: "coolguy")),
            (":coolguy PRIVMSG bar :lol :) ", Parts("PRIVMSG", "bar", "lol :) ", source: "coolguy")),
            ("foo b:r baz", Parts("FOO", "b:r", "baz")),
            ("  foo   bar  baz  ", Parts("FOO", "bar", "baz")),
            (":gravel  432  #momo :Erroneous Nickname: x", Parts("432", "#momo", "Erroneous Nickname: x", source: "gravel")),
            (":src AWAY", Parts("AWAY", source: "src")),
            (":src AWAY ", Parts("AWAY", source: "src")),
            (":src JOIN :#chan", Parts("JOIN", "#chan", source: "src")),
            (": ping", Parts("PING")),
            (":cool\tguy foo bar\tbaz", Parts("FOO", "bar\tbaz", source: "cool\tguy")),
            (":n\u{2}et\u{3}05w foo :\u{1}x\u{1}", Parts("FOO", "\u{1}x\u{1}", source: "n\u{2}et\u{3}05w")),
            ("privmsg #küche :grüß dich, 你好", Parts("PRIVMSG", "#küche", "grüß dich, 你好")),
            ("hé", Parts("Hé")),
            ("x :\u{301}a", Parts("X", "\u{301}a")),
            ("x \u{301}a", Parts("X", "\u{301}a")),
            ("foo-bar", Parts("FOO-BAR")),
        ])
    func isRead(_ line: String, _ parts: Parts) throws {
        let message = try IRCMessage(line.utf8.span)
        #expect(Parts(message) == parts)
        #expect(message.tagByteCount == 0)
        #expect(try Parts(readAgain(message)) == parts)
    }

    @Test(
        arguments: [
            ("@a=b;c=32;k;rt=ql7 foo", [["a", "b"], ["c", "32"], ["k", ""], ["rt", "ql7"]]),
            (#"@a=b\\and\nk;c=72\s45;d=gh\:764 foo"#, [["a", "b\\and\nk"], ["c", "72 45"], ["d", "gh;764"]]),
            (#"@foo=\\\\\:\\s\s\r\n foo"#, [["foo", #"\\;\s"# + " \r\n"]]),
            (#"@tag1=value\1 foo"#, [["tag1", "value1"]]),
            (#"@tag1=value1\ foo"#, [["tag1", "value1"]]),
            (#"@tag1=\;tag2=\ü foo"#, [["tag1", ""], ["tag2", "ü"]]),
            ("@tag1=1;tag2=3;tag3=4;tag1=5 foo", [["tag2", "3"], ["tag3", "4"], ["tag1", "5"]]),
            ("@tag2=3;vendor/tag2=8;Tag2 foo", [["tag2", "3"], ["vendor/tag2", "8"], ["Tag2", ""]]),
            ("@+typing=active;+draft/reply=x=y foo", [["+typing", "active"], ["+draft/reply", "x=y"]]),
            ("@;;a;=b;; foo", [["a", ""]]),
            ("@ foo", []),
            ("@@:a;b:=: foo", [["@:a", ""], ["b:", ":"]]),
        ])
    func tags(_ line: String, _ tags: [[String]]) throws {
        let message = try IRCMessage(line.utf8.span)
        #expect(Parts(message) == Parts("FOO", tags: tags))
        #expect(message.tagByteCount == line.utf8.count - 3)
        #expect(try Parts(readAgain(message)) == Parts("FOO", tags: tags))
    }

    @Test(arguments: [
        ("@a=b PING x", 5), ("@a=b   PING x", 7), ("@a=ü :ana PING x", 6), ("  @a PING", 5), ("PING @a", 0), (":ana PING @a", 0),
    ])
    func tagsAreCounted(_ line: String, _ count: Int) throws {
        let message = try IRCMessage(line.utf8.span)
        #expect(message.tagByteCount == count)
    }

    @Test(
        arguments: [
            ([], .empty), (Array(" ".utf8), .empty), (Array(":ana".utf8), .empty), (Array("@a=b".utf8), .empty),
            (Array("@a=b :ana  ".utf8), .empty), (Array(":".utf8), .empty), (Array("@".utf8), .empty),
            (Array(":ana :ben PING".utf8), .empty), (Array("@a @b PING".utf8), .empty), (Array(":ana @b PING".utf8), .empty),
            (Array("PING\u{0}".utf8), .forbiddenByte), (Array("PING a\nPING b".utf8), .forbiddenByte),
            (Array("PING\r".utf8), .forbiddenByte), (Array("@a=\r PING".utf8), .forbiddenByte),
            ([0x50, 0xFF], .notUTF8), ([0x50, 0x20, 0xC3], .notUTF8), ([0x50, 0x20, 0xED, 0xA0, 0x80], .notUTF8),
        ] as [([UInt8], IRCMessage.Invalid)])
    func isRefused(_ line: [UInt8], _ reason: IRCMessage.Invalid) {
        #expect(throws: reason) { try IRCMessage(line.span) }
    }

    @Test func manyParametersAreTaken() throws {
        let words = (1...2_000).map { "\($0)" }
        let message = try IRCMessage("x \(words.joined(separator: " "))".utf8.span)
        #expect(message.parameters == words)
    }

    /// Far more than fit into a line, so that it would show if each were compared with all others.
    @Test func manyTagsTakeNoTime() throws {
        let tags = (0..<40_000).map { "\($0 % 20_000)=\($0)" }.joined(separator: ";")
        let time = try threadTime {
            let message = try IRCMessage("@\(tags) PING".utf8.span)
            #expect(message.tags.count == 20_000)
            #expect(message.tags.first?.value == "20000")
        }
        #expect(time < .seconds(60))
    }

    @Test func isWritten() {
        #expect(written(IRCMessage(command: "PING")) == "PING")
        let message = IRCMessage(
            tags: [("time", "2026-01-01T00:00:00.000Z"), ("+x", "a; b\\\r\n\0"), ("empty", "")], source: "ana!ana@tea",
            command: "PRIVMSG", parameters: ["#tea", "hello, ben"])
        #expect(
            written(message) == #"@time=2026-01-01T00:00:00.000Z;+x=a\:\sb\\\r\n;empty :ana!ana@tea PRIVMSG #tea :hello, ben"#)
        #expect(written(IRCMessage(command: "X", parameters: ["a", "b"])) == "X a b")
        #expect(written(IRCMessage(command: "X", parameters: ["a", ""])) == "X a :")
        #expect(written(IRCMessage(command: "X", parameters: ["a", ":)"])) == "X a ::)")
    }

    @Test func staysOneLine() {
        let message = IRCMessage(
            tags: [("a\n", "b")], source: "a\r\nQUIT", command: "X\n", parameters: ["\0a\n", "b\r\nQUIT :now"])
        #expect(written(message) == "@a=b :aQUIT X a :bQUIT :now")
    }

    @Test func noTagsAreNothing() {
        var output: [UInt8] = [1]
        IRCMessage.append(tags: [], to: &output)
        #expect(output == [1])
    }

    /// Whatever is read can be written, and is read again as the same.
    @Test func anyLine() {
        let base = SeededGenerator()
        let pieces = ["@", ":", " ", ";", "=", "\\", "\\:", "a", "B", "+", "é", "\u{301}", "PING", "  :", "\t", "\u{1}"]
        for offset in 0..<20_000 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            let count = Int.random(in: 0...16, using: &random)
            let line = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            guard let message = try? IRCMessage(line.utf8.span) else { continue }
            let again = try? readAgain(message)
            if again.map(Parts.init) != Parts(message) || message.command.isEmpty {
                Issue.record("\(line) is \(message), and then \(again as Any); CHATREACTOR_SEED=\(random.seed) has it at once")
                return
            }
        }
    }

    private func readAgain(_ message: IRCMessage) throws -> IRCMessage {
        var line: [UInt8] = []
        message.append(to: &line)
        return try IRCMessage(line.span)
    }

    private func written(_ message: IRCMessage) -> String {
        var line: [UInt8] = []
        message.append(to: &line)
        return String(decoding: line, as: UTF8.self)
    }
}
