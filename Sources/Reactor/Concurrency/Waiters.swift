/// Tasks that wait on a loop's thread for something to change there. Belongs to that thread.
///
/// They are not told what has changed: whoever is woken looks, and waits again if need be.
final class Waiters {
    private let remote: EventLoop.Remote
    private var waiting: [(id: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
    private var lastID: UInt64 = 0
    /// How often all were woken.
    private(set) var wakeCount: UInt64 = 0

    init(on remote: EventLoop.Remote) {
        self.remote = remote
    }

    var isEmpty: Bool { waiting.isEmpty }

    /// Waits for `wakeAll`. Throws `CancellationError` as soon as the task is cancelled.
    ///
    /// - Parameters:
    ///   - count: The `wakeCount` when the task found that it must wait. For a task that prefers an executor, each `await` may be a
    ///     turn of the loop, in which much can change before the wait has begun.
    ///   - actor: One of the loop's.
    func wait(since count: UInt64, on actor: isolated any Actor) async throws {
        lastID &+= 1
        let id = lastID
        nonisolated(unsafe) let waiters = self
        let remote = remote
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation(isolation: actor) { (continuation: CheckedContinuation<Void, any Error>) in
                assert(remote.isOwned)
                if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                if wakeCount != count { return continuation.resume() }
                waiting.append((id, continuation))
            }
        } onCancel: {
            // If the loop is gone, so that this is dropped, its closing has woken everybody.
            remote.execute { _ in unsafe waiters.cancel(id) }
        }
    }

    /// Wakes all who wait, in the order in which they came.
    func wakeAll() {
        wakeCount &+= 1
        let woken = waiting
        waiting = []
        for waiter in woken { waiter.continuation.resume() }
    }

    private func cancel(_ id: UInt64) {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return }
        waiting.remove(at: index).continuation.resume(throwing: CancellationError())
    }
}
