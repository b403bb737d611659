import TestSupport
import Testing

@testable import ChatReactor

/// Rooms, as IRC clients have them: who comes and goes, who is sent out or invited, and what they talk about.
struct IRCRoomsTests {
    private static let s = ":\(IRCFixture.server)"

    @Test func `who comes hears who is there, and those hear who comes`() throws {
        let irc = try IRCFixture()
        let (zoe, bot) = (try irc.joinByLines("zoe", in: "tea"), try irc.joinByLines("bot", in: "tea", json: true))
        let ana = try irc.register("ana")
        try irc.say(zoe, "/topic green")
        try irc.clear()
        #expect(
            try irc.ask(ana, "JOIN #Tea").map(\.masked) == [
                ":ana!ana@localhost JOIN #tea", "\(Self.s) 332 ana #tea :green", "\(Self.s) 333 ana #tea zoe SECONDS",
                "\(Self.s) 353 ana = #tea :@zoe bot ana", "\(Self.s) 366 ana #tea :End of /NAMES list",
            ])
        #expect(try irc.answers(zoe) == ["* ana joined (3 online)"])
        let news = try irc.objects(bot)
        #expect(news.map(\.type) == ["join"], "\(news)")
        let ben = try irc.register("ben")
        #expect(try irc.ask(ben, "JOIN #tea").first == ":ben!ben@localhost JOIN #tea")
        #expect(try irc.answers(ana) == [":ben!ben@localhost JOIN #tea"])
        // Again, it is no news.
        #expect(try irc.ask(ben, "JOIN #TEA").isEmpty && irc.answers(ana).isEmpty)
    }

    @Test func `several are entered at once, each by its key, and all are left`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana"), try irc.register("ben"))
        try irc.say(ana, "JOIN #one,#two,#three first,,third")
        try irc.clear()
        let lines = try irc.ask(ben, "JOIN #one,#two,,#three,four first,second,guess")
        #expect(
            lines.filter { !$0.contains(" 353 ") && !$0.contains(" 366 ") } == [
                ":ben!ben@localhost JOIN #one", ":ben!ben@localhost JOIN #two",
                "\(Self.s) 475 ben #three :that is not the key of three",
                "\(Self.s) 403 ben four :No such channel",
            ])
        #expect(try irc.answers(ana) == [":ben!ben@localhost JOIN #one", ":ben!ben@localhost JOIN #two"])
        #expect(try irc.ask(ana, "MODE #two").first == "\(Self.s) 324 ana #two +n")
        #expect(try irc.ask(ben, "JOIN 0") == [":ben!ben@localhost PART #one", ":ben!ben@localhost PART #two"])
        #expect(try irc.answers(ana).sorted() == [":ben!ben@localhost PART #one", ":ben!ben@localhost PART #two"])
        #expect(try irc.person("ben").rooms.isEmpty)
    }

    @Test func `who leaves may say why`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana", in: "#tea,#milk"), try irc.register("ben", in: "#tea,#milk"))
        let zoe = try irc.joinByLines("zoe", in: "tea")
        try irc.clear()
        #expect(
            try irc.ask(ben, "PART #tea,#nowhere,#Milk,#tea :\u{2}so\u{2} long") == [
                ":ben!ben@localhost PART #tea :so long", "\(Self.s) 403 ben #nowhere :No such channel",
                ":ben!ben@localhost PART #milk :so long", "\(Self.s) 442 ben #tea :You're not on that channel",
            ])
        #expect(
            try irc.answers(ana).sorted() == [":ben!ben@localhost PART #milk :so long", ":ben!ben@localhost PART #tea :so long"])
        #expect(try irc.answers(zoe) == ["* ben left: so long (2 online)"])
        try irc.say(zoe, "/leave")
        #expect(try irc.answers(ana) == [":zoe!zoe@localhost PART #tea"])
        // The last one takes the room along.
        try irc.say(ana, "PART #tea")
        #expect(try irc.answers(ana) == [":ana!ana@localhost PART #tea"])
        #expect(irc.chat.room(named: try ChatName("tea")) == nil)
    }

    @Test func `who is sent out hears why, and so do the others`() throws {
        let irc = try IRCFixture()
        let (ana, ben, cleo) = (
            try irc.register("ana", in: "#tea"), try irc.register("ben", in: "#tea"), try irc.register("cleo", in: "#tea")
        )
        #expect(
            try irc.ask(ana, "KICK #tea ben,nobody,CLEO :too loud") == [
                ":ana!ana@localhost KICK #tea ben :too loud", "\(Self.s) 401 ana nobody :No such nick/channel",
                ":ana!ana@localhost KICK #tea cleo :too loud",
            ])
        #expect(try irc.answers(ben) == [":ana!ana@localhost KICK #tea ben :too loud"])
        #expect(
            try irc.answers(cleo) == [
                ":ana!ana@localhost KICK #tea ben :too loud", ":ana!ana@localhost KICK #tea cleo :too loud",
            ])
        #expect(try irc.person("ben").rooms.isEmpty && irc.conversation("tea").online == 1)
        // Without a reason it is the name.
        try irc.say(ben, "JOIN #tea")
        try irc.clear()
        #expect(try irc.ask(ana, "KICK #tea ben") == [":ana!ana@localhost KICK #tea ben :ana"])
        // As many of the one as of the other.
        try irc.say(ana, "JOIN #milk")
        try irc.say(ben, "JOIN #tea,#milk")
        try irc.clear()
        #expect(
            try irc.ask(ana, "KICK #tea,#milk ben,ben :x") == [
                ":ana!ana@localhost KICK #tea ben :x", ":ana!ana@localhost KICK #milk ben :x",
            ])
    }

    @Test func `what was said before somebody is sent out reaches it`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana", in: "#tea"), try irc.register("ben", in: "#tea"))
        try irc.say(ana, "PRIVMSG #tea :this is why", "KICK #tea ben")
        #expect(
            try irc.answers(ben) == [":ana!ana@localhost PRIVMSG #tea :this is why", ":ana!ana@localhost KICK #tea ben :ana"])
    }

    @Test func `somebody with lines who is sent out is in the lobby`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana", in: "#tea"), try irc.register("ben", in: "#lobby"))
        let (zoe, bot) = (try irc.joinByLines("zoe", in: "tea"), try irc.joinByLines("bot", in: "tea", json: true))
        try irc.clear()
        #expect(try irc.ask(ana, "KICK #tea zoe :shush") == [":ana!ana@localhost KICK #tea zoe :shush"])
        let told = try irc.answers(zoe).filter { !$0.contains(" joined") && !$0.contains(" left") }
        #expect(told == ["! ana has sent you out of tea: shush", "* you are in lobby; 3 online"])
        #expect(try irc.answers(ben) == [":zoe!zoe@localhost JOIN #lobby"])
        let news = try irc.objects(bot)
        #expect(news.contains { $0.type == "leave" && $0.text == "kicked by ana: shush" }, "\(news)")
        try irc.say(ana, "KICK #tea bot")
        let objects = try irc.objects(bot)
        #expect(objects.contains { $0.type == "error" && $0.text == "ana has sent you out of tea: ana" })
        #expect(try irc.person("bot").room === irc.chat.lobby)
    }

    @Test func `somebody with lines who is sent out of the lobby, and is nowhere else, is closed`() throws {
        let irc = try IRCFixture()
        irc.chat.authenticator = try PlainAuthenticator(["admin": "secret"], operators: ["admin"])
        let root = try irc.register("root", in: "#lobby")
        let (zoe, bot) = (try irc.joinByLines("zoe"), try irc.joinByLines("bot", in: "tea", json: true))
        let ana = try irc.joinByLines("ana")
        try irc.say(root, "OPER admin secret")
        try irc.say(bot, "/join lobby")
        try irc.clear()
        try irc.say(root, "KICK #lobby zoe,bot :shush")
        try irc.awaitEnd(of: zoe)
        #expect(zoe.takeLines() == ["! root has sent you out of lobby: shush"])
        #expect(
            try irc.answers(root) == [
                ":root!root@localhost KICK #lobby zoe :shush", ":root!root@localhost KICK #lobby bot :shush",
            ])
        #expect(try irc.answers(ana).first == "* zoe left: kicked by root: shush (3 online)")
        // A program that is in another room stays.
        #expect(try !bot.isGone && irc.person("bot").rooms.map(\.name.text) == ["tea"])
    }

    @Test func `those alone send others out who keep the room`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana", in: "#tea"), try irc.register("ben", in: "#tea"))
        let root = try irc.register("root")
        try irc.clear()
        #expect(try irc.ask(ben, "KICK #tea ana") == ["\(Self.s) 482 ben #tea :You're not channel operator"])
        #expect(try irc.ask(root, "KICK #tea ana") == ["\(Self.s) 442 root #tea :You're not on that channel"])
        irc.chat.authenticator = try PlainAuthenticator(["admin": "secret"], operators: ["admin"])
        try irc.say(root, "OPER admin secret")
        try irc.clear()
        #expect(try irc.ask(root, "KICK #tea ana") == [":root!root@localhost KICK #tea ana :root"])
        #expect(try irc.answers(ana) == [":root!root@localhost KICK #tea ana :root"])
        #expect(try irc.ask(ana, "JOIN #tea").contains("\(Self.s) 353 ana = #tea :ana ben"))
    }

    @Test func `somebody is invited, by whatever client`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana"), try irc.register("ben"))
        let (zoe, bot) = (try irc.joinByLines("zoe"), try irc.joinByLines("bot", json: true))
        try irc.say(ana, "JOIN #tea leaves")
        try irc.clear()
        #expect(
            try irc.ask(ana, "INVITE ben #tea", "INVITE zoe #TEA", "INVITE bot #tea", "INVITE nobody #tea", "INVITE ben #nowhere")
                == [
                    "\(Self.s) 341 ana ben #tea", "\(Self.s) 341 ana zoe #tea", "\(Self.s) 341 ana bot #tea",
                    "\(Self.s) 401 ana nobody :No such nick/channel", "\(Self.s) 403 ana #nowhere :No such channel",
                ])
        #expect(try irc.answers(ben) == [":ana!ana@localhost INVITE ben #tea"])
        #expect(try irc.answers(zoe) == ["* ana invites you to tea: /join tea"])
        #expect(try irc.objects(bot).map(\.type) == ["invitation"])
        // It needs no key then.
        try irc.say(zoe, "/join tea")
        #expect(try irc.ask(ben, "JOIN #tea").first == ":ben!ben@localhost JOIN #tea")
        #expect(try irc.conversation("tea").online == 3)
        let cleo = try irc.register("cleo")
        try irc.say(zoe, "/invite cleo")
        #expect(try irc.answers(cleo) == [":zoe!zoe@localhost INVITE cleo #tea"])
        #expect(try irc.ask(cleo, "INVITE ana #tea") == ["\(Self.s) 403 cleo #tea :No such channel"])
        // Who ignores somebody is not invited by it, and that one is not told so.
        try irc.say(bot, "/ignore ana")
        try irc.clear()
        #expect(try irc.ask(ana, "INVITE bot #tea") == ["\(Self.s) 341 ana bot #tea"])
        #expect(try irc.answers(bot).isEmpty)
    }

    @Test func `somebody who does not read is not invited again and again`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", in: "#tea")
        let slow = try irc.register("slow", receiveBuffer: 4_096)
        slow.reads = false
        let person = try irc.person("slow")
        try irc.run {
            person.notify(String(repeating: "x", count: 4_000))
            return (person.connection?.pendingOutput ?? 0) > Person.privateMessageLimit
        }
        #expect(try irc.ask(ana, "INVITE slow #tea") == ["\(Self.s) 401 ana slow :slow is not reading"])
    }

    @Test func `everybody sees the same topic`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana", in: "#tea"), try irc.register("ben", in: "#tea"))
        let (zoe, cleo) = (try irc.joinByLines("zoe", in: "tea"), try irc.register("cleo"))
        try irc.clear()
        #expect(try irc.ask(ana, "TOPIC #tea :\u{3}04green\u{3} tea") == [":ana!ana@localhost TOPIC #tea :green tea"])
        #expect(try irc.answers(ben) == [":ana!ana@localhost TOPIC #tea :green tea"])
        #expect(try irc.answers(zoe) == ["* ana set the topic: green tea"])
        try irc.say(zoe, "/topic black")
        #expect(try irc.answers(ben) == [":zoe!zoe@localhost TOPIC #tea :black"])
        // Nothing changes by the same one.
        #expect(try irc.ask(ben, "TOPIC #tea :black").isEmpty)
        #expect(
            try irc.ask(cleo, "TOPIC #tea").map(\.masked) == [
                "\(Self.s) 332 cleo #tea :black", "\(Self.s) 333 cleo #tea zoe SECONDS",
            ])
        #expect(try irc.ask(cleo, "TOPIC #tea :mine") == ["\(Self.s) 442 cleo #tea :You're not on that channel"])
        try irc.clear()
        #expect(try irc.ask(ben, "TOPIC #tea :") == [":ben!ben@localhost TOPIC #tea :"])
        #expect(try irc.answers(zoe) == ["* ben removed the topic"])
        #expect(try irc.ask(zoe, "/topic") == ["* tea has no topic"])
        #expect(try irc.ask(ana, "TOPIC #tea").last == "\(Self.s) 331 ana #tea :No topic is set")
    }

    /// Two messages would be two topics, of which the second one stays; so what one message cannot hold is no topic.
    @Test func `the longest topic is whole, whoever has set it`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", in: "#tea")
        let zoe = try irc.joinByLines("zoe", in: "tea")
        let topic = String(repeating: "😀", count: 75)
        try irc.clear()
        #expect(try irc.ask(zoe, "/topic \(topic)😀") == ["! a topic has at most 300 bytes"])
        try irc.say(zoe, "/topic \(topic)")
        for lines in [
            try irc.answers(ana), try irc.ask(ana, "TOPIC #tea").dropLast(),
            Array(try irc.ask(ana, "LIST").dropFirst().dropLast()),
        ] {
            #expect(lines.count == 1)
            let shown = try #require(try IRCMessage(lines.first ?? "").parameters.last)
            #expect(shown == topic)
        }
        try irc.say(ana, "TOPIC #tea :a\(topic)")
        #expect(try irc.ask(zoe, "/topic").contains("* the topic is: a\(topic.dropLast())"))
    }

    @Test func `a hook decides about topics`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", in: "#tea")
        irc.chat.onSay { _, _, text in text == "no" ? .refuse("not that") : text == "-" ? .pass : .rewrite("<\(text)>") }
        #expect(try irc.ask(ana, "TOPIC #tea :green") == [":ana!ana@localhost TOPIC #tea :<green>"])
        #expect(try irc.ask(ana, "TOPIC #tea :no") == ["\(Self.s) 404 ana #tea :not that"])
        #expect(try irc.ask(ana, "TOPIC #tea :") == [":ana!ana@localhost TOPIC #tea :"])
    }

    @Test func `rooms are listed by name and by number of people`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", in: "#tea,#milk,#attic")
        let ben = try irc.register("ben", in: "#tea")
        try irc.say(ana, "MODE #attic +s", "TOPIC #tea :green")
        try irc.clear()
        func list(_ talker: Talker, _ condition: String) throws -> [String] {
            try irc.ask(talker, "LIST \(condition)").filter { $0.contains(" 322 ") }.compactMap {
                try IRCMessage($0).parameters.dropFirst().joined(separator: " ")
            }
        }
        #expect(try list(ana, "") == ["#attic 1 ", "#milk 1 ", "#tea 2 green"])
        #expect(try list(ben, "") == ["#milk 1 ", "#tea 2 green"])
        #expect(try list(ben, ">1") == ["#tea 2 green"] && list(ben, "<2") == ["#milk 1 "])
        #expect(try list(ben, "#MILK,#attic") == ["#milk 1 "] && list(ben, "#t*") == ["#tea 2 green"])
        #expect(try list(ben, ">0,#m*") == ["#milk 1 "] && list(ben, "#nowhere").isEmpty)
        // A room that people have come into by lines alone is a room.
        _ = try irc.joinByLines("zoe")
        #expect(try list(ben, ">0").first == "#lobby 1 ")
    }

    @Test func `names are shown to those who may know`() throws {
        let irc = try IRCFixture()
        let (ana, ben, cleo) = (
            try irc.register("ana", in: "#tea"), try irc.register("ben", in: "#tea"), try irc.register("cleo")
        )
        try irc.say(ben, "MODE ben +i")
        try irc.clear()
        #expect(try irc.ask(ana, "NAMES #tea").first == "\(Self.s) 353 ana = #tea :@ana ben")
        #expect(try irc.ask(cleo, "NAMES #tea").first == "\(Self.s) 353 cleo = #tea :@ana")
        #expect(
            try irc.ask(cleo, "NAMES") == [
                "\(Self.s) 353 cleo = #tea :@ana", "\(Self.s) 366 cleo * :End of /NAMES list",
            ])
        // One who is invisible is found by its name, or by who shares a room with it.
        #expect(try irc.ask(cleo, "WHO *").count == 3 && irc.ask(ana, "WHO *").count == 4)
        #expect(try irc.ask(cleo, "WHO ben").count == 2)
        try irc.say(ana, "MODE #tea +s")
        try irc.clear()
        #expect(try irc.ask(ana, "NAMES #tea").first == "\(Self.s) 353 ana @ #tea :@ana ben")
        #expect(try irc.ask(cleo, "NAMES #tea") == ["\(Self.s) 366 cleo #tea :End of /NAMES list"])
        #expect(try irc.ask(cleo, "WHO #tea") == ["\(Self.s) 315 cleo #tea :End of /WHO list"])
        #expect(try !irc.ask(cleo, "WHOIS ana").contains { $0.contains("#tea") })
    }

    @Test func `what was said last is told to who comes, unless its client asks for it itself`() throws {
        let irc = try IRCFixture { $0.history = 2 }
        let zoe = try irc.joinByLines("zoe")
        for text in ["one", "two", "/me pours", "/topic tea"] { try irc.say(zoe, text) }
        try irc.settle()
        let ana = try irc.register("ana")
        let said = [
            ":zoe!zoe@localhost PRIVMSG #lobby :two", ":zoe!zoe@localhost PRIVMSG #lobby :\u{1}ACTION pours\u{1}",
        ]
        let lines = try irc.ask(ana, "JOIN #lobby")
        #expect(lines.suffix(2) == said[...])
        #expect(lines.contains("\(Self.s) 332 ana #lobby :tea"))
        let ben = try irc.register("ben", "batch server-time message-tags")
        let batch = try irc.ask(ben, "JOIN #lobby").suffix(4).map(\.masked)
        #expect(
            batch == ["\(Self.s) BATCH +1 chathistory #lobby"] + said.map { "@batch=1;msgid=ID;time=TIME \($0)" }
                + ["\(Self.s) BATCH -1"])
        let cleo = try irc.register("cleo", "batch draft/chathistory")
        #expect(try irc.ask(cleo, "JOIN #lobby").last?.contains(" 366 ") == true)
    }

    @Test func `a room that the operator closes is left`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana", in: "#tea,#milk"), try irc.register("ben", in: "#tea"))
        try irc.clear()
        irc.chat.close(try #require(irc.chat.room(named: ChatName("tea"))))
        #expect(try irc.answers(ana).suffix(2).contains(":ana!ana@localhost PART #tea"))
        #expect(try irc.answers(ben).contains("\(Self.s) NOTICE ben :tea was closed by the operator"))
        #expect(try irc.person("ana").rooms.map(\.name.text) == ["milk"] && irc.person("ben").rooms.isEmpty)
    }
}
