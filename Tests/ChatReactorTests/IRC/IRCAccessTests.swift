import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// From where IRC clients come, and what that lets them do: by a path, by a proxy, and where one has to log in.
struct IRCAccessTests {
    private static let s = ":\(IRCFixture.server)"

    private func welcome(in lines: [String]) -> [String] { lines.filter { $0.hasPrefix("\(Self.s) 001 ") } }

    // MARK: - By a path

    @Test func `who comes by a path is of this machine, and may log in`() throws {
        let path = TemporaryPath()
        let irc = try IRCFixture()
        irc.chat.authenticator = try PlainAuthenticator(["ana": "sesame"], operators: ["ana"])
        try irc.server.listenForIRC(on: .unix(path: path.path), permissions: .init(mode: 0o600))
        let ben = try irc.register("ben", in: "#tea")
        let ana = try irc.connect(to: .unix(path: path.path))
        let lines = try irc.ask(ana, "CAP LS 302", "PASS ana:sesame", "NICK ana", "USER a 0 * :Ana", "CAP END", "JOIN #tea")
        #expect(lines.first?.contains(" sasl=PLAIN ") == true)
        #expect(welcome(in: lines) == ["\(Self.s) 001 ana :Welcome to Tea House, ana!a@localhost"])
        #expect(try irc.answers(ben) == [":ana!a@localhost JOIN #tea"])
        // It has no address that anybody could be told.
        #expect(try irc.ask(ben, "WHOIS ana").first == "\(Self.s) 311 ben ana a localhost * :Ana")
        #expect(try irc.ask(ana, "WHOIS ana").contains("\(Self.s) 338 ana ana unix :is actually using host"))
        #expect(
            try irc.ask(ana, "OPER ana sesame", "WHOIS ben").contains("\(Self.s) 338 ana ben 127.0.0.1 :is actually using host"))
        // A ban of the host is about all of this machine, however they have come.
        let eve = try irc.connect(to: .unix(path: path.path))
        try irc.say(eve, "NICK eve", "USER e 0 * :Eve", "JOIN #tea")
        try irc.say(ben, "MODE #tea +b *!*@localhost")
        try irc.clear()
        #expect(
            try irc.ask(eve, "PRIVMSG #tea :hi") == [
                "\(Self.s) 404 eve #tea :Cannot send to channel: you are banned from tea"
            ])
    }

    // MARK: - By a proxy

    private func makeProxied(_ change: (inout ChatServer.Configuration) -> Void = { _ in }) throws -> IRCFixture {
        try IRCFixture(server: {
            $0.access.proxies = [.init(.ipv4(address: 0x7F00_0001, port: 0))].compactMap(\.self)
            change(&$0)
        })
    }

    private func come(
        to irc: IRCFixture, as name: String, for caller: String, _ lines: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Talker {
        let talker = try irc.connect(for: caller)
        for line in ["NICK \(name)", "USER u 0 * :U"] + lines { try irc.say(talker, line) }
        let answers = try irc.answers(talker)
        #expect(welcome(in: answers).count == 1, sourceLocation: sourceLocation)
        try irc.clear()
        return talker
    }

    @Test func `the address that a proxy names is the one that is cloaked, and that bans are about`() throws {
        let irc = try makeProxied()
        irc.chat.authenticator = try PlainAuthenticator(["root": "secret"], operators: ["root"])
        let cloak = HostCloak(key: Array("0123456789abcdef".utf8))
        func host(_ last: UInt32) -> String { cloak.host(of: .ipv4(address: 0xC000_0200 + last, port: 0)) }
        let ana = try come(to: irc, as: "ana", for: "192.0.2.1", "JOIN #tea")
        let ben = try come(to: irc, as: "ben", for: "192.0.2.2")
        try irc.say(ben, "JOIN #tea")
        #expect(try irc.answers(ana) == [":ben!u@\(host(2)) JOIN #tea"])
        // Each is told of itself where it comes from, and others are not.
        #expect(try irc.ask(ana, "WHOIS ana").contains("\(Self.s) 338 ana ana 192.0.2.1 :is actually using host"))
        #expect(try irc.ask(ana, "WHOIS ben").contains { $0.contains("192.0.2") } == false)
        // A ban of what is seen of a network is about all in it, and about nobody else.
        let network = host(2).split(separator: ".").dropFirst().joined(separator: ".")
        #expect(try irc.ask(ana, "MODE #tea +b *!*@*.\(network)").last == ":ana!u@\(host(1)) MODE #tea +b *!*@*.\(network)")
        let cleo = try come(to: irc, as: "cleo", for: "192.0.2.3")
        #expect(try irc.ask(cleo, "JOIN #tea") == ["\(Self.s) 474 cleo #tea :Cannot join channel (+b)"])
        let dan = try come(to: irc, as: "dan", for: "192.0.3.3")
        #expect(try irc.ask(dan, "JOIN #tea").first?.hasSuffix(" JOIN #tea") == true)
        // The operator's ban is about the address.
        try irc.chat.ban(Ban(.addresses(AddressBlock("192.0.2.2"))))
        try irc.awaitEnd(of: ben)
        #expect(ben.takeLines().last?.hasPrefix("ERROR :Closing link: ") == true && !cleo.isGone)
        let again = try irc.connectRaw()
        try again.send("PROXY TCP4 192.0.2.2 127.0.0.1 1 1\r\nNICK ben\r\n")
        try irc.run { again.hasEnded }
        #expect(again.text.hasPrefix("ERROR :Closing link: ") && again.text.hasSuffix("\r\n"))
    }

    @Test func `who comes by a proxy from elsewhere gives no password that others may read`() throws {
        let irc = try makeProxied()
        irc.chat.authenticator = try PlainAuthenticator(["ana": "sesame"])
        let ana = try irc.connect(for: "192.0.2.1")
        #expect(try irc.ask(ana, "CAP LS 302").first?.contains("sasl") == false)
        #expect(try irc.ask(ana, "CAP REQ :sasl") == ["\(Self.s) CAP * NAK :sasl"])
        try irc.say(ana, "PASS ana:sesame", "NICK ana", "USER a 0 * :Ana", "CAP END")
        try irc.awaitEnd(of: ana)
        #expect(ana.takeLines().last?.hasPrefix("ERROR :Closing link: this connection is not encrypted") == true)
        irc.chat.loginRules.allowsPlainConnections = true
        let again = try irc.connect(for: "192.0.2.1")
        #expect(welcome(in: try irc.ask(again, "PASS ana:sesame", "NICK ana", "USER a 0 * :Ana")).count == 1)
    }

    // MARK: - Where one has to log in

    private func makeClosed(_ change: (inout LoginRules) -> Void = { _ in }) throws -> IRCFixture {
        let irc = try IRCFixture(
            {
                $0.loginRules.isRequired = true
                change(&$0.loginRules)
            }, server: { $0.access.proxies = [.init(.ipv4(address: 0x7F00_0002, port: 0))].compactMap(\.self) })
        irc.chat.authenticator = try PlainAuthenticator(["ana": "sesame", "ben": "tea"])
        return irc
    }

    @Test func `who has not logged in learns nothing, and nobody learns of it`() throws {
        let irc = try makeClosed()
        let ana = try irc.connect()
        try irc.say(ana, "PASS ana:sesame", "NICK ana", "USER a 0 * :Ana", "JOIN #tea", "MONITOR + eve")
        try irc.clear()
        let eve = try irc.connect()
        try irc.say(eve, "NICK eve")
        for command in [
            "JOIN #tea", "PRIVMSG #tea :hi", "PRIVMSG ana :hi", "WHO *", "WHOIS ana", "NAMES #tea", "LIST", "LUSERS", "ISON ana",
            "MONITOR + ana", "OPER ana sesame", "CHATHISTORY LATEST #tea * 10", "MARKREAD #tea", "TOPIC #tea", "INVITE",
        ] {
            #expect(try irc.ask(eve, command) == ["\(Self.s) 451 eve :You have not registered"], "\(command)")
        }
        try irc.say(eve, "USER e 0 * :Eve")
        try irc.awaitEnd(of: eve)
        #expect(
            eve.takeLines() == [
                "\(Self.s) 464 eve :log in by SASL, or by PASS NAME:PASSWORD", "ERROR :Closing link: you have to log in",
            ])
        #expect(try irc.answers(ana).isEmpty)
        #expect(try irc.ask(ana, "WHOWAS eve").first == "\(Self.s) 406 ana eve :There was no such nickname")
        #expect(irc.chat.online == 1)
    }

    @Test func `a login needs no service: SASL, and PASS with a name, are enough`() throws {
        let irc = try makeClosed()
        let (ana, ben) = (try irc.connect(), try irc.connect())
        let lines = try irc.ask(
            ana, "CAP REQ :sasl", "NICK whoever", "USER a 0 * :Ana", "AUTHENTICATE PLAIN", "AUTHENTICATE AGFuYQBzZXNhbWU=",
            "CAP END")
        #expect(welcome(in: lines) == ["\(Self.s) 001 ana :Welcome to Tea House, ana!a@localhost"])
        #expect(welcome(in: try irc.ask(ben, "PASS ben:tea", "NICK ben_", "USER b 0 * :Ben")).count == 1)
        #expect(try irc.ask(ana, "PRIVMSG NickServ :IDENTIFY sesame") == ["\(Self.s) 401 ana NickServ :No such nick/channel"])
        #expect(try irc.ask(ben, "WHOIS ana").contains("\(Self.s) 330 ben ana ana :is logged in as"))
        // A wrong password is told as such, and the client is not kept waiting.
        let eve = try irc.connect()
        try irc.say(eve, "PASS ana:guess", "NICK eve", "USER e 0 * :Eve")
        try irc.awaitEnd(of: eve)
        let told = eve.takeLines()
        #expect(told.first?.hasPrefix("\(Self.s) 464 eve :that is not the password") == true)
        #expect(told.last?.hasPrefix("ERROR :Closing link: that is not the password") == true)
    }

    @Test(arguments: [true, false]) func `guests from where they may come from need no login`(areLocal: Bool) throws {
        let network = try AddressBlock("192.0.2.0/24")
        let irc = try makeClosed { if areLocal { $0.admitsLocalGuests = true } else { $0.guests = [network] } }
        let proxy = SocketAddress.ipv4(address: 0x7F00_0002, port: 0)
        let far = try irc.connect(from: proxy, for: "192.0.2.1")
        let near = try irc.connect()
        let (guest, stranger) = areLocal ? (near, far) : (far, near)
        #expect(welcome(in: try irc.ask(guest, "NICK eve", "USER e 0 * :Eve")).count == 1)
        // It is a guest, and not somebody whose name is kept by a password.
        #expect(try irc.ask(guest, "NICK ana").first?.hasPrefix("\(Self.s) 433 eve ana :Nickname is already in use: ") == true)
        #expect(try irc.ask(guest, "JOIN #lobby", "PRIVMSG #lobby :hi").first?.hasSuffix(" JOIN #lobby") == true)
        try irc.say(stranger, "NICK dan", "USER d 0 * :Dan")
        try irc.awaitEnd(of: stranger)
        #expect(stranger.takeLines().last == "ERROR :Closing link: you have to log in")
    }
}
