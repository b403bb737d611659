import ChatReactor
import TestSupport
import Testing

/// What a chat server counts, and what it has now.
struct ServerCountsTests {
    private func clients(_ count: Int, of server: ChatServer, at listener: Listener) throws -> [Peer] {
        try (1...count).map { number in
            let peer = try Peer(to: listener.address)
            try server.loop.run(until: "\(number) clients") { server.clientCount == number }
            return peer
        }
    }

    @Test func relay() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let server = try ChatServer(on: loop)
        #expect(server.counts == ChatServer.Counts() && server.rooms.count == 1)
        let listener = try server.listen(on: .loopback(port: 0))
        let clients = try clients(3, of: server, at: listener)
        // One that nothing refers to any more would leave.
        defer { withExtendedLifetime(clients) {} }
        try clients[0].send("one\ntwo\n")
        try clients[1].send("three\nx\nnobody hears this\n")
        clients[2].reset()
        try loop.run(until: "one is left") { server.clientCount == 1 }
        let counts = server.counts
        #expect(counts.acceptedClients == 3)
        #expect(counts.closedClients[.requested] == 1 && counts.closedClients.values.reduce(0, +) == 2)
        // The quit word, and what came with it, are messages that were received, and not relayed.
        #expect(counts.receivedMessages == 5)
        #expect(counts.deliveries >= 3 && counts.deliveries <= 6)
        #expect(server.furthestLag == 0)
        listener.onAcceptFailure?(.noMemory)
        #expect(server.counts.acceptFailures == 1)
    }

    @Test func rooms() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var configuration = ChatServer.Configuration()
        configuration.chat = Chat.Configuration(name: "tea")
        let server = try ChatServer(on: loop, configuration: configuration)
        let clients = try clients(2, of: server, at: try server.listen(on: .loopback(port: 0)))
        // One that nothing refers to any more would be reset, having unread input.
        defer { withExtendedLifetime(clients) {} }
        // A topic of the lobby for each form, and one of another room. All of them are gone later.
        try clients[1].send("/json\n")
        try clients[0].send("/join kitchen\n/ping\n")
        try loop.run(until: "in two rooms") { clients[0].text.hasSuffix("* pong\n") }
        #expect(server.rooms.map(\.clientCount) == [1, 1])
        let before = server.counts
        #expect(before.receivedMessages == 3)
        try server.chat?.lobby.say("to one", as: ChatName("bot"))
        try server.rooms.last?.say("to another", as: ChatName("bot"))
        #expect(server.counts.deliveries == before.deliveries + 2)
        for client in clients { client.shutDownSending() }
        try loop.run(until: "all gone") { server.clientCount == 0 }
        let after = server.counts
        #expect(after.deliveries >= before.deliveries + 2)
        #expect(server.rooms.map(\.clientCount) == [0])
        #expect(after.closedClients == [.endOfInput: 2])
    }

    @Test func whatASlowClientHasMissed() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var configuration = ChatServer.Configuration()
        configuration.slowClients = .skip
        let server = try ChatServer(on: loop, configuration: configuration)
        let listener = try server.listen(on: .loopback(port: 0))
        let slow = try Peer(to: listener.address, receiveBuffer: 4_096)
        try loop.run(until: "connected") { server.clientCount == 1 }
        let line = String(repeating: "x", count: 60_000)
        try loop.run(until: "skipped") {
            server.announce(line)
            return server.counts.skippedMessages > 0
        }
        #expect(server.counts.skippedMessages == server.room.topic?.skippedMessageCount)
        #expect(server.counts.deliveries == server.room.topic?.messageCount)
        #expect(!slow.hasEnded)
    }

    @Test func everyReasonHasAKindOfItsOwn() {
        let reasons: [CloseReason] = [
            .endOfInput, .requested, .shutdown, .messageTooLong, .malformedMessage, .incompleteMessage, .tooSlow, .outputOverflow,
            .connectTimedOut, .truncated, .handshakeTimedOut, .failed(.connectionReset),
        ]
        #expect(Set(reasons.map(\.kind)).count == reasons.count)
        #expect(CloseReason.failed(.noMemory).kind == CloseReason.failed(.connectionReset).kind)
        for kind in CloseReason.Kind.allCases { #expect(kind.rawValue.wholeMatch(of: #/[a-z_]+/#) != nil) }
    }
}
