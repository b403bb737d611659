import Glibc

/// A single-threaded reactor: it waits for sockets, timers and other threads, and calls the handlers that they concern.
///
/// One turn of the loop:
///
///          ┌────────────────────────────────────────────────────────────────┐
///          │  wait       epoll_wait, until the next deadline                │
///          │    ↓                                                           │
///          │  dispatch   accept; read each ready socket once; messages are  │
///          │    ↓        delivered, and what they cause is only scheduled   │
///          │  timers     those that are due                                 │
///          │    ↓                                                           │
///          │  tasks      what other threads have passed to `execute`        │
///          │    ↓                                                           │
///          │  flush      everything scheduled leaves: one send a peer       │
///          │    ↓                                                           │
///          │  reap       what was closed in this turn is closed only now    │
///          └────────────────────────────────────────────────────────────────┘
///
/// Nothing is sent before the flush: a peer gets all that a turn has for it in one system call, and a connection's end never
/// interrupts the code that sends to it. Nothing is closed before the reaping: the number of a descriptor cannot be given to a
/// new one while events for the old one are still being dispatched.
///
/// A loop and everything that is registered with it belong to the thread that runs the loop. Other threads use its `remote`. If a
/// thread runs, closes or uses a loop while another thread is inside it, the process ends with a sentence that says so, where
/// that costs nothing: always in `run`, `runOnce`, `close` and whatever registers something, and in debug builds in most other
/// functions.
///
/// ```swift
/// let loop = try EventLoop()
/// try loop.listen(on: .loopback(port: 3001), handler: handler)
/// try loop.run()
/// ```
public final class EventLoop {
    /// What bounds a loop's turn. Values that are out of range are clamped.
    public struct Configuration: Sendable {
        /// How many bytes one read takes from a socket at most, from 1 to 16 MiB. The loop has one buffer of this size, whatever
        /// the number of its connections.
        public var readSize = 65_536
        /// How many bytes a turn reads before it flushes, even if more sockets are ready: those come first in the next turn. At
        /// least 1. A turn in which a topic has grown by about a quarter of its log reads no more, either.
        public var readBudget = 196_608
        /// How many connections a listener accepts in one turn at most, so that a flood of new ones does not hold up the others.
        /// At least 1.
        public var acceptBudget = 16
        /// How many events one wait reports at most, from 1 to 65,536. Those beyond it come with the next.
        public var eventsPerWait = 512

        /// How many bytes of memory logs may reserve, and connections hold for their peers, together: see `memoryInUse`. Nil for as many
        /// as there are. A log that would need more is refused with `Errno.noMemory`; if the connections come to hold more, those that hold
        /// the most are closed at the end of the turn, with the reason `memoryLimit`.
        public var memoryLimit: Int?

        /// Creates the default configuration.
        public init() {}
    }

    /// Where a loop is in its life. Only `onOwnThread` and `close` change it.
    private enum State {
        /// Nothing is inside the loop: it waits to be run, or to be run again.
        case idle
        /// A thread is inside `run`, `runOnce` or another function that calls handlers.
        case running
        /// `close` was called. Nothing more is registered, sent or dispatched, and everything is closed at the end of the turn.
        case closing
        /// Nothing is registered, and never will be.
        case closed
    }

    /// The configuration, clamped.
    public let configuration: Configuration

    /// What other threads use of the loop.
    public let remote: Remote

    /// How many turns the loop has made, those of `runOnce` among them. A loop with nothing to do makes none, which tests can
    /// rely on.
    public private(set) var turnCount: UInt64 = 0

    /// How many connections the loop has: open, connecting or finishing, sockets or anything else.
    public internal(set) var connectionCount = 0

    /// How long the loop's turns were, without the wait. Those of a loop that was closed meanwhile are not in it.
    public let turnDurations = DurationHistogram()

    /// How long it was from the beginning of a turn that has read something to its last send: from the receipt of messages until they
    /// were with the kernels of all who take them. A turn that had nothing to send is not in it, and what a slow peer takes later is
    /// not either.
    public let deliveryDurations = DurationHistogram()

