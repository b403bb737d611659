import Glibc
import TestSupport
import Testing

@testable import Reactor

/// A loop is woken by other threads and by its timers, and by nothing else.
struct WakingTests {
    /// The timeout of epoll_wait(2) does not go on while the machine is suspended, as the clock does: so no wait is longer than a
    /// minute, and after a resume no timer is later than that.
    @Test func aWaitIsRoundedUpAndLastsAMinuteAtMost() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let now = ContinuousClock.now
        #expect(loop.milliseconds(until: nil) == -1)
        #expect(loop.milliseconds(until: now) == 0)
        #expect(loop.milliseconds(until: now.advanced(by: .seconds(-1_000_000))) == 0)
        for far in [61, 3_600, 1 << 40] {
            #expect(loop.milliseconds(until: now.advanced(by: .seconds(far))) == 60_000)
        }
        // A moment passes between the two looks at the clock.
        let near = loop.milliseconds(until: .now.advanced(by: .seconds(59)))
        #expect((50_000...59_000).contains(near))
        #expect((1...3).contains(loop.milliseconds(until: .now.advanced(by: .microseconds(2_500)))))
    }

    /// The loop never reads the waker's counter, so the counter tells how often the loop was woken.
    @Test func aJobFromTheLoopsOwnThreadWakesNobody() async throws {
        try await withBackgroundLoop { remote in
            let count: @Sendable () -> UInt64 = {
                var value: UInt64 = 0
                return unsafe read(remote.waker.descriptor.rawValue, &value, 8) == 8 ? value : 0
            }
            try await Task(executorPreference: remote) {
                _ = count()
                for _ in 0..<1_000 { await Task.yield() }
                try await remote.sleep(for: .milliseconds(1))
                await withTaskGroup { group in
                    for _ in 0..<100 { group.addTask { await Task.yield() } }
                }
                #expect(count() == 0)
            }.value
        }
    }
}
