import ChatReactor
import Glibc
import Synchronization
import TestSupport
import Testing

/// Other threads hand over tasks and stop the loop; nothing that they do is lost, and none of it starves the sockets.
struct RemoteTests {
    /// Notes that are only touched on the loop's thread, which is the test's.
    private final class Notes: @unchecked Sendable {
        var numbers: [Int] = []
        var threads: Set<ThreadID> = []
    }

    /// Runs `body` on that many threads of their own, all at once, and hands back what waits for them.
    private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) -> () -> Void {
        final class Work: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        let threads = (0..<count).map { number in
            var thread = pthread_t()
            let work = unsafe Unmanaged.passRetained(Work { body(number) }).toOpaque()
            let result = unsafe pthread_create(
                &thread, nil,
                { argument in
                    unsafe Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().body()
                    return nil
                }, work)
            #expect(result == 0)
            return thread
        }
        return { for thread in threads { pthread_join(thread, nil) } }
    }

    /// Ends a loop that nobody has woken, so that the test fails and does not hang.
    private func watch(_ loop: EventLoop, sourceLocation: SourceLocation = #_sourceLocation) {
        loop.schedule(after: .seconds(30)) {
            Issue.record("nobody has woken the loop", sourceLocation: sourceLocation)
            loop.stop()
        }
    }

    /// Wake-ups coalesce and are never lost: a loop that was not woken would sleep on.
    @Test func wakeUpsCoalesceAndAreNeverLost() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let remote = loop.remote
        let threadCount = 4
        let taskCount = 25_000
        // Written to on the loop's thread alone.
        let seen = Mutex([[Int]](repeating: [], count: threadCount))
        let join = onThreads(threadCount) { thread in
            for number in 0..<taskCount {
                remote.execute { _ in seen.withLock { $0[thread].append(number) } }
            }
        }
        // A loop that was not woken would sleep for all of its patience.
        while seen.withLock({ $0.joined().count }) < threadCount * taskCount {
            let start = ContinuousClock.now
            try loop.runOnce(waitingAtMost: patience)
            try #require(start.duration(to: .now) < patience, "nobody has woken the loop")
        }
        join()
        for order in seen.withLock(\.self) { #expect(order == Array(0..<taskCount)) }
        #expect(loop.turnCount <= UInt64(threadCount * taskCount))
    }

    /// One task at a time, each passed only once the one before has run: every single wake-up counts.
    @Test func aTaskForALoopThatSleepsWakesIt() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let remote = loop.remote
        let done = Atomic(0)
        let isOver = Atomic(false)
        let join = onThreads(1) { _ in
            for number in 1...2_000 {
                remote.execute { _ in done.store(number, ordering: .releasing) }
                while done.load(ordering: .acquiring) < number, !isOver.load(ordering: .acquiring) { sched_yield() }
            }
            remote.stop()
        }
        watch(loop)
        try loop.run()
        isOver.store(true, ordering: .releasing)
        join()
        #expect(done.load(ordering: .acquiring) == 2_000)
    }

    @Test func manyTasksWakeTheLoopOnce() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let count = Atomic(0)
        for _ in 0..<1_000 {
            loop.remote.execute { _ in count.add(1, ordering: .relaxed) }
        }
        try loop.runOnce(waitingAtMost: .seconds(5))
        #expect(count.load(ordering: .relaxed) == 1_000)
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
    }

    @Test func tasksThatHandOverTasksDoNotStarveTheSockets() throws {
        let wire = try TestConnection()
        let remote = wire.loop.remote
        let isOver = Atomic(false)
        @Sendable func again(_: EventLoop) {
            if !isOver.load(ordering: .relaxed) { remote.execute(again) }
        }
        remote.execute(again)
        wire.handler.onMessage = { connection, text in connection.send(text + "\n") }
        for _ in 0..<100 {
            try wire.peer.send("hello\n")
            _ = try wire.receive(6)
        }
        isOver.store(true, ordering: .relaxed)
        try wire.loop.settle()
    }

    @Test("stop() before run() is remembered")
    func stopBeforeRunIsRemembered() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        watch(loop)
        loop.stop()
        try loop.run()
        loop.remote.stop()
        try loop.run()
        #expect(loop.turnCount == 0)
        // And forgotten after that.
        let runs = Mutex(0)
        loop.remote.execute { loop in
            runs.withLock { $0 += 1 }
            loop.stop()
        }
        try loop.run()
        #expect(runs.withLock(\.self) == 1)
    }

    @Test func stopFromAnotherThreadEndsALoopThatSleeps() throws {
        for _ in 0..<200 {
            let loop = try EventLoop()
            defer { loop.close() }
            watch(loop)
            let remote = loop.remote
            let join = onThreads(1) { _ in remote.stop() }
            try loop.run()
            join()
        }
    }

    @Test func stopFromAHandlerStillFlushes() throws {
        let wire = try TestConnection()
        wire.handler.onMessage = { connection, text in
            connection.send("bye\n")
            connection.loop.stop()
        }
        try wire.peer.send("hello\n")
        watch(wire.loop)
        try wire.loop.run()
        #expect(try wire.peer.receiveLine() == "bye")
    }

    @Test func aConnectionIsKnownToOtherThreadsByItsID() throws {
        let wire = try TestConnection()
        let id = wire.connection.id
        let remote = wire.loop.remote
        let join = onThreads(1) { _ in
            remote.execute { loop in loop.connection(id)?.send("from afar\n") }
        }
        #expect(String(decoding: try wire.receive(10), as: UTF8.self) == "from afar\n")
        join()
    }

    @Test("What is handed over runs on the loop's thread, with the loop at hand")
    func thread() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (remote, notes, expected) = (loop.remote, Notes(), Confined(loop))
        let join = onThreads(1) { _ in
            remote.execute { loop in
                notes.threads.insert(currentThread())
                if loop === expected.value { notes.numbers.append(1) }
            }
        }
        try loop.run(until: "the task") { !notes.threads.isEmpty }
        join()
        #expect(notes.threads == [currentThread()])
        #expect(notes.numbers == [1])
    }

    @Test("The loop's own thread may hand over, too, and a task may hand over another")
    func fromTheLoop() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (remote, notes) = (loop.remote, Notes())
        remote.execute { loop in
            notes.numbers.append(1)
            loop.remote.execute { _ in notes.numbers.append(2) }
        }
        #expect(notes.numbers == [])
        try loop.run(until: "both tasks") { notes.numbers.count == 2 }
        #expect(notes.numbers == [1, 2])
    }

    @Test("It does not keep the loop alive; what is handed over once the loop is gone is dropped")
    func doesNotKeep() throws {
        final class Witness: Sendable {}
        var loop: EventLoop? = try EventLoop()
        weak let gone = loop
        let remote = try #require(loop?.remote)
        loop?.close()
        loop = nil
        #expect(gone == nil)
        weak var dropped: Witness?
        do {
            let witness = Witness()
            dropped = witness
            remote.execute { _ in _ = witness }
            remote.stop()
        }
        #expect(dropped == nil)
    }
}
