import ChatReactor
import Glibc
import TestSupport
import Testing

/// A loop is a clock: tasks sleep by its timers, never too short, and can be woken by cancelling them.
@Suite(.beyondPatience)
struct LoopSleepTests {
    @Test func aSleepIsNeverTooShort() async throws {
        try await withBackgroundLoop { remote in
            for milliseconds in [0, 1, 7, 30] {
                let deadline = remote.now.advanced(by: .milliseconds(milliseconds))
                try await remote.sleep(until: deadline)
                #expect(remote.now >= deadline)
            }
        }
    }

    /// What a program does that takes any clock: it asks for the least that makes a difference, and sleeps for that.
    @Test func itServesAsAnyClock() async throws {
        func nap(on clock: some Clock<Duration>) async throws -> Bool {
            let start = clock.now
            try await clock.sleep(until: start.advanced(by: clock.minimumResolution), tolerance: nil)
            return start.duration(to: clock.now) >= clock.minimumResolution
        }
        try await withBackgroundLoop { remote in
            #expect(remote.minimumResolution > .zero)
            let isLongEnough = try await nap(on: remote)
            #expect(isLongEnough)
        }
    }

    @Test func cancellingWakes() async throws {
        try await withBackgroundLoop { remote in
            let task = Task(executorPreference: remote) { try await remote.sleep(for: .seconds(3_600)) }
            // Asleep by now, or nearly: either must do.
            try await remote.withLoop { _ in }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test func whoIsCancelledBeforeDoesNotSleep() async throws {
        try await withBackgroundLoop { remote in
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                try await remote.sleep(for: .seconds(3_600))
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    /// Cancelling from another thread, at any time about the one at which the sleep ends by itself.
    @Test func cancellingAndEndingMayCoincide() async throws {
        try await withBackgroundLoop { remote in
            for round in 0..<200 {
                let task = Task { try await remote.sleep(for: .microseconds(round * 10)) }
                await Task.yield()
                task.cancel()
                _ = await task.result
            }
            // The loop has no timer left to wake for.
            let turns = try await remote.withLoop { $0.turnCount }
            try await Task.sleep(for: .milliseconds(50))
            #expect(try await remote.withLoop { $0.turnCount } <= turns + 3)
        }
    }

    @Test func whatTakesAClockTakesALoop() async throws {
        try await withBackgroundLoop { remote in
            let start = ContinuousClock.now
            try await Task.sleep(for: .milliseconds(5), clock: remote)
            let time = await remote.measure { try? await remote.sleep(for: .milliseconds(5)) }
            #expect(time >= .milliseconds(5))
            #expect(start.duration(to: .now) >= .milliseconds(10))
        }
    }
}
