import Glibc

/// A single-threaded reactor: it waits for sockets, timers and other threads, and calls who is concerned.
///
/// One turn of the loop:
///
///          ┌────────────────────────────────────────────────────────────────┐
///          │  wait       epoll_wait, until the next deadline                │
///          │    ↓                                                           │
///          │  dispatch   accept; read each ready socket once; messages are  │
///          │    ↓        handed on, and what they cause is only noted down  │
///          │  timers     those that are due                                 │
///          │    ↓                                                           │
///          │  tasks      what other threads have handed over until now      │
///          │    ↓                                                           │
///          │  flush      everything noted down leaves: one send a peer      │
///          │    ↓                                                           │
///          │  reap       what was closed in this turn is closed only now    │
///          └────────────────────────────────────────────────────────────────┘
///
/// Nothing is sent before the flush, so a peer gets all that a turn has for it in one system call, and nobody who sends is ever
/// interrupted by a connection's end. Nothing is closed before the reaping, so a descriptor's number cannot be given away again
/// while events for it are still being dispatched.
///
/// A loop and all that is registered with it belong to the thread that runs it. Other threads use its `remote`.
///
/// ```swift
/// let loop = try EventLoop()
/// try loop.listen(on: .loopback(port: 3001), handler: handler)
/// try loop.run()
/// ```
public final class EventLoop {
    /// What bounds a loop's turn. What is out of range is brought into it.
    public struct Configuration: Sendable {
        /// How many bytes one read takes from a socket at most, from 1 to 16 MiB. The loop has one buffer of this size, whatever its
        /// connections.
        public var readSize = 65_536
        /// How many bytes a turn reads before it flushes, even if more sockets are ready: those come first in the next turn. At
        /// least 1. A topic on the loop lowers it, to a quarter of its log.
        public var readBudget = 196_608
        /// How many connections a listener accepts in one turn at most, so that a flood of callers does not hold up those who are there.
        /// At least 1.
        public var acceptBudget = 16
        /// How many events one wait reports at most, from 1 to 65,536. Those beyond it come with the next.
        public var eventsPerWait = 512

        /// What has been measured to serve: the defaults above.
        public init() {}
    }

    /// As it was given, with what was out of range brought into it.
    public let configuration: Configuration

    /// The loop as other threads may use it.
    public let remote: Remote

    /// How many turns the loop has made, those of `runOnce` among them. A loop with nothing to do makes none, which tests can rely on.
    public private(set) var turnCount: UInt64 = 0

    /// How many connections the loop has: open, connecting or finishing, sockets or anything else.
    public internal(set) var connectionCount = 0

    var timers = TimerQueue()
    let readBuffer: ReadBuffer
    /// The memory that transports are lent.
    lazy var wireBuffer = WireBuffer(readSize: configuration.readSize)
    private let poller: Poller
    private let slots = SlotTable()
    private var nextEvent = 0
    private var wakerToken = Token(slot: .max, generation: .max)
    private var isStopRequested = false
    /// Set while the loop is to stop as soon as it has no connection any more.
    private var shutDownTimer: Timer?
    private(set) var isClosed = false

    /// Whether there may be something in the inbox.
    private var hasWork = false
    private var isRunningJob = false
    /// Memory for what the inbox holds, so that looking into it allocates nothing.
    private var spareWork: [Remote.Work] = []
    /// Swift tasks that sleep by a timer, and must be woken if it is not to fire.
    var sleepers: [ObjectIdentifier: Waiters] = [:]

    // What was noted down in this turn.
    private var intake = 0
    private var readBudget: Int
    private var hasUnflushed = false
    private var flushables = NoteList<any Flushable>()
    private var unflushed = NoteList<Connection>()
    /// Connections whose transports have a step of their handshake to take.
    private var handshakes: [Connection] = []
    private var hasClosing = false
    private var closing = NoteList<Connection>()
    /// Regular files and the like: epoll refuses them, since they never keep a reader waiting.
    private var alwaysReady: [Token] = []
    private var hasAlwaysReady = false
    /// Listeners that have run out of descriptors, and wait for a connection to close.
    private var starvedListeners: [Listener] = []

