import ChatReactor
import TestSupport
import Testing

/// The server's own lines reach everybody.
struct AnnouncementTests {
    @Test func everybodyGetsIt() throws {
        let fixture = try ServerFixture()
        let clients = try fixture.join(3)
        #expect(fixture.server.announce("to all"))
        #expect(fixture.server.announce(""))
        try fixture.run(until: { clients.allSatisfy { $0.received.count >= 8 } })
        #expect(clients.map(\.text) == Array(repeating: "to all\n\n", count: 3))
    }

    @Test func oneThatIsTooLongForTheLogIsRefused() throws {
        // What is kept for a longest line and a read, a quarter of which is the most that one message may take.
        let fixture = try ServerFixture {
            $0.maximumMessageLength = 65_536
            $0.logCapacity = 1
        }
        let limit = (65_536 + EventLoop.Configuration().readSize) - 1
        let client = try fixture.join()
        #expect(fixture.server.announce(String(repeating: "a", count: limit)))
        #expect(!fixture.server.announce(String(repeating: "b", count: limit + 1)))
        #expect(fixture.server.announce("after"))
        try fixture.run(until: { client.lines.count == 2 })
        #expect(client.lines == [String(repeating: "a", count: limit), "after"])
    }
}
