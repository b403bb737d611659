import ChatReactor
import Reactor
import TestSupport
import Testing

/// The quit word closes its sender's connection and is relayed to nobody.
struct QuitWordTests {
    /// Waits until the server ends the stream, ends it on this side, and returns what the others have got.
    private func farewell(_ fixture: ServerFixture, _ leaving: Client, _ staying: Client) throws -> String {
        try fixture.run(until: { leaving.isAtEnd })
        leaving.socket.close()
        leaving.reads = false
        try fixture.run(until: { fixture.reasons[leaving.id] != nil })
        try fixture.settle()
        #expect(fixture.reasons == [leaving.id: .requested])
        #expect(fixture.server.clientCount == 1)
        return staying.text
    }

    @Test(arguments: [
        ("x\n", ""),
        ("x\r\n", ""),
        // Without a newline, as the simplest of clients sends it.
        ("x", ""),
        ("before\nx\n", "before\n"),
        ("one\ntwo\nx\nafter\nx\n", "one\ntwo\n"),
        ("xx\nx\n", "xx\n"),
        ("\nx\nafter", "\n"),
    ])
    func ends(_ sent: String, relayed: String) throws {
        let fixture = try ServerFixture()
        let clients = try fixture.join(2)
        try clients[0].send(sent)
        #expect(try farewell(fixture, clients[0], clients[1]) == relayed)
    }

    @Test func endsAConnectionInPieces() throws {
        let fixture = try ServerFixture { $0.quitWord = "bye" }
        let clients = try fixture.join(2)
        for piece in ["x\nb", "y", "e\n"] {
            try clients[0].send(piece)
            try fixture.loop.runOnce(waitingAtMost: .milliseconds(1))
        }
        #expect(try farewell(fixture, clients[0], clients[1]) == "x\n")
    }

    @Test func aLetterThatGoesOnAsAWordEndsNothing() throws {
        let fixture = try ServerFixture {
            $0.framing = .automatic(idle: .milliseconds(1), letterIdle: .seconds(3_600))
        }
        let clients = try fixture.join(2)
        for piece in ["x", "m", "a", "s", "\r\n"] {
            try clients[0].send(piece)
            // Many idle times.
            try fixture.loop.run(for: .milliseconds(10))
        }
        try fixture.run(until: { clients[1].text == "xmas\n" })
        #expect(fixture.reasons.isEmpty)
    }

    @Test func whoLeavesStillGetsWhatWasSaidBefore() throws {
        let fixture = try ServerFixture()
        let clients = try fixture.join(2)
        try clients[1].send("last words\n")
        try fixture.run(until: { fixture.relayed.count == 1 })
        try clients[0].send("x\n")
        _ = try farewell(fixture, clients[0], clients[1])
        #expect(clients[0].text == "last words\n")
    }

    @Test func mayBeALineLikeAnyOther() throws {
        let fixture = try ServerFixture { $0.quitWord = nil }
        let clients = try fixture.join(2)
        try clients[0].send("x\n")
        try fixture.run(until: { clients[1].text == "x\n" })
        #expect(fixture.server.clientCount == 2)
    }
}
