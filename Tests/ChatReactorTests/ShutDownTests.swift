import ChatReactor
import Reactor
import TestSupport
import Testing

/// A server that shuts down relays nothing more. What else it does: see ServerShutdownTests of the public API.
struct ShutDownTests {
    private static let goodbye = "! goodbye: the server is shutting down"

    @Test func whatClientsStillSayIsRelayedToNobody() throws {
        let fixture = try ServerFixture()
        let clients = try fixture.join(2)
        fixture.server.shutDown(timeout: .seconds(3_600)) {}
        try clients[0].send("too late\n")
        try fixture.run(until: { clients.allSatisfy(\.isAtEnd) })
        #expect(clients.map(\.text) == [Self.goodbye + "\n", Self.goodbye + "\n"])
        #expect(fixture.relayed.isEmpty)
    }
}
