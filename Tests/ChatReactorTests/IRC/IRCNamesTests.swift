import TestSupport
import Testing

@testable import ChatReactor

/// Names and their owners are the same for IRC clients and for all others.
struct IRCNamesTests {
    private static let s = ":\(IRCFixture.server)"

    @Test func `nobody takes another's name, whatever the client`() throws {
        let irc = try IRCFixture()
        let (ana, zoe) = (try irc.register("ana"), try irc.joinByLines("zoe"))
        #expect(try irc.ask(ana, "NICK ZOE") == ["\(Self.s) 433 ana ZOE :Nickname is already in use"])
        #expect(try irc.ask(zoe, "/nick Ana") == ["! somebody else has that name"])
        let new = try irc.connect()
        #expect(try irc.ask(new, "NICK Zoe", "NICK ana", "USER u 0 * :U").count == 2)
        // One that is free is anybody's.
        try irc.say(zoe, "/nick zed")
        try irc.clear()
        #expect(try irc.ask(ana, "NICK zoe") == [":ana!ana@localhost NICK :zoe"])
        #expect(try irc.ask(zoe, "/nick ana").last == "* you are now ana")
        #expect(try irc.ask(ana, "NICK ZOE") == [":zoe!ana@localhost NICK :ZOE"])
        #expect(try irc.ask(ana, "NICK ZOE").isEmpty)
    }

    @Test func `a name is kept for who has just left, and comes back from the same address`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", from: .ipv4(address: 0x7F00_0002, port: 0))
        try irc.say(ana, "QUIT")
        try irc.run { ana.isGone }
        let (other, zoe) = (try irc.connect(), try irc.joinByLines("zoe"))
        let refusal = "that name is kept for the one who has just left"
        #expect(
            try irc.ask(other, "NICK ana", "USER a 0 * :A") == ["\(Self.s) 433 * ana :Nickname is already in use: \(refusal)"])
        #expect(try irc.ask(zoe, "/nick ana") == ["! \(refusal)"])
        _ = try irc.register("ana", from: .ipv4(address: 0x7F00_0002, port: 0))
    }

    @Test func `a name that is reserved or banned is nobody's`() throws {
        let irc = try IRCFixture()
        irc.chat.reserve(try ChatName("bot"))
        try irc.chat.ban(Ban(.name(ChatName("eve"))))
        let ana = try irc.register("ana")
        #expect(try irc.ask(ana, "NICK eve") == ["\(Self.s) 432 ana eve :Erroneous nickname: that name is banned"])
        #expect(try irc.ask(ana, "NICK bot").first?.hasPrefix("\(Self.s) 432 ana bot :Erroneous nickname: ") == true)
        let new = try irc.connect()
        #expect(try irc.ask(new, "NICK eve", "USER e 0 * :E") == ["\(Self.s) 432 * eve :Erroneous nickname: that name is banned"])
    }

    @Test func `the operator's bans are about IRC clients, too`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana", in: "#tea"), try irc.register("ben", in: "#tea"))
        let dan = try irc.register("dan", from: .ipv4(address: 0x7F00_0002, port: 0))
        let commands = OperatorCommands(for: irc.chat) {}
        #expect(commands.run("ban ben").isDone && commands.run("ban 127.0.0.2").isDone)
        try irc.run { ben.isGone && dan.isGone }
        for talker in [ben, dan] {
            let lines = talker.takeLines()
            #expect(lines.count == 2 && lines[0].hasPrefix("\(Self.s) NOTICE ") && lines[1] == "ERROR :Closing link: kicked")
        }
        #expect(try irc.answers(ana) == [":ben!ben@localhost QUIT :kicked"])
        let banned = try Peer(to: .loopback(port: irc.ircPort), from: .ipv4(address: 0x7F00_0002, port: 0))
        try irc.run { banned.hasEnded }
        #expect(banned.text.hasPrefix("ERROR :Closing link: ") && banned.text.hasSuffix("\r\n"))
        // What an operator lists has them in it.
        #expect(commands.run("who").lines.contains { $0.hasPrefix("ana in tea from 127.0.0.1:") && $0.contains("IRC") })
    }

    @Test func `who ignores somebody ignores it under its next name`() throws {
        let irc = try IRCFixture()
        let (ana, zoe) = (try irc.register("ana", in: "#lobby"), try irc.joinByLines("zoe"))
        try irc.say(zoe, "/ignore ana")
        try irc.say(ana, "NICK eve", "PRIVMSG #lobby :hi", "PRIVMSG zoe :hi")
        #expect(try irc.answers(zoe).filter { !$0.hasPrefix("* ") }.isEmpty)
        try irc.say(zoe, "/unignore eve")
        try irc.say(ana, "PRIVMSG #lobby :hi again")
        #expect(try irc.answers(zoe).contains("eve: hi again"))
    }

    /// Whoever is given a name hears of it.
    @Test func `a name that somebody is given`() throws {
        let irc = try IRCFixture()
        let (ana, ben) = (try irc.register("ana", in: "#tea"), try irc.register("ben", in: "#tea"))
        #expect(try irc.chat.rename(irc.person("ana"), to: ChatName("eve")))
        for talker in [ana, ben] { #expect(try irc.answers(talker) == [":ana!ana@localhost NICK :eve"]) }
        // One in no room is somebody all the same.
        let cleo = try irc.register("cleo")
        #expect(try irc.chat.rename(irc.person("cleo"), to: ChatName("dan")))
        #expect(try irc.answers(cleo) == [":cleo!cleo@localhost NICK :dan"])
    }

    @Test func `hosts show no address, and are the same for the same`() throws {
        let irc = try IRCFixture()
        let (ana, zoe) = (try irc.register("ana", in: "#lobby"), try irc.joinByLines("zoe"))
        try irc.clear()
        try irc.say(zoe, "hi")
        #expect(try irc.answers(ana) == [":zoe!zoe@localhost PRIVMSG #lobby :hi"])
        let proxied = try IRCFixture(server: {
            $0.access.proxies = [.init(.ipv4(address: 0x7F00_0001, port: 0))].compactMap(\.self)
        })
        var masks: [String] = []
        for (name, address) in [("ana", "192.0.2.7"), ("ben", "192.0.2.7"), ("cleo", "192.0.2.8")] {
            let peer = try proxied.connect(for: address)
            let lines = try proxied.ask(peer, "NICK \(name)", "USER u 0 * :U")
            let mask = try #require(lines.first { $0.contains(" 001 ") }?.split(separator: "@").last)
            masks.append(String(mask))
            #expect(!mask.contains("192") && mask.hasSuffix(".ip"))
        }
        let parts = masks.map { $0.split(separator: ".") }
        #expect(masks[0] == masks[1] && masks[0] != masks[2] && parts[0].dropFirst() == parts[2].dropFirst())
    }
}
