/// A loop is a clock: its timers let tasks sleep.
///
/// ```swift
/// try await remote.sleep(for: .seconds(5))
/// ```
///
/// A task that is on the loop's thread does not leave it for that, and whatever takes a clock can take a loop's.
extension EventLoop.Remote: Clock {
    /// Deadlines are those of the loop's timers.
    public typealias Instant = ContinuousClock.Instant

    /// The time of the monotonic clock. From any thread. The corresponding C function is `clock_gettime`.
    public var now: ContinuousClock.Instant { .now }

    /// The unit of epoll_wait(2). A sleep never ends before its deadline.
    public var minimumResolution: Duration { .milliseconds(1) }

    /// Sleeps until the given deadline, by a timer of the loop. From any task.
    ///
    /// - Parameters:
    ///   - deadline: When to go on.
    ///   - tolerance: Changes nothing: a timer is due after its deadline, and not long after.
    /// - Throws: `CancellationError` as soon as the task is cancelled, and `CloseReason.shutdown` once the loop is closed.
    public func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration? = nil) async throws {
        try await LoopActor(on: self).sleep(until: deadline)
    }

    /// Sleeps for the given time, as `sleep(until:tolerance:)` does. From any task. A negative time counts as zero, and any
    /// length is allowed.
    ///
    /// Swift prefers it to the standard library's function for all clocks, which would take the task to Swift's pool and back.
    public func sleep(for duration: Duration, tolerance: Duration? = nil) async throws {
        try await sleep(until: .now.advanced(clamping: duration), tolerance: tolerance)
    }
}

extension LoopActor {
    fileprivate func sleep(until deadline: ContinuousClock.Instant) async throws {
        let loop = try openLoop
        let sleeper = WaitQueue(on: remote)
        loop.sleepers[ObjectIdentifier(sleeper)] = sleeper
        let timer = loop.schedule(at: deadline) { sleeper.wakeAll() }
        defer {
            timer.cancel()
            loop.sleepers[ObjectIdentifier(sleeper)] = nil
        }
        try await sleeper.wait(since: 0, on: self)
        if .now < deadline { throw CloseReason.shutdown }
    }
}
