import ChatReactor
import Glibc
import TestSupport
import Testing

/// Hang-ups and errors are reported without being asked for, and cannot be masked. A watcher that no longer wants them does not
/// spin the loop.
struct WatcherHangUpTests {
    private let loop: EventLoop

    init() throws {
        loop = try EventLoop()
    }

    @Test func theEndOfAPipeIsReportedUntilTheWatcherIsCancelled() throws {
        defer { loop.close() }
        let (reader, writer) = try makePipe()
        defer { close(reader) }
        var reported: [Readiness] = []
        let watcher = try loop.watch(reader, for: .readable) { _, readiness in reported.append(readiness) }
        close(writer)
        for _ in 0..<3 { try loop.runOnce(waitingAtMost: .seconds(10)) }
        #expect(reported == [.hangUp, .hangUp, .hangUp])
        watcher.cancel()
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
        #expect(reported.count == 3)
    }

    /// If the kernel were given an empty set, it would go on reporting hang-ups.
    @Test func withAnEmptyInterestAHangUpIsNotReportedUntilThereIsOneAgain() throws {
        defer { loop.close() }
        let (mine, peer) = try socketPair()
        defer { close(mine) }
        var reported: [Readiness] = []
        let watcher = try loop.watch(mine, for: .readable) { _, readiness in reported.append(readiness) }
        try watcher.setInterest([])
        #expect(watcher.interest == [] && !watcher.isCancelled)
        peer.close()
        try loop.settle()
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
        #expect(reported.isEmpty)
        try watcher.setInterest(.writable)
        try loop.run(until: "the hang-up") { reported.last?.contains(.hangUp) == true }
    }

    @Test func aHandlerThatAnswersAHangUpWithAnEmptyInterestHearsOfItOnce() throws {
        defer { loop.close() }
        let (mine, peer) = try socketPair()
        defer { close(mine) }
        var calls = 0
        try loop.watch(mine, for: .readable) { watcher, readiness in
            #expect(readiness.contains(.hangUp))
            calls += 1
            try? watcher.setInterest([])
        }
        peer.close()
        try loop.settle()
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
        #expect(calls == 1)
    }

    @Test func aPipeWithoutAReaderReportsAnError() throws {
        defer { loop.close() }
        let (reader, writer) = try makePipe()
        defer { close(writer) }
        close(reader)
        var reported: Readiness = []
        try loop.watch(writer, for: .readable) { watcher, readiness in
            reported = readiness
            watcher.cancel()
        }
        try loop.settle()
        #expect(reported == .error)
    }
}
