import Glibc
import TestSupport
import Testing

@testable import Reactor

/// No number that an embedder or a peer can choose ends the process: it is clamped to its range, or refused with an error.
struct ExtremeValuesTests {
    static let durations = [
        Duration(attoseconds: .max), Duration(attoseconds: .min), .seconds(Int64.max), .seconds(Int64.min), .seconds(1 << 40),
    ]

    @Test(arguments: durations)
    func aTimerTakesAnyDelay(_ delay: Duration) throws {
        let loop = try EventLoop()
        var hasFired = false
        loop.schedule(after: delay) { hasFired = true }
        loop.makeTimer {}.arm(after: delay)
        // The longest wait is cut short by what has happened already.
        loop.remote.execute { _ in }
        try loop.runOnce(waitingAtMost: delay)
        #expect(hasFired == (delay < .zero))
        loop.close()
    }

    @Test(arguments: durations)
    func aTimerTakesAnyDeadline(_ distance: Duration) throws {
        let loop = try EventLoop()
        var hasFired = false
        // As far as an instant can be from now at all.
        let middle = distance < .zero ? Duration(attoseconds: .min / 2) : Duration(attoseconds: .max / 2)
        let farthest = distance < .zero ? max(distance, middle) : min(distance, middle)
        loop.schedule(at: .now.advanced(by: farthest)) { hasFired = true }
        loop.remote.execute { _ in }
        try loop.runOnce()
        #expect(hasFired == (distance < .zero))
        loop.close()
    }

    @Test(arguments: [Int.max, .min, 0, -1])
    func aLoopTakesAnyBounds(_ value: Int) throws {
        var configuration = EventLoop.Configuration()
        configuration.readSize = value
        configuration.readBudget = value
        configuration.acceptBudget = value
        configuration.eventsPerWait = value
        let wire = try TestConnection(.tcp, configuration: configuration)
        try wire.peer.send("hello\n")
        try wire.loop.run(until: "received") { !wire.handler.messages.isEmpty }
        #expect(wire.handler.texts == ["hello"])
    }

    @Test(arguments: [(Int.max, Duration(attoseconds: .max)), (.min, Duration(attoseconds: .min))])
    func aConnectionTakesAnyOptions(_ number: Int, _ time: Duration) throws {
        for framing in [
            LineFraming(), AutomaticFraming(idle: time), ChunkFraming(), NULTerminatedFraming(), LengthPrefixedFraming(.oneByte),
        ] as [any Framing] {
            var options = Connection.Options()
            options.framing = framing
            options.maximumMessageLength = number
            options.maximumPendingOutput = number
            options.unsentLowWater = number
            options.flushTimeout = time
            options.lingerTimeout = time
            let wire = try TestConnection(.tcp, options: options)
            wire.connection.send([104])
            try wire.peer.send("h")
            try wire.loop.settle(for: .milliseconds(1))
            wire.connection.finish()
            try wire.loop.settle(for: .milliseconds(1))
            wire.connection.close()
            #expect(try wire.closeReason() != nil)
        }
    }

    /// One read can bring more lines than 16 bits can count, and a handler may pause for each of them.
    @Test func eachLineOfAReadMayPause() throws {
        let count = 70_000
        var configuration = EventLoop.Configuration()
        configuration.readSize = count
        let wire = try TestConnection(configuration: configuration)
        wire.handler.onMessage = { connection, _ in connection.pauseReading() }
        // All of it is there before the loop looks, and is read at once.
        #expect(wire.peer.sendAvailable([UInt8](repeating: 10, count: count)) == count)
        try wire.loop.settle()
        #expect(wire.handler.messages.count == count)
        wire.handler.onMessage = nil
        try wire.peer.send("after\n")
        for _ in 1..<count { wire.connection.resumeReading() }
        try wire.loop.settle()
        #expect(wire.handler.messages.count == count, "one pause is left")
        wire.connection.resumeReading()
        try wire.loop.run(until: "received") { wire.handler.messages.count == count + 1 }
    }

    @Test func aPathThatIsTooLongIsRefused() throws {
        let loop = try EventLoop()
        let address = SocketAddress.unix(path: "/tmp/" + String(repeating: "p", count: 200))
        #expect(throws: Errno.fileNameTooLong) { try loop.listen(on: address, handler: RecordingHandler()) }
        #expect(throws: Errno.fileNameTooLong) { try loop.connect(to: address, handler: RecordingHandler()) }
        loop.close()
    }
}
