import Glibc
import Reactor
import TestSupport
import Testing

/// `pauseReading` stops the peer, through the kernel's buffers, and costs nothing while it lasts.
struct PausingTests {
    @Test func pausesAreCounted() throws {
        let wire = try Wire()
        wire.connection.pauseReading()
        wire.connection.pauseReading()
        try wire.peer.send("hello\n")
        try wire.loop.settle()
        #expect(wire.handler.messages.isEmpty)
        wire.connection.resumeReading()
        try wire.loop.settle()
        #expect(wire.handler.messages.isEmpty, "one pause is left")
        wire.connection.resumeReading()
        try wire.loop.run(until: "received") { !wire.handler.messages.isEmpty }
        #expect(wire.handler.texts == ["hello"])
    }

    @Test func theRestOfABatchStillComes() throws {
        let wire = try Wire()
        wire.handler.onMessage = { connection, text in if text == "one" { connection.pauseReading() } }
        try wire.peer.send("one\ntwo\n")
        try wire.loop.run(until: "received") { wire.handler.messages.count == 2 }
        try wire.peer.send("three\n")
        try wire.loop.settle()
        #expect(wire.handler.texts == ["one", "two"])
    }

    @Test(arguments: Wire.Kind.allCases)
    func backpressureReachesThePeerAndNothingIsLost(_ kind: Wire.Kind) throws {
        let wire = try Wire(kind)
        wire.connection.rawDescriptor.setOption(SOL_SOCKET, SO_RCVBUF, 4_096)
        wire.peer.descriptor.setOption(SOL_SOCKET, SO_SNDBUF, 4_096)
        wire.connection.pauseReading()
        let line = Array((String(repeating: "x", count: 99) + "\n").utf8)
        var sent = 0
        while sent < 100_000_000 {
            // A line may go out in part: the rest comes first in the next round.
            let count = wire.peer.sendAvailable(Array(line[(sent % 100)...]))
            sent += count
            if count > 0 { continue }
            // Full, unless the loop still takes something.
            try wire.loop.settle(for: .milliseconds(5))
            let more = wire.peer.sendAvailable(Array(line[(sent % 100)...]))
            if more == 0 { break }
            sent += more
        }
        #expect(sent < 100_000_000, "the peer was never stopped")
        #expect(wire.handler.messages.isEmpty)
        wire.peer.shutDownSending()
        wire.connection.resumeReading()
        _ = try wire.closeReason()
        #expect(wire.handler.messages.map { $0.count + 1 }.reduce(0, +) - (sent % 100 == 0 ? 0 : 1) == sent)
    }

    @Test(arguments: Wire.Kind.allCases, [false, true])
    func aPausedConnectionWithInputDoesNotSpin(_ kind: Wire.Kind, hasEnded: Bool) throws {
        let wire = try Wire(kind)
        wire.connection.pauseReading()
        try wire.peer.send("hello\n")
        if hasEnded { wire.peer.shutDownSending() }
        try wire.loop.settle()
        #expect(try wire.loop.turns(during: .milliseconds(100)) <= 2)
        wire.connection.resumeReading()
        try wire.loop.run(until: "received") { !wire.handler.messages.isEmpty }
        if hasEnded { #expect(try wire.closeReason() == .endOfInput) }
    }

    @Test func pausingFromOpenOnHoldsBackTheFirstLine() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        handler.onOpen = { $0.pauseReading() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let client = try LineClient(port: try #require(listener.address.port))
        try client.send("hello\n")
        try loop.run(until: "accepted") { !handler.connections.isEmpty }
        try loop.settle()
        #expect(handler.messages.isEmpty)
        handler.connections.first?.resumeReading()
        try loop.run(until: "received") { !handler.messages.isEmpty }
    }

    @Test func aPausedConnectionStillSends() throws {
        let wire = try Wire()
        wire.connection.pauseReading()
        try wire.peer.send("unread\n")
        try wire.loop.settle()
        wire.connection.send("hello\n")
        #expect(String(decoding: try wire.receive(6), as: UTF8.self) == "hello\n")
        #expect(wire.handler.messages.isEmpty)
    }
}
