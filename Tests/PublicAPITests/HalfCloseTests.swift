import Reactor
import TestSupport
import Testing

/// A peer that has nothing more to send, as `printf … | nc` has, still gets all that is due to it.
struct HalfCloseTests {
    @Test("End of input with output pending: flush, then close", arguments: TestConnection.Kind.allCases)
    func endOfInputWithOutputPending(_ kind: TestConnection.Kind) throws {
        var options = Connection.Options()
        options.maximumPendingOutput = 1 << 24
        let wire = try TestConnection(kind, options: options, sendBuffer: 4_096, peerReceiveBuffer: 4_096)
        let output = pattern(1_000_000)
        wire.handler.onMessage = { connection, _ in #expect(connection.send(output)) }
        try wire.peer.send("go")
        wire.peer.shutDownSending()
        try wire.loop.run(until: "answered") { !wire.handler.messages.isEmpty }
        #expect(wire.handler.texts == ["go"])
        try wire.loop.settle()
        #expect(wire.connection.pendingOutput > 0, "the buffers are meant to be too small")
        #expect(wire.handler.closeReasons.isEmpty)
        #expect(try wire.drain() == output)
        #expect(try wire.closeReason() == .endOfInput)
    }

    @Test func aHalfClosedPeerDoesNotSpinTheLoop() throws {
        for kind in TestConnection.Kind.allCases {
            var options = Connection.Options()
            options.maximumPendingOutput = 1 << 24
            let wire = try TestConnection(kind, options: options, sendBuffer: 4_096, peerReceiveBuffer: 4_096)
            wire.connection.send(pattern(1_000_000))
            wire.peer.shutDownSending()
            try wire.loop.settle()
            #expect(wire.connection.pendingOutput > 0)
            #expect(try wire.loop.turns(during: .milliseconds(100)) <= 3)
        }
    }

    @Test func theEndAloneClosesAtOnce() throws {
        for kind in TestConnection.Kind.allCases {
            let wire = try TestConnection(kind)
            wire.peer.shutDownSending()
            #expect(try wire.closeReason() == .endOfInput)
            #expect(wire.handler.events == [.opened, .closed(.endOfInput)])
            #expect(try wire.drain().isEmpty)
        }
    }

    @Test func whatIsSentInAnswerToTheTailStillLeaves() throws {
        let wire = try TestConnection(.tcp)
        wire.handler.onMessage = { connection, text in connection.send("you said \(text)\n") }
        try wire.peer.send("one\ntwo")
        wire.peer.shutDownSending()
        #expect(String(decoding: try wire.drain(), as: UTF8.self) == "you said one\nyou said two\n")
    }
}
