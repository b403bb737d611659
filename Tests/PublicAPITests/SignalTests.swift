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

    @Test("Anything may be done about a signal, such as stopping the loop")
    func stop() async {
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            try loop.watchSignals([SIGINT]) { _ in loop.stop() }
            loop.schedule(after: .milliseconds(5)) { raise(SIGINT) }
            try loop.run()
            loop.close()
        }
    }
}
