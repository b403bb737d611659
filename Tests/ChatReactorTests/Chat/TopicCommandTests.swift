import ChatReactor
import TestSupport
import Testing

/// `/topic`: what the people in a room talk about.
struct TopicCommandTests {
    @Test("It is set, shown to those who ask and to those who come, and removed")
    func topic() throws {
        let chat = try ChatFixture()
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        try ana.send("/topic")
        #expect(try ana.newLines == ["* lobby has no topic"])
        try ana.send("/topic green  tea")
        #expect(try ana.newLines == ["* the topic is: green  tea"])
        #expect(ben.takeLines() == ["* ana set the topic: green  tea"])
        try ben.send("/topic")
        #expect(try ben.newLines == ["* the topic is: green  tea"])
        let zoe = try chat.join(keepsWelcome: true)
        try chat.settle()
        #expect(zoe.takeLines() == ["* welcome to tea; you are guest3; 3 online", "* the topic is: green  tea"])
        ben.clear()
        try ana.send("/topic -")
        #expect(try ben.newLines == ["* ana removed the topic"])
        #expect(ana.takeLines().last == "* the topic is removed")
        try ben.send("/topic")
        #expect(try ben.newLines == ["* lobby has no topic"])
    }

    @Test("Nobody hears that a topic is removed that there was not")
    func none() throws {
        let chat = try ChatFixture()
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        try ana.send("/topic -")
        #expect(try ana.newLines == ["* lobby has no topic"])
        #expect(try ben.newLines == [])
    }

    @Test("Programs are told, and told that they have set it")
    func programs() throws {
        let chat = try ChatFixture()
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot", json: true))
        try ana.send("/topic \"tea\"")
        let topic = try #require(try bot.newObjects.first)
        #expect([topic.type, topic.from, topic.room, topic.text] == ["topic", "ana", "lobby", "\"tea\""])
        try bot.send("/topic -")
        #expect(try bot.newObjects.map(\.type) == ["sent", "notice"])
        try ana.send("/topic cups\n/topic -")
        #expect(try bot.newObjects.map(\.text) == ["cups", ""])
    }

    /// IRC clients get it in one message.
    @Test("One that is longer than 300 bytes is refused")
    func limit() throws {
        let chat = try ChatFixture()
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        for topic in [String(repeating: "a", count: 301), "a" + String(repeating: "\u{301}", count: 2_000)] {
            try ana.send("/topic \(topic)")
            #expect(try ana.newLines == ["! a topic has at most 300 bytes"])
        }
        #expect(try ben.newLines == [])
        let longest = String(repeating: "é", count: 150)
        try ana.send("/topic \(longest)")
        #expect(try ben.newLines == ["* ana set the topic: \(longest)"])
    }
}
