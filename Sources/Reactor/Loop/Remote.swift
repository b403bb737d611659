import Glibc
import Synchronization

extension EventLoop {
    /// What other threads use of a loop: it runs something on the loop's thread, or stops the loop. For Swift concurrency it is
    /// an executor and a clock.
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
    /// It does not keep the loop alive. Once the loop is closed or gone, tasks that are passed to `execute` are dropped. As an
    /// executor it loses no job: see `enqueue`.
    public final class Remote: Sendable {
        enum Work: Sendable {
            case task(@Sendable (EventLoop) -> Void)
            case job(UnownedJob)
        }

        private struct Inbox: Sendable {
            var work: [Work] = []
            var isStopRequested = false
            /// Whether a wake-up is pending. If so, another one is redundant.
            var isWakeUnderWay = false
            /// Whether the loop will never look here again, so that Swift's global pool runs the jobs.
            var isOrphaned = false
        }

        let waker: Waker
        private let inbox = Mutex(Inbox())
        /// What pthread_self(3) says on the thread that is inside the loop, or that runs the jobs of a closed loop; or 0.
        private let owner = Atomic<UInt>(0)
        /// The loop that the owner is inside. Only the owner touches it.
        private nonisolated(unsafe) var ownedLoop: EventLoop?

        init() throws(Errno) {
            waker = try Waker()
        }

        /// Runs `task` on the loop's thread, after all tasks that were passed before it. From any thread, the loop's own
        /// included. `task` never runs from within this call.
        ///
        /// If the loop sleeps, it is woken, once for all tasks that come meanwhile. While no thread runs the loop, tasks wait
        /// until one does. The corresponding C function is `eventfd_write`.
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
                // Before it waits again, it looks into its inbox, without a system call to wake it.
                loop.scheduleInbox()
            } else if mustWake {
                if isOrphaned { runOrphansOnPool() } else { waker.wake() }
            }
        }

        /// Exchanges an empty list for the inbox's work. What arrives from now on wakes the loop again. Returns whether to stop.
        func takeInbox(into work: inout [Work]) -> Bool {
            inbox.withLock { inbox in
                swap(&work, &inbox.work)
                inbox.isWakeUnderWay = false
                defer { inbox.isStopRequested = false }
                return inbox.isStopRequested
            }
        }

        // MARK: - The thread that is inside the loop

        // None of these three is inlined: C declares pthread_self as a function of nothing, so that the optimizer calls it once for an
        // async function that changes threads in between.

        /// Whether the calling thread is inside the loop, or runs the jobs of a closed one.
        @inline(never)
        var isOwned: Bool { owner.load(ordering: .relaxed) == pthread_self() }

        /// Whether another thread is inside the loop, or runs the jobs of a closed one.
        @inline(never)
        var isOwnedElsewhere: Bool {
            let owner = owner.load(ordering: .relaxed)
            return owner != 0 && owner != pthread_self()
        }

        /// The loop, if the calling thread is inside it.
        var currentLoop: EventLoop? { isOwned ? unsafe ownedLoop : nil }

        /// The calling thread owns the loop until `leave`. If another thread owns it, the process ends: to go on would be a data
        /// race.
        @inline(never)
        func enter(_ loop: EventLoop?) {
            let result = owner.compareExchange(expected: 0, desired: pthread_self(), ordering: .acquiring)
            precondition(result.exchanged, "an event loop was run or closed while another thread was inside it")
            unsafe ownedLoop = loop
        }

        func leave() {
            unsafe ownedLoop = nil
            owner.store(0, ordering: .releasing)
        }

        // MARK: - Without a loop

        /// Called once the loop will never look into its inbox again. Tasks that wait there are dropped; jobs are not.
        func orphan() {
            var work: [Work] = []
            post { inbox in
                if inbox.isOrphaned { return }
                inbox.isOrphaned = true
                inbox.isWakeUnderWay = false
                work = inbox.work
                inbox.work.removeAll { if case .task = $0 { true } else { false } }
            }
            // Released after the lock is open: what a task has captured may call this object when it is released.
            withExtendedLifetime(work) {}
        }

        /// The jobs in an orphaned inbox. No other thread takes any before it has been found empty by `isEmptyOfOrphans`.
        func takeOrphans() -> [Work] {
            inbox.withLock { inbox in
                defer { inbox.work = [] }
                return inbox.work
            }
        }

        /// Whether nothing has come since `takeOrphans`. If so, the next job has the pool look here again.
        func isEmptyOfOrphans() -> Bool {
            inbox.withLock { inbox in
                inbox.isWakeUnderWay = !inbox.work.isEmpty
                return inbox.work.isEmpty
            }
        }
    }
}