    /// Counted here, and not in properties that are public: each access to these would have to be checked.
    var tally = Counts()

    let reservedMemory = MemoryReservation.Ledger()
    /// How much the connections hold for their peers. They count what they change.
    var bufferedByteCount = 0

    var timers = TimerQueue()
    let readBuffer: ReadBuffer
    /// The memory that transports are lent.
    lazy var wireBuffer = WireBuffer(readSize: configuration.readSize)
    private let poller: Poller
    private let slots = SlotTable()
    private var state = State.idle
    private var nextEvent = 0
    private var isStopRequested = false
    /// Set while the loop is to stop as soon as it has no connection any more.
    private var shutDownTimer: Timer?

    /// Whether a handler is being called that must not make the loop turn: the batch that it was lent would be overwritten, or a
    /// topic would be flushed in the middle of its flush. Timers and tasks are called outside of all that.
    private var isInHandler = false

    /// Whether there may be something in the inbox.
    private var hasWork = false
    private var isRunningJob = false
    /// Memory for the inbox's content, so that reading it allocates nothing.
    private var spareWork: [Remote.Work] = []
    /// Swift tasks that sleep by a timer. If the timer is not to fire any more, they must be woken.
    var sleepers: [ObjectIdentifier: WaitQueue] = [:]

    /// The time of this turn, if something has asked for it.
    private var cachedTime: ContinuousClock.Instant?

    // What is scheduled for the end of this turn.
    private var bytesRead = 0
    // Each `has…` says whether a list may have elements. It is looked at in every turn, and the list is not.
    private var hasUnflushed = false
    private let flushables = DeferredList<any Flushable>()
    private let unflushed = DeferredList<Connection>()
    /// Connections whose transports have a step of their handshake to take.
    private var handshakes: [Connection] = []
    private var hasClosing = false
    private let closing = DeferredList<Connection>()
    /// Regular files and the like: epoll refuses them, since they never block.
    private var alwaysReady: [Connection.ID] = []
    private var hasAlwaysReady = false
    private var endObservers: [any LoopEndObserver] = []
    /// Listeners that have run out of descriptors, and wait for a connection to close.
    private var pausedListeners: [Listener] = []

