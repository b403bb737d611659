import ChatReactor
import Glibc
import TestSupport
import Testing

/// No job is lost: a loop that is stopped keeps it, and what a closed one leaves is run elsewhere, in order.
@Suite(.beyondPatience)
struct ClosedLoopExecutorTests {
    private actor Log {
        let remote: EventLoop.Remote
        private(set) var entries: [Int] = []

        nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe remote.asUnownedSerialExecutor() }

        init(on remote: EventLoop.Remote) {
            self.remote = remote
        }

        func append(_ entry: Int) {
            preconditionIsolated()
            entries.append(entry)
        }

        func appendTwice(_ entry: Int) async {
            append(entry)
            await Task.yield()
            append(entry)
        }
    }

    @Test func jobsWaitForALoopThatIsNotRun() async throws {
        let loop = try EventLoop()
        let remote = loop.remote
        let log = Log(on: remote)
        let task = Task(executorPreference: remote) {
            await log.append(1)
            remote.stop()
        }
        #expect(remote.isIsolatingCurrentContext() == false)
        try loop.run()
        await task.value
        let seen = Record<[Int]>()
        remote.execute { _ in seen.append(log.assumeIsolated { $0.entries }) }
        try loop.runOnce(waitingAtMost: .seconds(5))
        #expect(seen.elements == [[1]])
        loop.close()
    }

    @Test(arguments: [false, true])
    func jobsOfALoopThatIsGoneRunElsewhere(isClosedFirst: Bool) async throws {
        func abandonedRemote() throws -> EventLoop.Remote {
            let loop = try EventLoop()
            if isClosedFirst { loop.close() }
            return loop.remote
        }
        let remote = try abandonedRemote()
        let log = Log(on: remote)
        await withTaskGroup { group in
            for entry in 0..<1_000 { group.addTask { await log.appendTwice(entry) } }
        }
        #expect(await log.entries.sorted() == (0..<2_000).map { $0 / 2 })
        await Task(executorPreference: remote) { await Task.yield() }.value
    }

    @Test func jobsOfALoopThatIsGoneRunInOrder() async throws {
        let remote = try EventLoop().remote
        let order = Record<Int>()
        let tasks = (0..<1_000).map { number in
            Task(executorPreference: remote) { order.append(number) }
        }
        for task in tasks { await task.value }
        #expect(order.elements == Array(0..<1_000))
    }

    @Test func jobsThatWaitWhenTheLoopClosesAreRun() async throws {
        let loop = try EventLoop()
        let log = Log(on: loop.remote)
        let task = Task(executorPreference: loop.remote) { await log.appendTwice(1) }
        loop.close()
        await task.value
        #expect(await log.entries == [1, 1])
    }

    /// The loop's jobs never end, so closing the loop must not wait for them.
    @Test func aTaskThatNeverRestsDoesNotKeepTheLoopFromClosing() async throws {
        let background = try BackgroundLoop()
        let restless = Task(executorPreference: background.remote) { while !Task.isCancelled { await Task.yield() } }
        try await background.stop()
        restless.cancel()
        await restless.value
    }

    @Test func whatIsWantedOfAClosedLoopThrows() async throws {
        let background = try BackgroundLoop()
        let remote = background.remote
        try await background.stop()
        await #expect(throws: CloseReason.shutdown) { try await remote.withLoop { _ in } }
        await #expect(throws: CloseReason.shutdown) { try await remote.sleep(for: .seconds(1)) }
        await #expect(throws: CloseReason.shutdown) {
            try await remote.withConnection(to: .loopback(port: 1)) { _ in }
        }
        await #expect(throws: CloseReason.shutdown) { try await remote.serve(on: .loopback(port: 0)) { _ in } }
    }

    /// A job that closes the loop is not interrupted by the jobs that this brings about.
    @Test func aJobThatClosesTheLoopRunsToItsEndFirst() async throws {
        let background = try BackgroundLoop()
        let remote = background.remote
        let order = Record<String>()
        let sleeper = Task(executorPreference: remote) {
            try? await remote.sleep(for: .seconds(3_600))
            order.append("woken")
        }
        let closer = Task(executorPreference: remote) {
            // The sleeper has come to rest by then.
            await Task.yield()
            remote.assumeIsolated { $0.close() }
            order.append("closed")
        }
        await closer.value
        await sleeper.value
        #expect(order.elements == ["closed", "woken"])
        try await background.stop()
    }
}
