import CReactorLinux
import Glibc
public import Reactor
import Synchronization

/// Threads that help a loop with large fan-outs. What topics of the loop send to hundreds of subscribers at the end of a turn, the loop's thread
/// and these send at the same time, each to a share of them.
///
/// ```swift
/// let threads = try SendThreads(1)
/// var configuration = Topic.Configuration()
/// configuration.sendThreads = threads
/// let topic = try Topic(on: loop, configuration: configuration)
/// ```
///
/// Nothing else of the loop is done on them: they make system calls, and the loop's thread waits for them before it goes on. So a topic behaves
/// as it does without them, but for the order in which its subscribers are served, and all else belongs to the loop's thread as ever. Those
/// whose bytes pass through a transport, such as TLS, are served by the loop's thread alone.
///
/// They end once no topic has them, and nobody else refers to them. They help one loop at a time: another one, whose topics have them as well,
/// sends by itself meanwhile. So topics of any loops may have them, but they are best left to one.
@safe public final class SendThreads: Sendable {
    /// From how many subscribers on a topic has the threads help. Below that, waking them would cost more than it saves.
    public let threshold: Int
    private let state: State

    /// Starts threads.
    ///
    /// - Parameters:
    ///   - count: How many, besides the loop's thread: from 0, with which the loop's thread sends alone, to 255.
    ///   - threshold: From how many subscribers on a topic has them help.
    ///   - beginning: What each of these threads does first, such as to give up rights, or to choose its processor. Nobody waits
    ///     for that: until then the thread does not help.
    /// - Throws: `EAGAIN` if there can be no more threads.
    ///
    /// The corresponding C functions are `pthread_create`, `sem_post` and `sem_wait`.
    public init(
        _ count: Int, threshold: Int = 256, beginningWith beginning: @escaping @Sendable () -> Void = {}
    ) throws(Errno) {
        self.threshold = max(threshold, 1)
        state = State(threadCount: min(max(count, 0), 255))
        // If one cannot be, those before it end with this object.
        for _ in 0..<state.threadCount {
            try startDetachedThread { [state] in
                unsafe pthread_setname_np(pthread_self(), "SendThread")
                beginning()
                state.work()
            }
        }
    }

    deinit {
        state.end()
    }

    /// Sends to all cursors to which `send` applies, on all threads, and waits until that is done. Calls `body` for each that has not
    /// taken all, with its index, what `send` has returned, and `errno`.
    ///
    /// - Parameter first: The cursor to begin with.
    /// - Returns: How many calls of `send` there were, and how many bytes the kernel has taken.
    func perform(
        _ send: DirectSend, to cursors: CursorTable, from first: Int,
        _ body: (_ index: Int, _ result: Int, _ error: Int32) -> Void
    ) -> (calls: Int, bytes: Int) {
        state.perform(send, to: cursors, from: first, body)
    }

    /// A cursor whose connection has not taken all.
    fileprivate struct Shortfall {
        let index: Int
        let result: Int
        let error: Int32
    }

    /// What a fan-out is to the threads. It is not changed while one of them is at it.
    @safe fileprivate struct Job {
        let send: DirectSend
        let cursors: UnsafeMutablePointer<Cursor>
        let count: Int
        let first: Int
        /// Room for each cursor.
        let shortfalls: UnsafeMutablePointer<Shortfall>

        init(_ send: DirectSend, to cursors: CursorTable, from first: Int, shortfalls: UnsafeMutablePointer<Shortfall>) {
            (self.send, self.first, count) = (send, first, cursors.count)
            unsafe self.cursors = cursors.storage
            unsafe self.shortfalls = shortfalls
        }
    }

