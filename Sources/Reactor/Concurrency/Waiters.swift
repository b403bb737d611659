/// Tasks that wait on a loop's thread for something to change there. Belongs to that thread.
///
/// They are not told what has changed: whoever is woken looks, and waits again if need be.
///
/// It is an executor that does not run what comes to it, but keeps it: a task waits by going here, and `wakeAll` hands all on to the
/// loop. A continuation would have the task resumed on Swift's global pool, and come back from there: two threads to be woken
/// for every message.
actor Waiters: SerialExecutor {
    private nonisolated let remote: EventLoop.Remote
    // Both belong to the loop's thread, and nothing that is isolated to this actor runs elsewhere.
    private nonisolated(unsafe) var waiting: [UnownedJob] = []
    private nonisolated(unsafe) var wakeUps: UInt64 = 0

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe asUnownedSerialExecutor() }

    init(on remote: EventLoop.Remote) {
        self.remote = remote
    }

    /// How often all were woken.
    nonisolated var wakeCount: UInt64 { unsafe wakeUps }

    /// Waits for `wakeAll`. Throws `CancellationError` as soon as the task is cancelled.
    ///
    /// - Parameters:
    ///   - count: The `wakeCount` when the task found that it must wait. For a task that prefers an executor, each `await` may be a
    ///     turn of the loop, in which much can change before the wait has begun.
    ///   - actor: One of the loop's.
    func wait(since count: UInt64, on actor: isolated any Actor) async throws {
        try await withTaskCancellationHandler {
            // What keeps the closure on the loop's thread: a closure is isolated to an actor that it captures, and to no other.
            _ = actor
            // Nothing else happens there between this look and the task's arrival at `enqueue`.
            var latest = wakeCount
            while latest == count, !Task.isCancelled { latest = await wokenCount() }
            try Task.checkCancellation()
        } onCancel: {
            // If the loop is gone, so that this is dropped, its closing has woken everybody.
            remote.execute { _ in self.wakeAll() }
        }
    }

    /// The `wakeCount`, told only to those who were woken: a task that comes for it waits in `enqueue`.
    private func wokenCount() -> UInt64 { wakeCount }

    nonisolated func enqueue(_ job: consuming ExecutorJob) {
        assert(remote.isOwned)
        unsafe waiting.append(UnownedJob(job))
    }

    /// Wakes all who wait, in the order in which they came.
    nonisolated func wakeAll() {
        unsafe wakeUps &+= 1
        for job in unsafe waiting { remote.execute(job) }
        unsafe waiting.removeAll(keepingCapacity: true)
    }
}
