import ChatReactor
import TestSupport
import Testing

/// What people see of each other: who comes, who leaves, and what is said.
struct PeopleTests {
    @Test("A newcomer is a guest, and is welcomed before anything else")
    func welcome() throws {
        let chat = try ChatFixture { $0.messageOfTheDay = ["be kind", "no \u{1B}[31mred"] }
        let one = try chat.join(keepsWelcome: true)
        try chat.settle()
        #expect(one.takeLines() == ["* welcome to tea; you are guest1; 1 online", "* be kind", "* no ^[[31mred"])
        let two = try chat.join(keepsWelcome: true)
        try chat.settle()
        #expect(two.takeLines() == ["* welcome to tea; you are guest2; 2 online", "* be kind", "* no ^[[31mred"])
        #expect(one.takeLines() == ["* guest2 joined (2 online)"])
    }

    @Test("What somebody says reaches all others, with the name, and not the speaker")
    func talk() throws {
        let chat = try ChatFixture()
        let (ana, ben, guest) = (try chat.join("ana"), try chat.join("ben"), try chat.join())
        try ana.send("olá")
        #expect(try ben.newLines == ["ana: olá"])
        #expect(try guest.newLines == ["ana: olá"])
        #expect(try ana.newLines == [])
        try guest.send("/me waves")
        #expect(try ana.newLines == ["guest3: *waves*"])
        try ben.send("//help is a command")
        #expect(try ana.newLines == ["ben: /help is a command"])
    }

    @Test("Nothing is said by an empty line, or by one of spaces")
    func emptyLines() throws {
        let chat = try ChatFixture()
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        try ana.send("\n \n\t\n  x")
        #expect(try ben.newLines == ["ana:   x"])
    }

    @Test("A number is never used twice")
    func numbers() throws {
        let chat = try ChatFixture()
        let one = try chat.join()
        try one.send("/quit")
        try chat.run { one.isGone }
        let two = try chat.join(keepsWelcome: true)
        try chat.settle()
        #expect(two.takeLines() == ["* welcome to tea; you are guest2; 1 online"])
    }

    enum Ending: String, CaseIterable {
        case quit, word, hangUp, reset, longLines, closed
    }

    @Test("Whoever leaves is announced, with the reason", arguments: Ending.allCases)
    func leaving(_ ending: Ending) throws {
        let chat = try ChatFixture(server: { $0.maximumMessageLength = 100 })
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        let reason: String
        switch ending {
        case .quit:
            try ben.send("/quit see you")
            reason = "quit: see you"
        case .word:
            try ben.send("x")
            reason = "quit"
        case .hangUp:
            ben.client.socket.shutDownSending()
            reason = "closed"
        case .reset:
            ben.client.socket.reset()
            ben.client.reads = false
            reason = "closed"
        case .longLines:
            for _ in 0..<3 { try ben.send(String(repeating: "a", count: 101)) }
            reason = "kicked"
        case .closed:
            try #require(try chat.chat.person(named: ChatName("ben"))).connection?.close(reason: .shutdown)
            reason = "shutdown"
        }
        try chat.run { ben.isGone || ending == .reset }
        try chat.run { ana.client.text.contains("left") }
        #expect(try ana.newLines == ["* ben left: \(reason) (1 online)"])
    }

    @Test("More than five who come or leave within a second are counted")
    func crowd() throws {
        let chat = try ChatFixture()
        let ana = try chat.join("ana")
        let began = ContinuousClock.now
        var crowd: [Chatter] = []
        for _ in 0..<30 { crowd.append(try chat.join(keepsWelcome: true)) }
        for chatter in crowd.prefix(20) { chatter.client.socket.hangUp() }
        try chat.run { ana.client.text.hasSuffix("left (11 online)\n") }
        let lines = ana.takeLines()
        let joined = lines.compactMap { $0.firstMatch(of: /^\* (\d+) joined/).flatMap { Int($0.1) } }
        let left = lines.compactMap { $0.firstMatch(of: /(\d+) left \(/).flatMap { Int($0.1) } }
        let told = lines.filter { $0.hasPrefix("* guest") }
        #expect(told.count { $0.contains(" joined (") } + joined.reduce(0, +) == 30)
        #expect(told.count { $0.contains(" left: closed (") } + left.reduce(0, +) == 20)
        let seconds = Int(began.duration(to: .now) / .seconds(1)) + 1
        #expect(told.count <= 5 * seconds)
    }
}
