import TestSupport
import Testing

@testable import ChatReactor

/// How those hear of each other who come, leave and are renamed, in however many rooms they meet.
struct IRCPresenceTests {
    @Test func `who is renamed has left before the room that it has left`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", in: "#milk,#tea")
        for rooms in ["#milk,#tea", "#milk,#tea,#lobby"] {
            let ben = try irc.register("ben", in: rooms)
            try irc.clear()
            // All in one turn of the loop.
            try irc.say(ben, "PART #milk", "NICK cleo", "JOIN #milk", "NICK ben", "PART #milk", "NICK cleo", "QUIT")
            try irc.run { ben.isGone }
            let told = try irc.answers(ana).map { try IRCMessage($0) }.map {
                "\($0.source?.prefix { $0 != "!" } ?? "") \($0.command)"
            }
            #expect(
                told == [
                    "ben PART", "ben NICK", "cleo JOIN", "cleo NICK", "ben PART", "ben NICK", "cleo QUIT",
                ])
        }
    }

    @Test func `who shares several rooms with another hears of it once`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (
            try irc.register("ana", in: "#tea,#milk,#water"), try irc.register("ben", "server-time", in: "#tea,#milk,#water")
        )
        let (cleo, dan) = (try irc.register("cleo", in: "#milk"), try irc.register("dan", in: "#other"))
        let bot = try irc.joinByLines("bot", in: "milk", json: true)
        try irc.say(bot, "/join water")
        try irc.clear()
        #expect(try irc.ask(ana, "NICK eve") == [":ana!ana@localhost NICK :eve"])
        #expect(try irc.answers(ben).map(\.masked) == ["@time=TIME :ana!ana@localhost NICK :eve"])
        #expect(try irc.answers(cleo) == [":ana!ana@localhost NICK :eve"])
        #expect(try irc.answers(dan).isEmpty)
        // Programs are told of each room.
        #expect(try irc.objects(bot).filter { $0.type == "rename" }.count == 2)
        try irc.say(bot, "/nick robot")
        #expect(try irc.answers(ana) == [":bot!bot@localhost NICK :robot"])
        try irc.say(ana, "QUIT :so\u{2} long")
        try irc.run { ana.isGone }
        #expect(ana.takeLines() == ["ERROR :Closing link: quit: so long"])
        #expect(try irc.answers(ben).map(\.masked).suffix(1) == ["@time=TIME :eve!ana@localhost QUIT :quit: so long"])
        #expect(ben.lines.count { $0.contains(" QUIT ") } == 1)
        #expect(try irc.answers(cleo) == [":bot!bot@localhost NICK :robot", ":eve!ana@localhost QUIT :quit: so long"])
        #expect(try irc.answers(dan).isEmpty)
        try irc.say(bot, "/quit")
        try irc.run { bot.isGone }
        _ = try irc.answers(ben)
        #expect(ben.lines.count { $0.contains(":robot!robot@localhost QUIT :quit") } == 1)
    }

    enum Ending: String, CaseIterable { case hangUp, kicked, banned, lines, word, shutDown }

    @Test(arguments: Ending.allCases)
    func `whoever leaves has left, however it does`(_ ending: Ending) throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana", in: "#lobby"), try irc.register("ben", in: "#lobby"))
        let zoe = try irc.joinByLines("zoe")
        try irc.clear()
        var (who, reason) = ("ben!ben", "closed")
        switch ending {
        case .hangUp: ben.socket.hangUp()
        case .kicked:
            irc.chat.kick(try irc.person("ben"), reason: "loud")
            reason = "kicked"
        case .banned:
            try irc.chat.ban(Ban(.name(ChatName("ben"))))
            reason = "kicked"
        case .lines:
            zoe.socket.hangUp()
            who = "zoe!zoe"
        case .word:
            try irc.say(zoe, "x")
            (who, reason) = ("zoe!zoe", "quit")
        case .shutDown:
            irc.server.shutDown(timeout: .seconds(1)) {}
            try irc.run { ana.isGone && ben.isGone && zoe.isGone }
            #expect(ana.takeLines().first == ":irc.example.org NOTICE #lobby :goodbye: the server is shutting down")
            return
        }
        (who.hasPrefix("ben") ? ben : zoe).reads = ending == .kicked || ending == .banned
        try irc.run { ana.lines.last?.contains(" QUIT ") == true }
        #expect(ana.takeLines() == [":\(who)@localhost QUIT :\(reason)"])
    }

    @Test func `who has left without a word is shown with the host that it had`() throws {
        let irc = try IRCFixture()
        // Nobody has been shown it before.
        let guest = try irc.connectByLines()
        try irc.settle()
        let ana = try irc.register("ana", in: "#lobby")
        guest.hangUp()
        try irc.run { ana.lines.contains { $0.contains(" QUIT ") } }
        #expect(try irc.answers(ana) == [":guest1!guest1@localhost QUIT :closed"])
        #expect(try irc.ask(ana, "WHOWAS guest1").first == ":irc.example.org 314 ana guest1 guest1 localhost * :guest1")
    }

    /// Lines and JSON count a crowd, so that nobody's screen is full; an IRC client keeps a list of who is there, and needs each.
    @Test func `a crowd`() throws {
        let irc = try IRCFixture()
        let (ana, zoe) = (try irc.register("ana", in: "#lobby"), try irc.joinByLines("zoe"))
        var crowd: [Talker] = []
        for number in 0..<20 {
            let new = try irc.connect()
            crowd.append(new)
            try irc.say(new, "NICK n\(number)", "USER u 0 * :U")
        }
        try irc.settle()
        try irc.clear()
        // All of them in one turn, which takes what has come to each.
        for new in crowd { try irc.say(new, "JOIN #lobby") }
        try irc.run { zoe.lines.contains { $0.contains(" joined (") && !$0.hasPrefix("* n") } }
        let joined = ana.lines.filter { $0.hasSuffix(" JOIN #lobby") }
        #expect(Set(joined).isSuperset(of: (0..<20).map { ":n\($0)!u@localhost JOIN #lobby" }))
        let lines = zoe.takeLines()
        let counted = lines.compactMap { $0.firstMatch(of: #/^\* (\d+) joined/#).flatMap { Int($0.1) } }.reduce(0, +)
        #expect(lines.count <= 2 * 6 && lines.count { $0.hasPrefix("* n") } + counted == 20, "\(lines)")
        // The count is no news to those who were told of each.
        #expect(try irc.answers(ana).allSatisfy { $0.contains(" JOIN ") })
        // Those who came have been told of who came after them.
        for (number, new) in crowd.enumerated() {
            let later = try irc.answers(new).filter { $0.hasSuffix(" JOIN #lobby") }
            let names = new.lines.filter { $0.contains(" 353 ") }.flatMap {
                (try? IRCMessage($0).parameters[3].split(separator: " ")) ?? []
            }
            let known = Set(names.map(String.init)).union(
                later.compactMap { $0.dropFirst().split(separator: "!").first.map(String.init) }
            )
            .union(
                new.lines.filter { $0.hasSuffix(" JOIN #lobby") }.compactMap {
                    $0.dropFirst().split(separator: "!").first.map(String.init)
                })
            #expect(known.isSuperset(of: ["ana", "zoe"] + (0..<20).map { "n\($0)" }), "n\(number)")
        }
        try irc.clear()
        for new in crowd { try irc.say(new, "QUIT") }
        try irc.run { crowd.allSatisfy(\.isGone) && zoe.lines.contains { $0.contains(" left (") } }
        #expect(Set(try irc.answers(ana)) == Set((0..<20).map { ":n\($0)!u@localhost QUIT :quit" }))
    }
}
