import Reactor
import TestSupport
import Testing

@testable import ChatReactor
@testable import ReactorWeb

/// How somebody comes in with an IRC client: name and user, capabilities, and passwords.
struct IRCRegistrationTests {
    private static let s = ":\(IRCFixture.server)"

    private func makeChat(
        waits: Bool = false, _ change: (inout LoginRules) -> Void = { _ in }
    ) throws -> (IRCFixture, PlainAuthenticator) {
        let authenticator = try PlainAuthenticator(["root": "secret", "owner": "sesame"], operators: ["root"], waits: waits)
        let irc = try IRCFixture { change(&$0.loginRules) }
        irc.chat.authenticator = authenticator
        return (irc, authenticator)
    }

    private func welcome(in lines: [String]) -> [String] { lines.filter { $0.hasPrefix("\(Self.s) 001 ") } }

    // MARK: - Name and user

    @Test(
        arguments: [
            ["NICK eve", "USER eve 0 * :Eve"], ["USER eve 0 * :Eve", "NICK eve"], ["NICK adam", "NICK eve", "USER eve 0 * Eve"],
            ["PASS whatever", "NICK eve", "USER eve 0 * :Eve"], ["nick eve", "uSeR eve 0 * :Eve"],
            ["CAP LS 302", "NICK eve", "USER eve 0 * :Eve", "CAP END"], ["NICK eve", "CAP LS", "USER eve 0 * :Eve", "CAP END"],
            ["CAP REQ :batch", "USER eve 0 * :Eve", "NICK eve", "CAP END"], ["USER eve 0 * :Eve", "NICK a.b", "NICK eve"],
            [":somebody NICK eve", "@a=b USER eve 0 * :Eve"], ["", "NICK  eve", "  ", "USER   eve  0  *  :Eve"],
        ])
    func inAnyOrder(_ lines: [String]) throws {
        let irc = try IRCFixture()
        let new = try irc.connect()
        for line in lines.dropLast() { #expect(welcome(in: try irc.ask(new, line)).isEmpty) }
        #expect(welcome(in: try irc.ask(new, lines.last ?? "")) == ["\(Self.s) 001 eve :Welcome to Tea House, eve!eve@localhost"])
        #expect(try irc.person("eve").rooms.isEmpty)
    }

    @Test func `what a user may be called is a part of its mask, and no more`() throws {
        let irc = try IRCFixture()
        for (number, (given, shown)) in [
            ("e!v@e", "eve"), ("*", "user"), (String(repeating: "u", count: 30), String(repeating: "u", count: 20)),
        ]
        .enumerated() {
            let new = try irc.connect()
            let lines = try irc.ask(new, "NICK n\(number)", "USER \(given) 0 * :Eve")
            #expect(welcome(in: lines).first?.hasSuffix("n\(number)!\(shown)@localhost") == true)
        }
    }

    @Test func `nobody hears of one who has not come in`() throws {
        let irc = try IRCFixture()
        let (ana, zoe) = (try irc.register("ana", in: "#lobby"), try irc.joinByLines("zoe"))
        let new = try irc.connect()
        try irc.say(new, "NICK eve")
        #expect(try irc.ask(ana, "PRIVMSG eve :hi") == ["\(Self.s) 401 ana eve :No such nick/channel"])
        try irc.say(new, "QUIT")
        try irc.run { new.isGone }
        #expect(new.takeLines() == ["ERROR :Closing link: quit"])
        #expect(try irc.answers(zoe).isEmpty && irc.answers(ana).isEmpty)
        #expect(try irc.ask(ana, "WHOWAS eve").first == "\(Self.s) 406 ana eve :There was no such nickname")
    }

    @Test func `those who have not come in are counted while they are there`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana")
        let (one, two) = (try irc.connect(), try irc.connect())
        #expect(try irc.network.newcomers.count == 2)
        try irc.say(one, "QUIT")
        try irc.awaitEnd(of: one)
        two.hangUp()
        try irc.run { irc.server.clientCount == 1 }
        #expect(try irc.network.newcomers.isEmpty)
        #expect(try !irc.ask(ana, "LUSERS").contains { $0.contains(" 253 ") })
    }

