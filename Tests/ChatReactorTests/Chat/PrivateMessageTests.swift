import ChatReactor
import TestSupport
import Testing

/// `/msg` and `/reply`: what somebody says to one person alone.
struct PrivateMessageTests {
    @Test("It reaches the one who is meant, and its sender sees that")
    func reaches() throws {
        let chat = try ChatFixture()
        let (ana, ben, zoe) = (try chat.join("ana"), try chat.join("ben"), try chat.join("zoe"))
        try ana.send("/msg BEN  hello there ")
        #expect(try ben.newLines == ["ana to you: hello there"])
        #expect(ana.takeLines() == ["you to ben: hello there"])
        try ben.send("/reply hello")
        #expect(try ana.newLines == ["ben to you: hello"])
        #expect(ben.takeLines() == ["you to ana: hello"])
        #expect(try zoe.newLines == [])
        // It is in no history.
        try zoe.send("/history 10")
        #expect(try zoe.newLines == ["* history of lobby:", "* end of history (0)"])
    }

    @Test("It reaches somebody in another room, and a program")
    func reachesElsewhere() throws {
        let chat = try ChatFixture()
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot", json: true))
        try bot.send("/join tea")
        bot.clear()
        _ = try bot.newObjects
        try ana.send("/msg bot hi")
        let object = try #require(try bot.newObjects.first)
        #expect([object.type, object.from, object.to, object.text] == ["private", "ana", "bot", "hi"])
        try bot.send("/reply yes")
        let sent = try #require(try bot.newObjects.first)
        #expect([sent.type, sent.to, sent.room] == ["sent", "ana", nil])
        #expect(ana.takeLines().last == "bot to you: yes")
    }

    @Test("Somebody whose connection is finishing gets none, and the sender is told so", arguments: ["/msg ben hi", "/reply hi"])
    func finishing(_ line: String) throws {
        let fixture = try ChatFixture()
        let chat = try fixture.chat
        let (ana, ben) = (try fixture.join("ana"), try fixture.join("ben"))
        chat.addCommand(
            Chat.Command("end", help: "End ben.") { [unowned chat] _, _ in
                chat.people.first { $0.name.text == "ben" }?.connection?.finish()
            })
        try ben.send("/msg ana hello")
        _ = try ana.newLines
        try ana.send("/end\n\(line)")
        try fixture.run { ben.isGone }
        #expect(try ana.newLines.first == "! ben has left")
        #expect(!ben.takeLines().contains("ana to you: hi"))
    }

    @Test("A reply goes to the person who wrote, whatever it is called now, and to nobody else")
    func replyToAPerson() throws {
        let chat = try ChatFixture()
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        try ben.send("/reply hi")
        #expect(try ben.newLines == ["! nobody who is still here has written to you"])
        try ana.send("/msg ben hi\n/nick anna")
        ben.clear()
        _ = try ben.newLines
        try ben.send("/reply hello")
        #expect(try ben.newLines == ["you to anna: hello"])
        try ana.send("/quit")
        try chat.run { ana.isGone }
        // Its name is another's now.
        let other = try chat.join("anna")
        ben.clear()
        try ben.send("/reply are you there?")
        #expect(try ben.newLines == ["! nobody who is still here has written to you"])
        #expect(try other.newLines == [])
    }

    @Test(
        "What cannot be done is refused",
        arguments: [
            ("/msg", "this command is /msg NAME TEXT"),
            ("/msg ben", "this command is /msg NAME TEXT"),
            ("/msg ben   ", "this command is /msg NAME TEXT"),
            ("/msg zoe hi", "nobody is called zoe"),
            ("/msg guest77 hi", "nobody is called guest77"),
            ("/msg b:en hi", "a name has letters, digits, _ and - only, and not :"),
            ("/reply", "this command is /reply TEXT"),
        ])
    func refusals(_ line: String, _ reason: String) throws {
        let chat = try ChatFixture()
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        try ana.send(line)
        #expect(try ana.newLines == ["! \(reason)"])
        #expect(try ben.newLines == [])
    }

    @Test("Who does not read is not written to, and is not closed for what others write")
    func notReading() throws {
        let chat = try ChatFixture()
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben", receiveBuffer: 4_096))
        ben.client.reads = false
        let text = String(repeating: "a", count: 10_000)
        for _ in 0..<1_000 {
            try ana.send("/msg ben \(text)")
            if try ana.newLines.contains("! ben is not reading") { break }
        }
        #expect(try chat.chat.person(named: ChatName("ben")) != nil)
        ben.client.reads = true
        ben.clear()
        try chat.run { ben.client.text.hasSuffix("\n") && ben.client.received.count > 65_536 }
        _ = try ben.newLines
        try ana.send("/msg ben hi")
        #expect(try ben.newLines == ["ana to you: hi"])
    }
}
