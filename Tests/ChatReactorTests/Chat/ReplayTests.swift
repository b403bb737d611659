import Glibc
import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// What somebody is sent of a room's past, and how that goes over into what is live.
struct ReplayTests {
    @Test("A newcomer gets the last messages, with their times, and then the end of them")
    func newcomers() throws {
        let chat = try ChatFixture { $0.history = 3 }
        let ana = try chat.join("ana")
        try ana.send("one\ntwo\n/me waves\n/topic tea\n/nick anna\nthree")
        try chat.settle()
        let ben = try chat.join(keepsWelcome: true)
        try chat.settle()
        let lines = ben.takeLines()
        #expect(lines.first == "* welcome to tea; you are guest2; 2 online")
        let time = #/\[\d\d:\d\d\] /#
        #expect(
            lines.dropFirst().map { $0.replacing(time, with: "[time] ") } == [
                "* the topic is: tea", "[time] ana: two", "[time] ana: *waves*", "[time] anna: three", "* end of history (3)",
            ])
    }

    @Test("Where there is no history, nothing is said of it", arguments: [0, 20])
    func noHistory(_ count: Int) throws {
        let chat = try ChatFixture { $0.history = count }
        let ana = try chat.join("ana")
        if count == 0 { try ana.send("hello") }
        try chat.settle()
        let ben = try chat.join(keepsWelcome: true)
        try chat.settle()
        #expect(ben.takeLines() == ["* welcome to tea; you are guest2; 2 online"])
    }

    @Test("What was said on another day has its date")
    func dates() throws {
        let chat = try ChatFixture()
        let records = try chat.conversation(in: "lobby").records
        // At noon, so that it is the same day in every zone that the test may run in.
        records.append(.message, from: "ana", text: "long ago", time: 1_000_000_000_000 / 86_400_000 * 86_400_000 + 43_200_000)
        let ben = try chat.join(keepsWelcome: true)
        try chat.settle()
        let line = ben.takeLines()[1]
        #expect(line.wholeMatch(of: #/\[2001-09-\d\d \d\d:\d\d\] ana: long ago/#) != nil, "\(line)")
    }

    @Test("/history shows the last messages of the room, and what is live goes on")
    func asked() throws {
        let chat = try ChatFixture()
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        for number in 0..<30 { try ana.send("\(number)") }
        ben.clear()
        _ = try ben.newLines
        try ben.send("/history 2\nthanks")
        let lines = try ben.newLines
        #expect(
            lines.map { String($0.drop { $0 != " " }) } == [" history of lobby:", " ana: 28", " ana: 29", " end of history (2)"])
        #expect(ana.takeLines().last == "ben: thanks")
        for line in ["/history", "/history 0", "/history -1", "/history many"] {
            try ben.send(line)
            #expect(try ben.newLines == ["! this command is /history N"])
        }
    }

    @Test("A history that was asked for ends, also if there is none: who has asked need not wait longer")
    func noneIsThere() throws {
        let chat = try ChatFixture()
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot", json: true))
        try ana.send("/history 5")
        #expect(try ana.newLines == ["* history of lobby:", "* end of history (0)"])
        try bot.send("/history 5")
        let objects = try bot.newObjects
        #expect(objects.map(\.type) == ["notice", "history-end"] && objects.last?["count"]?.integer == 0)
    }

    /// Those who take slowly get what they get in pieces of a few kilobytes.
    private func makeSlow(_ chat: ChatFixture) throws {
        try chat.chat.onAdmission { person in
            person.connection?.rawDescriptor.setOption(SOL_SOCKET, SO_SNDBUF, 4_096)
            return .admit
        }
    }

    private func fill(_ chat: ChatFixture, _ numbers: Range<Int>) throws {
        for number in numbers { say(number, in: try chat.conversation(in: "lobby")) }
    }

    private func say(_ number: Int, in conversation: Conversation) {
        let text = String(number) + String(repeating: ".", count: 200)
        conversation.publish(.message, from: "ana", text.utf8.span)
    }

    /// The number of a line of history or of a live one; nil if it is neither.
    private func number(of line: String) -> Int? {
        line.firstMatch(of: #/ana: (\d+)\.+$/#).flatMap { Int($0.1) }
    }

    @Test("While a slow reader gets a history, the others talk: it gets all of it, once, in order, and no sooner than it reads")
    func pacedWithoutGap() throws {
        let chat = try ChatFixture { $0.history = 10_000 }
        try makeSlow(chat)
        try fill(chat, 0..<2_000)
        let ben = try chat.join(keepsWelcome: true, receiveBuffer: 4_096)
        ben.client.reads = false
        let conversation = try chat.conversation(in: "lobby")
        let connection = try #require(try chat.chat.people.first?.connection)
        var next = 2_000
        while next < 3_000 {
            for _ in 0..<10 {
                say(next, in: conversation)
                next += 1
            }
            ben.client.socket.read(atMost: 3_000)
            try chat.fixture.loop.runOnce(waitingAtMost: .zero)
            #expect(connection.pendingOutput <= Replay.pieceLength + 1_024, "a history waits in pieces")
        }
        ben.client.reads = true
        try chat.run { ben.client.socket.ends(in: "ana: 2999" + String(repeating: ".", count: 200) + "\n") }
        let lines = ben.takeLines()
        #expect(lines.compactMap(number) == Array(0..<3_000))
        let end = try #require(lines.firstIndex(of: "* end of history (2000)"))
        let history = lines[..<end].filter { $0.hasPrefix("[") }
        #expect(history.count == 2_000)
        #expect(lines[(end + 1)...].allSatisfy { $0.hasPrefix("ana: ") } && lines.count - end - 1 == 1_000)
    }

    @Test(
        "What is overwritten while a slow reader gets a history is counted exactly, where it is missing",
        arguments: [false, true])
    func overwritten(_ isJSON: Bool) throws {
        let chat = try ChatFixture {
            $0.history = 10_000
            $0.lobbySize = 65_536
        }
        try makeSlow(chat)
        let ben = try chat.join(json: isJSON, receiveBuffer: 4_096)
        try fill(chat, 0..<300)
        func last(_ number: Int) -> String { String(number) + String(repeating: ".", count: 200) + (isJSON ? "\"}\n" : "\n") }
        try chat.run { ben.client.socket.ends(in: last(299)) }
        ben.clear()
        let first = try chat.conversation(in: "lobby").records.firstSequence
        // Another room, so that the whole history of this one is replayed on the way back.
        try ben.send(isJSON ? "/join tea\n/resume lobby \(try chat.epoch(of: "lobby")) \(first - 1)" : "/join tea\n/join lobby")
        ben.client.reads = false
        let connection = try #require(try chat.chat.people.first?.connection)
        try chat.fixture.loop.run { connection.isBlocked }
        try fill(chat, 300..<1_300)
        ben.client.reads = true
        try chat.run { ben.client.socket.ends(in: last(1_299)) }
        if isJSON {
            try checkGaps(try ben.takeObjects().filter { $0.room == "lobby" })
        } else {
            checkGaps(ben.takeLines())
        }
    }

    private func checkGaps(_ lines: [String]) {
        var expected: Int?
        var gaps = 0
        for line in lines {
            if let missed = line.firstMatch(of: #/^! (\d+) messages are missing here$/#).flatMap({ Int($0.1) }) {
                gaps += 1
                // The two others are ben's, who left and came.
                expected = expected.map { $0 + missed }
            } else if let number = number(of: line) {
                if let expected {
                    #expect(number == expected || gaps > 0 && (expected - 2...expected).contains(number), "\(line)")
                }
                expected = number + 1
            }
        }
        #expect(gaps == 1)
    }

    private func checkGaps(_ objects: [JSONValue]) throws {
        var expected: Int?
        var missed = 0
        for object in objects {
            if object.type == "gap" {
                missed = try #require(object["missed"]?.integer)
            } else if let sequence = object.sequence, object.type == "message" || object.type == "leave" || object.type == "join"
            {
                if let expected { #expect(sequence == expected + missed, "\(object)") }
                expected = sequence + 1
                missed = 0
            }
        }
        #expect(objects.count { $0.type == "gap" } == 1)
        #expect(objects.last { $0.type == "message" }?.text?.hasPrefix("1299.") == true)
    }

    /// Somebody who listens, and somebody who has come and reads no more of the history that it is being told.
    private func joinAmidHistory() throws -> (chat: ChatFixture, ana: Chatter, ben: Chatter, person: Person) {
        let chat = try ChatFixture { $0.history = 10_000 }
        try makeSlow(chat)
        try fill(chat, 0..<2_000)
        let ana = try chat.join("ana")
        let ben = try chat.join(keepsWelcome: true, receiveBuffer: 4_096)
        ben.client.reads = false
        ana.clear()
        let person = try #require(try chat.chat.people.first { $0.number == 2 })
        try chat.fixture.loop.run { person.connection?.isBlocked == true }
        return (chat, ana, ben, person)
    }

    @Test("Who leaves in the midst of a history gets no more of it, and nobody waits for it")
    func leaving() throws {
        let (chat, ana, ben, person) = try joinAmidHistory()
        try chat.chat.kick(person, reason: "enough")
        #expect(try ana.newLines.last == "* guest2 left: kicked (1 online)")
        ben.client.reads = true
        try chat.run { ben.isGone }
        #expect(ben.takeLines().last == "! kicked: enough")
        try ana.send("hello")
        #expect(try ana.newLines == [])
    }

    @Test(
        "Who breaks off amid a history is closed at once, whatever it has said meanwhile, and that is heard",
        arguments: ["", "hel", "hello\n", "hello\n/join cake\nis there tea?\n/history 100\nbye\n"], [false, true])
    func breakingOff(words: String, isReset: Bool) throws {
        let (chat, ana, ben, person) = try joinAmidHistory()
        let connection = try #require(person.connection)
        try ben.client.socket.send(words)
        if isReset { ben.client.socket.reset() } else { ben.client.socket.close() }
        let begin = ContinuousClock.now
        try chat.run { !connection.isOpen }
        // Far less than the time that the rest of what it was sent has to leave.
        #expect(begin.duration(to: .now) < .seconds(10))
        let lines = try ana.newLines
        #expect(try chat.chat.people.count == 1)
        // What it has said is heard, also a line that it has not finished. In another room nobody else hears it.
        let said = words.split(separator: "\n").prefix(1).map { "guest2: \($0)" }
        #expect(lines.filter { $0.hasPrefix("guest2: ") } == said)
    }

    @Test("Of whoever breaks off, each line is heard that came behind the one that has asked for a history, and each alone")
    func breakingOffBehindCommands() throws {
        let chat = try ChatFixture()
        try makeSlow(chat)
        try fill(chat, 0..<2_000)
        let (ana, ben) = (try chat.join("ana"), try chat.join(receiveBuffer: 4_096))
        ben.client.reads = false
        let connection = try #require(try chat.chat.people.first { $0.number == 2 }?.connection)
        try ben.client.socket.send("/history 10000\nhello\n/history 10000\nbye\nand")
        try chat.fixture.loop.run { connection.isBlocked }
        ben.client.socket.reset()
        try chat.fixture.loop.run { !connection.isOpen }
        #expect(try ana.newLines.filter { $0.hasPrefix("guest2: ") } == ["guest2: hello", "guest2: bye", "guest2: and"])
    }

    @Test("What everybody is told reaches also those who are being sent a history")
    func toldMeanwhile() throws {
        let chat = try ChatFixture { $0.history = 10_000 }
        try makeSlow(chat)
        try fill(chat, 0..<1_000)
        let ben = try chat.join(keepsWelcome: true, receiveBuffer: 4_096)
        ben.client.reads = false
        let connection = try #require(try chat.chat.people.first?.connection)
        try chat.fixture.loop.run { connection.isBlocked }
        chat.server.shutDown(timeout: .seconds(30)) {}
        ben.client.reads = true
        try chat.run { ben.isGone }
        #expect(ben.takeLines().last == "! goodbye: the server is shutting down")
    }
}
