extension EventLoop {
    /// An action that the loop runs once at a deadline, and that can be armed again. Belongs to the loop's thread.
    ///
    /// Ten thousand connections may have a timer each, and a timer may be armed anew with every message: arming, moving and
    /// cancelling allocate nothing.
    public final class Timer {
        /// When the timer is due, or nil while it is not armed.
        public fileprivate(set) var deadline: ContinuousClock.Instant?

        /// The timer's place in the queue's heap; -1 while it is not there.
        fileprivate var index = -1
        private let loop: EventLoop
        private let action: () -> Void

        init(loop: EventLoop, action: @escaping () -> Void) {
            self.loop = loop
            self.action = action
        }

        /// Arms the timer, or moves it, to run after the given deadline: never before it, and not long after. Does nothing once
        /// the loop is closed.
        ///
        /// - Complexity: O(log *n*) for *n* armed timers.
        public func arm(at deadline: ContinuousClock.Instant) {
            if loop.isClosed { return }
            loop.assertNoOtherThreadIsInside()
            loop.timers.arm(self, at: deadline)
        }

        /// Arms the timer, or moves it, to run after the given time; a negative time counts as zero. Does nothing once the loop
        /// is closed.
        ///
        /// - Complexity: O(log *n*) for *n* armed timers.
        public func arm(after delay: Duration) {
            arm(at: .now.advanced(clamping: delay))
        }

        /// Disarms the timer; does nothing if it is not armed. Its action will not run, even if it is due in this very turn.
        ///
        /// - Complexity: O(log *n*) for *n* armed timers.
        public func cancel() {
            if deadline == nil { return }
            loop.assertNoOtherThreadIsInside()
            loop.timers.cancel(self)
        }

        fileprivate func fire() {
            // A timer that ran before in this turn may have cancelled or moved this one, or may have closed the loop.
            guard deadline != nil, index < 0 else { return }
            deadline = nil
            if !loop.isClosed { action() }
        }
    }
}

/// The armed timers, as a binary heap in which each timer knows its place, so that any of them can be moved or removed.
///
/// A timer's action is an embedder's, and its release may run code that arms or cancels timers of this same queue. So no mutating
/// function releases the last reference to a timer: the caller has a reference, or gets one.
struct TimerQueue {
    private struct Entry {
        var deadline: ContinuousClock.Instant
        var timer: EventLoop.Timer
    }

    private var heap: [Entry] = []

    var count: Int { heap.count }

    var earliestDeadline: ContinuousClock.Instant? { heap.first?.deadline }

    /// - Complexity: O(log *n*) for *n* armed timers.
    mutating func arm(_ timer: EventLoop.Timer, at deadline: ContinuousClock.Instant) {
        timer.deadline = deadline
        if timer.index >= 0 {
            heap[timer.index].deadline = deadline
            siftDown(siftUp(timer.index))
        } else {
            timer.index = heap.count
            heap.append(Entry(deadline: deadline, timer: timer))
            siftUp(heap.count - 1)
        }
    }

    /// - Complexity: O(log *n*) for *n* armed timers.
    mutating func cancel(_ timer: EventLoop.Timer) {
        timer.deadline = nil
        if timer.index >= 0 { remove(at: timer.index) }
    }

    /// Takes out the timers that are due. If an action arms its timer anew, even for now, the timer waits for the next turn: so
    /// it cannot keep the loop from its other work.
    ///
    /// - Complexity: O(*k* log *n*) for *k* due ones of *n* armed timers.
    mutating func takeDue(at now: ContinuousClock.Instant) -> [EventLoop.Timer] {
        var due: [EventLoop.Timer] = []
        while let first = heap.first, first.deadline <= now {
            due.append(first.timer)
            remove(at: 0)
        }
        return due
    }

    /// Disarms all timers, and returns them.
    ///
    /// - Complexity: O(*n*) for *n* armed timers.
    mutating func takeAll() -> [EventLoop.Timer] {
        let armed = heap.map(\.timer)
        for timer in armed {
            timer.index = -1
            timer.deadline = nil
        }
        heap = []
        return armed
    }

    private mutating func remove(at index: Int) {
        heap[index].timer.index = -1
        let last = heap.removeLast()
        guard index < heap.count else { return }
        heap[index] = last
        last.timer.index = index
        siftDown(siftUp(index))
    }

    @discardableResult
    private mutating func siftUp(_ start: Int) -> Int {
        var index = start
        while index > 0, heap[index].deadline < heap[(index - 1) / 2].deadline {
            swap(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
        return index
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var smallest = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if heap[child].deadline < heap[smallest].deadline { smallest = child }
            }
            if smallest == index { return }
            swap(index, smallest)
            index = smallest
        }
    }

    private mutating func swap(_ first: Int, _ second: Int) {
        heap.swapAt(first, second)
        heap[first].timer.index = first
        heap[second].timer.index = second
    }
}

extension [EventLoop.Timer] {
    func fire() {
        for timer in self { timer.fire() }
    }
}
