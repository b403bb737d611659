import Glibc
public import Reactor

/// A log that topics of several loops have in common: what is published to one of them reaches the subscribers of all, in one order, and is
/// copied once.
///
///                   publish on any loop: one copy
///                                  ↓
///      log    ─────────────────────┤ tail
///                ↑          ↑    ↑
///                │          │    └ the topic of a loop that has just flushed, and its subscribers
///                │          └ that of another one, which has been woken
///                └ the slowest: the log grows no further than a quarter of its capacity past it
///
/// Each loop has a ``Topic`` of its own over the log, with its own subscribers, and sends to them from its own thread.
///
/// ```swift
/// final class Guest: ConnectionHandler {
///     let log: SharedLog
///     init(_ log: SharedLog) { self.log = log }
///
///     func connectionDidOpen(_ connection: Connection) {
///         log.topic(on: connection.loop).subscribe(connection)
///     }
///
///     func connection(_ connection: Connection, didReceive lines: borrowing MessageBatch) {
///         log.topic(on: connection.loop).publish(lines, from: connection)
///     }
/// }
/// ```
///
/// A log may be passed to any thread, and a topic may not: it belongs to its loop's thread as ever.
///
/// A loop is one more reader, and cannot be overrun: one that is held up for a while holds up those who publish, on all loops. What they
/// publish meanwhile waits with their topic, and reading from them is paused. So a loop that has a topic with subscribers must be run, or
/// closed.
@safe public final class SharedLog: @unchecked Sendable {
    // `@unchecked`, since the state is behind a pointer; each access to it is under the lock.

    let memory: LogMemory
    /// What pthread_mutex_init has made. The standard library's mutex would do as well, but thread sanitizers do not see it.
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    /// Behind a pointer: of a property of a class, Swift would check each access, some of which are made with every batch.
    private let state: UnsafeMutablePointer<State>

    /// What is guarded by the lock.
    struct State {
        /// The position after the last message.
        var tail = 0
        var messageCount = 0
        var members: [Member] = []
        /// How many of them are under pressure. While there are any, nothing is appended.
        var pressingCount = 0
        /// Those with messages for which there was no room, in the order in which they have found that out: first come, first served. Otherwise
        /// short messages would for ever take the room that a long one waits for.
        var queue: [Member] = []
        /// Up to where the log may grow, as far as is known: a quarter of its capacity past the member that has flushed least. It only grows.
        var limit = 0
    }

    /// The part of one topic in the log.
    ///
    /// `@unchecked Sendable`, since what is not constant is guarded by the log's lock.
    final class Member: @unchecked Sendable {
        let remote: EventLoop.Remote
        let place: Place
        /// Passed to `remote` to have the topic flushed: made once, so that a wake-up allocates nothing.
        let wakeUp: @Sendable (EventLoop) -> Void
        /// Up to where its subscribers were visited. `.max` while it has none: then nobody waits for it, and it is not woken.
        var flushed = Int.max
        /// Up to where it has seen the log.
        var seen = Int.max
        var isPressing = false
        /// Whether it will look at the log without being woken again.
        var isWakeUnderWay = false
        /// How long the first of the messages is for which there was no room.
        var needed = 0
        /// Whether these are so many that they do not wait any longer for somebody who is too slow.
        var ignoresPressure = false

        init(of topic: Topic) {
            let place = Place(topic)
            self.place = place
            remote = topic.loop.remote
            wakeUp = { _ in place.topic?.scheduleFlush() }
        }

        /// Not under the lock: the loop's inbox has one of its own.
        func wake() { remote.execute(wakeUp) }
    }

    /// Where a topic is found. A task that wakes it may come when it is gone.
    ///
    /// `@unchecked Sendable`, since it is used on the topic's loop alone.
    final class Place: @unchecked Sendable {
        unowned var topic: Topic?

        init(_ topic: Topic) { self.topic = topic }
    }

