import Reactor
import TestSupport
import Testing

@testable import ChatReactor
@testable import ReactorWeb

/// Nobody gets more by a line than it may: nothing is said twenty times, or by who may not speak, no rights outlive what gave them, and what is sent is
/// read as what it was meant to be.
struct IRCMisuseTests {
    private static let s = ":\(IRCFixture.server)"
    /// A space that is part of a character, and ends a parameter all the same.
    private static let markedSpace = " \u{301}"

    // MARK: - What is read

    @Test(arguments: ["GET", "POST", "PUT", "OPTIONS", "CONNECT"])
    func `a page of the Web cannot have a browser speak IRC`(method: String) throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", in: "#tea")
        let browser = try irc.connectRaw()
        try browser.send(
            "\(method) / HTTP/1.1\r\nHost: x\r\n\r\nNICK eve\r\nUSER e 0 * :Eve\r\nJOIN #tea\r\nPRIVMSG #tea :hi\r\n")
        try irc.run { browser.hasEnded }
        #expect(browser.text == "ERROR :Closing link: this is no web server\r\n")
        #expect(try irc.answers(ana).isEmpty)
        // To one who has come in, it is a command like any other that there is none of.
        #expect(try irc.ask(ana, "\(method) / HTTP/1.1") == [":irc.example.org 421 ana \(method) :Unknown command"])
    }

    @Test(arguments: [
        "NICK :x\(markedSpace)y", "PART :#a\(markedSpace):b", "WHO ana :%tn,a b", "WHO ana %tn,:x", "HELP :\(markedSpace)y",
    ])
    func `an answer has as many parameters as it has otherwise`(_ line: String) throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana")
        let answer = try IRCMessage(try #require(try irc.ask(ana, line).first))
        #expect(answer.parameters.count == 3 && answer.parameters.dropLast().allSatisfy { !$0.contains(" ") }, "\(answer)")
    }

    @Test func `a key is a word`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana", in: "#tea"), try irc.register("ben", in: "#tea"))
        try irc.clear()
        for key in ["x\(Self.markedSpace)ben", "a b", "a:b", "a,b"] {
            #expect(try irc.ask(ana, "MODE #tea +k :\(key)").first?.contains(" 696 ") == true)
            #expect(try irc.answers(ben).isEmpty)
        }
        // Whoever opens a room may give any.
        for (room, key) in [("one", ":x y"), ("two", "x\(Self.markedSpace)y")] {
            try irc.clear()
            let modes = try irc.ask(ana, "JOIN #\(room) :\(key)", "MODE #\(room) +l 5", "MODE #\(room)").first {
                $0.contains(" 324 ")
            }
            #expect(modes == "\(Self.s) 324 ana #\(room) +klns * 5")
        }
    }

    @Test func `a chat of any name is one word`() throws {
        for name in ["a\(Self.markedSpace)b", String(repeating: "茶 ", count: 400)] {
            let irc = try IRCFixture { $0.name = name }
            let ana = try irc.register("ana")
            let token = try irc.ask(ana, "VERSION").flatMap { try IRCMessage($0).parameters }.first { $0.hasPrefix("NETWORK=") }
            #expect(token?.unicodeScalars.contains(" ") == false && (token?.utf8.count ?? 0) <= 108)
        }
    }

    @Test func `changes that become longer than a message are several`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana", in: "#tea"), try irc.register("ben", in: "#tea"))
        try irc.clear()
        let masks = (10..<30).map { "\($0)" + String(repeating: "x", count: 17) }
        let told = try irc.ask(ana, "MODE #tea +\(String(repeating: "b", count: 20)) \(masks.joined(separator: " "))")
        let heard = try irc.answers(ben)
        #expect(told.count == 2 && heard == told)
        let changes = try told.map { try IRCMessage($0).parameters }
        #expect(changes.flatMap { $0.dropFirst(2) } == masks.map { "\($0)!*@*" })
        #expect(changes.allSatisfy { $0[1] == "+" + String(repeating: "b", count: $0.count - 2) })
    }

    @Test func `the longest names make no message too long`() throws {
        let irc = try IRCFixture()
        func name(_ letter: String) -> String { String(repeating: letter, count: 24) }
        let (room, one, two) = (name("\u{10330}"), name("\u{10331}"), name("\u{10332}"))
        let keeper = try irc.register(one, in: "#\(room)")
        _ = try irc.register(two, in: "#\(room)")
        try irc.clear()
        // That none is too long, or no UTF-8, is seen to by `answers`.
        let mask = "\(two)!\(String(repeating: "x", count: 31))@\(String(repeating: "y", count: 63))"
        for line in [
            "WHO #\(room) %tcuihsnfdlaor,12", "WHO #\(room) %tcuihsnfdlao,12", "MODE #\(room) +b \(mask)", "MODE #\(room) b",
        ] {
            #expect(try !irc.ask(keeper, line).isEmpty)
        }
    }

    @Test func `all are named who are asked about`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana")
        let names = (10..<30).map { "\($0)" + String(repeating: "z", count: 22) }
        for name in names { _ = try irc.register(name) }
        let lines = try irc.ask(ana, "ISON \(names.joined(separator: " "))").filter { $0.contains(" 303 ") }
        #expect(try lines.flatMap { try IRCMessage($0).parameters[1].split(separator: " ").map(String.init) } == names)
        let hosts = try irc.ask(ana, "USERHOST \(names.prefix(5).joined(separator: " "))").filter { $0.contains(" 302 ") }
        #expect(try hosts.flatMap { try IRCMessage($0).parameters[1].split(separator: " ") }.count == 5)
        #expect(try irc.ask(ana, "ISON nobody") == ["\(Self.s) 303 ana :"])
    }

    // MARK: - How often, and how much

    @Test func `a line says nothing twice to the same`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (
            try irc.register("ana", "message-tags", in: "#tea"), try irc.register("ben", "message-tags", in: "#tea")
        )
        try irc.clear()
        #expect(try irc.ask(ana, "PRIVMSG #tea,#TEA,ben,#Tea,BEN,#tea :hi").isEmpty)
        #expect(try irc.answers(ben).count == 2)
        #expect(try irc.ask(ana, "@+a=b TAGMSG #tea,#TEA,#tea").isEmpty)
        #expect(try irc.answers(ben).count == 1)
        #expect(try irc.ask(ana, "NAMES #tea,#TEA,#tea").count { $0.contains(" 353 ") } == 1)
    }

    // MARK: - Who may not speak

    @Test func `who may not speak does not do so by leaving`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana", "away-notify setname", in: "#tea"), try irc.register("ben", in: "#tea,#other"))
        let zoe = try irc.joinByLines("zoe", in: "tea")
        try irc.say(ana, "MODE #tea +b ben")
        try irc.clear()
        try irc.say(ben, "PART #tea :spam")
        #expect(try irc.answers(ana) == [":ben!ben@localhost PART #tea"])
        #expect(try irc.answers(zoe) == ["* ben left: left (2 online)"])
        try irc.chat.mute(ChatName("ben"))
        try irc.say(ana, "MODE #tea -b ben", "JOIN #other")
        try irc.say(ben, "AWAY :spam", "SETNAME :spam", "PART #other :spam", "JOIN #other", "QUIT :spam")
        try irc.settle()
        #expect(ana.takeLines().allSatisfy { !$0.contains("spam") })
    }

    // MARK: - Rights

    @Test func `a name that is nobody's any more is not had by what was proved before`() throws {
        let authenticator = try PlainAuthenticator(["root": "secret"], operators: ["root"])
        let irc = try IRCFixture()
        irc.chat.authenticator = authenticator
        let eve = try irc.connect()
        let response = Base64.encode(Array("\0root\0secret".utf8))
        #expect(
            try irc.ask(eve, "CAP REQ :sasl", "NICK eve", "USER eve 0 * :Eve", "AUTHENTICATE PLAIN", "AUTHENTICATE \(response)")
                .last?.contains(" 903 ") == true)
        irc.chat.authenticator = try PlainAuthenticator(["owner": "sesame"])
        try irc.say(eve, "CAP END")
        try irc.awaitEnd(of: eve)
        #expect(try irc.chat.person(named: ChatName("root")) == nil && irc.chat.online == 0)
    }

    @Test func `an operator who was one no more is none again by itself`() throws {
        let irc = try IRCFixture()
        func letIn(_ operators: String...) throws {
            irc.chat.authenticator = try PlainAuthenticator(["root": "secret"], operators: operators)
        }
        try letIn("root")
        let ana = try irc.register("ana")
        #expect(try irc.ask(ana, "OPER root secret").first?.contains(" 381 ") == true)
        try letIn()
        #expect(try irc.answers(ana) == [":ana MODE ana -o"])
        try letIn("root")
        #expect(
            try irc.ask(ana, "MODE ana", "KILL ana").map(\.masked) == [
                "\(Self.s) 221 ana +", "\(Self.s) 481 ana :Permission Denied- You're not an IRC operator",
            ])
    }

    @Test func `a room that is opened anew has no modes, whoever refers to it`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", in: "#tea")
        let conversation = try irc.conversation("tea")
        try irc.say(ana, "MODE #tea +imb ben", "PART #tea")
        try irc.settle()
        #expect(!conversation.modes.isInviteOnly && conversation.modes.bans.isEmpty)
    }
}
