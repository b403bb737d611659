import TestSupport
import Testing

@testable import ChatReactor

/// What a client gets besides that has asked for it, and that none gets that has not.
struct IRCCapabilityTests {
    private static let s = ":\(IRCFixture.server)"

    /// Ana does something; ben has the capability, and cleo has not.
    private struct Three {
        let irc: IRCFixture
        let ana, ben, cleo: Talker

        init(_ capability: String, of first: String = "", in rooms: String = "#tea") throws {
            irc = try IRCFixture()
            ana = try irc.register("ana", first, in: rooms)
            ben = try irc.register("ben", capability, in: rooms)
            cleo = try irc.register("cleo", in: rooms)
        }

        /// What ben and cleo get of what ana sends.
        func heard(_ lines: String...) throws -> (ben: [String], cleo: [String]) {
            try irc.clear()
            for line in lines { try irc.say(ana, line) }
            return (try irc.answers(ben).map(\.masked), try irc.answers(cleo).map(\.masked))
        }
    }

    // MARK: - Tags

    @Test func `who has asked to be told hears that one can log in, or cannot any more`() throws {
        let irc = try IRCFixture()
        let (ana, ben, eve) = (try irc.register("ana", "cap-notify"), try irc.register("ben"), try irc.connect())
        _ = try irc.ask(eve, "CAP LS 302", "NICK eve", "USER eve 0 * :Eve", "CAP END")
        irc.chat.authenticator = try PlainAuthenticator(["root": "secret"])
        #expect(try irc.answers(ana) == [":\(IRCFixture.server) CAP ana NEW :draft/read-marker sasl"])
        #expect(try irc.answers(eve) == [":\(IRCFixture.server) CAP eve NEW :draft/read-marker sasl=PLAIN"])
        #expect(try irc.ask(eve, "CAP REQ :sasl") == [":\(IRCFixture.server) CAP eve ACK :sasl"])
        irc.chat.authenticator = nil
        #expect(try irc.answers(eve) == [":\(IRCFixture.server) CAP eve DEL :draft/read-marker sasl"])
        #expect(try irc.ask(eve, "CAP LIST") == [":\(IRCFixture.server) CAP eve LIST :cap-notify"])
        #expect(try irc.answers(ben).isEmpty)
    }

