import TestSupport
import Testing

@testable import ChatReactor

/// `/ignore` and `/unignore`: somebody gets nothing of another.
struct IgnoringTests {
    @Test("Nothing reaches a person that one says whom it ignores; the others get it, and nobody is told")
    func live() throws {
        let chat = try ChatFixture()
        let (ana, ben, zoe) = (try chat.join("ana"), try chat.join("ben"), try chat.join("zoe"))
        try ana.send("/ignore BEN")
        #expect(try ana.newLines == ["* you ignore BEN"])
        try ben.send("hi\n/me waves\n/msg ana hi\n/topic tea")
        #expect(try zoe.newLines == ["ben: hi", "ben: *waves*", "* ben set the topic: tea"])
        #expect(ana.takeLines() == ["* ben set the topic: tea"])
        #expect(ben.takeLines().contains("you to ana: hi"))
        try ana.send("/unignore ben")
        #expect(try ana.newLines == ["* you do not ignore ben any more"])
        try ben.send("hi again")
        #expect(try ana.newLines == ["ben: hi again"])
    }

    @Test("Nor does it in any replay: of the past, and by /resume", arguments: [true, false])
    func replays(_ isGuest: Bool) throws {
        let chat = try ChatFixture()
        let (ana, ben) = (try chat.join("ana", json: true), try chat.join(isGuest ? nil : "ben"))
        let name = isGuest ? "guest2" : "ben"
        try ana.send("/ignore \(name)")
        for number in 0..<5 {
            try ben.send("mine \(number)\n/me does \(number)")
            try ana.send("yours \(number)")
            try chat.settle()
        }
        ana.clear()
        try ana.send("/history 100")
        let history = try ana.newObjects.filter { $0.isReplayed }
        #expect(history.map(\.text) == (0..<5).suffix(history.count).map { "yours \($0)" } && !history.isEmpty)
        try ana.send("/resume lobby \(try chat.epoch(of: "lobby")) 0")
        let resumed = try ana.newObjects.filter { $0.type == "message" || $0.type == "action" }
        #expect(resumed.map(\.text) == (0..<5).map { "yours \($0)" })
    }

    @Test("It goes on under another name")
    func renames() throws {
        let chat = try ChatFixture()
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        try ana.send("/ignore ben")
        _ = try ana.newLines
        try ben.send("/nick carol\nhi\n/nick dora\nhi")
        #expect(try ana.newLines == ["* ben is now carol", "* carol is now dora"])
        try ana.send("/unignore dora")
        #expect(try ana.newLines == ["* you do not ignore dora any more"])
        try ben.send("hi")
        #expect(try ana.newLines == ["dora: hi"])
    }

    @Test("Somebody who takes many names does not use up what another may ignore")
    func manyNames() throws {
        let chat = try ChatFixture()
        let (ana, ben, _) = (try chat.join("ana"), try chat.join("ben"), try chat.join("zoe"))
        try ana.send("/ignore ben")
        _ = try ana.newLines
        try ben.send((0..<1_100).map { "/nick ben\($0)\n" }.joined() + "hi\n/nick ben\nhi\n/nick benjamin\nhi")
        _ = try ana.newLines
        try ana.send("/ignore zoe")
        #expect(try ana.newLines == ["* you ignore zoe"])
        #expect(!ana.client.lines.contains { $0.hasSuffix(": hi") })
        let person = try #require(try chat.chat.person(named: ChatName("ana")))
        #expect(person.ignored.count <= Person.followLimit + 2)
        try ana.send("/unignore benjamin\n/unignore ben")
        #expect(try ana.newLines.allSatisfy { $0.hasSuffix("any more") })
    }

    @Test("A bot can be ignored, live and in replays")
    func bots() throws {
        let chat = try ChatFixture()
        let bot = try ChatName("bot")
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        try ana.send("/ignore Bot")
        _ = try ana.newLines
        #expect(try chat.chat.lobby.say("tea", as: bot))
        #expect(try ben.newLines == ["bot: tea"])
        #expect(try ana.newLines == [])
        try ana.send("/history 5")
        #expect(try ana.newLines == ["* history of lobby:", "* end of history (0)"])
    }

    @Test(
        "What cannot be done is refused",
        arguments: [
            ("/ignore", "this command is /ignore NAME"),
            ("/ignore ANA", "you cannot ignore yourself"),
            ("/ignore a b", "a name has letters, digits, _ and - only, and not a space"),
            ("/unignore", "this command is /unignore NAME"),
            ("/unignore ben", "you do not ignore ben"),
        ])
    func refusals(_ line: String, _ reason: String) throws {
        let chat = try ChatFixture()
        let ana = try chat.join("ana")
        try ana.send(line)
        #expect(try ana.newLines == ["! \(reason)"])
    }
}
