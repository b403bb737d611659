import ChatReactor
import Reactor
import TestSupport
import Testing

/// Callers of a listener with a transport count from when they are accepted, and are clients once their handshake is complete.
struct HandshakeLimitsTests {
    private func server(_ loop: EventLoop, _ rules: AccessRules) throws -> (ChatServer, UInt16) {
        var configuration = ChatServer.Configuration()
        configuration.access = rules
        let server = try ChatServer(on: loop, configuration: configuration)
        let address = try server.listen(on: .loopback(port: 0), transport: ToyTransport.options().transport).address
        return (server, try #require(address.port))
    }

    private func rules(_ change: (inout AccessRules) -> Void) -> AccessRules {
        var rules = AccessRules()
        change(&rules)
        return rules
    }

    @Test("They count towards all limits, and no more when they have gone", arguments: [false, true])
    func counted(isPerAddress: Bool) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (server, port) = try server(
            loop, rules { if isPerAddress { $0.maximumPerAddress = 2 } else { $0.maximumConnections = 2 } })
        let (silent, slow) = (try Peer(port: port), try Peer(port: port))
        try loop.settle()
        #expect(server.clientCount == 0)
        let refused = try Peer(port: port)
        // It is told nothing: whatever it was would look like a broken handshake.
        try loop.run(until: "refused") { refused.hasEnded || refused.failure != nil }
        #expect(refused.bytes == [])
        #expect(server.counts.refusals.values.reduce(0, +) == 1)

        // One of them becomes a client, and counts once.
        try slow.send(ToyTransport.clientGreeting)
        try loop.run(until: "a client") { server.clientCount == 1 }
        silent.close()
        try loop.run(until: "gone") { server.counts.failedHandshakes == 1 }
        let next = try Peer(port: port)
        try next.send(ToyTransport.clientGreeting)
        try loop.run(until: "two clients") { server.clientCount == 2 }
        slow.close()
        next.close()
        try loop.run(until: "none") { server.clientCount == 0 }
        #expect(server.counts.acceptedClients == 2)
        withExtendedLifetime(server) {}
    }

    @Test("What one says reaches those who come without a transport, and the other way round")
    func mixed() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (server, port) = try server(loop, AccessRules())
        let plainPort = try #require(server.listen(on: .loopback(port: 0)).address.port)
        let (plain, sealed) = (try Peer(port: plainPort), try Peer(port: port))
        try sealed.send(ToyTransport.clientGreeting)
        try loop.run(until: "both") { server.clientCount == 2 }
        try sealed.send(ToyTransport.record("from one\n".utf8))
        try loop.run(until: "heard") { plain.text == "from one\n" }
        try plain.send("from the other\n")
        let greeting = ToyTransport.serverGreeting(7).count
        try loop.run(until: "heard, too") {
            ToyTransport.plaintext(of: Array(sealed.bytes.dropFirst(greeting))) == Array("from the other\n".utf8)
        }
        withExtendedLifetime(server) {}
    }
}