    @Test func `server-time says when`() throws {
        let three = try Three("server-time")
        for (sent, got) in [
            ("PRIVMSG #tea :hi", "PRIVMSG #tea :hi"), ("NOTICE #tea :\u{1}X\u{1}", "NOTICE #tea :\u{1}X\u{1}"),
            ("TOPIC #tea :x", "TOPIC #tea :x"),
            ("MODE #tea +m", "MODE #tea +m"), ("NICK eve", "NICK :eve"),
        ] {
            let heard = try three.heard(sent)
            #expect(heard.ben == ["@time=TIME :ana!ana@localhost \(got)"] && heard.cleo == [":ana!ana@localhost \(got)"])
        }
        let heard = try three.heard("PRIVMSG ben,cleo :hi")
        #expect(
            heard.ben == ["@time=TIME :eve!ana@localhost PRIVMSG ben :hi"]
                && heard.cleo == [":eve!ana@localhost PRIVMSG cleo :hi"])
        let gone = try three.heard("PART #tea", "JOIN #tea", "QUIT :bye")
        #expect(
            gone.ben.allSatisfy { $0.hasPrefix("@time=TIME :eve!ana@localhost ") } && gone.ben.count == 3 && gone.cleo.count == 3)
    }

    @Test func `a time is that of the history`() throws {
        let irc = try IRCFixture()
        let (ana, bot) = (try irc.register("ana", "server-time", in: "#lobby"), try irc.joinByLines("bot", json: true))
        try irc.say(bot, "hi")
        let line = try IRCMessage(try #require(try irc.answers(ana).last))
        let object = try #require(try irc.ask(bot, "/history 1").last { $0.contains("\"hi\"") })
        #expect(object.contains(try #require(line.tag("time"))))
    }

    @Test func `a message has one name, wherever it is seen`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", "message-tags echo-message", in: "#tea")
        let (ben, cleo) = (
            try irc.register("ben", "message-tags", in: "#tea"), try irc.register("cleo", "message-tags server-time", in: "#tea")
        )
        var names: Set<String> = []
        for line in [
            "PRIVMSG #tea :hi", "NOTICE #tea :hi", "TOPIC #tea :hi", "PRIVMSG #tea :\u{1}ACTION a\u{1}",
            "PRIVMSG #tea :\u{1}X\u{1}",
        ] {
            try irc.clear()
            let messages = [try irc.ask(ana, line), try irc.answers(ben), try irc.answers(cleo)].map {
                $0.compactMap { try? IRCMessage($0) }
            }
            #expect(messages.map(\.count) == [1, 1, 1])
            let found = Set(messages.flatMap { $0 }.map { $0.tag("msgid") ?? "none" })
            #expect(found.count == 1 && !found.contains("none"))
            names.formUnion(found)
        }
        #expect(names.count == 5)
        let history = try irc.ask(ben, "CHATHISTORY LATEST #tea * 10").map { try IRCMessage($0).tag("msgid") ?? "" }
        #expect(history.count == 3 && Set(history).isSubset(of: names))
        // To one alone, too.
        try irc.say(ana, "PRIVMSG ben :psst")
        let (mine, other) = (try irc.answers(ana).map { try IRCMessage($0) }, try irc.answers(ben).map { try IRCMessage($0) })
        #expect(mine.count == 1 && mine.first?.tag("msgid") == other.first?.tag("msgid") && mine.first?.tag("msgid") != nil)
    }

    @Test func `tags of clients reach the clients that take tags`() throws {
        let three = try Three("message-tags", of: "message-tags echo-message")
        var heard = try three.heard("@+reply=7;a=b;+x\\y=\\s PRIVMSG #tea :hi")
        #expect(heard.ben == ["@msgid=ID;+reply=7;+x\\y=\\s :ana!ana@localhost PRIVMSG #tea :hi"])
        #expect(heard.cleo == [":ana!ana@localhost PRIVMSG #tea :hi"])
        #expect(
            try three.irc.answers(three.ana).map(\.masked) == ["@msgid=ID;+reply=7;+x\\y=\\s :ana!ana@localhost PRIVMSG #tea :hi"]
        )
        heard = try three.heard("@+typing=active TAGMSG #Tea")
        #expect(heard.ben == ["@msgid=ID;+typing=active :ana!ana@localhost TAGMSG #tea"] && heard.cleo.isEmpty)
        heard = try three.heard("@+typing=active TAGMSG ben,cleo")
        #expect(heard.ben == ["@msgid=ID;+typing=active :ana!ana@localhost TAGMSG ben"] && heard.cleo.isEmpty)
        #expect(try three.irc.answers(three.ana).count == 2)
        // Tags of others than clients, or none, are nothing.
        heard = try three.heard("@typing=active TAGMSG #tea", "TAGMSG #tea")
        #expect(heard.ben.isEmpty && heard.cleo.isEmpty)
        #expect(try three.irc.ask(three.cleo, "@+a TAGMSG #tea") == ["\(Self.s) 421 cleo TAGMSG :Unknown command"])
        // Who may not speak may not do so by tags either.
        try three.irc.say(three.ana, "MODE #tea +m")
        try three.irc.clear()
        #expect(try three.irc.ask(three.ben, "@+a TAGMSG #tea") == ["\(Self.s) 404 ben #tea :Cannot send to channel"])
        #expect(try three.irc.ask(three.ben, "@+a TAGMSG #nowhere,nobody").map(\.count).count == 2)
    }

    @Test func `account-tag says under which name somebody has logged in`() throws {
        let irc = try IRCFixture()
        irc.chat.authenticator = try PlainAuthenticator(["ana": "tea", "zoe": "milk"])
        let ben = try irc.register("ben", "account-tag", in: "#lobby")
        let ana = try irc.connect()
        try irc.say(ana, "PASS ana:tea", "NICK ana", "USER ana 0 * :Ana", "JOIN #lobby")
        #expect(try irc.answers(ben) == ["@account=ana :ana!ana@localhost JOIN #lobby"])
        try irc.say(ana, "PRIVMSG #lobby :hi", "PRIVMSG ben :psst")
        #expect(
            try irc.answers(ben).sorted() == [
                "@account=ana :ana!ana@localhost PRIVMSG #lobby :hi", "@account=ana :ana!ana@localhost PRIVMSG ben :psst",
            ])
        let zoe = try irc.joinByLines("guest")
        try irc.say(zoe, "hi", "/login zoe milk", "hello")
        #expect(
            try irc.answers(ben).filter { $0.contains("PRIVMSG") }.map { $0.hasPrefix("@account=zoe ") } == [false, true])
    }

    @Test func `the account is that of who does it`() throws {
        let irc = try IRCFixture()
        irc.chat.authenticator = try PlainAuthenticator(["ana": "tea", "zoe": "milk"])
        let ana = try irc.connect()
        try irc.say(ana, "PASS ana:tea", "NICK ana", "USER ana 0 * :Ana", "JOIN #tea")
        try irc.settle()
        let ben = try irc.register("ben", "account-tag away-notify invite-notify account-notify", in: "#tea")
        let cleo = try irc.register("cleo", "account-tag", in: "#tea")
        let zoe = try irc.joinByLines("guest", in: "tea")
        try irc.say(ana, "MODE #tea +o ben")
        try irc.clear()
        try irc.say(ana, "KICK #tea cleo :out")
        #expect(try irc.answers(ben) == ["@account=ana :ana!ana@localhost KICK #tea cleo :out"])
        #expect(try irc.answers(cleo) == ["@account=ana :ana!ana@localhost KICK #tea cleo :out"])
        try irc.say(ana, "INVITE cleo #tea")
        #expect(try irc.answers(ben) == ["@account=ana :ana!ana@localhost INVITE cleo #tea"])
        #expect(try irc.answers(cleo) == ["@account=ana :ana!ana@localhost INVITE cleo #tea"])
        try irc.say(zoe, "/login zoe milk")
        #expect(try irc.answers(ben).last == "@account=zoe :zoe!zoe@localhost ACCOUNT zoe")
        try irc.say(ana, "PART #tea", "AWAY :out")
        try irc.clear()
        try irc.say(ana, "JOIN #tea")
        #expect(
            try irc.answers(ben) == ["@account=ana :ana!ana@localhost JOIN #tea", "@account=ana :ana!ana@localhost AWAY :out"])
        // Who has no account does it without one, to whomever.
        try irc.say(ben, "KICK #tea ana")
        #expect(try irc.answers(ben) == [":ben!ben@localhost KICK #tea ana :ben"])
    }

    // MARK: - Of people

    @Test func `extended-join says more of who comes`() throws {
        let irc = try IRCFixture()
        irc.chat.authenticator = try PlainAuthenticator(["ana": "tea"])
        let (ben, cleo) = (try irc.register("ben", "extended-join", in: "#lobby"), try irc.register("cleo", in: "#lobby"))
        let ana = try irc.connect()
        try irc.say(ana, "PASS ana:tea", "NICK ana", "USER a 0 * :Ana Tea", "JOIN #lobby")
        #expect(try irc.answers(ben).contains(":ana!a@localhost JOIN #lobby ana :Ana Tea"))
        #expect(try irc.answers(cleo) == [":ana!a@localhost JOIN #lobby"])
        _ = try irc.joinByLines("zoe")
        #expect(ben.lines.contains { $0.hasPrefix(":guest") && $0.contains(" JOIN #lobby * :guest") })
    }

    @Test func `away-notify`() throws {
        let three = try Three("away-notify", in: "#tea,#milk")
        #expect(try three.heard("AWAY :at \u{2}tea\u{2}") == ([":ana!ana@localhost AWAY :at tea"], []))
        #expect(try three.heard("AWAY") == ([":ana!ana@localhost AWAY"], []))
        let news = try three.heard("AWAY :out", "PART #tea,#milk", "JOIN #milk").ben
        let joined = try #require(news.firstIndex(of: ":ana!ana@localhost JOIN #milk"))
        #expect(news[joined...].contains(":ana!ana@localhost AWAY :out"))
        #expect(try three.irc.ask(three.cleo, "WHO ana").first?.contains(" ana G :0 Ana") == true)
    }

    @Test func `account-notify, whatever the client of who logs in`() throws {
        let three = try Three("account-notify", in: "#lobby")
        three.irc.chat.authenticator = try PlainAuthenticator(["ana": "tea", "zoe": "milk"])
        try three.irc.settle()
        // Ana had a name that is somebody's.
        #expect(try three.irc.answers(three.ana).contains { $0.hasPrefix(":ana!ana@localhost NICK :guest") })
        let heard = try three.heard("CAP REQ :sasl", "AUTHENTICATE PLAIN", "AUTHENTICATE AGFuYQB0ZWE=")
        #expect(heard.ben.contains(":ana!ana@localhost ACCOUNT ana") && !heard.cleo.contains { $0.contains("ACCOUNT") })
        let zoe = try three.irc.joinByLines("someone")
        try three.irc.say(zoe, "/login zoe milk")
        #expect(try three.irc.answers(three.ben).contains(":zoe!zoe@localhost ACCOUNT zoe"))
        // Who is given another name has none that it has logged in under.
        try three.irc.chat.rename(three.irc.person("ana"), to: ChatName("eve"))
        let lines = try three.irc.answers(three.ben)
        #expect(lines.contains(":eve!ana@localhost ACCOUNT *"))
    }

    @Test func `invite-notify tells those who keep the room`() throws {
        let three = try Three("invite-notify")
        let dan = try three.irc.register("dan")
        #expect(try three.heard("INVITE dan #tea") == ([], []))
        #expect(try three.heard("MODE #tea +o ben", "INVITE dan #tea").ben.last == ":ana!ana@localhost INVITE dan #tea")
        #expect(try three.irc.answers(dan) == [":ana!ana@localhost INVITE dan #tea"])
    }

    @Test func `setname changes what one says of oneself`() throws {
        let three = try Three("setname", of: "setname", in: "#tea,#milk")
        #expect(try three.heard("SETNAME :Ana of\u{2} Tea") == ([":ana!ana@localhost SETNAME :Ana of Tea"], []))
        #expect(try three.irc.answers(three.ana) == [":ana!ana@localhost SETNAME :Ana of Tea"])
        #expect(try three.irc.ask(three.cleo, "WHOIS ana").first == "\(Self.s) 311 cleo ana ana localhost * :Ana of Tea")
        #expect(
            try three.irc.ask(three.ana, "SETNAME :\u{2}") == [
                "\(Self.s) FAIL SETNAME INVALID_REALNAME :a description cannot be empty"
            ])
    }

    @Test func `multi-prefix and userhost-in-names`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", in: "#tea")
        try irc.say(ana, "MODE #tea +v ana")
        for (capability, shown) in [
            ("", "@ana ben"), ("multi-prefix", "@+ana ben"), ("userhost-in-names", "@ana!ana@localhost ben!ben@localhost"),
            ("multi-prefix userhost-in-names", "@+ana!ana@localhost ben!ben@localhost"),
        ] {
            let ben = try irc.register("ben", capability)
            #expect(try irc.ask(ben, "JOIN #tea")[1] == "\(Self.s) 353 ben = #tea :\(shown)")
            let isBoth = capability.hasPrefix("multi")
            #expect(try irc.ask(ben, "WHO ana %nf").first == "\(Self.s) 354 ben ana \(isBoth ? "H@+" : "H@")")
            #expect(try irc.ask(ben, "WHOIS ana").contains("\(Self.s) 319 ben ana :\(isBoth ? "@+" : "@")#tea"))
            try irc.say(ben, "QUIT")
            try irc.run { ben.isGone }
        }
    }

    // MARK: - Answers

    @Test func `echo-message`() throws {
        let three = try Three("", of: "echo-message")
        for line in [
            "PRIVMSG #tea :hi", "NOTICE #tea :hi", "PRIVMSG #tea :\u{1}ACTION a\u{1}", "PRIVMSG #tea :\u{1}X\u{1}",
            "PRIVMSG ben :hi", "NOTICE ben :\u{2}hi",
        ] {
            #expect(try three.irc.ask(three.ana, line) == [":ana!ana@localhost \(line)"])
        }
        #expect(try three.irc.ask(three.ana, "PRIVMSG nobody :hi") == ["\(Self.s) 401 ana nobody :No such nick/channel"])
    }

    @Test func `labeled-response tells which answer belongs to what`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", "labeled-response batch echo-message message-tags")
        // One message, several, and none.
        #expect(try irc.ask(ana, "@label=a\\sb PING x") == ["@label=a\\sb \(Self.s) PONG irc.example.org :x"])
        #expect(
            try irc.ask(ana, "@label=2 JOIN #tea") == [
                "@label=2 \(Self.s) BATCH +1 labeled-response", "@batch=1 :ana!ana@localhost JOIN #tea",
                "@batch=1 \(Self.s) 353 ana = #tea :@ana", "@batch=1 \(Self.s) 366 ana #tea :End of /NAMES list",
                "\(Self.s) BATCH -1",
            ])
        for line in ["JOIN #tea", "PONG x", "NOTICE nobody :x", "MODE #tea +n"] {
            #expect(try irc.ask(ana, "@label=3 \(line)") == ["@label=3 \(Self.s) ACK"])
        }
        #expect(try irc.ask(ana, "@label=4 NOPE") == ["@label=4 \(Self.s) 421 ana NOPE :Unknown command"])
        #expect(
            try irc.ask(ana, "@label=5 PRIVMSG #tea :hi").map(\.masked) == [
                "@label=5;msgid=ID :ana!ana@localhost PRIVMSG #tea :hi"
            ])
        // A batch of its own has the label itself.
        let history = try irc.ask(ana, "@label=6 CHATHISTORY LATEST #tea * 5").map(\.masked)
        #expect(
            history == [
                "@label=6 \(Self.s) BATCH +2 chathistory #tea", "@batch=2;msgid=ID :ana!ana@localhost PRIVMSG #tea :hi",
                "\(Self.s) BATCH -2",
            ])
        // What is one message to the server may be several on the wire.
        let long = try irc.ask(ana, "@label=7 PRIVMSG #tea :\(String(repeating: "x", count: 495))").map(\.masked)
        #expect(long.count == 4 && long[0] == "@label=7 \(Self.s) BATCH +3 labeled-response" && long[3] == "\(Self.s) BATCH -3")
        #expect(long[1].hasPrefix("@batch=3;msgid=ID ") && long[2].hasPrefix("@batch=3 "))
        // Who has not asked for it gets none.
        let ben = try irc.register("ben", "message-tags")
        #expect(try irc.ask(ben, "@label=1 PING x") == ["\(Self.s) PONG irc.example.org :x"])
    }

    @Test func `what is no answer has no label`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana", "labeled-response batch", in: "#tea"), try irc.register("ben", in: "#tea"))
        try irc.say(ben, "PRIVMSG ana :psst")
        try irc.say(ana, "@label=1 NOTICE ana :to myself")
        #expect(
            try irc.answers(ana) == [
                ":ben!ben@localhost PRIVMSG ana :psst", ":ana!ana@localhost NOTICE ana :to myself", "@label=1 \(Self.s) ACK",
            ])
    }

    @Test func `WHOX answers what is asked for`() throws {
        let irc = try IRCFixture()
        irc.chat.authenticator = try PlainAuthenticator(["ana": "tea"])
        let ana = try irc.connect()
        try irc.say(ana, "PASS ana:tea", "NICK ana", "USER a 0 * :Ana Tea", "JOIN #tea")
        _ = try irc.joinByLines("zoe", in: "tea")
        let ben = try irc.register("ben")
        for (fields, answer) in [
            ("%n", ["ana", "zoe"]), ("%na", ["ana ana", "zoe 0"]), ("%an,7", ["ana ana", "zoe 0"]),
            ("%tn,1234", ["123 ana", "123 zoe"]),
            ("%ucr", ["#tea a :Ana Tea", "#tea zoe :zoe"]), ("%fdoi", ["255.255.255.255 H@ 0 n/a", "255.255.255.255 H 0 n/a"]),
        ] {
            let lines = try irc.ask(ben, "WHO #tea \(fields)").dropLast()
            #expect(Array(lines) == answer.map { "\(Self.s) 354 ben \($0)" })
        }
    }

    // MARK: - MONITOR

    @Test func `who is watched is told of, whatever its client`() throws {
        let irc = try IRCFixture()
        irc.chat.authenticator = try PlainAuthenticator(["zed": "tea"])
        let ana = try irc.register("ana")
        func told() throws -> [String] { try irc.answers(ana).map { String($0.dropFirst("\(Self.s) ".count)) } }
        try irc.say(ana, "MONITOR + ben,Zoe,cleo,zed")
        #expect(try told() == ["731 ana :ben,Zoe,cleo,zed"])
        func come(_ name: String) throws -> Talker {
            let new = try irc.connect()
            try irc.say(new, "NICK \(name)", "USER u 0 * :U")
            return new
        }
        let ben = try come("BEN")
        #expect(try told() == ["730 ana :BEN!u@localhost"])
        try irc.say(ben, "NICK cleo")
        #expect(try told() == ["731 ana :BEN", "730 ana :cleo!u@localhost"])
        try irc.say(ben, "NICK CLEO", "QUIT")
        try irc.awaitEnd(of: ben)
        #expect(try told() == ["731 ana :CLEO"])
        let zoe = try irc.connectByLines()
        try irc.say(zoe, "/nick zoe")
        #expect(try told() == ["730 ana :zoe!zoe@localhost"])
        try irc.say(zoe, "/login zed tea")
        #expect(try told() == ["731 ana :zoe", "730 ana :zed!zed@localhost"])
        zoe.hangUp()
        try irc.run { irc.server.clientCount == 1 }
        #expect(try told() == ["731 ana :zed"])
        try irc.say(ana, "MONITOR - zed", "MONITOR L", "MONITOR C", "MONITOR S", "MONITOR l")
        #expect(try told() == ["732 ana :Zoe,ben,cleo", "733 ana :End of MONITOR list", "733 ana :End of MONITOR list"])
        _ = try come("ben")
        #expect(try told().isEmpty)
    }

    @Test func `who has to log in first is watched, too`() throws {
        let irc = try IRCFixture { $0.loginRules.isRequired = true }
        irc.chat.authenticator = try PlainAuthenticator(["ana": "tea", "zoe": "milk"])
        let ana = try irc.connect()
        try irc.say(ana, "PASS ana:tea", "NICK ana", "USER a 0 * :A", "MONITOR + zoe")
        #expect(try irc.answers(ana).last == "\(Self.s) 731 ana :zoe")
        let zoe = try irc.connectByLines()
        #expect(try irc.ask(zoe, "/login zoe milk").contains("* welcome to Tea House; you are zoe; 1 online"))
        #expect(try irc.answers(ana) == ["\(Self.s) 730 ana :zoe!zoe@localhost"])
    }

    @Test func `all names that do not fit into the list are told`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana")
        try irc.say(ana, "MONITOR + \((0..<99).map { "n\($0)" }.joined(separator: ","))")
        try irc.clear()
        let names = (0..<20).map { "somebody-else-\($0)" }
        let lines = try irc.ask(ana, "MONITOR + \(names.joined(separator: ","))").map { try IRCMessage($0) }
        #expect(lines.filter { $0.command == "731" }.map { $0.parameters[1] } == ["somebody-else-0"])
        #expect(
            lines.filter { $0.command == "734" }.flatMap { $0.parameters[2].split(separator: ",") }
                == names.dropFirst().map { $0[...] })
    }
}