    /// A loop on which nothing is registered yet. It may be made on any thread, if it is used on one only.
    ///
    /// - Throws: `Errno.tooManyOpenFiles` or `.tooManyOpenFilesInSystem`, since it takes two descriptors; `.noMemory`.
    ///
    /// The corresponding C functions are `epoll_create1` and `eventfd`.
    public init(configuration: Configuration = Configuration()) throws(Errno) {
        var configuration = configuration
        // A turn that may do nothing would be followed by another such, for ever.
        configuration.readSize = min(max(configuration.readSize, 1), 1 << 24)
        configuration.readBudget = max(configuration.readBudget, 1)
        configuration.acceptBudget = max(configuration.acceptBudget, 1)
        configuration.eventsPerWait = min(max(configuration.eventsPerWait, 1), 65_536)
        let remote = try Remote()
        let poller = try Poller(capacity: configuration.eventsPerWait)
        // A token that no slot can have marks the waker, which is not an event source: it has nothing to do but to wake.
        try poller.add(remote.waker.descriptor.rawValue, token: wakerToken, interest: .readable, isEdgeTriggered: true)
        self.configuration = configuration
        readBudget = configuration.readBudget
        self.remote = remote
        self.poller = poller
        readBuffer = ReadBuffer(readSize: configuration.readSize)
    }

    deinit {
        remote.orphan()
    }

    // MARK: - Running

    /// Turns until `stop` is called. A `stop` that came before is remembered: then it returns at once. It can be run again
    /// afterwards, but not once it is closed: then it returns at once.
    ///
    /// The thread that calls it is the loop's thread from then on. Not to be called by what the loop calls.
    ///
    /// - Throws: What `epoll_wait` says, which is nothing as long as nobody else closes the loop's descriptors.
    public func run() throws(Errno) {
        if isClosed { return }
        try onOwnThread { () throws(Errno) in
            lookIntoInbox()
            while !isStopRequested { try turn(waitingUntil: nil) }
            isStopRequested = false
        }
    }

    /// Makes one turn, which waits for `patience` at most if there is nothing to do; nil waits until there is, and zero does not
    /// wait. Once the loop is closed, it makes none.
    ///
    /// It is for tests, and for a program that has a loop of its own already. The time is rounded up to a millisecond. Throws as
    /// `run` does.
    public func runOnce(waitingAtMost patience: Duration? = nil) throws(Errno) {
        if isClosed { return }
        try onOwnThread { () throws(Errno) in
            try turn(waitingUntil: patience.map { .now.advanced(clamping: $0) })
        }
    }