    /// A log without messages. Its memory is made now.
    ///
    /// - Parameter capacity: How many bytes of messages it keeps, rounded up to a power of two and to a page. A message may be a quarter of
    ///   it. What the publishers of one turn send should fit into a quarter as well, for each of the loops, or they wait for
    ///   each other.
    /// - Throws: `Errno.noMemory` if there is not so much, or if the process has too many mappings; `.tooManyOpenFiles`, since a
    ///   descriptor is needed for a moment.
    ///
    /// The corresponding C functions are `memfd_create`, `ftruncate`, `mmap` and `pthread_mutex_init`.
    public init(capacity: Int = 1_048_576) throws(Errno) {
        memory = try LogMemory(capacity: try LogMemory.capacity(from: capacity))
        unsafe lock = .allocate(capacity: 1)
        unsafe pthread_mutex_init(lock, nil)
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: State())
        unsafe state.pointee.limit = memory.capacity / 4
    }

    deinit {
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
        unsafe pthread_mutex_destroy(lock)
        unsafe lock.deallocate()
    }

    /// The topic of a loop over this log: the first that it still has, or a new one. It lives as long as somebody keeps it, as each of its
    /// subscribers does. Called on the loop's thread.
    ///
    /// ```swift
    /// func connectionDidOpen(_ connection: Connection) {
    ///     log.topic(on: connection.loop).subscribe(connection)
    /// }
    /// ```
    ///
    /// - Parameter configuration: That of a new one.
    /// - Complexity: O(*n*) for *n* topics over the log.
    public func topic(on loop: EventLoop, configuration: @autoclosure () -> Topic.Configuration = .init()) -> Topic {
        let remote = loop.remote
        let member = withState { state in state.members.first { $0.remote === remote } }
        return member?.place.topic ?? Topic(on: loop, sharing: self, configuration: configuration())
    }

    /// How many bytes of messages it keeps.
    public var capacity: Int { memory.capacity }

    /// How many bytes of memory it takes.
    package var memorySize: Int { LogMemory.size(ofCapacity: capacity) }

    /// Runs `body`, which calls nothing of an embedder's and wakes nobody.
    func withState<Result>(_ body: (inout State) -> Result) -> Result {
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        return unsafe body(&state.pointee)
    }
}

extension SharedLog.State {
    /// Whether so many bytes can be appended without overwriting what a loop may still have to send.
    ///
    /// - Complexity: O(1) as a rule, O(*n*) for *n* members if not.
    mutating func hasRoom(_ count: Int, of capacity: Int) -> Bool {
        if tail &+ count <= limit { return true }
        // Those without subscribers count as far ahead, and with nobody else there is no limit but what a topic sends at a time.
        let slowest = members.reduce(tail) { min($0, $1.flushed) }
        limit = max(limit, slowest &+ capacity / 4)
        return tail &+ count <= limit
    }

    /// Whether a member may append, as far as others are concerned.
    func isTurn(of member: SharedLog.Member) -> Bool {
        (pressingCount == 0 || member.ignoresPressure) && (queue.isEmpty || queue[0] === member)
    }

    /// The first of those who wait, if it can go on and does not know: it is to be woken.
    mutating func takeHeadThatCanGoOn(of capacity: Int) -> SharedLog.Member? {
        guard let head = queue.first, !head.isWakeUnderWay, isTurn(of: head), hasRoom(head.needed, of: capacity) else {
            return nil
        }
        head.isWakeUnderWay = true
        return head
    }

    /// Those, but for one, who have to look at the log again and do not know: all of them, or those who have not seen its end.
    mutating func takeSleepers(besides member: SharedLog.Member, all: Bool, into sleepers: inout [SharedLog.Member]) {
        for other in members where other !== member && !other.isWakeUnderWay && (all || other.seen < tail) {
            other.isWakeUnderWay = true
            sleepers.append(other)
        }
    }
}