    @Test func `a name that another has taken meanwhile is asked for anew`() throws {
        let irc = try IRCFixture()
        let (one, two) = (try irc.connect(), try irc.connect())
        try irc.say(one, "NICK eve")
        try irc.say(two, "NICK EVE")
        #expect(try irc.answers(one).isEmpty && irc.answers(two).isEmpty)
        #expect(welcome(in: try irc.ask(two, "USER eve 0 * :Eve")).count == 1)
        #expect(try irc.ask(one, "USER eve 0 * :Eve") == ["\(Self.s) 433 * eve :Nickname is already in use"])
        #expect(welcome(in: try irc.ask(one, "NICK adam")) == ["\(Self.s) 001 adam :Welcome to Tea House, adam!eve@localhost"])
    }

    @Test(arguments: ["guest1", "GUEST7", "server", "you", "a.b", "a,b", "#tea", "ﬁona", "аna", "1234567890123456789012345"])
    func `a name that nobody can have`(_ name: String) throws {
        let irc = try IRCFixture()
        let new = try irc.connect()
        let lines = try irc.ask(new, "NICK \(name)")
        #expect(lines.count == 1 && lines[0].hasPrefix("\(Self.s) 432 * \(name) :Erroneous nickname: "))
        let ana = try irc.register("ana")
        #expect(try irc.ask(ana, "NICK \(name)").first?.hasPrefix("\(Self.s) 432 ana \(name) :Erroneous nickname: ") == true)
    }

    @Test func `what has not come in within its time is closed`() throws {
        let irc = try IRCFixture()
        try irc.network.registrationTime = .milliseconds(20)
        let new = try irc.connect()
        try irc.say(new, "NICK eve")
        try irc.awaitEnd(of: new)
        #expect(new.takeLines() == ["ERROR :Closing link: you have not said in time who you are"])
        #expect(irc.closeReasons == [.firstMessageTimedOut])
        #expect(try irc.network.newcomers.isEmpty)
    }

