import TestSupport
import Testing

@testable import ChatReactor

/// Lines that are too long, and texts that a room does not take.
struct ChatLimitsTests {
    @Test(
        "A line that is too long is discarded, and its sender told; the third within a minute ends it", arguments: [false, true])
    func longLines(_ isJSON: Bool) throws {
        let chat = try ChatFixture(server: { $0.maximumMessageLength = 100 })
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben", json: isJSON))
        let long = String(repeating: "a", count: 101)
        try ben.send(long + "\nshort\n" + long)
        func errors() throws -> [String] {
            isJSON
                ? try ben.newObjects.filter { $0.type == "error" }.compactMap(\.text)
                : try ben.newLines.map { String($0.dropFirst(2)) }
        }
        #expect(try errors() == Array(repeating: "line too long: the limit is 100 bytes", count: 2))
        #expect(try ana.newLines == ["ben: short"])
        try ben.send(long)
        try chat.run { ben.isGone && ana.client.text.contains("left") }
        #expect(
            try errors().prefix(2) == [
                "line too long: the limit is 100 bytes", "goodbye: three lines were too long within a minute",
            ])
        #expect(try ana.newLines == ["* ben left: kicked (1 online)"])
    }

    @Test(
        "The longest line reaches everybody, whatever it is made of",
        arguments: ["\t", "\"", "\\", "\u{1}", "\u{61C}", "\u{FF}", "a"])
    func longestLines(_ letter: String) throws {
        let chat = try ChatFixture { $0.lobbySize = 1 << 20 }
        let (ana, ben, bot) = (try chat.join("ana"), try chat.join("ben"), try chat.join("bot", json: true))
        let count = 65_534 / letter.utf8.count
        try ana.send(String(repeating: letter, count: count) + "z")
        let line = try #require(try ben.newLines.first)
        #expect(line.hasPrefix("ana: ") && line.hasSuffix("z"))
        let object = try #require(try bot.newObjects.first)
        #expect(object.text.map { "ana: " + $0 == line } == true)
        // Bytes that are no UTF-8 become three each.
        try ana.client.send(Array(repeating: 0x80, count: 65_534) + [0x7A, 0x0A])
        let replaced = "ana: " + String(repeating: "\u{FFFD}", count: 65_534) + "z"
        #expect(try ben.newLines == [replaced])
    }

    @Test("The longest line closes nobody to whom it is said alone, nor who comes later")
    func longestLineAlone() throws {
        let chat = try ChatFixture({ $0.lobbySize = 1 << 25 }, server: { $0.maximumMessageLength = 1 << 20 })
        let (ana, ben, bot) = (try chat.join("ana"), try chat.join("ben"), try chat.join("bot", json: true))
        let text = String(repeating: "\u{61C}", count: (1 << 19) - 10)
        for name in ["ben", "bot"] { try ana.send("/msg \(name) \(text)") }
        let length = text.unicodeScalars.count * 7
        try chat.run { ben.client.received.count > length && bot.client.received.count > length + text.unicodeScalars.count }
        for _ in 0..<2 { try ana.send(text) }
        try chat.run { ben.client.received.count > 3 * length }
        let cleo = try chat.join(keepsWelcome: true)
        try chat.run { cleo.isGone || cleo.client.lines.last == "* end of history (2)" }
        #expect(!ana.isGone && !ben.isGone && !bot.isGone && !cleo.isGone)
    }

    @Test("What a room's log does not take is refused, and nobody gets it")
    func tooLongForTheRoom() throws {
        let chat = try ChatFixture { $0.roomSize = 4_096 }
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        for one in [ana, ben] { try one.send("/join tea") }
        _ = try ana.newLines
        ben.clear()
        try ana.send(String(repeating: "a", count: 2_000))
        #expect(try ana.newLines == ["! that is too long for this room"])
        #expect(try ben.newLines == [])
        try ana.send(String(repeating: "a", count: 900))
        #expect(try ben.newLines == ["ana: " + String(repeating: "a", count: 900)])
    }

    @Test("What an embedder says is put down only if every topic takes it")
    func embedder() throws {
        let chat = try ChatFixture { $0.lobbySize = 1 << 26 }
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot", json: true))
        let before = try chat.conversation(in: "lobby").records.nextSequence
        #expect(!chat.server.announce(String(repeating: "a", count: 1 << 22)))
        #expect(try chat.conversation(in: "lobby").records.nextSequence == before)
        #expect(chat.server.announce("tea"))
        #expect(try ana.newLines == ["* tea"])
        #expect(try bot.newObjects.map(\.text) == ["tea"])
    }

    @Test("Who asks without reading is not heard until it reads, and then gets all answers")
    func repliesAreBounded() throws {
        let chat = try ChatFixture()
        let ana = try chat.join("ana", receiveBuffer: 4_096)
        ana.client.reads = false
        let connection = try #require(try chat.chat.people.first?.connection)
        let questions = 20_000
        var unsent = Array(String(repeating: "/help\n", count: questions).utf8)[...]
        for _ in 0..<2_000 {
            unsent = unsent.dropFirst(ana.client.socket.sendAvailable(Array(unsent.prefix(65_536))))
            try chat.fixture.loop.runOnce(waitingAtMost: .zero)
            #expect(connection.pendingOutput < Person.replyLimit + 4_096)
        }
        #expect(connection.isOpen)
    }
}
