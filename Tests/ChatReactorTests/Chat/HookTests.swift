import ChatReactor
import TestSupport
import Testing

/// What an embedder can have a chat do: admit, name, rewrite, refuse, speak, and add commands.
struct HookTests {
    @Test func `parting words are judged, and whoever says them leaves all the same`() throws {
        let fixture = try ChatFixture()
        let ana = try fixture.join("ana")
        var heard: [String] = []
        try fixture.chat.onSay { _, room, text in
            heard.append("\(room.name): \(text)")
            return text.contains("spam") ? .refuse("not here") : text.contains("wine") ? .rewrite("water\n!") : .pass
        }
        for (words, shown) in [
            ("bye", "quit: bye"), ("buy spam", "quit"), ("more wine", "quit: water^J!"), ("", "quit"), ("  ", "quit"),
            (String(repeating: "a", count: 310), "quit: " + String(repeating: "a", count: 300)),
        ] {
            heard = []
            let ben = try fixture.join("ben")
            let bot = try fixture.join("bot", json: true)
            ana.clear()
            bot.clear()
            try ben.send("/quit \(words)")
            try fixture.run { ben.isGone }
            #expect(try ana.newLines == ["* ben left: \(shown) (2 online)"])
            #expect(try bot.takeObjects().map(\.text) == [shown])
            #expect(heard == (words.allSatisfy { $0 == " " } ? [] : ["lobby: \(words.prefix(300))"]))
            try bot.send("/quit")
            try fixture.run { bot.isGone }
            try fixture.fixture.loop.run(for: .milliseconds(1_010))
        }
    }