    @Test func `a client that is silent is asked whether it is there, and closed if it is not`() throws {
        let irc = try IRCFixture(irc: { $0.pingInterval = .milliseconds(50) })
        let (ana, ben) = (try irc.register("ana", in: "#tea"), try irc.register("ben", in: "#tea"))
        let began = ContinuousClock.now
        // One answers, and the other does not.
        var answered = 0
        try irc.run {
            for line in ana.takeLines() where line == "PING :irc.example.org" {
                answered += 1
                try irc.say(ana, "PONG :irc.example.org")
            }
            return ben.isGone
        }
        try irc.awaitEnd(of: ben)
        #expect(answered > 0 && began.duration(to: .now) >= .milliseconds(50))
        #expect(
            ben.takeLines().suffix(2) == ["PING :irc.example.org", "ERROR :Closing link: nothing has come from you for too long"])
        #expect(irc.closeReasons == [.idleTimedOut] && !ana.isGone)
    }

    // MARK: - Capabilities

    private static let all =
        "account-notify account-tag away-notify batch cap-notify draft/chathistory draft/multiline echo-message extended-join "
        + "invite-notify labeled-response message-tags multi-prefix server-time setname standard-replies userhost-in-names"

    @Test func `capabilities are listed, asked for and given back`() throws {
        let irc = try IRCFixture()
        let new = try irc.connect()
        #expect(try irc.ask(new, "CAP LS") == ["\(Self.s) CAP * LS :\(Self.all)"])
        #expect(try irc.ask(new, "CAP LIST") == ["\(Self.s) CAP * LIST :"])
        #expect(try irc.ask(new, "CAP REQ :batch server-time") == ["\(Self.s) CAP * ACK :batch server-time"])
        // All or nothing, and names are compared as they are.
        for wrong in ["setname tea", "setname -tea", "SETNAME", "sasl", "setname=1"] {
            #expect(try irc.ask(new, "CAP REQ :\(wrong)") == ["\(Self.s) CAP * NAK :\(wrong)"])
        }
        #expect(try irc.ask(new, "CAP LIST") == ["\(Self.s) CAP * LIST :batch server-time"])
        #expect(try irc.ask(new, "CAP REQ :-batch setname -sasl") == ["\(Self.s) CAP * ACK :-batch setname -sasl"])
        #expect(try irc.ask(new, "CAP REQ :batch -batch ") == ["\(Self.s) CAP * ACK :batch -batch "])
        #expect(welcome(in: try irc.ask(new, "NICK eve", "USER eve 0 * :Eve", "CAP END")).count == 1)
        #expect(try irc.ask(new, "CAP LIST") == ["\(Self.s) CAP eve LIST :server-time setname"])
        // Later, they hold from then on.
        #expect(try irc.ask(new, "CAP REQ -server-time", "CAP LIST").last == "\(Self.s) CAP eve LIST :setname")
        #expect(try irc.ask(new, "CAP END").isEmpty)
    }

    @Test func `who understands version 302 is told values, and hears of what changes`() throws {
        let (irc, _) = try makeChat()
        let new = try irc.connect()
        let all = Self.all.replacing(" server-time", with: " sasl server-time")
            .replacing("/multiline", with: "/multiline draft/read-marker")
        #expect(try irc.ask(new, "CAP LS 301") == ["\(Self.s) CAP * LS :\(all)"])
        let values = all.replacing(" sasl ", with: " sasl=PLAIN ")
            .replacing("/multiline", with: "/multiline=max-bytes=4096,max-lines=32")
        #expect(try irc.ask(new, "CAP LS 302") == ["\(Self.s) CAP * LS :\(values)"])
        #expect(try irc.ask(new, "CAP LIST") == ["\(Self.s) CAP * LIST :cap-notify"])
        #expect(try irc.ask(new, "CAP REQ :-cap-notify") == ["\(Self.s) CAP * NAK :-cap-notify"])
    }

    @Test func `what there is no memory for is not had`() throws {
        let irc = try IRCFixture(server: { $0.logCapacity = 1 << 20 }, memoryLimit: 64 << 20)
        let ana = try irc.register("ana", in: "#lobby")
        var memory: [MemoryReservation] = []
        while let more = try? irc.loop.reserveMemory(65_536) { memory.append(more) }
        let lines = try irc.ask(ana, "CAP REQ :server-time", "CAP LIST")
        #expect(lines.contains("\(Self.s) CAP ana NAK :server-time") && lines.last == "\(Self.s) CAP ana LIST :")
        #expect(lines.first?.hasPrefix("\(Self.s) NOTICE ana :what you have asked for cannot be had now: ") == true)
        withExtendedLifetime(memory) {}
    }

    // MARK: - Passwords

    private func plain(_ name: String, _ password: String, as wanted: String = "") -> String {
        Base64.encode(Array("\(wanted)\0\(name)\0\(password)".utf8))
    }

    /// What AUTHENTICATE is answered, before a name and a user are given.
    private func sasl(_ irc: IRCFixture, _ pieces: [String]) throws -> (Talker, [String]) {
        let new = try irc.connect()
        try irc.say(new, "CAP REQ :sasl")
        #expect(try irc.ask(new, "AUTHENTICATE plain").last == "AUTHENTICATE +")
        for piece in pieces { try irc.say(new, "AUTHENTICATE \(piece)") }
        return (new, try irc.answers(new))
    }

    @Test(arguments: ["", "root"])
    func `a name is had by SASL`(_ wanted: String) throws {
        let (irc, authenticator) = try makeChat()
        let (new, lines) = try sasl(irc, [plain("Root", "secret", as: wanted.isEmpty ? "" : "Root")])
        #expect(
            lines == [
                "\(Self.s) 900 Root Root!*@localhost Root :You are now logged in as Root",
                "\(Self.s) 903 Root :SASL authentication successful",
            ])
        // Whatever it wants to be called besides.
        let welcomed = try irc.ask(new, "NICK eve", "USER eve 0 * :Eve", "CAP END")
        #expect(welcome(in: welcomed) == ["\(Self.s) 001 Root :Welcome to Tea House, Root!eve@localhost"])
        #expect(authenticator.judged.count == 1 && irc.server.counts.logins == 1)
        #expect(try irc.person("root").isLoggedIn)
    }

    @Test(arguments: [1, 2, 3])
    func `a long password comes in pieces`(_ count: Int) throws {
        // So many pieces of 400, of which the last one is followed by an empty one.
        let password = String(repeating: "p", count: 300 * count - 6)
        let irc = try IRCFixture()
        irc.chat.authenticator = try PlainAuthenticator(["root": password])
        let whole = Array(plain("root", password))
        #expect(whole.count == 400 * count)
        let pieces = (0..<count).map { String(whole[400 * $0..<400 * ($0 + 1)]) }
        #expect(try sasl(irc, pieces).1.isEmpty)
        #expect(try sasl(irc, pieces + ["+"]).1.last?.contains(" 903 ") == true)
        irc.chat.authenticator = try PlainAuthenticator(["root": password + "longer"])
        let longer = Array(plain("root", password + "longer"))
        let rest = String(longer[(400 * count)...])
        let start = (0..<count).map { String(longer[400 * $0..<400 * ($0 + 1)]) }
        #expect(try sasl(irc, start + [rest]).1.last?.contains(" 903 ") == true)
    }

    @Test func `one that is too long in all is refused`() throws {
        let (irc, _) = try makeChat()
        let (new, lines) = try sasl(irc, Array(repeating: String(repeating: "A", count: 400), count: 11))
        #expect(lines == ["\(Self.s) 905 * :SASL message too long"])
        // And it can be tried again.
        #expect(try irc.ask(new, "AUTHENTICATE PLAIN", "AUTHENTICATE \(plain("root", "secret"))").last?.contains(" 903 ") == true)
    }

    @Test(
        arguments: [
            ("AAA", false), ("not base64!!", false), ("+", false), ("/////w==", false),
            (Base64.encode(Array("root\0secret".utf8)), false),
            (Base64.encode(Array("owner\0root\0secret".utf8)), false), (Base64.encode(Array("\0root\0".utf8)), true),
            (Base64.encode(Array("\0root\0guess".utf8)), true), (Base64.encode(Array("\0no such name\0secret".utf8)), true),
        ])
    func `what proves nothing is refused`(_ response: String, isPassword: Bool) throws {
        let (irc, _) = try makeChat()
        let (new, lines) = try sasl(irc, [response])
        let why = isPassword ? ": that is not the password of that name, or nobody has the name" : ""
        #expect(lines == ["\(Self.s) 904 * :SASL authentication failed\(why)"])
        // It may come in as a guest all the same.
        #expect(welcome(in: try irc.ask(new, "NICK eve", "USER eve 0 * :Eve", "CAP END")).count == 1)
        #expect(try !irc.person("eve").isLoggedIn)
    }

    @Test func `who leaves off waits for nothing`() throws {
        let (irc, _) = try makeChat()
        let (new, lines) = try sasl(irc, ["*"])
        #expect(lines == ["\(Self.s) 906 * :SASL authentication aborted"])
        #expect(try irc.ask(new, "AUTHENTICATE PLAIN", "AUTHENTICATE \(plain("root", "secret"))").last?.contains(" 903 ") == true)
        #expect(try irc.ask(new, "AUTHENTICATE PLAIN") == ["\(Self.s) 907 root :You have already authenticated using SASL"])
    }

    @Test func `who comes in before its login is done has left off`() throws {
        let (irc, authenticator) = try makeChat()
        let new = try irc.connect()
        let lines = try irc.ask(new, "CAP REQ :sasl", "NICK eve", "USER eve 0 * :Eve", "AUTHENTICATE PLAIN", "CAP END")
        #expect(Array(lines[2...3]) == ["\(Self.s) 906 eve :SASL authentication aborted"] + welcome(in: lines))
        // The rest of it is the rest of nothing.
        #expect(
            try irc.ask(new, "AUTHENTICATE \(plain("root", "secret"))").last == "\(Self.s) 904 eve :SASL authentication failed")
        #expect(authenticator.judged.isEmpty)
        #expect(try irc.ask(new, "AUTHENTICATE PLAIN", "AUTHENTICATE \(plain("root", "secret"))").last?.contains(" 903 ") == true)
    }

    /// Knows who somebody is by what no password has to show.
    private final class Certificates: ChatAuthenticator {
        func isKnown(_ name: ChatName) -> Bool { name.text == "root" }
        func isOperator(_ name: ChatName) -> Bool { false }
        func provenName(of person: Person) -> ChatName? { try? ChatName("root") }
        func judge(_ password: String, of name: ChatName, then completion: @escaping (Bool) -> Void) { completion(false) }
    }

    @Test(arguments: [("+", true), (Base64.encode(Array("Root".utf8)), true), (Base64.encode(Array("ana".utf8)), false)])
    func `a name is had by a certificate`(_ response: String, isRight: Bool) throws {
        let irc = try IRCFixture()
        let certificates = Certificates()
        irc.chat.authenticator = certificates
        let new = try irc.connect()
        #expect(try irc.ask(new, "CAP LS 302").first?.contains(" sasl=PLAIN,EXTERNAL ") == true)
        let lines = try irc.ask(new, "CAP REQ :sasl", "AUTHENTICATE EXTERNAL", "AUTHENTICATE \(response)")
        #expect(lines[1] == "AUTHENTICATE +")
        #expect(
            lines.dropFirst(2)
                == (isRight
                ? [
                    "\(Self.s) 900 root root!*@localhost root :You are now logged in as root",
                    "\(Self.s) 903 root :SASL authentication successful",
                ] : ["\(Self.s) 904 * :SASL authentication failed"])[...])
        let name = isRight ? "root" : "eve"
        #expect(
            welcome(in: try irc.ask(new, "NICK eve", "USER eve 0 * :Eve", "CAP END"))
                == ["\(Self.s) 001 \(name) :Welcome to Tea House, \(name)!eve@localhost"])
        // And in the place of somebody's that has none yet.
        try irc.chat.ban(Ban(.name(ChatName("root"))))
        let ana = try irc.register("ana", "sasl")
        #expect(
            try irc.ask(ana, "AUTHENTICATE EXTERNAL", "AUTHENTICATE +").last
                == "\(Self.s) 904 ana :SASL authentication failed: that name is banned")
    }

    @Test func `a password takes a name from who has it`() throws {
        let (irc, _) = try makeChat()
        let one = try irc.connect()
        try irc.say(one, "PASS root:secret", "NICK root", "USER r 0 * :Root")
        try irc.settle()
        let two = try irc.connect()
        try irc.say(two, "PASS root:guess", "NICK root", "USER r 0 * :Root")
        try irc.awaitEnd(of: two)
        #expect(two.takeLines().last?.hasPrefix("ERROR :Closing link: that is not the password") == true && !one.isGone)
        let three = try irc.connect()
        #expect(try irc.ask(three, "PASS owner:sesame", "NICK root").first?.contains(" 433 * root ") == true)
    }

    @Test func `nobody comes in while a password is being judged`() throws {
        let (irc, authenticator) = try makeChat(waits: true)
        let new = try irc.connect()
        try irc.say(
            new, "CAP REQ :sasl", "NICK eve", "USER eve 0 * :Eve", "AUTHENTICATE PLAIN",
            "AUTHENTICATE \(plain("root", "secret"))", "CAP END")
        try irc.run { authenticator.waiting?.count == 1 }
        new.read()
        #expect(welcome(in: new.takeLines()).isEmpty)
        authenticator.answer()
        #expect(welcome(in: try irc.answers(new)) == ["\(Self.s) 001 root :Welcome to Tea House, root!eve@localhost"])
    }

    @Test func `somebody who is here already logs in, too`() throws {
        let (irc, _) = try makeChat()
        let (ana, ben) = (
            try irc.register("ana", "sasl", in: "#tea"), try irc.register("ben", "account-notify account-tag", in: "#tea")
        )
        let zoe = try irc.joinByLines("zoe", in: "tea")
        try irc.clear()
        #expect(
            try irc.ask(ana, "AUTHENTICATE PLAIN", "AUTHENTICATE \(plain("root", "secret"))") == [
                "AUTHENTICATE +", ":ana!ana@localhost NICK :root",
                "\(Self.s) 900 root root!ana@localhost root :You are now logged in as root",
                "\(Self.s) 903 root :SASL authentication successful",
            ])
        // The tag is about who it is since.
        #expect(
            try irc.answers(ben) == [
                "@account=root :ana!ana@localhost NICK :root", "@account=root :root!ana@localhost ACCOUNT root",
            ])
        #expect(try irc.answers(zoe) == ["* ana is now root"])
        #expect(try irc.ask(ana, "NICK other") == ["\(Self.s) 432 root other :you are logged in as root, which stays your name"])
        #expect(try irc.ask(ana, "NICK ROOT") == [":root!ana@localhost NICK :ROOT"])
    }

    @Test func `who is given another name is logged out, and told so`() throws {
        let (irc, _) = try makeChat()
        let root = try irc.connect()
        try irc.say(root, "PASS root:secret", "NICK root", "USER r 0 * :Root")
        try irc.clear()
        #expect(try irc.chat.rename(irc.person("root"), to: ChatName("ben")))
        #expect(
            try irc.answers(root) == [
                ":root!r@localhost NICK :ben", "\(Self.s) 901 ben ben!r@localhost :You are now logged out",
            ])
    }

    @Test func `a name that is banned is not had by its password either`() throws {
        let (irc, _) = try makeChat()
        let ana = try irc.register("ana", "sasl")
        try irc.chat.ban(Ban(.name(ChatName("root"))))
        #expect(
            try irc.ask(ana, "AUTHENTICATE PLAIN", "AUTHENTICATE \(plain("root", "secret"))") == [
                "AUTHENTICATE +", "\(Self.s) 904 ana :SASL authentication failed: that name is banned",
            ])
        let (new, _) = try sasl(irc, [plain("root", "secret")])
        try irc.say(new, "NICK eve", "USER eve 0 * :Eve", "CAP END")
        try irc.run { new.isGone }
        #expect(new.takeLines() == ["ERROR :Closing link: root is not let in"])
    }

    @Test func `a name is had by PASS`() throws {
        let (irc, _) = try makeChat()
        let new = try irc.connect()
        let lines = try irc.ask(new, "PASS root:secret", "NICK eve", "USER eve 0 * :Eve")
        #expect(lines.first == "\(Self.s) 900 root root!eve@localhost root :You are now logged in as root")
        #expect(welcome(in: lines) == ["\(Self.s) 001 root :Welcome to Tea House, root!eve@localhost"])
        #expect(try irc.ask(new, "PASS root:secret") == ["\(Self.s) 462 root :You may not reregister"])
        // What has no name before it is the password of no name.
        let other = try irc.connect()
        #expect(welcome(in: try irc.ask(other, "PASS secret", "NICK eve", "USER eve 0 * :Eve")).count == 1)
    }

    @Test func `a name that is somebody's is not had without`() throws {
        let (irc, _) = try makeChat()
        let new = try irc.connect()
        let refusal = "433 * root :Nickname is already in use: that name is somebody's, who takes it by /login root PASSWORD"
        #expect(try irc.ask(new, "NICK root", "USER eve 0 * :Eve") == ["\(Self.s) \(refusal)"])
        #expect(welcome(in: try irc.ask(new, "NICK eve")).count == 1)
        #expect(try irc.ask(new, "NICK Root").first?.hasPrefix("\(Self.s) 433 eve Root :Nickname is already in use: ") == true)
    }

    @Test func `a second login takes the name over`() throws {
        let (irc, _) = try makeChat()
        let (one, two, ben) = (try irc.connect(), try irc.connect(), try irc.register("ben", in: "#lobby"))
        for client in [one, two] {
            try irc.say(client, "PASS root:secret", "NICK root", "USER r 0 * :Root")
            try irc.settle()
        }
        try irc.run { one.isGone }
        #expect(
            one.takeLines().suffix(2) == [
                "\(Self.s) NOTICE root :goodbye: you have logged in again, over another connection",
                "ERROR :Closing link: logged in again",
            ])
        #expect(welcome(in: try irc.answers(two)).count == 1)
        let zoe = try irc.joinByLines("zoe")
        let told = try irc.ask(zoe, "/login root secret")
        #expect(told.contains("* you are logged in as root"), "\(told)")
        #expect(two.isGone)
        #expect(try irc.answers(ben).last == ":zoe!zoe@localhost NICK :root")
    }

    @Test func `where a login is required, nobody comes in without one`() throws {
        let (irc, _) = try makeChat { $0.isRequired = true }
        let new = try irc.connect()
        try irc.say(new, "NICK eve", "USER eve 0 * :Eve")
        try irc.run { new.isGone }
        #expect(
            new.takeLines() == [
                "\(Self.s) 464 eve :log in by SASL, or by PASS NAME:PASSWORD", "ERROR :Closing link: you have to log in",
            ])
        let (one, _) = try sasl(irc, [plain("root", "secret")])
        #expect(welcome(in: try irc.ask(one, "NICK eve", "USER eve 0 * :Eve", "CAP END")).count == 1)
        let two = try irc.connect()
        #expect(welcome(in: try irc.ask(two, "PASS owner:sesame", "NICK eve", "USER eve 0 * :Eve")).count == 1)
        #expect(irc.chat.people.count == 2)
        // Those who were never there were not here either.
        #expect(try irc.ask(two, "WHOWAS *").first == "\(Self.s) 406 owner * :There was no such nickname")
    }

    @Test func `an operator is who can show it, as long as it is one`() throws {
        let (irc, authenticator) = try makeChat()
        let (ana, ben) = (try irc.register("ana"), try irc.register("ben"))
        #expect(try irc.ask(ana, "OPER root secret").last == ":ana MODE ana +o")
        #expect(try irc.ask(ben, "WHOIS ana").contains("\(Self.s) 313 ben ana :is an IRC operator"))
        #expect(try irc.ask(ben, "WHO ana o").first?.contains(" ana H* :0 Ana") == true)
        authenticator.operators = []
        #expect(try irc.ask(ben, "WHO ana o") == ["\(Self.s) 315 ben ana :End of /WHO list"])
        #expect(try irc.ask(ana, "KILL ben").first?.contains(" 481 ") == true)
        authenticator.operators = [try ChatName("root")]
        #expect(try irc.ask(ana, "MODE ana -o", "KILL ben").first == ":ana!ana@localhost MODE ana -o")
        #expect(try irc.ask(ana, "MODE ana +o", "MODE ana") == ["\(Self.s) 221 ana +"])
        #expect(try irc.ask(ana, "OPER root secret", "KILL ben :bye\u{2}bye").last == ":ana MODE ana +o")
        try irc.run { ben.isGone }
        #expect(ben.takeLines().suffix(2) == ["\(Self.s) NOTICE ben :kicked: byebye", "ERROR :Closing link: kicked"])
    }

    @Test func `a hook decides about newcomers`() throws {
        let irc = try IRCFixture()
        irc.chat.onAdmission { person in
            person.number % 2 == 0 ? .refuse("even") : .admitAs(ChatName(unchecked: "odd\(person.number)"))
        }
        let (one, two) = (try irc.connect(), try irc.connect())
        #expect(
            welcome(in: try irc.ask(one, "NICK eve", "USER e 0 * :Eve")) == [
                "\(Self.s) 001 odd1 :Welcome to Tea House, odd1!e@localhost"
            ])
        try irc.say(two, "NICK adam", "USER a 0 * :Adam")
        try irc.run { two.isGone }
        #expect(two.takeLines() == ["\(Self.s) NOTICE adam :even", "ERROR :Closing link: kicked"])
    }

    @Test func `who is not let in at all is told why`() throws {
        let irc = try IRCFixture(server: { $0.access.maximumConnections = 1 })
        let ana = try irc.register("ana")
        let other = try irc.connectRaw()
        try irc.run { other.hasEnded }
        #expect(other.text.hasPrefix("ERROR :Closing link: ") && other.text.hasSuffix("\r\n") && !ana.isGone)
    }
}
