import Glibc
import Synchronization

extension EventLoop {
    /// A loop as other threads may use it: to run something on the loop's thread, or to stop the loop. Swift concurrency takes it as an
    /// executor and as a clock.
    ///
    /// ```swift
    /// let remote = loop.remote
    /// let name = connection.id
    /// Thread.detachNewThread {
    ///     let answer = "computed elsewhere\n"
    ///     remote.execute { loop in loop.connection(name)?.send(answer) }
    /// }
    /// ```
    ///
    /// It does not keep the loop alive. Once the loop is closed or gone, tasks that are handed over are dropped. As an executor it loses
    /// no job: see `enqueue`.
    public final class Remote: Sendable {
        enum Work: Sendable {
            case task(@Sendable (EventLoop) -> Void)
            case job(UnownedJob)
        }

        private struct Inbox: Sendable {
            var work: [Work] = []
            var isStopRequested = false
            /// Whether the loop knows that it must look here: further wakes would be lost labour.
            var isWakeUnderWay = false
            /// Whether the loop will never look here again, and Swift's global pool does so in its place.
            var isOrphaned = false
        }

        let waker: Waker
        private let inbox = Mutex(Inbox())
        /// The thread that is inside the loop at present, or that runs the jobs of one that is gone, as pthread_self(3) has it; or 0.
        private let owner = Atomic<UInt>(0)
        /// The loop that the owner is inside. The owner alone touches it.
        private nonisolated(unsafe) var ownedLoop: EventLoop?

        init() throws(Errno) {
            waker = try Waker()
        }

        /// Runs `task` on the loop's thread, after everything that was handed over before it. From any thread, the loop's own
        /// included, and never from within this call.
        ///
        /// The loop is woken if it sleeps, once for all that is handed over meanwhile. What is handed over while nobody runs the
        /// loop waits until somebody does. The corresponding C function is `eventfd_write`.
        public func execute(_ task: @escaping @Sendable (EventLoop) -> Void) {
            post { if !$0.isOrphaned { $0.work.append(.task(task)) } }
        }

        /// Ends `run` after the turn that is under way, or the next `run` if none is. From any thread.
        public func stop() {
            post { $0.isStopRequested = true }
        }

        func execute(_ job: UnownedJob) {
            post { $0.work.append(.job(job)) }
        }

        private func post(_ change: (inout Inbox) -> Void) {
            let (mustWake, isOrphaned) = inbox.withLock { inbox in
                change(&inbox)
                if inbox.isWakeUnderWay || (inbox.isOrphaned && inbox.work.isEmpty) { return (false, false) }
                inbox.isWakeUnderWay = true
                return (true, inbox.isOrphaned)
            }
            if let loop = currentLoop {
                // Before it waits again, it looks into its inbox: no system call need tell it so.
                loop.noteWork()
            } else if mustWake {
                if isOrphaned { runOrphansOnPool() } else { waker.wake() }
            }
        }

        /// Exchanges an empty list for the inbox's work. What arrives from now on wakes the loop again. Says whether to stop.
        func takeInbox(into work: inout [Work]) -> Bool {
            inbox.withLock { inbox in
                swap(&work, &inbox.work)
                inbox.isWakeUnderWay = false
                defer { inbox.isStopRequested = false }
                return inbox.isStopRequested
            }
        }

        // MARK: - Whose thread it is

        /// Whether the calling thread is the one on which jobs run at present.
        var isOwned: Bool { owner.load(ordering: .relaxed) == pthread_self() }

        /// The loop, if the calling thread is inside one of its calls.
        var currentLoop: EventLoop? { isOwned ? unsafe ownedLoop : nil }

        /// The calling thread owns the loop until `leave`.
        func enter(_ loop: EventLoop?) {
            _ = owner.exchange(pthread_self(), ordering: .acquiring)
            unsafe ownedLoop = loop
        }

        func leave() {
            unsafe ownedLoop = nil
            owner.store(0, ordering: .releasing)
        }

        // MARK: - Without a loop

        /// The loop will never look into its inbox again. Tasks that wait there are dropped; jobs are not.
        func orphan() {
            var work: [Work] = []
            post { inbox in
                if inbox.isOrphaned { return }
                inbox.isOrphaned = true
                inbox.isWakeUnderWay = false
                work = inbox.work
                inbox.work.removeAll { if case .task = $0 { true } else { false } }
            }
            // Not before the lock is open: what a task has captured may come back here when it is let go.
            withExtendedLifetime(work) {}
        }

        /// The jobs in an orphaned inbox. Nobody else takes any before it has been found empty by `isEmptyOfOrphans`.
        func takeOrphans() -> [Work] {
            inbox.withLock { inbox in
                defer { inbox.work = [] }
                return inbox.work
            }
        }

        /// Whether nothing has come since `takeOrphans`. If so, what comes from now on has the pool look here again.
        func isEmptyOfOrphans() -> Bool {
            inbox.withLock { inbox in
                inbox.isWakeUnderWay = !inbox.work.isEmpty
                return inbox.work.isEmpty
            }
        }
    }
}