    /// What the threads have in common. They keep it, and not the `SendThreads`.
    ///
    /// `@unchecked Sendable`, since a job is only written while nobody is at it, and read between `enter` and `leave`.
    @safe fileprivate final class State: @unchecked Sendable {
        let threadCount: Int
        /// How many cursors a thread takes at a time: so few that the threads end together, and so many that they seldom meet.
        private static let share = 16

        /// Counts what the threads are to look for.
        private let wakeUps = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        /// Counts threads that have entered a job and left it.
        private let departures = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        /// Twice the number of threads that have entered the job, and 1 as long as more may.
        private let door = Atomic<Int>(0)
        private let isOver = Atomic<Bool>(false)
        /// Whether a loop has them at work.
        private let isTaken = Atomic<Bool>(false)
        private let nextShare = Atomic<Int>(0)
        private let shortfallCount = Atomic<Int>(0)
        private let calls = Atomic<Int>(0)
        private let sentBytes = Atomic<Int>(0)
        private let job = UnsafeMutablePointer<Job>.allocate(capacity: 1)
        private var shortfalls: UnsafeMutableBufferPointer<Shortfall> = .allocate(capacity: 0)

        init(threadCount: Int) {
            self.threadCount = threadCount
            unsafe sem_init(wakeUps, 0, 0)
            unsafe sem_init(departures, 0, 0)
        }

        deinit {
            unsafe sem_destroy(wakeUps)
            unsafe sem_destroy(departures)
            unsafe wakeUps.deallocate()
            unsafe departures.deallocate()
            unsafe job.deallocate()
            unsafe shortfalls.deallocate()
        }

        // MARK: - The loop's thread

        func perform(
            _ send: DirectSend, to cursors: CursorTable, from first: Int,
            _ body: (_ index: Int, _ result: Int, _ error: Int32) -> Void
        ) -> (calls: Int, bytes: Int) {
            if isTaken.exchange(true, ordering: .acquiring) { return (0, 0) }
            defer { isTaken.store(false, ordering: .releasing) }
            if unsafe shortfalls.count < cursors.count {
                unsafe shortfalls.deallocate()
                unsafe shortfalls = .allocate(capacity: 2 * cursors.count)
            }
            guard let room = unsafe shortfalls.baseAddress else { return (0, 0) }
            unsafe job.initialize(to: Job(send, to: cursors, from: first, shortfalls: room))
            nextShare.store(0, ordering: .relaxed)
            shortfallCount.store(0, ordering: .relaxed)
            calls.store(0, ordering: .relaxed)
            sentBytes.store(0, ordering: .relaxed)
            // Whoever enters sees what was stored before.
            door.store(1, ordering: .releasing)
            let helpers = min(threadCount, (cursors.count - 1) / Self.share)
            for _ in 0..<helpers { unsafe sem_post(wakeUps) }
            takeShares()
            // Nobody enters any more who has not been woken yet, and who was late is not waited for.
            let entered = door.exchange(0, ordering: .acquiringAndReleasing) >> 1
            for _ in 0..<entered { unsafe Self.wait(departures) }
            for number in 0..<shortfallCount.load(ordering: .relaxed) {
                let shortfall = unsafe room[number]
                body(shortfall.index, shortfall.result, shortfall.error)
            }
            return (calls.load(ordering: .relaxed), sentBytes.load(ordering: .relaxed))
        }

        func end() {
            isOver.store(true, ordering: .releasing)
            for _ in 0..<threadCount { unsafe sem_post(wakeUps) }
        }

        // MARK: - All threads

        func work() {
            while true {
                unsafe Self.wait(wakeUps)
                if isOver.load(ordering: .acquiring) { return }
                guard enter() else { continue }
                takeShares()
                unsafe sem_post(departures)
            }
        }

        /// Returns false if the job is done, for which the thread was woken.
        private func enter() -> Bool {
            var old = door.load(ordering: .relaxed)
            while old & 1 == 1 {
                let result = door.weakCompareExchange(expected: old, desired: old &+ 2, ordering: .acquiring)
                if result.exchanged { return true }
                old = result.original
            }
            return false
        }

        private func takeShares() {
            let job = unsafe job.pointee
            var (calls, bytes) = (0, 0)
            while true {
                let start = nextShare.add(Self.share, ordering: .relaxed).oldValue
                if start >= job.count { break }
                for offset in start..<min(start &+ Self.share, job.count) {
                    let place = job.first &+ offset
                    let index = place < job.count ? place : place &- job.count
                    let cursor = unsafe job.cursors + index
                    guard unsafe job.send.applies(to: cursor) else { continue }
                    let sent = unsafe job.send(to: cursor)
                    calls &+= 1
                    bytes &+= max(sent, 0)
                    if unsafe cursor.pointee.position != job.send.tail {
                        let error = sent < 0 ? errno : 0
                        let number = shortfallCount.add(1, ordering: .relaxed).oldValue
                        unsafe (job.shortfalls + number).initialize(to: Shortfall(index: index, result: sent, error: error))
                    }
                }
            }
            self.calls.add(calls, ordering: .relaxed)
            sentBytes.add(bytes, ordering: .relaxed)
        }

        private static func wait(_ semaphore: UnsafeMutablePointer<sem_t>) {
            // A signal may interrupt it.
            while unsafe sem_wait(semaphore) != 0 {}
        }
    }
}
