import ChatReactor
import Glibc
import TestSupport
import Testing

/// A loop that has nothing to do makes no turns: no state of a descriptor, however odd, keeps it busy.
struct IdleLoopTests {
    /// One turn ends the time in which the loop is watched; a second may be under way by chance. One that spins makes thousands.
    private static let allowed: UInt64 = 2
    private static let time = Duration.milliseconds(80)

    private func expectRest(_ loop: EventLoop, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try loop.settle(sourceLocation: sourceLocation)
        let turns = try loop.turns(during: Self.time)
        #expect(turns <= Self.allowed, sourceLocation: sourceLocation)
    }

    @Test func withNothingRegistered() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        try expectRest(loop)
    }

    @Test(arguments: TestConnection.Kind.allCases)
    func withQuietConnectionsAndADistantTimer(_ kind: TestConnection.Kind) throws {
        let wire = try TestConnection(kind)
        wire.loop.schedule(after: .seconds(3_600)) {}
        try wire.loop.listen(on: .loopback(port: 0), handler: wire.handler)
        try wire.peer.send("hello\n")
        wire.handler.onMessage = { connection, _ in connection.send("hello\n") }
        try expectRest(wire.loop)
        #expect(try wire.peer.receiveLine() == "hello")
    }

    /// EPOLLHUP cannot be masked: a hang-up that nobody reads must not be watched for.
    @Test(arguments: TestConnection.Kind.allCases)
    func afterAHangUpWhileReadingIsPaused(_ kind: TestConnection.Kind) throws {
        let wire = try TestConnection(kind)
        wire.connection.pauseReading()
        try wire.peer.send("last words\n")
        try wire.loop.settle()
        wire.peer.close()
        try expectRest(wire.loop)
        #expect(wire.handler.closeReasons.isEmpty)
        // RDHUP is not HUP: what was sent before is read first.
        wire.connection.resumeReading()
        #expect(try wire.closeReason() == .endOfInput)
        #expect(wire.handler.texts == ["last words"])
    }

    @Test func afterAResetWhileReadingIsPaused() throws {
        let wire = try TestConnection(.tcp)
        wire.connection.pauseReading()
        try wire.loop.settle()
        wire.peer.reset()
        try expectRest(wire.loop)
        wire.connection.resumeReading()
        #expect(try wire.closeReason() == .failed(.connectionReset))
    }

    @Test(arguments: TestConnection.Kind.allCases)
    func afterAHangUpWhileOutputIsPendingAndReadingIsPaused(_ kind: TestConnection.Kind) throws {
        var options = Connection.Options()
        options.maximumPendingOutput = 1 << 24
        let wire = try TestConnection(kind, options: options, sendBuffer: 4_096, peerReceiveBuffer: 4_096)
        wire.connection.pauseReading()
        wire.connection.send(pattern(1_000_000))
        try wire.loop.settle()
        #expect(wire.connection.pendingOutput > 0)
        wire.peer.close()
        let reason = try wire.closeReason()
        #expect(reason == .failed(.brokenPipe) || reason == .failed(.connectionReset))
        try expectRest(wire.loop)
    }

    @Test(arguments: TestConnection.Kind.allCases)
    func withAPeerThatNeverReads(_ kind: TestConnection.Kind) throws {
        var options = Connection.Options()
        options.maximumPendingOutput = 1 << 24
        let wire = try TestConnection(kind, options: options, sendBuffer: 4_096, peerReceiveBuffer: 4_096)
        wire.connection.send(pattern(1_000_000))
        try expectRest(wire.loop)
        #expect(wire.connection.pendingOutput > 0)
        // More of it changes nothing.
        wire.connection.send("more")
        try expectRest(wire.loop)
    }

    @Test(arguments: TestConnection.Kind.allCases)
    func afterTheEndOfInput(_ kind: TestConnection.Kind) throws {
        let wire = try TestConnection(kind)
        try wire.peer.send("hello\n")
        wire.peer.shutDownSending()
        _ = try wire.closeReason()
        try expectRest(wire.loop)
    }

    @Test(arguments: TestConnection.Kind.allCases)
    func afterAReset(_ kind: TestConnection.Kind) throws {
        let wire = try TestConnection(kind)
        wire.peer.reset()
        _ = try wire.closeReason()
        try expectRest(wire.loop)
    }

    @Test func whileLingering() throws {
        var options = Connection.Options()
        options.lingerTimeout = .seconds(3_600)
        let wire = try TestConnection(.tcp, options: options)
        wire.connection.finish()
        try wire.peer.send("more\n")
        try expectRest(wire.loop)
        #expect(wire.handler.closeReasons.isEmpty)
    }

    @Test func whenNobodyIsAwakeAfterAWakeUp() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var count = 0
        for _ in 0..<10 { loop.remote.execute { _ in } }
        try loop.run(until: "woken") {
            count += 1
            return count > 1
        }
        try expectRest(loop)
    }
}
