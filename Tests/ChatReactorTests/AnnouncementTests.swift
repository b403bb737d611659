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
        let fixture = try ServerFixture {
            $0.maximumLineLength = 1_023
            $0.logCapacity = 4_096
        }
        let client = try fixture.join()
        #expect(fixture.server.announce(String(repeating: "a", count: 1_023)))
        #expect(!fixture.server.announce(String(repeating: "b", count: 1_024)))
        #expect(fixture.server.announce("after"))
        try fixture.run(until: { client.lines.count == 2 })
        #expect(client.lines == [String(repeating: "a", count: 1_023), "after"])
    }
}
