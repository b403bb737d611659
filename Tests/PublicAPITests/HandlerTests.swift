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

    @Test("None of it is called from within send, finish or close")
    func neverFromWithin() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let options = Connection.Options.with { $0.maximumPendingOutput = 10 }
        let members = try (0..<4).map { _ in try TestConnection(on: loop, options: options) }
        var (isWithin, calls, callsWithin) = (false, 0, 0)
        for member in members {
            let note: (Connection) -> Void = { _ in
                calls += 1
                if isWithin { callsWithin += 1 }
            }
            (member.handler.onDrain, member.handler.onClose) = (note, note)
        }
        loop.schedule(at: .now) {
            isWithin = true
            members[0].connection.send("a")
            members[1].connection.finish()
            members[2].connection.close()
            // More than may wait.
            members[3].connection.send("0123456789a")
            members[3].connection.send("0123456789a")
            isWithin = false
        }
        try loop.run(until: "three ends") {
            if members[1].peer.hasEnded { members[1].peer.close() }
            return members[1...].allSatisfy { !$0.handler.closeReasons.isEmpty }
        }
        #expect(calls >= 3)
        #expect(callsWithin == 0)
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

    @Test("Nothing is called any more for what comes behind the message over which a connection is closed")
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
                lines.withWireBytes(in: 0..<lines.count) { bytes in _ = connection.send(bytes) }
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
}