    /// Runs `body` as a part of what the loop does on its thread, which is the calling one: jobs and actors of the loop may run there
    /// meanwhile.
    func onOwnThread<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) {
        if remote.isOwned { return try body() }
        remote.enter(self)
        defer {
            remote.leave()
            if isClosed { remote.orphan() }
        }
        try body()
    }

    /// Ends `run` after the turn that is under way, or the next `run` if none is. On the loop's thread; others have
    /// `remote.stop()`.
    public func stop() {
        isStopRequested = true
    }

    /// Ends `run` in order: stops listening, has every connection finish, and stops once the last of them is closed.
    ///
    /// What waits for a peer is sent, and nothing more is read. The connections close with the reason `shutdown`; those that are not
    /// through after `timeout` lose what still waits for them. Timers and watchers go on until then, and `close` ends them.
    ///
    /// - Parameter timeout: How long it may take. A connection that is made meanwhile is not finished, so it may take all of that.
    public func shutDown(timeout: Duration) {
        let timer = shutDownTimer ?? makeTimer { [unowned self] in endShutDown() }
        shutDownTimer = timer
        timer.arm(after: timeout)
        for source in slots.sources { source.loopIsShuttingDown() }
        if connectionCount == 0 { completeShutDown() }
    }

    private func endShutDown() {
        for case let connection as Connection in slots.sources { connection.close(reason: .shutdown) }
        // Not when there is none left: one that is made anew whenever it is closed would make it never.
        completeShutDown()
    }

    private func completeShutDown() {
        shutDownTimer?.cancel()
        shutDownTimer = nil
        stop()
    }

    private func turn(waitingUntil limit: ContinuousClock.Instant?) throws(Errno) {
        if nextEvent >= poller.count {
            // What no event will announce.
            let mustNotWait = hasWork || hasUnflushed || hasClosing || hasAlwaysReady || isStopRequested || !handshakes.isEmpty
            nextEvent = 0
            try poller.wait(milliseconds: mustNotWait ? 0 : milliseconds(until: earlier(limit, timers.earliestDeadline)))
        }
        turnCount &+= 1
        dispatch()
        if !handshakes.isEmpty { continueHandshakes() }
        if let deadline = timers.earliestDeadline {
            let now = ContinuousClock.now
            if deadline <= now { timers.takeDue(at: now).fire() }
        }
        // Tasks come last, and only those that are there now: one that hands over another cannot starve the sockets.
        if hasWork { lookIntoInbox() }
        flush()
        reap()
    }

    private func earlier(
        _ first: ContinuousClock.Instant?, _ second: ContinuousClock.Instant?
    ) -> ContinuousClock.Instant? {
        guard let first, let second else { return first ?? second }
        return min(first, second)
    }

    /// Rounded up: a loop that wakes just before its deadline would find nothing to do, and turn again and again until then.
    private func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let now = ContinuousClock.now
        // Compared before they are subtracted or taken apart: a deadline may be as far away as an instant can be.
        if deadline <= now { return 0 }
        let remaining = now.duration(to: deadline)
        if remaining >= .seconds(86_400) { return 86_400_000 }
        let (seconds, attoseconds) = remaining.components
        return Int32(truncatingIfNeeded: seconds &* 1_000 &+ (attoseconds &+ 999_999_999_999_999) / 1_000_000_000_000_000)
    }

    private func dispatch() {
        intake = 0
        while nextEvent < poller.count, intake < readBudget {
            let event = poller.event(at: nextEvent)
            nextEvent &+= 1
            if event.token == wakerToken {
                hasWork = true
            } else {
                slots[event.token]?.descriptorIsReady(event.readiness)
            }
        }
        if hasAlwaysReady {
            for token in alwaysReady { slots[token]?.descriptorIsReady(.readable) }
        }
    }

    private func lookIntoInbox() {
        // A job runs to its end before the next, even if it makes the loop turn.
        if isRunningJob { return }
        hasWork = false
        var work: [Remote.Work] = []
        swap(&work, &spareWork)
        if remote.takeInbox(into: &work) { isStopRequested = true }
        for item in work {
            switch item {
            case .task(let task): task(self)
            case .job(let job):
                isRunningJob = true
                remote.run(job)
                isRunningJob = false
            }
        }
        // The memory of a flood is not kept.
        if work.count > 1_024 { return }
        work.removeAll(keepingCapacity: true)
        spareWork = work
    }

    /// Has the loop look into its inbox before it waits again.
    func noteWork() {
        hasWork = true
    }

    private func flush() {
        if !hasUnflushed { return }
        hasUnflushed = false
        let topics = flushables.take()
        for topic in topics { topic.flush() }
        flushables.recycle(topics)
        let connections = unflushed.take()
        for connection in connections { connection.flush() }
        unflushed.recycle(connections)
    }

    private func reap() {
        if !hasClosing { return }
        hasClosing = false
        let taken = closing.take()
        for connection in taken { connection.reap() }
        closing.recycle(taken)
        if connectionCount == 0, shutDownTimer != nil { completeShutDown() }
        let starved = starvedListeners
        starvedListeners = []
        for listener in starved { listener.resumeAccepting() }
    }

    /// Closes every connection and listener and cancels every watcher and timer, in any state and without flushing. It is the last
    /// thing to do with a loop, while it does not run: it is not run any more.
    ///
    /// Handlers are told, before this returns, with the reason `shutdown`. Swift tasks that wait for something of the loop are resumed,
    /// and told the same.
    ///
    /// A loop that is merely dropped keeps alive what is registered with it, and is kept alive by it.
    public func close() {
        onOwnThread {
            isClosed = true
            timers.removeAll()
            shutDownTimer = nil
            for sleeper in sleepers.values { sleeper.wakeAll() }
            for source in slots.sources { source.loopIsClosing() }
            reap()
            flushables = NoteList()
            unflushed = NoteList()
            starvedListeners = []
        }
    }

    // MARK: - Timers

    /// Runs `action` once, after the given deadline: never before it, and not long after. Dropping the timer does not cancel it.
    ///
    /// Of two timers the one with the earlier deadline runs first. The loop waits in whole milliseconds, rounded up.
    @discardableResult
    public func schedule(at deadline: ContinuousClock.Instant, _ action: @escaping () -> Void) -> Timer {
        let timer = makeTimer(action)
        timer.arm(at: deadline)
        return timer
    }

    /// Runs `action` once, after the given time. Dropping the timer does not cancel it.
    ///
    /// ```swift
    /// loop.schedule(after: .seconds(5)) { loop.stop() }
    /// ```
    ///
    /// Less than no time counts as none: the action runs in this turn or the next, and never from within this call.
    @discardableResult
    public func schedule(after delay: Duration, _ action: @escaping () -> Void) -> Timer {
        schedule(at: .now.advanced(clamping: delay), action)
    }

    /// A timer that is not armed yet: for what is put off again and again.
    ///
    /// ```swift
    /// let timer = loop.makeTimer { [weak connection] in connection?.finish() }
    /// timer.arm(after: .seconds(600))     // and again with every message
    /// ```
    public func makeTimer(_ action: @escaping () -> Void) -> Timer {
        Timer(loop: self, action: action)
    }

    // MARK: - Connections

    /// The open connection of that name, or nil once it is closed. For what other threads hand over: a connection itself must
    /// not leave the loop's thread. Takes constant time.
    public func connection(_ id: Connection.ID) -> Connection? {
        guard let connection = slots[id] as? Connection, connection.isOpen else { return nil }
        return connection
    }

    // MARK: - What sources note down

    func register(_ source: any EventSource) -> Token {
        slots.insert(source)
    }

    func unregister(_ token: Token) {
        slots.remove(token)
    }

    /// Has a descriptor watched for exactly `interest` from now on. Nothing to watch for means that it is not watched at all: an
    /// empty set would still report hang-ups, for ever.
    func setInterest(of descriptor: Int32, token: Token, from old: Interest, to new: Interest) throws(Errno) {
        if new == old { return }
        if new.isEmpty {
            poller.remove(descriptor)
        } else if old.isEmpty {
            try poller.add(descriptor, token: token, interest: new)
        } else {
            try poller.modify(descriptor, token: token, interest: new)
        }
    }

    func scheduleHandshake(_ connection: Connection) {
        handshakes.append(connection)
    }

    /// Takes steps of handshakes for two milliseconds, or one step that takes longer. The others wait for the next turn, in order.
    private func continueHandshakes() {
        let waiting = handshakes
        handshakes = []
        let deadline = ContinuousClock.now.advanced(by: .milliseconds(2))
        for (index, connection) in waiting.enumerated() {
            if index > 0, .now >= deadline {
                handshakes.insert(contentsOf: waiting[index...], at: 0)
                break
            }
            connection.continueHandshake()
        }
    }

    func addAlwaysReady(_ token: Token) {
        if !alwaysReady.contains(token) { alwaysReady.append(token) }
        hasAlwaysReady = true
    }

    func removeAlwaysReady(_ token: Token) {
        alwaysReady.removeAll { $0 == token }
        hasAlwaysReady = !alwaysReady.isEmpty
    }

    /// Has no turn read more than `bytes`, or one read if that is more: what it publishes must fit into a log.
    package func limitIntake(to bytes: Int) {
        readBudget = min(readBudget, max(bytes &- configuration.readSize, 0) &+ 1)
    }

    func didRead(_ count: Int) {
        intake &+= count
    }

    /// Has the connection's `flush` called at the end of this turn.
    func scheduleFlush(_ connection: Connection) {
        unflushed.append(connection)
        hasUnflushed = true
    }

    /// Has `flush` called at the end of this turn, before the connections' own output.
    package func scheduleFlush(_ flushable: any Flushable) {
        flushables.append(flushable)
        hasUnflushed = true
    }

    /// Has the connection's `reap` called at the end of this turn.
    func scheduleReap(_ connection: Connection) {
        closing.append(connection)
        hasClosing = true
    }

    func noteStarved(_ listener: Listener) {
        if !starvedListeners.contains(where: { $0 === listener }) { starvedListeners.append(listener) }
    }
}

/// Something that has output for many connections at the end of a turn.
package protocol Flushable: AnyObject {
    /// Sends what it can. Called once for each `scheduleFlush`; whoever has more to send notes itself down again.
    func flush()
}
