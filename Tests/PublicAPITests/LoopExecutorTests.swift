import ChatReactor
import Glibc
import Synchronization
import TestSupport
import Testing

/// Actors and tasks can live on the loop's thread: their jobs run there, in order, and what the loop calls may enter them at once.
@Suite(.beyondPatience)
struct LoopExecutorTests {
    /// An actor on the loop's thread.
    private actor Log {
        let remote: EventLoop.Remote
        private(set) var entries: [Int] = []
        private(set) var threads: Set<ThreadID> = []

        nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe remote.asUnownedSerialExecutor() }

        init(on remote: EventLoop.Remote) {
            self.remote = remote
        }

        func append(_ entry: Int) {
            entries.append(entry)
            threads.insert(currentThread())
        }

        /// Passes tasks to the loop and jobs to this actor, alternately.
        func scatter(_ numbers: Range<Int>, into order: Record<Int>) {
            for number in numbers {
                if number.isMultiple(of: 2) {
                    remote.execute { _ in order.append(number) }
                } else {
                    Task {
                        preconditionIsolated()
                        order.append(number)
                    }
                }
            }
        }
    }

    @Test func anActorLivesOnTheLoopsThread() async throws {
        try await withBackgroundLoop { remote in
            let thread = try await remote.withLoop { _ in currentThread() }
            #expect(thread != currentThread())
            let log = Log(on: remote)
            for entry in 0..<100 { await log.append(entry) }
            #expect(await log.entries == Array(0..<100))
            #expect(await log.threads == [thread])
        }
    }

    @Test func theLoopsThreadPassesTheCheckAndNoOtherDoes() async throws {
        try await withBackgroundLoop { remote in try await remote.withLoop { _ in remote.checkIsolated() } }
        await #expect(processExitsWith: .failure) { try EventLoop().remote.checkIsolated() }
    }

    @Test func aTaskThatPrefersTheLoopStaysOnItsThread() async throws {
        try await withBackgroundLoop { remote in
            let thread = try await remote.withLoop { _ in currentThread() }
            let threads = await Task(executorPreference: remote) {
                var threads: Set = [currentThread()]
                await Task.yield()
                threads.insert(currentThread())
                await withTaskGroup(of: ThreadID.self) { group in
                    for _ in 0..<10 { group.addTask { currentThread() } }
                    for await child in group { threads.insert(child) }
                }
                return threads
            }.value
            #expect(threads == [thread])
        }
    }

    /// Jobs and tasks that are passed alternately from the loop's own thread run in that order.
    @Test func jobsAndTasksRunInTheOrderInWhichTheyWereHandedOver() async throws {
        let order = Record<Int>()
        try await withBackgroundLoop { remote in
            await Log(on: remote).scatter(0..<100, into: order)
            // Comes after all of them.
            try await remote.withLoop { _ in }
        }
        #expect(order.elements == Array(0..<100))
    }

    @Test func aHandlerEntersAnActorAtOnce() throws {
        final class Handler: ConnectionHandler {
            let log: Log
            var seen: [[Int]] = []
            init(_ log: Log) { self.log = log }

            func connectionDidOpen(_ connection: Connection) { note(0) }

            func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) { note(messages.count) }

            func connectionDidClose(_ connection: Connection, reason: CloseReason) { note(-1) }

            private func note(_ entry: Int) {
                seen.append(
                    log.assumeIsolated { log in
                        log.append(entry)
                        return log.entries
                    })
            }
        }
        let loop = try EventLoop()
        let handler = Handler(Log(on: loop.remote))
        let (mine, peer) = try socketPair()
        // It opens before the loop runs, and closes after that.
        try loop.adopt(socket: OwnedDescriptor(takingOver: mine), handler: handler)
        try peer.send("a\nb\n")
        try loop.run(until: "received") { handler.seen.count == 2 }
        loop.close()
        #expect(handler.seen == [[0], [0, 2], [0, 2, -1]])
    }

    @Test func anActorKeepsConnectionsThatAreNotSendable() async throws {
        final class Silent: ConnectionHandler {
            func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}
        }
        actor Robot {
            let remote: EventLoop.Remote
            var link: Connection?

            nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe remote.asUnownedSerialExecutor() }

            init(on remote: EventLoop.Remote) {
                self.remote = remote
            }

            func connect(to address: SocketAddress) throws {
                try remote.assumeIsolated { loop in
                    link = try loop.connect(to: address, handler: Silent())
                }
            }

            func say(_ text: String) {
                link?.send(text)
            }
        }
        try await withBackgroundLoop { remote in
            let received = Record<String>()
            try await withServer(on: remote) { connection in
                if let message = try await connection.nextMessage() { received.append(message.text) }
            } _: { port in
                let robot = Robot(on: remote)
                try await robot.connect(to: .loopback(port: port))
                await robot.say("beep\n")
                #expect(try await received.wait(for: "what the robot says") == "beep")
            }
        }
    }

    @Test func enteringAnActorOffTheLoopEndsTheProcess() async {
        await #expect(processExitsWith: .failure) {
            func enter(_ log: Log) { log.assumeIsolated { _ in } }
            enter(Log(on: try EventLoop().remote))
        }
    }

    @Test func takingTheLoopOffItsThreadEndsTheProcess() async {
        await #expect(processExitsWith: .failure) {
            let background = try BackgroundLoop()
            background.remote.assumeIsolated { $0.stop() }
        }
    }

    @Test func theThreadIsTheLoopsOnlyWhileItIsInside() throws {
        let loop = try EventLoop()
        let remote = loop.remote
        let inside = Mutex<Bool?>(nil)
        #expect(remote.isIsolatingCurrentContext() == false)
        remote.execute { _ in inside.withLock { $0 = remote.isIsolatingCurrentContext() } }
        try loop.runOnce(waitingAtMost: .seconds(5))
        #expect(inside.withLock(\.self) == true)
        #expect(remote.isIsolatingCurrentContext() == false)
        loop.close()
        #expect(remote.isIsolatingCurrentContext() == false)
    }

    @Test func noWakeUpIsLostAmongThreads() async throws {
        try await withBackgroundLoop { remote in
            let log = Log(on: remote)
            await withTaskGroup { group in
                for first in [0, 10_000, 20_000, 30_000] {
                    group.addTask {
                        for entry in first..<first + 2_000 { await log.append(entry) }
                    }
                }
            }
            let entries = await log.entries
            #expect(entries.count == 8_000)
            for first in [0, 10_000, 20_000, 30_000] {
                #expect(entries.filter { (first..<first + 2_000).contains($0) } == Array(first..<first + 2_000))
            }
        }
    }

    @Test func jobsThatNeverComeToRestDoNotStarveTheSockets() async throws {
        try await withBackgroundLoop { remote in
            let restless = (0..<10).map { _ in
                Task(executorPreference: remote) { while !Task.isCancelled { await Task.yield() } }
            }
            try await withServer(on: remote) { connection in
                for try await message in connection.messages { try await connection.send(message) }
            } _: { port in
                let peer = try Peer(port: port)
                for number in 0..<100 {
                    try peer.send("\(number)\n")
                    #expect(try peer.receiveLine() == "\(number)")
                }
            }
            for task in restless { task.cancel() }
        }
    }
}
