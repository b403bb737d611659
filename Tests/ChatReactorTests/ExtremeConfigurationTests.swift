import ChatReactor
import TestSupport
import Testing

/// No number in a server's configuration ends the process.
struct ExtremeConfigurationTests {
    @Test(arguments: [Int.max, .min, 0])
    func aLineMayBeAnyLength(_ length: Int) throws {
        let fixture = try ServerFixture { $0.maximumMessageLength = length }
        // What is meant is within what a connection allows.
        #expect((1...1 << 30).contains(fixture.server.configuration.maximumMessageLength))
        let (first, second) = (try fixture.join(), try fixture.join())
        try first.send("y\n")
        try fixture.run(until: { second.text == "y\n" })
    }

    @Test func aLogThatNoMemoryCouldHoldIsRefused() throws {
        #expect(throws: ChatServer.StartError.system(.noMemory)) { try ServerFixture { $0.logCapacity = .max } }
    }

    @Test func theSameIsSoInAChat() throws {
        #expect(throws: ChatServer.StartError.system(.noMemory)) { try ChatFixture(server: { $0.logCapacity = .max }) }
    }

    @Test(arguments: [Int.max, .min, 0])
    func aRoomMayBeAnySize(_ size: Int) throws {
        let chat = try ChatFixture { ($0.lobbySize, $0.roomSize) = (size, size) }
        let ana = try chat.join("ana")
        try ana.send("/join tea\nhi")
        #expect(try ana.newLines == ["* you are in tea; 1 online"])
        #expect((1...1 << 30).contains(try chat.chat.configuration.roomSize))
    }

    @Test(arguments: [Duration(attoseconds: .max), Duration(attoseconds: .min)])
    func endingMayTakeAnyTime(_ time: Duration) throws {
        let fixture = try ServerFixture()
        _ = try fixture.join()
        var isDone = false
        fixture.server.shutDown(timeout: time) { isDone = true }
        try fixture.run(until: { isDone })
    }
}
