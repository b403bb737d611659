import ChatReactor
import Reactor
import TestSupport
import Testing

/// A line that is too long is relayed to nobody, and its sender is told; the third within a minute closes it.
struct LongLineTests {
    private static let complaint = "! line too long: the limit is 10 bytes"
    private static let end = Array(repeating: complaint, count: 3) + ["! goodbye: three lines were too long within a minute"]
    private let fixture: ServerFixture
    private let clients: [Client]

    init() throws {
        fixture = try ServerFixture { $0.maximumMessageLength = 10 }
        clients = try fixture.join(2)
    }

    @Test func itsSenderIsToldAndTheLinesAroundItAreRelayed() throws {
        try clients[0].send("0123456789\n0123456789a\nafter\n")
        try fixture.run(until: { clients[1].lines.count == 2 && clients[0].lines.count == 1 })
        try fixture.settle()
        #expect(clients[0].lines == [Self.complaint])
        #expect(clients[1].lines == ["0123456789", "after"])
        try clients[0].send("still here\n")
        try fixture.run(until: { clients[1].lines.last == "still here" })
    }

    @Test func isOneOffenceHoweverLongItIs() throws {
        for _ in 0..<20 {
            try clients[0].send(String(repeating: "l", count: 1_000))
            try fixture.loop.runOnce(waitingAtMost: .milliseconds(1))
        }
        try clients[0].send("\nafter\n")
        try fixture.run(until: { clients[1].lines.count == 1 && clients[0].lines.count == 1 })
        try fixture.settle()
        #expect(clients[0].lines == [Self.complaint])
        #expect(clients[1].lines == ["after"])
    }

    @Test func theThirdWithinAMinuteCloses() throws {
        for count in 1...3 {
            try clients[0].send("0123456789 \(count)\n")
            try fixture.run(until: { clients[0].lines.count >= count })
            #expect(fixture.loop.connection(clients[0].id)?.isFinishing == (count == 3))
        }
        try clients[0].send("not any more\n")
        try fixture.run(until: { clients[0].isAtEnd })
        clients[0].socket.close()
        clients[0].reads = false
        try fixture.run(until: { fixture.reasons[clients[0].id] != nil })
        try fixture.settle()
        #expect(fixture.reasons[clients[0].id] == .messageTooLong)
        #expect(clients[0].lines == Self.end)
        #expect(clients[1].lines == [])
    }

    @Test func threeAtOnceCloseAsWell() throws {
        try clients[0].send(String(repeating: "0123456789a\n", count: 5) + "after\n")
        try fixture.run(until: { clients[0].isAtEnd })
        try fixture.settle()
        #expect(clients[0].lines == Self.end)
        #expect(clients[1].lines == [])
    }

    @Test func eachClientsOffencesAreItsOwn() throws {
        for client in clients {
            try client.send(String(repeating: "0123456789a\n", count: 2))
        }
        try fixture.run(until: { clients.allSatisfy { $0.lines.count == 2 } })
        try fixture.settle()
        #expect(fixture.server.clientCount == 2)
        #expect(clients.allSatisfy { !$0.isAtEnd })
    }
}
