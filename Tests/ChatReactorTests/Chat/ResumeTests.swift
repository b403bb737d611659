import TestSupport
import Testing

@testable import ChatReactor

/// `/resume`: a program goes on where it was.
struct ResumeTests {
    @Test("Everything after a number is replayed, in order, and goes over into what is live")
    func goesOn() throws {
        let chat = try ChatFixture()
        let ana = try chat.join("ana")
        let bot = try chat.join("bot", json: true)
        for number in 0..<5 { try ana.send("\(number)") }
        let heard = try bot.newObjects
        let epoch = try chat.epoch(of: "lobby")
        let seen = try #require(heard[1].sequence)
        try bot.send("mine")
        let own = try #require(try bot.newObjects.first?.sequence)
        bot.hangUp()
        try ana.send("/me waits\n/topic tea")
        let again = try chat.join(json: true)
        try again.send("/resume lobby \(epoch) \(seen)")
        var objects = try again.newObjects
        try ana.send("live")
        objects += try again.newObjects
        #expect(objects.first?.type == "welcome")
        let end = try #require(objects.firstIndex { $0.type == "history-end" })
        let replayed = objects[1..<end]
        #expect(replayed.allSatisfy { $0.isReplayed && $0.room == "lobby" })
        let records = try chat.conversation(in: "lobby").records
        #expect(replayed.compactMap(\.sequence) == Array(seen + 1...seen + replayed.count))
        #expect(replayed.contains { $0.sequence == own && $0.text == "mine" && $0.from == "bot" })
        #expect(replayed.contains { $0.type == "action" } && replayed.contains { $0.type == "topic" })
        #expect(objects[end]["count"]?.integer == replayed.count)
        let live = objects[(end + 1)...]
        #expect(live.compactMap(\.text) == ["live"] && live.allSatisfy { !$0.isReplayed })
        #expect(live.last?.sequence == Int(records.nextSequence) - 1)
    }

    @Test("From the newest number on nothing is replayed, and nothing is missing")
    func upToDate() throws {
        let chat = try ChatFixture()
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot", json: true))
        try ana.send("hello")
        let newest = try #require(try bot.newObjects.last?.sequence)
        try bot.send("/resume lobby \(try chat.epoch(of: "lobby")) \(newest)")
        let objects = try bot.newObjects
        #expect(objects.map(\.type) == ["welcome", "history-end"] && objects.last?["count"]?.integer == 0)
        try ana.send("more")
        #expect(try bot.newObjects.map(\.text) == ["more"])
    }

    @Test("What is not kept any more is a gap with its exact number")
    func gap() throws {
        let chat = try ChatFixture { $0.lobbySize = 4_096 }
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot", json: true))
        try ana.send("first")
        let seen = try #require(try bot.newObjects.first?.sequence)
        for number in 0..<200 { try ana.send("\(number)") }
        bot.clear()
        _ = try bot.newObjects
        try bot.send("/resume lobby \(try chat.epoch(of: "lobby")) \(seen)")
        let objects = try bot.newObjects
        #expect(objects.prefix(2).map(\.type) == ["welcome", "gap"])
        let missed = try #require(objects[1]["missed"]?.integer)
        #expect(objects[2].sequence == seen + 1 + missed)
        #expect(objects[2].sequence == Int(try chat.conversation(in: "lobby").records.firstSequence))
        #expect(objects.compactMap(\.text).suffix(1) == ["199"])
        // People are told the same in words.
        try ana.send("/resume lobby \(try chat.epoch(of: "lobby")) \(seen)")
        #expect(try ana.newLines.dropFirst().first == "! \(missed) messages are missing here")
    }

    @Test(
        "With another epoch, or a number that is to come, nobody knows how many: all that is kept follows",
        arguments: [true, false])
    func unknown(_ isOtherEpoch: Bool) throws {
        let chat = try ChatFixture()
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot", json: true))
        try ana.send("hello")
        _ = try bot.newObjects
        let epoch = try chat.epoch(of: "lobby")
        let next = try chat.conversation(in: "lobby").records.nextSequence
        for sequence in isOtherEpoch ? [0, 1, UInt64.max] : [next, next + 1, UInt64.max] {
            try bot.send("/resume lobby \(isOtherEpoch ? epoch + 1 : epoch) \(sequence)")
            let objects = try bot.newObjects
            #expect(objects.prefix(2).map(\.type) == ["welcome", "gap"])
            #expect(objects[1]["missed"] == nil)
            #expect(objects[2].sequence == 1)
            #expect(objects.dropLast().last?.sequence == Int(next) - 1 && objects.last?.type == "history-end")
        }
        try ana.send("/resume lobby \(epoch + 1) 0")
        #expect(try ana.newLines.dropFirst().first == "! messages may be missing here")
    }

    @Test("It joins the room; and a room that is gone has another epoch when it is there again")
    func joins() throws {
        let chat = try ChatFixture()
        let bot = try chat.join("bot", json: true)
        try bot.send("/join tea\nhello")
        let welcome = try #require(try bot.newObjects.first)
        let epoch = try #require(welcome["epoch"]?.integer)
        try bot.send("/leave\n/resume tea \(epoch) 1")
        let objects = try bot.newObjects.filter { $0.room == "tea" && $0.type != "leave" }
        #expect(objects.first?.type == "welcome" && objects.first?["epoch"]?.integer != epoch)
        #expect(objects[1].type == "gap" && objects[1]["missed"] == nil)
    }

    @Test(
        "What cannot be done is refused",
        arguments: [
            "/resume", "/resume lobby", "/resume lobby 1", "/resume lobby x 1", "/resume lobby 1 -1",
        ])
    func refusals(_ line: String) throws {
        let chat = try ChatFixture()
        let ana = try chat.join("ana")
        try ana.send(line)
        #expect(try ana.newLines == ["! this command is /resume ROOM EPOCH SEQ [KEY]"])
        try ana.send("/resume a:b 1 1")
        #expect(try ana.newLines == ["! a name has letters, digits, _ and - only, and not :"])
    }
}
