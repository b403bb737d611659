import ChatReactor
import Glibc
import TestSupport
import Testing

/// A connection is closed once, at the end of the turn, and its handler is called once, however often `close` was called.
struct ClosingTests {
    @Test func closingIsIdempotentAndTheFirstReasonCounts() throws {
        let wire = try TestConnection()
        wire.connection.close(reason: .tooSlow)
        wire.connection.close()
        wire.connection.finish()
        #expect(wire.handler.closeReasons.isEmpty, "nothing is called from within close")
        #expect(!wire.connection.isOpen)
        #expect(!wire.connection.send("too late"))
        try wire.loop.runOnce(waitingAtMost: .zero)
        wire.connection.close(reason: .shutdown)
        try wire.loop.settle()
        #expect(wire.handler.events == [.opened, .closed(.tooSlow)])
        #expect(try wire.drain().isEmpty)
    }

    @Test func closingInTheMidstOfABatchIsToldOnce() throws {
        let wire = try TestConnection()
        wire.handler.onMessage = { connection, _ in
            connection.close()
            connection.close(reason: .tooSlow)
        }
        try wire.peer.send("one\n")
        wire.peer.shutDownSending()
        #expect(try wire.closeReason() == .requested)
        try wire.loop.settle()
        #expect(wire.handler.events == [.opened, .received("one"), .closed(.requested)])
    }

    @Test func closingFromCloseHandlersReachesEveryone() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        let peers = try (0..<5).map { _ in
            let (mine, peer) = try socketPair()
            try loop.adopt(socket: OwnedDescriptor(takingOver: mine), handler: handler)
            return peer
        }
        handler.onClose = { _ in handler.connections.first?.close() }
        peers[2].close()
        try loop.run(until: "all closed") { handler.closeReasons.count == 5 }
        #expect(handler.connections.isEmpty)
    }

    @Test func aConnectionThatIsClosedAsItOpensIsToldSo() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        handler.onOpen = { $0.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let client = try Peer(port: try #require(listener.address.port))
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(handler.events == [.opened, .closed(.requested)])
        #expect(client.receiveAvailable() == nil)
    }

    @Test func aClosedConnectionAnswersWithoutADescriptor() throws {
        let wire = try TestConnection(.tcp)
        #expect(wire.connection.remoteAddress != nil)
        #expect(wire.connection.localAddress != nil)
        wire.connection.close()
        _ = try wire.closeReason()
        #expect(wire.connection.remoteAddress == nil)
        #expect(wire.connection.localAddress == nil)
        wire.connection.pauseReading()
        wire.connection.resumeReading()
    }
}
