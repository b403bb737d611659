import Glibc
import KernelFaults
import TestSupport
import Testing

@testable import Reactor

/// A loop in the background has a thread of its own, and leaves nothing behind when it is shut down.
@Suite(.beyondPatience)
struct BackgroundLoopTests {
    @Test func tasksRunOnItsThread() async throws {
        let background = try BackgroundLoop()
        let thread = try await background.remote.withLoop { _ in currentThread() }
        #expect(thread != currentThread())
        #expect(try await background.remote.withLoop { _ in currentThread() } == thread)
        try await background.stop()
    }

    @Test func aSecondStopWaitsForTheSame() async throws {
        let background = try BackgroundLoop()
        await withTaskGroup { group in
            for _ in 0..<10 { group.addTask { await #expect(throws: Never.self) { try await background.stop() } } }
        }
        try await background.stop()
    }

    @Test(.enabled(if: kernel_faults_are_available()))
    func whatEndsItBeforeItsTimeIsThrown() async throws {
        let background = try BackgroundLoop()
        // Faults are the thread's own.
        background.remote.execute { _ in
            kernel_begin()
            kernel_fail(KERNEL_EPOLL_WAIT, 0, 1, EINVAL)
        }
        await #expect(throws: CloseReason.shutdown) { try await background.remote.sleep(for: .seconds(3_600)) }
        await #expect(throws: Errno(rawValue: EINVAL)) { try await background.stop() }
    }

    @Test func aTaskOnTheLoopMayShutItDown() async throws {
        let background = try BackgroundLoop()
        try await Task(executorPreference: background.remote) { try await background.stop() }.value
    }

    @Test func whatIsOpenIsClosed() async throws {
        let background = try BackgroundLoop()
        let remote = background.remote
        let port = Record<UInt16>()
        let isServing = Record<Bool>()
        let served = Task {
            try await remote.withListener(on: .loopback(port: 0)) { listener in
                port.append(listener.address.port ?? 0)
                try await listener.serve { connection in
                    isServing.append(true)
                    await #expect(throws: CloseReason.shutdown) { try await connection.nextMessage() }
                }
            }
        }
        let peer = try Peer(port: try await port.wait(for: "the port"))
        _ = try await isServing.wait(for: "the connection")
        let sleeper = Task { try await remote.sleep(for: .seconds(3_600)) }
        let client = Task {
            try await remote.withConnection(to: .loopback(port: try await port.wait(for: "the port"))) { connection in
                _ = try await connection.nextMessage()
            }
        }
        // Sleeping, connecting and being served: in whatever state this finds them.
        try await background.stop()
        await #expect(throws: CloseReason.shutdown) { try await sleeper.value }
        await #expect(throws: (any Error).self) { try await client.value }
        try await served.value
        #expect(try peer.receiveLine() == nil)
    }

    /// In a process of its own: other tests open descriptors and start threads meanwhile.
    @Test func nothingIsLeftBehind() async {
        await #expect(processExitsWith: .success) {
            func once(_ isShutDown: Bool) async throws {
                let background = try BackgroundLoop()
                try await background.remote.withLoop { _ in precondition(ProcFiles.isLoop(thread: "/proc/thread-self")) }
                if isShutDown { try await background.stop() }
            }
            // The pool opens a few descriptors for its own use, when it comes to it: one of each loop would be a hundred.
            let limit = ProcFiles.descriptorCount + 20
            for number in 0..<100 { try await once(number.isMultiple(of: 2)) }
            // Those that were merely dropped end when they come to it.
            for _ in 0..<10_000 where ProcFiles.descriptorCount > limit || ProcFiles.loopThreadCount > 0 {
                try await Task.sleep(for: .milliseconds(1))
            }
            precondition(ProcFiles.descriptorCount <= limit, "descriptors were left behind")
            precondition(ProcFiles.loopThreadCount == 0, "threads were left behind")
        }
    }

    @Test func theLoopItselfIsFreed() async throws {
        let background = try BackgroundLoop()
        let reference = try await background.remote.withLoop { WeakReference($0) }
        try await background.stop()
        #expect(reference.isGone)
    }

    @Test func aSignalIsNotDeliveredToItsThread() async throws {
        let background = try BackgroundLoop()
        let isBlocked = try await background.remote.withLoop { _ in
            var set = sigset_t()
            unsafe pthread_sigmask(SIG_BLOCK, nil, &set)
            return unsafe sigismember(&set, SIGTERM) == 1
        }
        #expect(isBlocked)
        try await background.stop()
    }

    @Test func shuttingDownSendsWhatWaits() async throws {
        let background = try BackgroundLoop()
        let (near, far) = try socketPair()
        try await background.remote.withLoop { loop in
            let connection = try loop.adopt(socket: OwnedDescriptor(takingOver: near), handler: RecordingHandler())
            connection.send([UInt8](repeating: 65, count: 1_000_000).span)
        }
        let reader = Task.detached { [peer = Confined(far)] in try peer.value.receiveAll().count }
        try await background.shutDown(timeout: .seconds(60))
        #expect(try await reader.value == 1_000_000)
    }

    @Test func shuttingDownTakesNoLongerThanAsked() async throws {
        let background = try BackgroundLoop()
        let (near, far) = try socketPair()
        try await background.remote.withLoop { loop in
            let connection = try loop.adopt(socket: OwnedDescriptor(takingOver: near), handler: RecordingHandler())
            connection.send([UInt8](repeating: 65, count: 1_000_000).span)
        }
        try await background.shutDown(timeout: .milliseconds(20))
        await #expect(throws: CloseReason.shutdown) { try await background.remote.withLoop { _ in } }
        _ = far
    }

    /// A fault of the thread itself must reach the handler that prints a backtrace.
    @Test func itsThreadBlocksAllSignalsButThoseOfFaults() async throws {
        let background = try BackgroundLoop()
        let free = try await background.remote.withLoop { _ in
            var set = sigset_t()
            unsafe pthread_sigmask(SIG_BLOCK, nil, &set)
            return (1..<32).map(Int32.init).filter { unsafe sigismember(&set, $0) == 0 }
        }
        #expect(Set(free).subtracting([SIGKILL, SIGSTOP]) == [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS])
        try await background.stop()
    }
}

private final class WeakReference: Sendable {
    private nonisolated(unsafe) weak var loop: EventLoop?

    init(_ loop: EventLoop) {
        unsafe self.loop = loop
    }

    var isGone: Bool { unsafe loop == nil }
}
