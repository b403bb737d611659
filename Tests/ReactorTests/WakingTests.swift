import Glibc
import TestSupport
import Testing

@testable import Reactor

/// A loop is woken only by other threads.
struct WakingTests {
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