    @Test("A newcomer is admitted, named or refused")
    func admission() throws {
        let fixture = try ChatFixture()
        let chat = try fixture.chat
        let ana = try ChatName("ana")
        chat.onAdmission { person in person.number == 3 ? .refuse("no \u{1B} more than two") : .admitAs(ana) }
        let one = try fixture.join(keepsWelcome: true)
        // The name is somebody's already.
        let two = try fixture.join(keepsWelcome: true)
        let three = try fixture.join(keepsWelcome: true)
        try fixture.run { three.isGone }
        try fixture.settle()
        #expect(
            one.takeLines() == ["* welcome to tea; you are ana; 1 online", "* guest2 joined (2 online)"])
        #expect(two.takeLines() == ["* welcome to tea; you are guest2; 2 online"])
        #expect(three.takeLines() == ["! no ^[ more than two"])
    }

    @Test("What is said passes, is rewritten or refused, and the log has what was heard")
    func moderation() throws {
        let fixture = try ChatFixture()
        let chat = try fixture.chat
        let (ana, ben) = (try fixture.join("ana"), try fixture.join("ben"))
        chat.onSay { person, room, text in
            #expect(person.name.text == "ana" && room.name.text == "lobby")
            switch text {
            case "bad": return .refuse("not here\nana: nor there")
            case "empty": return .rewrite("")
            case "rude": return .rewrite("nice\n")
            default: return .pass
            }
        }
        for text in ["bad", "good", "rude", "/me bad", "/me rude", "empty"] { try ana.send(text) }
        #expect(try ben.newLines == ["ana: good", "ana: nice^J", "ana: *nice^J*"])
        #expect(try ana.newLines == ["! not here^Jana: nor there", "! not here^Jana: nor there", "! there is nothing to say"])
        // Everybody is told a topic, too.
        for text in ["/topic bad", "/topic rude", "/topic -"] { try ana.send(text) }
        #expect(try ben.newLines == ["* ana set the topic: nice^J", "* ana removed the topic"])
        #expect(try ana.newLines == ["! not here^Jana: nor there", "* the topic is: nice^J", "* the topic is removed"])
    }

    @Test("A bot speaks under a name that nobody else can have, and hears its own words in the history")
    func bot() throws {
        let fixture = try ChatFixture()
        let chat = try fixture.chat
        let bot = try ChatName("Bot")
        let ana = try fixture.join("ana")
        #expect(chat.reserve(bot))
        #expect(chat.lobby.say("hello\u{202E}", as: bot))
        #expect(!chat.lobby.say("", as: bot))
        #expect(!chat.lobby.say(String(repeating: "a", count: 1_000_000), as: bot))
        var lines = try ana.newLines
        #expect(lines == ["Bot: hello\\u{202E}"])
        try ana.send("/nick bOT")
        lines = try ana.newLines
        #expect(lines == ["! this name is reserved for the server"])
        let ben = try fixture.join(keepsWelcome: true)
        try fixture.settle()
        #expect(ben.takeLines().dropFirst().first?.hasSuffix("] Bot: hello\\u{202E}") == true)
    }

    @Test(
        "The longest text that can be said reaches everybody, in every form, and is in the history", arguments: [1, 100, 65_536])
    func longestText(maximumMessageLength: Int) throws {
        let fixture = try ChatFixture({ $0.lobbySize = 1 << 21 }, server: { $0.maximumMessageLength = maximumMessageLength })
        let chat = try fixture.chat
        // With the shortest limit nobody can say who it is.
        let people = maximumMessageLength == 1 ? [] : [try fixture.join("x"), try fixture.join("y", json: true)]
        // A quotation mark takes two bytes in JSON.
        let text = String(repeating: "\"", count: max(4 * maximumMessageLength, 512))
        #expect(chat.lobby.say(text, as: .server))
        #expect(!chat.lobby.say(text + "\"", as: .server))
        try fixture.run { people.allSatisfy { $0.client.received.count > text.utf8.count && $0.client.text.hasSuffix("\n") } }
        for person in people { #expect(person.takeLines().count == 1) }
    }

    @Test("A name that is reserved can be given, and others hear of it")
    func login() throws {
        let fixture = try ChatFixture()
        let chat = try fixture.chat
        let name = try ChatName("Cleo")
        chat.reserve(name)
        chat.addCommand(
            Chat.Command("login", arguments: "PASSWORD", help: "Log in.") { person, password in
                person.notify(password == "tea" && chat.rename(person, to: name) ? "welcome" : "no")
            })
        let (ana, ben) = (try fixture.join("ana"), try fixture.join("ben"))
        for line in ["/nick cleo", "/login coffee", "/login tea", "/help login"] { try ana.send(line) }
        #expect(
            try ana.newLines == [
                "! this name is reserved for the server", "* no", "* welcome", "* /login PASSWORD - Log in.",
            ])
        #expect(try ben.newLines == ["* ana is now Cleo"])
        // She has it already.
        try ben.send("/login tea")
        #expect(try ben.newLines == ["* no"])
    }

    @Test("An observer hears what is heard in the rooms, as lines too")
    func observer() throws {
        final class Witness: ChatServerObserver {
            var lines: [String] = []
            let wantsEvents: Bool

            init(wantsEvents: Bool) { self.wantsEvents = wantsEvents }

            func server(_ server: ChatServer, didPublish event: ChatServer.Event) {
                lines.append("\(event.room.name) \(event.person?.number ?? 0) \(event)")
            }
        }
        let fixture = try ChatFixture()
        let (witness, other) = (Witness(wantsEvents: true), Witness(wantsEvents: false))
        for observer in [witness, other] { fixture.server.addObserver(observer) }
        let ana = try fixture.join("ana")
        for line in ["hi", "/me waves", "/msg ana psst", "/join tea", "/topic green", "/topic -"] { try ana.send(line) }
        try fixture.settle()
        #expect(try fixture.chat.lobby.announce("tea is ready"))
        #expect(
            witness.lines == [
                "lobby 1 * guest1 joined (1 online)", "lobby 1 * guest1 is now ana", "lobby 1 ana: hi", "lobby 1 ana: *waves*",
                "lobby 1 * ana left: moved (0 online)", "tea 1 * ana joined (1 online)", "tea 1 * ana set the topic: green",
                "tea 1 * ana removed the topic", "lobby 0 * tea is ready",
            ])
        #expect(other.lines == [])
        fixture.server.removeObserver(witness)
        #expect(try fixture.chat.lobby.announce("again"))
        #expect(witness.lines.last == "lobby 0 * tea is ready")
    }
}
