/// Tasks that wait on a loop's thread for something to change there. Belongs to that thread.
///
/// A task that is woken is not told what has changed: it looks, and waits again if need be.
///
/// It is an executor that does not run the jobs that come to it, but keeps them: a task waits by calling a function of this
/// actor, and `wakeAll` passes all jobs on to the loop. With a continuation in its place, Swift would resume the task on its
/// global pool, from where the task would come back to the loop: two threads to be woken for every message.
actor WaitQueue: SerialExecutor {
    private nonisolated let remote: EventLoop.Remote
    // Both belong to the loop's thread: nothing that is isolated to this actor runs elsewhere.
    private nonisolated(unsafe) var waiting: [UnownedJob] = []
    private nonisolated(unsafe) var wakeUps: UInt64 = 0

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe asUnownedSerialExecutor() }

    init(on remote: EventLoop.Remote) {
        self.remote = remote
    }

    /// How often `wakeAll` was called.
    nonisolated var wakeCount: UInt64 { unsafe wakeUps }

    /// Waits for `wakeAll`. Throws `CancellationError` as soon as the task is cancelled.
    ///
    /// - Parameters:
    ///   - count: The `wakeCount` when the task found that it must wait. For a task that prefers an executor, each `await` may be
    ///     a turn of the loop, in which much can change before the wait has begun.
    ///   - actor: One of the loop's.
    func wait(since count: UInt64, on actor: isolated any Actor) async throws {
        try await withTaskCancellationHandler {
            // This keeps the closure on the loop's thread: a closure is isolated to an actor that it captures, and to no other.
            _ = actor
            // Nothing else happens there between this look and the task's arrival at `enqueue`.
            var latest = wakeCount
            while latest == count, !Task.isCancelled { latest = await wokenCount() }
            try Task.checkCancellation()
        } onCancel: {
            // If the loop is closed, this is dropped. Its closing has woken all tasks.
            remote.execute { _ in self.wakeAll() }
        }
    }

    /// The `wakeCount`. A task that calls this waits in `enqueue`, so only a task that was woken gets it.
    private func wokenCount() -> UInt64 { wakeCount }

    nonisolated func enqueue(_ job: consuming ExecutorJob) {
        assert(remote.isOwned)
        unsafe waiting.append(UnownedJob(job))
    }

    /// Wakes all tasks that wait, in the order in which they came.
    ///
    /// - Complexity: O(*n*) for *n* tasks.
    nonisolated func wakeAll() {
        unsafe wakeUps &+= 1
        for job in unsafe waiting { remote.execute(job) }
        unsafe waiting.removeAll(keepingCapacity: true)
    }
}
