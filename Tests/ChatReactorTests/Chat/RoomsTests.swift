import ChatReactor
import TestSupport
import Testing

/// `/join`, `/leave`, `/rooms` and `/who`.
struct RoomsTests {
    @Test("What is said in a room is heard there alone, and a text client is in one room")
    func talk() throws {
        let chat = try ChatFixture()
        let (ana, ben, zoe) = (try chat.join("ana"), try chat.join("ben"), try chat.join("zoe"))
        try ana.send("/join #Tea")
        #expect(try ana.newLines == ["* you are in Tea; 1 online"])
        #expect(try ben.newLines == ["* ana left: moved (2 online)"])
        try ben.send("/join tea")
        #expect(try ben.newLines == ["* you are in Tea; 2 online"])
        #expect(try ana.newLines == ["* ben joined (2 online)"])
        _ = try zoe.newLines
        try ana.send("hi")
        #expect(try ben.newLines == ["ana: hi"])
        try zoe.send("hello?")
        #expect(try ben.newLines == [])
        #expect(try zoe.newLines == [])
        try ana.send("/leave")
        #expect(try ana.newLines.first == "* you are in lobby; 2 online")
        #expect(ben.takeLines() == ["* ana left: moved (1 online)"])
    }

    @Test("A program in several rooms is told once that the server shuts down")
    func goodbye() throws {
        let chat = try ChatFixture()
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot", json: true))
        try bot.send("/join tea\n/join cups")
        try chat.settle()
        bot.clear()
        chat.server.shutDown(timeout: .seconds(5)) {}
        try chat.run { ana.isGone && bot.isGone }
        #expect(try bot.takeObjects().filter { $0.type == "error" }.map(\.text) == ["goodbye: the server is shutting down"])
        #expect(ana.takeLines().last == "! goodbye: the server is shutting down")
    }

    @Test("A room is gone, with its history, when the last one has left it")
    func emptyRooms() throws {
        let chat = try ChatFixture()
        let ana = try chat.join("ana")
        try ana.send("/join tea\nhello\n/leave\n/rooms")
        #expect(try ana.newLines.last == "* lobby (1 online)")
        try ana.send("/join tea")
        #expect(try ana.newLines == ["* you are in tea; 1 online"])
    }

    @Test("The rooms and the people are listed")
    func lists() throws {
        let chat = try ChatFixture()
        let (ana, ben, zoe) = (try chat.join("ana"), try chat.join("ben"), try chat.join("zoe"))
        for other in [ben, zoe] { try other.send("/join tea") }
        _ = try ana.newLines
        try ana.send("/rooms\n/who\n/who TEA\n/who #tea")
        #expect(
            try ana.newLines == [
                "* tea (2 online)", "* lobby (1 online)", "* in lobby: ana", "* in tea: ben, zoe", "* in tea: ben, zoe",
            ])
    }

    @Test(
        "What cannot be done is refused",
        arguments: [
            ("/join", "this command is /join ROOM [KEY]"),
            ("/join lobby", "you are in lobby already"),
            ("/join a:b", "a name has letters, digits, _ and - only, and not :"),
            ("/join \u{FF54}ea", "a name cannot have U+FF54, which looks like another character"),
            ("/leave", "you are in the lobby; /quit leaves the server"),
            ("/who nowhere", "there is no room nowhere"),
            ("/who [", "a name has letters, digits, _ and - only, and not ["),
        ])
    func refusals(_ line: String, _ reason: String) throws {
        let chat = try ChatFixture()
        let ana = try chat.join("ana")
        try ana.send(line)
        #expect(try ana.newLines == ["! \(reason)"])
    }

    @Test("There are only so many rooms")
    func limit() throws {
        let chat = try ChatFixture { $0.maximumRooms = 2 }
        let (ana, ben, zoe) = (try chat.join("ana"), try chat.join("ben"), try chat.join("zoe"))
        try ana.send("/join one")
        try ben.send("/join two")
        _ = try ben.newLines
        zoe.clear()
        try zoe.send("/join three")
        #expect(try zoe.newLines == ["! there are too many rooms already"])
        try zoe.send("/join one")
        #expect(try zoe.newLines == ["* you are in one; 2 online"])
        // The one that is left makes room for another.
        try ben.send("/join three")
        #expect(try ben.newLines == ["! there are too many rooms already"])
        try ben.send("/leave\n/join three")
        #expect(try ben.newLines.last == "* you are in three; 1 online")
    }

    @Test("A program is in up to twenty rooms, and speaks to the last one that it has entered or named")
    func programs() throws {
        let chat = try ChatFixture()
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot", json: true))
        for number in 1..<20 { try bot.send("/join room\(number)") }
        let objects = try bot.newObjects
        #expect(objects.filter { $0.type == "welcome" }.map(\.room) == (1..<20).map { "room\($0)" })
        try bot.send("/join room20")
        #expect(try bot.newObjects.map(\.text) == ["you are in 20 rooms already"])
        try ana.send("hello")
        let heard = try bot.newObjects
        #expect(heard.map(\.room) == ["lobby"] && heard.map(\.text) == ["hello"])
        try ana.send("/join room7")
        _ = try ana.newLines
        #expect(try bot.newObjects.map(\.type) == ["leave", "join"])
        try bot.send("hi\n/join room7\nhi, ana")
        let answers = try bot.newObjects
        #expect(answers.map(\.type) == ["sent", "welcome", "sent"])
        #expect(answers.map(\.room) == ["room19", "room7", "room7"])
        #expect(try ana.newLines == ["bot: hi, ana"])
        try bot.send("/leave")
        let left = try bot.newObjects
        #expect(left.map(\.type) == ["welcome"])
        #expect(left.map(\.room) == ["room19"])
        try bot.send("/join lobby")
        #expect(try bot.newObjects.map(\.type) == ["welcome"])
    }
}
