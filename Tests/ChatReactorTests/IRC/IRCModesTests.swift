import TestSupport
import Testing

@testable import ChatReactor

/// What those lay down who keep a room in order, which holds for everybody in it, whatever the client.
struct IRCModesTests {
    private static let s = ":\(IRCFixture.server)"

    /// Ana keeps the room; ben, zoe with lines, and a bot with JSON are in it.
    private final class Room {
        let irc: IRCFixture
        let ana, ben, zoe, bot: Talker

        init() throws {
            irc = try IRCFixture()
            ana = try irc.register("ana", in: "#tea")
            ben = try irc.register("ben", in: "#tea")
            zoe = try irc.joinByLines("zoe", in: "tea")
            bot = try irc.joinByLines("bot", in: "tea", json: true)
        }

        /// Why nothing comes of what the two say who have no IRC client; nil for each who is not refused.
        func refusals(_ line: String) throws -> [String?] {
            try irc.clear()
            let zoe = try irc.ask(zoe, line).first { $0.hasPrefix("! ") }.map { String($0.dropFirst(2)) }
            try irc.say(bot, line)
            let bot = try irc.objects(bot).first { $0.type == "error" }?.text
            try irc.clear()
            return [zoe, bot]
        }
    }

    // MARK: - Setting them

    @Test(
        arguments: [
            ("+i", "+i", "-i"), ("+m", "+m", "-m"), ("+s", "+s", "-s"), ("+t", "+t", "-t"), ("-n", "-n", "+n"),
            ("+l 7", "+l 7", "-l"), ("+k leaves", "+k leaves", "-k *"), ("+b ben", "+b ben!*@*", "-b ben!*@*"),
            ("+o ben", "+o ben", "-o ben"), ("+v BEN", "+v ben", "-v ben"), ("+v zoe", "+v zoe", "-v zoe"),
            ("imt", "+imt", "-imt"), ("+im-n+l 3", "+im-n+l 3", "-im+n-l"), ("+ov ben zoe", "+ov ben zoe", "-ov ben zoe"),
            ("+b *!*@*.ip", "+b *!*@*.ip", "-b *!*@*.ip"), ("+l 07", "+l 7", "-l"),
        ])
    func `each is set, and taken back`(_ set: String, _ shown: String, _ taken: String) throws {
        let room = try Room()
        let before = try room.irc.ask(room.ana, "MODE #tea")
        #expect(try room.irc.ask(room.ana, "MODE #Tea \(set)") == [":ana!ana@localhost MODE #tea \(shown)"])
        #expect(try room.irc.answers(room.ben) == [":ana!ana@localhost MODE #tea \(shown)"])
        // Set once more, it changes nothing.
        #expect(try room.irc.ask(room.ana, "MODE #tea \(set)").isEmpty)
        #expect(try room.irc.ask(room.ana, "MODE #tea \(taken)") == [":ana!ana@localhost MODE #tea \(taken)"])
        #expect(try room.irc.answers(room.ben) == [":ana!ana@localhost MODE #tea \(taken)"])
        #expect(try room.irc.ask(room.ana, "MODE #tea \(taken)").isEmpty)
        #expect(try room.irc.ask(room.ana, "MODE #tea") == before)
    }

    @Test(
        arguments: [
            ("+l", "461 ana MODE :Not enough parameters"), ("+l 0", "696 ana #tea l 0 :a limit is a number from 1"),
            ("+l -1", "696 ana #tea l -1 :a limit is a number from 1"), ("+k", "461 ana MODE :Not enough parameters"),
            ("+k a,b", "696 ana #tea k * :a key is a word of at most 50 bytes, without commas and colons"),
            ("+k :a b", "696 ana #tea k * :a key is a word of at most 50 bytes, without commas and colons"),
            ("+o", "461 ana MODE :Not enough parameters"), ("+o nobody", "401 ana nobody :No such nick/channel"),
            ("+v cleo", "441 ana cleo #tea :They aren't on that channel"), ("+z", "472 ana z :is unknown mode char to me"),
            ("+b :", "461 ana MODE :Not enough parameters"),
        ])
    func `what cannot be is refused`(_ change: String, _ refusal: String) throws {
        let room = try Room()
        _ = try room.irc.register("cleo")
        #expect(try room.irc.ask(room.ana, "MODE #tea \(change)") == ["\(Self.s) \(refusal)"])
        #expect(try room.irc.answers(room.ben).isEmpty)
    }

