import ChatReactor
import Glibc
import TestSupport
import Testing

/// Once a watcher is cancelled its handler is not called any more, whatever is under way; and the number of its descriptor may have a
/// new owner at once.
struct CancelledWatcherTests {
    private let loop: EventLoop

    init() throws {
        loop = try EventLoop()
    }

    /// A pipe with something to read in it.
    private func makeReadyPipe() throws -> (reader: Int32, writer: Int32) {
        let pipe = try makePipe()
        #expect(unsafe write(pipe.writer, "x", 1) == 1)
        return pipe
    }

    @Test func aHandlerMayCancelItsOwnWatcher() throws {
        defer { loop.close() }
        let (reader, writer) = try makeReadyPipe()
        defer { for end in [reader, writer] { close(end) } }
        var calls = 0
        let watcher = try loop.watch(reader, for: .readable) { watcher, _ in
            calls += 1
            watcher.cancel()
            watcher.cancel()
        }
        try loop.settle()
        #expect(calls == 1)
        #expect(watcher.isCancelled && watcher.interest == [])
        try watcher.setInterest(.readable)
        #expect(watcher.interest == [])
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
        #expect(calls == 1)
    }

    /// Both are in the same batch: whichever comes first cancels the other, whose event is already there.
    @Test func aWatcherThatIsCancelledInTheSameBatchIsNotCalled() throws {
        defer { loop.close() }
        let pipes = [try makeReadyPipe(), try makeReadyPipe()]
        defer { for pipe in pipes { for end in [pipe.reader, pipe.writer] { close(end) } } }
        var watchers: [DescriptorWatcher] = []
        var calls = 0
        for pipe in pipes {
            watchers.append(
                try loop.watch(pipe.reader, for: .readable) { _, _ in
                    calls += 1
                    for watcher in watchers { watcher.cancel() }
                })
        }
        let before = loop.turnCount
        try loop.settle()
        #expect(loop.turnCount - before >= 1)
        #expect(calls == 1)
    }

    @Test func aWatcherWhoseInterestIsNarrowedInTheSameBatchIsNotCalledForTheRest() throws {
        defer { loop.close() }
        let ends = [try socketPair(), try socketPair()]
        defer { for end in ends { close(end.0) } }
        for end in ends { try end.1.send("x") }
        var watchers: [DescriptorWatcher] = []
        var reported: [Readiness] = []
        for end in ends {
            watchers.append(
                try loop.watch(end.0, for: [.readable, .writable]) { watcher, readiness in
                    reported.append(readiness)
                    for other in watchers where other !== watcher { try? other.setInterest(.writable) }
                })
        }
        try loop.runOnce(waitingAtMost: .seconds(10))
        #expect(reported == [[.readable, .writable], .writable])
        // Nothing left at all, and nothing is reported.
        reported = []
        for watcher in watchers { try watcher.setInterest([]) }
        try loop.settle()
        #expect(reported.isEmpty)
    }

    /// The new owner gets the number while an event for the old one is still in the batch.
    @Test func aNewOwnerOfTheNumberDoesNotGetTheEventsOfTheOldOne() throws {
        defer { loop.close() }
        let pipes = [try makeReadyPipe(), try makeReadyPipe()]
        let (quietReader, quietWriter) = try makePipe()
        defer { for end in [pipes[0].writer, pipes[1].writer, quietReader, quietWriter] { close(end) } }
        var watchers: [DescriptorWatcher] = []
        var newOwner: DescriptorWatcher?
        var calls: [String] = []
        for (index, pipe) in pipes.enumerated() {
            watchers.append(
                try loop.watch(pipe.reader, for: .readable) { watcher, _ in
                    calls.append("old")
                    watcher.cancel()
                    let other = watchers[1 - index]
                    other.cancel()
                    // Takes the other's number as soon as that is closed.
                    #expect(dup2(quietReader, other.descriptor) == other.descriptor)
                    newOwner = try? loop.watch(other.descriptor, for: .readable) { _, _ in calls.append("new") }
                })
        }
        try loop.settle()
        #expect(calls == ["old"])
        // A number that is cancelled again strikes nobody.
        for watcher in watchers { watcher.cancel() }
        #expect(unsafe write(quietWriter, "x", 1) == 1)
        try loop.run(until: "the new owner's event") { calls.last == "new" }
        newOwner?.cancel()
        for pipe in pipes { close(pipe.reader) }
    }

    /// That is the owner's mistake. The watcher of the next descriptor with that number still gets its events.
    @Test func aDescriptorThatIsClosedBeforeItsWatcherIsCancelledIsReportedNoMore() throws {
        defer { loop.close() }
        let (reader, writer) = try makeReadyPipe()
        let (newReader, newWriter) = try makeReadyPipe()
        defer { for end in [reader, writer, newReader, newWriter] { close(end) } }
        var calls: [String] = []
        try loop.watch(reader, for: .readable) { _, _ in calls.append("old") }
        // Closes the one, and has the other take its number.
        #expect(dup2(newReader, reader) == reader)
        try loop.watch(reader, for: .readable) { watcher, _ in
            calls.append("new")
            watcher.cancel()
        }
        try loop.settle()
        #expect(calls == ["new"])
    }

    @Test func aLoopThatClosesCancelsItsWatchersAndLeavesTheirDescriptorsOpen() throws {
        let (reader, writer) = try makeReadyPipe()
        defer { for end in [reader, writer] { close(end) } }
        var calls = 0
        let watchers = [
            try loop.watch(reader, for: .readable) { _, _ in calls += 1 }, try loop.watch(writer, for: []) { _, _ in calls += 1 },
        ]
        loop.close()
        #expect(watchers[0].isCancelled && watchers[1].isCancelled)
        #expect(fcntl(reader, F_GETFD, 0) >= 0 && fcntl(writer, F_GETFD, 0) >= 0)
        try loop.runOnce(waitingAtMost: .milliseconds(20))
        #expect(calls == 0)
    }

    @Test func aHandlerMayCloseTheLoop() throws {
        let pipes = [try makeReadyPipe(), try makeReadyPipe()]
        defer { for pipe in pipes { for end in [pipe.reader, pipe.writer] { close(end) } } }
        var calls = 0
        for pipe in pipes {
            try loop.watch(pipe.reader, for: .readable) { watcher, _ in
                calls += 1
                watcher.loop.close()
            }
        }
        try loop.run(until: "closed") { calls > 0 }
        try loop.runOnce(waitingAtMost: .milliseconds(20))
        #expect(calls == 1)
    }
}
