import Synchronization

extension EventLoop {
    /// A loop as other threads may use it: to run something on the loop's thread, or to stop the loop.
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
    /// It does not keep the loop alive. Once the loop is gone, what is handed over is dropped.
    public final class Remote: Sendable {
        struct Inbox: Sendable {
            var tasks: [@Sendable (EventLoop) -> Void] = []
            var isStopRequested = false
            /// Whether the loop has been woken and has not yet looked here: further wakes would be lost labour.
            var isWakeUnderWay = false
            var isLoopGone = false
        }

        let waker: Waker
        private let inbox = Mutex(Inbox())

        init() throws(Errno) {
            waker = try Waker()
        }

        /// Runs `task` on the loop's thread, after everything that was handed over before it. From any thread, the loop's own
        /// included, and never from within this call.
        ///
        /// The loop is woken if it sleeps, once for all that is handed over meanwhile. What is handed over while nobody runs the
        /// loop waits until somebody does. The corresponding C function is `eventfd_write`.
        public func execute(_ task: @escaping @Sendable (EventLoop) -> Void) {
            post { $0.tasks.append(task) }
        }

        /// Ends `run` after the turn that is under way, or the next `run` if none is. From any thread.
        public func stop() {
            post { $0.isStopRequested = true }
        }

        private func post(_ change: (inout Inbox) -> Void) {
            let mustWake = inbox.withLock { inbox in
                if inbox.isLoopGone { return false }
                change(&inbox)
                defer { inbox.isWakeUnderWay = true }
                return !inbox.isWakeUnderWay
            }
            if mustWake { waker.wake() }
        }

        /// Empties the inbox. What arrives from now on wakes the loop again.
        func takeInbox() -> Inbox {
            inbox.withLock { inbox in
                let taken = inbox
                inbox = Inbox()
                return taken
            }
        }

        /// Drops what nobody will run any more, and takes nothing from now on.
        func loopIsGone() {
            // Not let go of under the lock: what a task holds may hand something over when it goes.
            _ = inbox.withLock { inbox in
                let dropped = inbox
                inbox = Inbox(isLoopGone: true)
                return dropped
            }
        }
    }
}