    @Test func `what can be done is done, whatever else cannot`() throws {
        let room = try Room()
        #expect(
            try room.irc.ask(room.ana, "MODE #tea +mzl-n few") == [
                "\(Self.s) 472 ana z :is unknown mode char to me", "\(Self.s) 696 ana #tea l few :a limit is a number from 1",
                ":ana!ana@localhost MODE #tea +m-n",
            ])
    }

    @Test func `those alone change them who keep the room`() throws {
        let room = try Room()
        #expect(try room.irc.ask(room.ben, "MODE #tea +im") == ["\(Self.s) 482 ben #tea :You're not channel operator"])
        #expect(try room.irc.ask(room.ben, "MODE #tea +b ana") == ["\(Self.s) 482 ben #tea :You're not channel operator"])
        #expect(try room.irc.ask(room.ben, "MODE #tea b") == ["\(Self.s) 368 ben #tea :End of channel ban list"])
        let cleo = try room.irc.register("cleo")
        #expect(
            try room.irc.ask(cleo, "MODE #tea +i", "MODE #nowhere +i") == [
                "\(Self.s) 482 cleo #tea :You're not channel operator", "\(Self.s) 403 cleo #nowhere :No such channel",
            ])
        // Nobody keeps the lobby but operators of the server.
        #expect(
            try room.irc.ask(cleo, "JOIN #lobby", "MODE #lobby +m").last
                == "\(Self.s) 482 cleo #lobby :You're not channel operator")
        room.irc.chat.authenticator = try PlainAuthenticator(["root": "secret"], operators: ["root"])
        #expect(try room.irc.ask(cleo, "OPER root secret", "MODE #tea +i").last == ":cleo!cleo@localhost MODE #tea +i")
        #expect(
            try room.irc.ask(cleo, "MODE #lobby +k leaves") == ["\(Self.s) 696 cleo #lobby k * :everybody comes into the lobby"])
    }

    @Test func `who is made an operator keeps the room until it leaves`() throws {
        let room = try Room()
        try room.irc.say(room.ana, "MODE #tea +o ben", "PART #tea", "JOIN #tea")
        try room.irc.clear()
        #expect(try room.irc.ask(room.ana, "MODE #tea +i") == ["\(Self.s) 482 ana #tea :You're not channel operator"])
        #expect(try room.irc.ask(room.ben, "MODE #tea -o+v ben ana") == [":ben!ben@localhost MODE #tea -o+v ben ana"])
        #expect(try room.irc.ask(room.ben, "NAMES #tea").first == "\(Self.s) 353 ben = #tea :+ana ben zoe bot")
    }

    @Test func `people with lines are told what they are given`() throws {
        let room = try Room()
        try room.irc.say(room.ana, "MODE #tea +ov zoe zoe", "MODE #tea -ov zoe zoe")
        #expect(
            try room.irc.answers(room.zoe) == [
                "* ana has made you an operator of tea", "* ana has given you a voice in tea",
                "* ana has made you no longer an operator of tea", "* ana has taken from you a voice in tea",
            ])
    }

    /// A room that was opened by lines has somebody who keeps it, too.
    @Test func `who has opened a room keeps it`() throws {
        let irc = try IRCFixture()
        let zoe = try irc.joinByLines("zoe", in: "tea")
        let ana = try irc.register("ana", in: "#tea")
        #expect(try irc.ask(ana, "MODE #tea +m") == ["\(Self.s) 482 ana #tea :You're not channel operator"])
        #expect(try irc.ask(ana, "NAMES #tea").first == "\(Self.s) 353 ana = #tea :@zoe ana")
        try irc.say(zoe, "hi")
        #expect(try irc.answers(ana) == [":zoe!zoe@localhost PRIVMSG #tea :hi"])
    }

    @Test func `the list of those who are banned is told once to one line`() throws {
        let room = try Room()
        try room.irc.say(room.ana, "MODE #tea +b x")
        try room.irc.clear()
        #expect(try room.irc.ask(room.ben, "MODE #tea +bbbbbbbb").count == 2)
    }

    // MARK: - What they do

    @Test func `in a moderated room those alone speak who have a voice`() throws {
        let room = try Room()
        try room.irc.say(room.ana, "MODE #tea +m")
        try room.irc.clear()
        let refusal = "those alone speak in tea who have a voice"
        #expect(try room.irc.ask(room.ben, "PRIVMSG #tea :hi") == ["\(Self.s) 404 ben #tea :Cannot send to channel: \(refusal)"])
        #expect(try room.irc.ask(room.ben, "NOTICE #tea :hi").isEmpty)
        #expect(try room.irc.ask(room.ben, "TOPIC #tea :hi") == ["\(Self.s) 404 ben #tea :\(refusal)"])
        for line in ["hi", "/me waves", "/topic hi", "//hi"] { #expect(try room.refusals(line) == [refusal, refusal]) }
        #expect(try room.irc.ask(room.ana, "PRIVMSG #tea :hi").isEmpty)
        try room.irc.say(room.ana, "MODE #tea +vvv ben zoe bot")
        try room.irc.clear()
        #expect(try room.irc.ask(room.ben, "PRIVMSG #tea :hi").isEmpty)
        #expect(try room.refusals("hi") == [nil, nil])
        #expect(try room.irc.conversation("tea").records.lastTexts(3) == ["hi", "hi", "hi"])
    }

    @Test func `where those alone come in who are invited`() throws {
        let room = try Room()
        let irc = room.irc
        try irc.say(room.ana, "MODE #tea +i")
        let (cleo, dan, eva) = (try irc.register("cleo"), try irc.joinByLines("dan"), try irc.joinByLines("eva", json: true))
        #expect(try irc.ask(cleo, "JOIN #tea") == ["\(Self.s) 473 cleo #tea :Cannot join channel (+i)"])
        #expect(
            try irc.ask(dan, "/join tea", "/resume tea 1 1") == Array(repeating: "! tea is for those who are invited", count: 2))
        try irc.say(eva, "/join tea")
        #expect(try irc.objects(eva).map(\.text) == ["tea is for those who are invited"])
        // Operators alone invite.
        #expect(try irc.ask(room.ben, "INVITE cleo #tea") == ["\(Self.s) 482 ben #tea :You're not channel operator"])
        #expect(try irc.ask(room.zoe, "/invite cleo") == ["! operators alone invite people to tea"])
        try irc.say(room.ana, "INVITE cleo #tea", "INVITE dan #tea")
        try irc.clear()
        #expect(try irc.ask(cleo, "JOIN #tea").first == ":cleo!cleo@localhost JOIN #tea")
        #expect(try irc.ask(dan, "/join tea").contains("* you are in tea; 6 online"))
    }

    @Test func `a room with a limit is full`() throws {
        let room = try Room()
        let irc = room.irc
        try irc.say(room.ana, "MODE #tea +l 4")
        let (cleo, dan, eva) = (try irc.register("cleo"), try irc.joinByLines("dan"), try irc.joinByLines("eva", json: true))
        #expect(try irc.ask(cleo, "JOIN #tea") == ["\(Self.s) 471 cleo #tea :Cannot join channel (+l)"])
        #expect(try irc.ask(dan, "/join tea") == ["! tea is full"])
        try irc.say(eva, "/join tea")
        #expect(try irc.objects(eva).map(\.text) == ["tea is full"])
        try irc.say(room.ben, "PART #tea")
        try irc.clear()
        #expect(try irc.ask(dan, "/join tea").first == "* you are in tea; 4 online")
    }

    @Test func `a key is asked for from then on`() throws {
        let room = try Room()
        let irc = room.irc
        try irc.say(room.ana, "MODE #tea +k leaves")
        let (cleo, dan) = (try irc.register("cleo"), try irc.joinByLines("dan"))
        #expect(try irc.ask(cleo, "JOIN #tea").first?.hasPrefix("\(Self.s) 475 cleo #tea :") == true)
        #expect(try irc.ask(dan, "/join tea beans") == ["! that is not the key of tea"])
        #expect(try irc.ask(room.ben, "MODE #tea").first == "\(Self.s) 324 ben #tea +kns leaves")
        // It is not listed either.
        #expect(try irc.ask(cleo, "MODE #tea") == ["\(Self.s) 403 cleo #tea :No such channel"])
        #expect(try irc.ask(dan, "/join tea leaves").first == "* you are in tea; 5 online")
        #expect(try irc.ask(cleo, "JOIN #tea leaves").first == ":cleo!cleo@localhost JOIN #tea")
    }

    @Test func `a secret room is listed to those who are in it`() throws {
        let room = try Room()
        let irc = room.irc
        try irc.say(room.ana, "MODE #tea +s")
        let (cleo, dan, eva) = (try irc.register("cleo"), try irc.joinByLines("dan"), try irc.joinByLines("eva", json: true))
        #expect(try irc.ask(cleo, "LIST").count { $0.contains("#tea") } == 0)
        #expect(
            try irc.ask(cleo, "PRIVMSG #tea :hi", "TOPIC #tea")
                == Array(repeating: "\(Self.s) 403 cleo #tea :No such channel", count: 2))
        let told = try irc.ask(dan, "/rooms", "/who tea").filter { !$0.contains(" joined") && !$0.contains(" left") }
        #expect(told == ["* lobby (3 online)", "! there is no room tea"])
        try irc.say(eva, "/who tea")
        #expect(try irc.objects(eva).map(\.type) == ["error"])
        #expect(try irc.ask(room.zoe, "/rooms").contains("* tea (4 online)"))
        // Who knows of it comes in.
        #expect(try irc.ask(dan, "/join tea").first == "* you are in tea; 5 online")
    }

    @Test func `where operators alone set the topic`() throws {
        let room = try Room()
        try room.irc.say(room.ana, "MODE #tea +t")
        try room.irc.clear()
        #expect(try room.irc.ask(room.ben, "TOPIC #tea :mine") == ["\(Self.s) 482 ben #tea :You're not channel operator"])
        let refusal = "operators alone set the topic of tea"
        #expect(try room.refusals("/topic mine") == [refusal, refusal])
        #expect(try room.refusals("/topic -") == [refusal, refusal])
        #expect(try room.irc.ask(room.ana, "TOPIC #tea :green") == [":ana!ana@localhost TOPIC #tea :green"])
    }

    @Test func `who is not in a room speaks there where it may`() throws {
        let room = try Room()
        let cleo = try room.irc.register("cleo", "echo-message")
        #expect(try room.irc.ask(cleo, "PRIVMSG #tea :hi") == ["\(Self.s) 404 cleo #tea :Cannot send to channel"])
        try room.irc.say(room.ana, "MODE #tea -n")
        try room.irc.clear()
        let said = ":cleo!cleo@localhost PRIVMSG #tea :hi"
        #expect(try room.irc.ask(cleo, "PRIVMSG #tea :hi") == [said])
        #expect(try room.irc.answers(room.ben) == [said] && room.irc.answers(room.zoe) == ["cleo: hi"])
        // Also past a hook.
        room.irc.chat.onSay { _, _, text in text == "hi" ? .rewrite("hello") : .pass }
        #expect(try room.irc.ask(cleo, "PRIVMSG #tea :hi") == [":cleo!cleo@localhost PRIVMSG #tea :hello"])
        #expect(try room.irc.answers(room.zoe) == ["cleo: hello"])
    }

    // MARK: - Bans

    @Test func `who is banned neither comes in nor speaks`() throws {
        let room = try Room()
        let irc = room.irc
        let refusal = "you are banned from tea"
        try irc.say(room.ana, "MODE #tea +bbb ZOE *!b?t@* *!ben@localhost")
        try irc.clear()
        #expect(try irc.ask(room.ben, "PRIVMSG #tea :hi") == ["\(Self.s) 404 ben #tea :Cannot send to channel: \(refusal)"])
        for line in ["hi", "/me waves", "/topic x"] { #expect(try room.refusals(line) == [refusal, refusal]) }
        try irc.say(room.ben, "PART #tea")
        try irc.clear()
        #expect(try irc.ask(room.ben, "JOIN #tea") == ["\(Self.s) 474 ben #tea :Cannot join channel (+b)"])
        try irc.say(room.zoe, "/leave")
        try irc.say(room.bot, "/leave")
        #expect(try room.refusals("/join tea") == [refusal, refusal])
        #expect(try room.refusals("/resume tea 1 1") == [refusal, refusal])
        // Under another name it is let in by a ban of names, and not by one of users.
        try irc.say(room.zoe, "/nick zed", "/join tea")
        #expect(try irc.answers(room.zoe).contains("* you are in tea; 2 online"))
        try irc.say(room.ben, "NICK bert")
        try irc.clear()
        #expect(try irc.ask(room.ben, "JOIN #tea").first?.contains(" 474 bert ") == true)
        // Who is invited comes in, but by one who keeps the room alone, and who has a voice speaks.
        try irc.say(room.zoe, "/invite bert")
        try irc.clear()
        #expect(try irc.ask(room.ben, "JOIN #tea").first?.contains(" 474 bert ") == true)
        try irc.say(room.ana, "INVITE bert #tea")
        try irc.say(room.zoe, "/invite bert")
        try irc.clear()
        #expect(try irc.ask(room.ben, "JOIN #tea").first == ":bert!ben@localhost JOIN #tea")
        try irc.say(room.ana, "MODE #tea +v bert")
        try irc.clear()
        #expect(try irc.ask(room.ben, "PRIVMSG #tea :hi").isEmpty)
    }

    @Test func `who is banned keeps its name in the room`() throws {
        let room = try Room()
        // The user of somebody without an IRC client is its name: as somebody else it would be banned no more.
        try room.irc.say(room.ana, "MODE #tea +b *!zoe@*")
        #expect(try room.refusals("/nick nora") == ["you are banned from tea, and keep your name there", nil])
        #expect(try room.refusals("hi").first == "you are banned from tea")
        try room.irc.say(room.ana, "MODE #tea +v zoe")
        #expect(try room.refusals("/nick nina").first == .some(nil))
    }

    @Test func `a ban of the longest mask is listed as it is, and so taken back`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", in: "#tea")
        let mask =
            String(repeating: "я", count: 24) + "!" + String(repeating: "u", count: 20) + "@" + String(repeating: "h", count: 60)
        #expect(try irc.ask(ana, "MODE #tea +b \(mask)") == [":ana!ana@localhost MODE #tea +b \(mask)"])
        #expect(try irc.ask(ana, "MODE #tea b").first?.hasPrefix("\(Self.s) 367 ana #tea \(mask) ana!ana@localhost ") == true)
        #expect(try irc.ask(ana, "MODE #tea -b \(mask)") == [":ana!ana@localhost MODE #tea -b \(mask)"])
    }

    @Test func `a ban that is lifted in another case is told as it is listed`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", in: "#tea")
        #expect(try irc.ask(ana, "MODE #tea +b Eve!*@Example.org") == [":ana!ana@localhost MODE #tea +b Eve!*@Example.org"])
        #expect(try irc.ask(ana, "MODE #tea -b eVE!*@example.ORG") == [":ana!ana@localhost MODE #tea -b Eve!*@Example.org"])
        #expect(try irc.ask(ana, "MODE #tea b").count == 1)
    }

    // MARK: - Of oneself

    @Test func `modes of oneself`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana")
        #expect(try irc.ask(ana, "MODE ana +i") == [":ana!ana@localhost MODE ana +i"])
        #expect(
            try irc.ask(ana, "MODE ANA", "MODE ana +i", "MODE ana -i+o-o") == [
                "\(Self.s) 221 ana +i", ":ana!ana@localhost MODE ana -i",
            ])
    }
}

extension RecordLog {
    /// What was said last.
    func lastTexts(_ count: Int) -> [String] {
        var texts: [String] = []
        read(from: place(ofLast: count, where: \.isSaid)) { record in
            if record.kind.isSaid { texts.append(record.text) }
            return true
        }
        return texts
    }
}
