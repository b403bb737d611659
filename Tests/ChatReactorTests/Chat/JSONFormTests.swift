import Glibc
import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// `/json`: a program gets objects alone, and everything that lines would have told it.
struct JSONFormTests {
    @Test("After /json there are only objects, also if it comes in the midst of a history; what was said before is not lost")
    func switching() throws {
        let chat = try ChatFixture { $0.history = 10_000 }
        let conversation = try chat.conversation(in: "lobby")
        for number in 0..<500 { conversation.publish(.message, from: "ana", "\(number)".utf8.span) }
        let bot = try chat.join(keepsWelcome: true, receiveBuffer: 4_096)
        // Before anything of the history can have been read.
        try bot.send("/json\nhello\n")
        for number in 500..<700 {
            conversation.publish(.message, from: "ana", "\(number)".utf8.span)
            if number % 10 == 0 { try chat.fixture.loop.runOnce(waitingAtMost: .zero) }
        }
        try chat.settle()
        let lines = bot.takeLines()
        let first = try #require(lines.firstIndex { $0.hasPrefix("{") })
        let objects = try lines[first...].map { try ChatProtocol.object($0) }
        #expect(objects.first?.type == "welcome")
        let told = lines[..<first].compactMap { $0.firstMatch(of: #/ana: (\d+)$/#).flatMap { Int($0.1) } }
        let heard = objects.filter { $0.type == "message" }.compactMap { $0.text.flatMap { Int($0) } }
        #expect(told + heard == Array(0..<700))
        #expect(lines[..<first].contains("* end of history (500)"))
    }

    @Test("A line that others say in the same turn as /json is not lost")
    func sameTurn() throws {
        let chat = try ChatFixture()
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot"))
        for number in 0..<20 {
            // Both are read in one turn, in whichever order.
            try ana.send("\(number)")
            try bot.send(number == 10 ? "/json" : "/ping")
        }
        try chat.settle()
        let lines = bot.takeLines()
        let numbers = lines.compactMap { line in
            line.hasPrefix("{")
                ? (try? JSONValue(line))?.text.flatMap { Int($0) } : line.firstMatch(of: #/^ana: (\d+)$/#).flatMap { Int($0.1) }
        }
        #expect(numbers == Array(0..<20))
    }

    @Test("More than may be copied for one who does not read is a gap, and not lost in silence")
    func tooMuchToCopy() throws {
        let chat = try ChatFixture()
        try chat.chat.onAdmission { person in
            person.connection?.rawDescriptor.setOption(SOL_SOCKET, SO_SNDBUF, 4_096)
            return .admit
        }
        let bot = try chat.join("bot", receiveBuffer: 4_096)
        let conversation = try chat.conversation(in: "lobby")
        bot.client.reads = false
        let text = String(repeating: "a", count: 1_000)
        for _ in 0..<300 { conversation.publish(.message, from: "ana", text.utf8.span) }
        try bot.send("/json")
        let person = try #require(try chat.chat.people.first)
        try chat.fixture.loop.run { person.form == .json }
        bot.client.reads = true
        let objects = try bot.newLines.filter { $0.hasPrefix("{") }.map { try ChatProtocol.object($0) }
        #expect(objects.map(\.type) == ["welcome", "gap"])
        conversation.publish(.message, from: "ana", "live".utf8.span)
        #expect(try bot.newObjects.map(\.text) == ["live"])
    }

    @Test("A program hears of what it has said, and where it is")
    func sent() throws {
        let chat = try ChatFixture()
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot", json: true))
        let records = try chat.conversation(in: "lobby").records
        try bot.send("hello\n/me waves\n//json")
        let objects = try bot.newObjects
        #expect(objects.map(\.type) == ["sent", "sent", "sent"])
        let last = Int(records.nextSequence)
        #expect(objects.map(\.sequence) == [last - 3, last - 2, last - 1])
        #expect(try ana.newLines == ["bot: hello", "bot: *waves*", "bot: /json"])
        try bot.send("/json")
        #expect(try bot.newObjects.map(\.text) == ["this is JSON already"])
    }

    @Test("The quit word is a word for a program")
    func quitWord() throws {
        let chat = try ChatFixture()
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot", json: true))
        try bot.send("x")
        #expect(try ana.newLines == ["bot: x"])
        try bot.send("/quit")
        try chat.run { bot.isGone }
        #expect(try ana.newLines == ["* bot left: quit (1 online)"])
        #expect(try bot.takeObjects().map(\.type) == ["sent"])
    }

    @Test("What is said comes as it was said, whatever JSON makes of it")
    func escaping() throws {
        let chat = try ChatFixture()
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot", json: true))
        let texts = [
            #"" \ / {"type":"error"}"#, "a\tb", #"\u0000 \n"#, "👨‍👩‍👧 é e\u{301} שלום", "\u{FEFF}x\u{200D}y", #"","from":"server"#,
        ]
        for text in texts { try ana.send(text.hasPrefix("/") ? "/" + text : text) }
        let objects = try bot.newObjects
        #expect(objects.map(\.text) == texts)
        #expect(objects.allSatisfy { $0.from == "ana" && $0.type == "message" })
    }

    /// Everything that a program can be told, by what brings it about.
    @Test("Every kind of object is as the schema says")
    func kinds() throws {
        let chat = try ChatFixture()
        var seen: Set<String> = []
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot", json: true))
        func take() throws {
            for object in try bot.newObjects {
                let type = try #require(object.type)
                let name =
                    switch type {
                    case "sent": object.room == nil ? "sent-privately" : type
                    case "notice": object.sequence == nil ? "told" : type
                    default: type
                    }
                let definition = try #require(try ChatProtocol.schema.get().definitions[name], "\(name)")
                #expect(definition["properties"]?["type"]?["const"] == .string(type))
                seen.insert(name)
            }
        }
        try ana.send("hello\n/me waves\n/topic tea\n/nick anna\n/msg bot hi\n/join tea")
        try bot.send("hello\n/msg anna hi\n/nick robot\n/ignore zoe\n/jion\n/who\n/rooms\n/history 5\n/join tea\n/leave")
        try take()
        try ana.send("/leave")
        chat.server.announce("tea is ready")
        try bot.send("/resume lobby 1 1")
        try take()
        try bot.send("/join tea")
        try take()
        try chat.chat.close(try #require(try chat.chat.room(named: ChatName("tea"))))
        try take()
        let cleo = try chat.join("cleo")
        try cleo.send("/join attic key\n/invite robot")
        _ = try cleo.newLines
        try take()
        try chat.chat.loginRules.isRequired = true
        let newcomer = try chat.join()
        try newcomer.send("/json")
        #expect(try newcomer.newObjects.map(\.type) == ["login"])
        seen.insert("login")
        // A pong is taken off by what waits for it.
        try bot.send("/ping")
        try chat.run { bot.client.lines.last?.hasPrefix(#"{"type":"pong""#) == true }
        let pong = try ChatProtocol.object(try #require(bot.client.lines.last))
        if pong.type == "pong" { seen.insert("pong") }
        let all = try ChatProtocol.schema.get().definitions.filter { $0.value["properties"] != nil }.keys
        #expect(seen.symmetricDifference(all).isEmpty)
    }
}