    /// Creates a loop on which nothing is registered. It may be made on any thread, if it is used on one only.
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
        // The waker is no event source: all that it does is to end the wait. So its token is one that no slot can have.
        try poller.add(remote.waker.descriptor.rawValue, token: .none, interest: .readable, isEdgeTriggered: true)
        self.configuration = configuration
        self.remote = remote
        self.poller = poller
        readBuffer = ReadBuffer(readSize: configuration.readSize)
    }

    deinit {
        remote.orphan()
    }

    // MARK: - Running

    /// Turns until `stop` is called. A `stop` that came before is remembered: then it returns at once. It can be run again
    /// afterwards. Once the loop is closed, it returns at once, and if a handler closes the loop, it returns after that turn.
    ///
    /// The calling thread is the loop's thread until this returns. The process ends if another thread is inside the loop, or if a
    /// handler of the loop calls this.
    ///
    /// - Throws: What `epoll_wait` says, which is nothing as long as no other code closes the loop's descriptors.
    public func run() throws(Errno) {
        if isClosed { return }
        precondition(!remote.isOwned, "EventLoop.run was called by a handler, a timer or a task of the same loop")
        try onOwnThread { () throws(Errno) in
            runInbox()
            while !isStopRequested, !isClosed { try turn(waitingUntil: nil) }
            isStopRequested = false
        }
    }

    /// Makes one turn, which waits for `timeout` at most if there is nothing to do; nil waits until there is, and zero does not
    /// wait. A `stop` does not shorten the wait: it is for `run`. Once the loop is closed, it makes no turn and returns at once.
    ///
    /// It is for tests, and for a program that has a loop of its own already. The time is rounded up to a millisecond. Throws as
    /// `run` does, and ends the process if another thread is inside the loop.
    ///
    /// A timer or a task of the loop may call it, too. If the handler of a connection, a listener or a watcher calls it, or a
    /// deinit that runs inside such a call, the process ends.
    public func runOnce(waitingAtMost timeout: Duration? = nil) throws(Errno) {
        if isClosed { return }
        precondition(!(isInHandler && remote.isOwned), "EventLoop.runOnce was called by a handler of the same loop")
        try onOwnThread { () throws(Errno) in
            try turn(waitingUntil: timeout.map { .now.advanced(clamping: $0) })
        }
    }

    /// Runs `body` on the calling thread as the loop's thread, so that jobs and actors of the loop may run there meanwhile. If
    /// `body` closes the loop, that is done at the end of the outermost call.
    func onOwnThread<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) {
        if remote.isOwned { return try body() }
        remote.enter(self)
        if state == .idle { state = .running }
        defer {
            if state == .closing { closeEverything() }
            if state == .running { state = .idle }
            remote.leave()
            // Not before the loop has been left: from now on Swift's pool runs the jobs.
            if state == .closed { remote.orphan() }
        }
        try body()
    }

    /// Ends a debug build if another thread is inside the loop: what belongs to a loop was used off its thread, by an actor
    /// perhaps that kept what it got in `Remote.assumeIsolated`, and that is no actor of the loop.
    func assertNoOtherThreadIsInside() {
        assert(!remote.isOwnedElsewhere, "something that belongs to an event loop was used on another thread than the loop's")
    }

    /// Ends `run` after the turn that is under way, or the next `run` if none is. On the loop's thread; other threads have
    /// `remote.stop()`.
    public func stop() {
        assertNoOtherThreadIsInside()
        isStopRequested = true
    }

    /// Ends `run` in order: stops listening, has every connection finish, and stops once the last of them is closed.
    ///
    /// What waits for a peer is sent, and nothing more is read. The connections close with the reason `shutdown`; after `timeout`
    /// all that are left are closed, and lose what still waits for them. Timers and watchers go on until then, and `close` ends
    /// them.
    ///
    /// A second call sets the timeout anew, and has the connections that were made meanwhile finish. On a closed loop it does
    /// nothing.
    ///
    /// - Parameter timeout: How long it may take. A connection that is made meanwhile is not finished, so it may take all of
    ///   that.
    ///
    /// - Complexity: O(*n*) for *n* connections, listeners and watchers.
    public func shutDown(timeout: Duration) {
        if isClosed { return }
        assertNoOtherThreadIsInside()
        let timer = shutDownTimer ?? makeTimer { [unowned self] in endShutDown() }
        shutDownTimer = timer
        timer.arm(after: timeout)
        for source in slots.sources { source.loopIsShuttingDown() }
        if connectionCount == 0 { completeShutDown() }
    }

    private func endShutDown() {
        for case let connection as Connection in slots.sources { connection.close(reason: .shutdown) }
        // Without waiting for the count to fall to zero: a handler that connects anew whenever it is closed would keep it from
        // that.
        completeShutDown()
    }

    private func completeShutDown() {
        shutDownTimer?.cancel()
        shutDownTimer = nil
        stop()
    }

    private func turn(waitingUntil limit: ContinuousClock.Instant?) throws(Errno) {
        if nextEvent >= poller.count {
            nextEvent = 0
            try poller.wait(milliseconds: isWorkDue ? 0 : milliseconds(until: earlier(limit, timers.earliestDeadline)))
        }
        turnCount &+= 1
        cachedTime = nil
        let start = DurationHistogram.now
        isInHandler = true
        dispatch()
        if !handshakes.isEmpty { continueHandshakes() }
        isInHandler = false
        if let deadline = timers.earliestDeadline {
            let now = ContinuousClock.now
            // A timer that is due must not find an earlier time.
            if cachedTime != nil { cachedTime = now }
            if deadline <= now { timers.takeDue(at: now).fire() }
        }
        // Tasks come last, and only those that are there now: so a task that calls `execute` again cannot starve the sockets.
        if hasWork { runInbox() }
        // A loop that was closed by a handler sends nothing more, and `closeEverything` does the rest.
        if isClosed { return }
        isInHandler = true
        let delivers = hasUnflushed && bytesRead > 0
        flush()
        var end = DurationHistogram.now
        if delivers { deliveryDurations.record(nanoseconds: end &- start) }
        if hasClosing {
            reap()
            end = DurationHistogram.now
        }
        // What was just closed holds nothing any more.
        if configuration.memoryLimit != nil { enforceMemoryLimit() }
        turnDurations.record(nanoseconds: end &- start)
        isInHandler = false
        cachedTime = nil
    }

    /// When this turn was, read from the clock once a turn at most: so not every message of a turn costs a look at the clock. Outside of
    /// a turn, the time.
    var turnTime: ContinuousClock.Instant {
        if let cachedTime { return cachedTime }
        let now = ContinuousClock.now
        if isInHandler { cachedTime = now }
        return now
    }

    /// Whether there is something to do that no event will announce.
    private var isWorkDue: Bool {
        // While a job runs, the inbox waits for its end: a turn that the job makes may sleep all the same.
        (hasWork && !isRunningJob) || hasUnflushed || hasClosing || hasAlwaysReady || !handshakes.isEmpty
    }

    private func earlier(
        _ first: ContinuousClock.Instant?, _ second: ContinuousClock.Instant?
    ) -> ContinuousClock.Instant? {
        guard let first, let second else { return first ?? second }
        return min(first, second)
    }

    /// Rounded up: a loop that wakes just before its deadline would find nothing to do, and turn again and again until then.
    func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let now = ContinuousClock.now
        // Compared before they are subtracted or taken apart: a deadline may be as far away as an instant can be.
        if deadline <= now { return 0 }
        let remaining = now.duration(to: deadline)
        // The clock goes on while the machine is suspended, and epoll_wait's timeout does not. After a resume a timer is thus
        // late by a minute at most.
        if remaining >= .seconds(60) { return 60_000 }
        let (seconds, attoseconds) = remaining.components
        return Int32(truncatingIfNeeded: seconds &* 1_000 &+ (attoseconds &+ 999_999_999_999_999) / 1_000_000_000_000_000)
    }

    private func dispatch() {
        bytesRead = 0
        while nextEvent < poller.count, bytesRead < configuration.readBudget, !isClosed {
            let event = poller.event(at: nextEvent)
            nextEvent &+= 1
            if event.token == .none {
                hasWork = true
            } else {
                slots[event.token]?.descriptorIsReady(event.readiness)
            }
        }
        if hasAlwaysReady {
            for id in alwaysReady where !isClosed { slots[id.token]?.descriptorIsReady(.readable) }
        }
    }

    /// Runs `body`, which calls a connection's handler from a timer, and lends it a batch perhaps. Without this, the handler
    /// could make the loop turn, which would overwrite the batch.
    func callHandler(_ body: () -> Void) {
        let wasInHandler = isInHandler
        isInHandler = true
        body()
        isInHandler = wasInHandler
    }

    private func runInbox() {
        // A job runs to its end before the next, even if it makes the loop turn.
        if isRunningJob || isClosed { return }
        hasWork = false
        var work: [Remote.Work] = []
        swap(&work, &spareWork)
        if remote.takeInbox(into: &work) { isStopRequested = true }
        for item in work {
            switch item {
            // Once the loop is closed, tasks are dropped. Jobs are not: see `Remote.enqueue`.
            case .task(let task): if !isClosed { task(self) }
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
    func scheduleInbox() {
        hasWork = true
    }

    private func flush() {
        if !hasUnflushed { return }
        hasUnflushed = false
        flushables.drain { $0.flush() }
        unflushed.drain { $0.flush() }
    }

    func reap() {
        hasClosing = false
        closing.drain { $0.reap() }
        if connectionCount == 0, shutDownTimer != nil { completeShutDown() }
        var listeners: [Listener] = []
        swap(&listeners, &pausedListeners)
        for listener in listeners { listener.resumeAccepting() }
    }

    // MARK: - Closing

    /// Whether `close` was called. A closed loop is not run any more. Whatever registers something with it throws
    /// `Errno.canceled`: `listen`, `connect`, `adopt`, `watch` and `watchSignals`. Arming a timer does nothing.
    public var isClosed: Bool { state == .closing || state == .closed }

    /// Closes every connection and listener and cancels every watcher and timer, in any state and without flushing. It is the
    /// last thing to do with a loop: see `isClosed`. Does nothing on a closed loop.
    ///
    /// Handlers are told with the reason `shutdown`, before this returns. Swift tasks that wait for something of the loop are
    /// resumed, and throw the same.
    ///
    /// A handler, a timer or a task of the loop may call this, too. Then everything is closed at the end of the turn, no other
    /// handler being called before that, and `run` returns. If another thread is inside the loop, the process ends: other threads
    /// use `remote.stop()`, or pass a task that closes the loop to `remote.execute`.
    ///
    /// A loop that is merely dropped keeps alive what is registered with it, and is kept alive by it.
    ///
    /// - Complexity: O(*n*) for *n* connections, listeners, watchers and timers.
    public func close() {
        if isClosed { return }
        onOwnThread { state = .closing }
    }

    private func closeEverything() {
        // From here on nothing can be registered, so one pass finds everything.
        let timers = timers.takeAll()
        shutDownTimer = nil
        for sleeper in sleepers.values { sleeper.wakeAll() }
        var observers: [any LoopEndObserver] = []
        swap(&observers, &endObservers)
        for observer in observers { observer.loopIsClosing() }
        for source in slots.sources { source.loopIsClosing() }
        while hasClosing { reap() }
        // The connections are gone. Topics that are scheduled only forget their places in them.
        flushables.drain { $0.flush() }
        // Before anything more is released: what a deinit publishes then would be scheduled, and keep its topic, and that the
        // loop, for ever. Nobody is there any more who could be sent it.
        state = .closed
        unflushed.removeAll()
        flushables.removeAll()
        hasUnflushed = false
        var (listeners, connections) = ([Listener](), [Connection]())
        swap(&listeners, &pausedListeners)
        swap(&connections, &handshakes)
        // What these hold may be an embedder's, and is released here, where its deinit may call the loop.
        withExtendedLifetime((timers, listeners, connections, observers)) {}
    }

    // MARK: - Timers

    /// Runs `action` once, after the given deadline: never before it, and not long after. Dropping the timer does not cancel it.
    ///
    /// Of two timers the one with the earlier deadline runs first. The loop waits in whole milliseconds, rounded up. After a
    /// suspend of the machine a timer may be a minute late. On a closed loop the timer is not armed.
    ///
    /// - Complexity: O(log *n*) for *n* armed timers.
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
    /// A negative time counts as zero: the action runs in this turn or the next, and never from within this call. On a closed
    /// loop the timer is not armed.
    ///
    /// - Complexity: O(log *n*) for *n* armed timers.
    @discardableResult
    public func schedule(after delay: Duration, _ action: @escaping () -> Void) -> Timer {
        schedule(at: .now.advanced(clamping: delay), action)
    }

    /// Creates a timer that is not armed yet: for an action that is put off again and again.
    ///
    /// ```swift
    /// let timer = loop.makeTimer { [weak connection] in connection?.finish() }
    /// timer.arm(after: .seconds(600))     // and again with every message
    /// ```
    public func makeTimer(_ action: @escaping () -> Void) -> Timer {
        Timer(loop: self, action: action)
    }

    // MARK: - Connections

    /// The open connection of that name, or nil once it is closed. For tasks of other threads: a connection itself must not leave
    /// the loop's thread.
    ///
    /// - Complexity: O(1).
    public func connection(_ id: Connection.ID) -> Connection? {
        guard let connection = slots[id.token] as? Connection, connection.isOpen else { return nil }
        return connection
    }

    /// The connections that are open, in no particular order.
    ///
    /// - Complexity: O(*n*) for *n* connections, listeners and watchers.
    public var connections: [Connection] {
        slots.sources.compactMap { $0 as? Connection }.filter(\.isOpen)
    }

    // MARK: - What sources register and schedule

    /// Throws `Errno.canceled` if the loop is closed.
    func checkIsNotClosed() throws(Errno) {
        if isClosed { throw .canceled }
    }

    /// Throws `Errno.canceled` if the loop is closed.
    func register(_ source: any EventSource) throws(Errno) -> Token {
        try checkIsNotClosed()
        precondition(!remote.isOwnedElsewhere, "something was registered with an event loop on another thread than the loop's")
        return slots.insert(source)
    }

    func unregister(_ token: Token) {
        slots.remove(token)
    }

    /// Has a descriptor watched for exactly `interest` from now on. With an empty interest it is not watched at all: epoll would
    /// report hang-ups even so, for ever.
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

    /// Takes steps of handshakes for two milliseconds, or one step that takes longer. The others wait for the next turn, in
    /// order.
    private func continueHandshakes() {
        var waiting: [Connection] = []
        swap(&waiting, &handshakes)
        let deadline = ContinuousClock.now.advanced(by: .milliseconds(2))
        for (index, connection) in waiting.enumerated() {
            if index > 0, .now >= deadline || isClosed {
                handshakes.insert(contentsOf: waiting[index...], at: 0)
                break
            }
            connection.continueHandshake()
        }
    }

    func addAlwaysReady(_ id: Connection.ID) {
        if !alwaysReady.contains(id) { alwaysReady.append(id) }
        hasAlwaysReady = true
    }

    func removeAlwaysReady(_ id: Connection.ID) {
        alwaysReady.removeAll { $0 == id }
        hasAlwaysReady = !alwaysReady.isEmpty
    }

    /// Ends the reading of this turn. Sockets that are ready and were not read come first in the next one.
    package func readNoMoreInThisTurn() {
        bytesRead = .max / 2
    }

    func didRead(_ count: Int) {
        bytesRead &+= count
        tally.bytesRead &+= count
    }

    /// Has the connection's `flush` called at the end of this turn.
    func scheduleFlush(_ connection: Connection) {
        // A closed loop flushes nothing, and must not keep what is never to be flushed.
        if isClosed { return }
        assertNoOtherThreadIsInside()
        unflushed.append(connection)
        hasUnflushed = true
    }

    /// Has `flush` called at the end of this turn, before the connections' own output.
    package func scheduleFlush(_ flushable: any Flushable) {
        // As above, but topics that were scheduled before the loop has closed are flushed once more.
        if state == .closed { return }
        assertNoOtherThreadIsInside()
        flushables.append(flushable)
        hasUnflushed = true
    }

    /// Has somebody told if the loop closes, and keeps it until then, or until it is taken back.
    package func addEndObserver(_ observer: any LoopEndObserver) {
        if isClosed { return }
        endObservers.append(observer)
    }

    /// - Complexity: O(*n*) for *n* observers.
    package func removeEndObserver(_ observer: any LoopEndObserver) {
        guard let index = endObservers.firstIndex(where: { $0 === observer }) else { return }
        // Released after the access: it may be the last reference.
        let removed = endObservers.remove(at: index)
        withExtendedLifetime(removed) {}
    }

    /// Has the connection's `reap` called at the end of this turn.
    func scheduleReap(_ connection: Connection) {
        assertNoOtherThreadIsInside()
        closing.append(connection)
        hasClosing = true
    }

    /// Has the listener accept again once a connection has closed, whose descriptor it can use.
    func scheduleAccepting(_ listener: Listener) {
        if !pausedListeners.contains(where: { $0 === listener }) { pausedListeners.append(listener) }
    }
}

/// Something that has output for many connections at the end of a turn.
package protocol Flushable: AnyObject {
    /// Sends what it can. Called once for each `scheduleFlush`; if there is more to send, it schedules itself again.
    func flush()
}

/// Something that others, outside of the loop, wait for.
package protocol LoopEndObserver: AnyObject {
    /// The loop is closing. Its connections are still there.
    func loopIsClosing()
}
