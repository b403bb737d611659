import ChatReactor
import Reactor
import TestSupport
import Testing

/// A server that shuts down accepts nobody, sends what waits, and ends every stream.
struct ShutDownTests {
    private static let goodbye = "! goodbye: the server is shutting down"

    @Test func sendsWhatWaits() throws {
        let fixture = try ServerFixture()
        let clients = try fixture.join(3)
        let line = String(repeating: "l", count: 60_000)
        for _ in 0..<5 { fixture.server.announce(line) }
        var completions = 0
        fixture.server.shutDown(timeout: .seconds(3_600)) { completions += 1 }
        #expect(completions == 0)
        try waitUntilRefused(at: .loopback(port: fixture.port))
        try fixture.run(until: { clients.allSatisfy(\.isAtEnd) })
        for client in clients {
            #expect(client.lines == Array(repeating: line, count: 5) + [Self.goodbye])
            client.reads = false
            client.socket.close()
        }
        try fixture.run(until: { completions > 0 })
        #expect(completions == 1)
        #expect(fixture.server.clientCount == 0)
        #expect(fixture.reasons == Dictionary(uniqueKeysWithValues: clients.map { ($0.id, CloseReason.shutdown) }))
    }

    @Test func withoutClientsIsDoneAtOnce() throws {
        let fixture = try ServerFixture()
        var isDone = false
        fixture.server.shutDown(timeout: .seconds(3_600)) { isDone = true }
        #expect(isDone)
    }

    @Test func whoDoesNotReadIsNotWaitedForLongerThanAsked() throws {
        // Were it the policy that closes the client, it would be for another reason.
        let fixture = try ServerFixture { $0.slowClients = .backpressure(stall: .seconds(3_600), grace: .seconds(3_600)) }
        let client = try fixture.join(receiveBuffer: 2_048)
        client.reads = false
        // More than the kernel takes for it.
        while fixture.loop.connection(client.id)?.waitingCount == 0 {
            fixture.server.announce(String(repeating: "l", count: 60_000))
            try fixture.loop.runOnce(waitingAtMost: .zero)
        }
        let start = ContinuousClock.now
        var isDone = false
        fixture.server.shutDown(timeout: .milliseconds(50)) { isDone = true }
        try fixture.run(until: { isDone })
        #expect(start.duration(to: .now) >= .milliseconds(50))
        #expect(fixture.reasons == [client.id: .shutdown])
    }

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
