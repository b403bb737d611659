import ChatReactor
import Glibc
import TestSupport
import Testing

/// What `EventLoop.watchSignals` promises. In processes of their own, since signals are the process's.
struct SignalTests {
    @Test("A signal is reported on the loop's thread instead of what it would do otherwise")
    func reported() async {
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            var signals: [Int32] = []
            try loop.watchSignals([SIGUSR1, SIGTERM]) { signals.append($0) }
            // Either would have ended the process.
            raise(SIGTERM)
            raise(SIGUSR1)
            try loop.run(until: "both signals") { signals.count >= 2 }
            try #require(Set(signals) == [SIGUSR1, SIGTERM])
            try #require(try loop.turns(during: .milliseconds(50)) <= 2)
            loop.close()
        }
    }

    @Test("A signal that arrives twice before the loop comes to it is reported once, and again when it arrives again")
    func twice() async {
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            var count = 0
            try loop.watchSignals([SIGUSR1]) { _ in count += 1 }
            raise(SIGUSR1)
            raise(SIGUSR1)
            try loop.run(until: "the signal") { count > 0 }
            try loop.run(for: .milliseconds(20))
            try #require(count == 1)
            raise(SIGUSR1)
            try loop.run(until: "the next signal") { count == 2 }
            loop.close()
        }
    }

    @Test("A signal's handler may do anything, such as sending and stopping the loop")
    func stop() async {
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            let (near, peer) = try socketPair()
            let connection = try loop.adopt(socket: OwnedDescriptor(takingOver: near), handler: RecordingHandler())
            try loop.watchSignals([SIGINT]) { _ in
                connection.send("bye\n")
                loop.stop()
            }
            loop.schedule(after: .milliseconds(5)) { raise(SIGINT) }
            try loop.run()
            try #require(try peer.receiveLine() == "bye")
            loop.close()
        }
    }

    @Test("A watched signal is blocked for no child, and does again what it did before once its last watcher is cancelled")
    func nothingIsLeft() async {
        await #expect(processExitsWith: .signal(SIGTERM)) {
            let (first, second) = (try EventLoop(), try EventLoop())
            var counts = [0, 0, 0]
            try first.watchSignals([SIGTERM, SIGUSR1]) { _ in counts[0] += 1 }
            let watcher = try first.watchSignals([SIGTERM]) { _ in counts[1] += 1 }
            try second.watchSignals([SIGTERM]) { _ in counts[2] += 1 }
            // A child starts with the mask of the thread that starts it, and with nothing else of what is done here.
            try #require(blockedSignals() & bit(SIGTERM) == 0)
            var child = pid_t()
            var arguments: [UnsafeMutablePointer<CChar>?] = unsafe [strdup("sleep"), strdup("100"), nil]
            try #require(unsafe posix_spawnp(&child, "sleep", nil, nil, &arguments, environ) == 0)
            kill(child, SIGTERM)
            var status: Int32 = 0
            try #require(unsafe waitpid(child, &status, 0) == child && status & 0x7F == SIGTERM)

            raise(SIGTERM)
            try first.run(until: "both watchers of a loop") { counts[0] == 1 && counts[1] == 1 }
            try second.run(until: "the other loop") { counts[2] == 1 }
            watcher.cancel()
            watcher.cancel()
            first.close()
            try #require(watcher.isCancelled)
            raise(SIGTERM)
            try second.run(until: "the loop that is left") { counts[2] == 2 }
            try #require(counts == [1, 1, 2])
            second.close()
            endBySignal(SIGTERM)
        }
    }

    @Test("A handler of the program's own is called again afterwards")
    func previousHandler() async {
        await #expect(processExitsWith: .exitCode(42)) {
            signal(SIGUSR1) { _ in _exit(42) }
            let loop = try EventLoop()
            var count = 0
            let watcher = try loop.watchSignals([SIGUSR1]) { _ in count += 1 }
            raise(SIGUSR1)
            try loop.run(until: "the signal") { count == 1 }
            watcher.cancel()
            loop.close()
            endBySignal(SIGUSR1)
        }
    }

    @Test("A signal that the thread blocks is unblocked while it is watched, and blocked again afterwards")
    func unblocked() async {
        await #expect(processExitsWith: .success) {
            var set = sigset_t()
            unsafe sigemptyset(&set)
            unsafe sigaddset(&set, SIGTERM)
            unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
            let loop = try EventLoop()
            var count = 0
            try loop.watchSignals([SIGTERM]) { _ in count += 1 }
            raise(SIGTERM)
            try loop.run(until: "the signal") { count == 1 }
            loop.close()
            try #require(blockedSignals() & bit(SIGTERM) != 0)
        }
    }

    @Test(
        "What is no signal, cannot be caught, or means that a thread cannot go on is refused, and nothing is watched then",
        arguments: [0, -1, 65, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP])
    func refused(signal: Int32) async {
        await #expect(processExitsWith: .signal(SIGUSR2)) { [signal] () async throws in
            let loop = try EventLoop()
            defer { loop.close() }
            do {
                try loop.watchSignals([SIGUSR2, signal]) { _ in }
            } catch let error as Errno where error == .invalidArgument {
                endBySignal(SIGUSR2)
            }
        }
    }

    @Test("Watchers come and go while signals come to other threads")
    func race() async {
        await #expect(processExitsWith: .success) {
            let background = try BackgroundLoop()
            try await background.remote.withLoop { loop in _ = try loop.watchSignals([SIGUSR1]) { _ in } }
            let sender = Task.detached { while !Task.isCancelled { kill(getpid(), SIGUSR1) } }
            for _ in 0..<2_000 {
                let loop = try EventLoop()
                try loop.watchSignals([SIGUSR1]) { _ in }
                try loop.runOnce(waitingAtMost: .zero)
                loop.close()
            }
            sender.cancel()
            await sender.value
            // What is not delivered before the last watcher goes would end the process.
            while isPending(SIGUSR1) { usleep(1_000) }
            try await background.stop()
        }
    }
}

private func bit(_ signal: Int32) -> UInt64 { 1 << UInt64(signal - 1) }

/// Sends a signal to the process, which is to end by it. Threads of Swift's pool block all signals, so another thread gets it.
private func endBySignal(_ signal: Int32) -> Never {
    kill(getpid(), signal)
    sleep(10)
    exit(1)
}

/// Whether a signal waits for a thread of the process.
private func isPending(_ signal: Int32) -> Bool {
    // sigpending(2) tells only of those that the calling thread blocks, and one that has watched signals need not block them any more.
    var (set, pending, before) = (sigset_t(), sigset_t(), sigset_t())
    unsafe sigemptyset(&set)
    unsafe sigaddset(&set, signal)
    unsafe pthread_sigmask(SIG_BLOCK, &set, &before)
    unsafe sigpending(&pending)
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    return unsafe sigismember(&pending, signal) == 1
}

/// The calling thread's blocked signals.
private func blockedSignals() -> UInt64 {
    var set = sigset_t()
    unsafe pthread_sigmask(SIG_BLOCK, nil, &set)
    return (1...64).reduce(0) { bits, signal in unsafe sigismember(&set, Int32(signal)) == 1 ? bits | bit(Int32(signal)) : bits }
}
