import ChatReactor
import TestSupport
import Testing

/// In which order and from where `ConnectionHandler` is called.
struct HandlerTests {
    @Test("Opened first, then messages, then closed, exactly once and last")
    func order() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        try member.peer.send("one\n")
        try loop.run(until: "the first message") { !member.handler.texts.isEmpty }
        member.connection.close()
        member.connection.close()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        _ = member.peer.sendAvailable(Array("two\n".utf8))
        try loop.run(for: .milliseconds(20))
        #expect(member.handler.events == [.opened, .received("one"), .closed(.requested)])
    }

    @Test("A connection that never opened, because connecting failed, has its closing alone")
    func neverOpened() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        let deaf = try DeafAddress()
        try loop.connect(to: deaf.address, handler: handler)
        try loop.run(until: "the end") { !handler.events.isEmpty }
        try loop.run(for: .milliseconds(20))
        #expect(handler.events == [.closed(.failed(.connectionRefused))])
    }

    @Test("A closing is told at the end of the turn in which it was asked for")
    func closedAtTheEndOfTheTurn() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        var reasonsAfterClose: [CloseReason]?
        loop.schedule(at: .now) {
            member.connection.close()
            reasonsAfterClose = member.handler.closeReasons
        }
        while reasonsAfterClose == nil { try loop.runOnce(waitingAtMost: patience) }
        #expect(reasonsAfterClose == [])
        #expect(member.handler.closeReasons == [.requested])
    }

    @Test("Nothing is called any more for what comes after the message over which a connection is closed")
    func nothingAfterClose() throws {
        let loop = try EventLoop(configuration: .with { $0.readSize = 4 })
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        member.handler.onMessage = { connection, _ in connection.close() }
        try member.peer.send("one\ntwo\nsix\n")
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        try loop.run(for: .milliseconds(20))
        #expect(member.handler.events == [.opened, .received("one"), .closed(.requested)])
    }

    @Test("One handler may serve any number of connections")
    func oneHandler() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        let peers = try (0..<10).map { _ in
            let (near, peer) = try socketPair()
            try loop.adopt(socket: OwnedDescriptor(takingOver: near), handler: handler)
            return peer
        }
        for (number, peer) in peers.enumerated() { try peer.send("\(number)\n") }
        try loop.run(until: "ten messages") { handler.texts.count >= 10 }
        #expect(Set(handler.connections.map(\.id)).count == 10)
        #expect(handler.texts.sorted() == (0..<10).map { "\($0)" })
    }

    @Test("A handler need not know of more than messages")
    func onlyMessages() throws {
        final class Echo: ConnectionHandler {
            func connection(_ connection: Connection, didReceive lines: borrowing MessageBatch) {
                lines.withWireBytes { bytes in _ = connection.send(bytes) }
            }
        }
        let loop = try EventLoop()
        defer { loop.close() }
        let (near, peer) = try socketPair()
        try loop.adopt(socket: OwnedDescriptor(takingOver: near), handler: Echo())
        try peer.send("one\ntwo\n")
        peer.shutDownSending()
        try loop.run(until: "the end") { peer.hasEnded }
        #expect(peer.text == "one\ntwo\n")
    }

    @Test("None of it is called from within send, finish or close")
    func nothingIsCalledFromWithinSendFinishOrClose() throws {
        for kind in TestConnection.Kind.allCases {
            let wire = try TestConnection(kind)
            // Peer gone, so that each of the calls would have something to tell.
            wire.peer.reset()
            let before = wire.handler.events
            wire.connection.send("hello")
            wire.connection.finish()
            wire.connection.close()
            #expect(wire.handler.events == before)
            _ = try wire.closeReason()
            #expect(wire.handler.events == before + [.closed(.requested)])
        }
    }
}
