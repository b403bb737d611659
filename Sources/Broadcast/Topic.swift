public import Reactor

/// A stream of messages that every subscriber gets, less those that it published itself.
///
///                    publish: one copy, whatever the number of subscribers
///                                            ↓
///      log   ────────────────────────────────┤ tail
///                 ↑            ↑       ↑     ↑
///                 │            │       │     └ most subscribers: they have everything
///                 │            │       └ one that lacks two messages: one send, straight from the log
///                 │            └ one whose socket is full: EPOLLOUT will say when it takes more
///                 └ one that is far behind: the policy decides
///
/// Publishing appends to a log; a subscriber is a cursor into it. At the end of a turn each subscriber is sent what it lacks, in
/// one system call and straight from the log: nothing is queued, copied or allocated for each of them, and messages that arrive
/// together leave together. Memory is bounded by the log, however slow some subscribers are.
///
/// ```swift
/// let topic = try Topic(on: loop)
/// topic.subscribe(connection)
/// topic.publish("hello\n")
/// ```
///
/// All of it belongs to the thread of the topic's loop. A subscriber keeps its topic until its connection is closed.
public final class Topic {
    /// How a topic is set up. Values that are out of range are clamped.
    public struct Configuration: Sendable {
        /// How many bytes of messages the log keeps, rounded up to a power of two and to a page, 4 KiB as a rule. A message may
        /// be a quarter of it. The log takes that much memory, and an eighth more, once it is full. Less than a page counts as a
        /// page; a capacity that no process could have is not cut down, but makes `Topic.init` throw.
        public var capacity = 1_048_576
        /// What is done about a subscriber that falls behind.
        public var policy = SlowSubscriberPolicy.backpressure()
        /// From which lag on, in bytes, a subscriber is too far behind: from 1 to half of the log. With nil it is half of the log.
        public var highWater: Int?
        /// How many bytes one subscriber is sent in one turn at most, so that one that catches up does not hold up the others.
        /// At least 1.
        public var sendBudget = 262_144
        /// Makes what a subscriber is sent that was skipped, given how many messages it missed: the bytes of a message, a line
        /// with its newline. With nil it is sent nothing.
        public var skipNotice: (@Sendable (_ missed: Int) -> [UInt8])?
        /// What a subscriber is sent last that is closed as too slow: the bytes of a message, a line with its newline. With it,
        /// such a subscriber is taken out of the topic, gets the rest of a message that has begun to leave, and the notice, and
        /// then its connection finishes, with the reason `tooSlow`. It slows nobody down any more, and
        /// `Connection.Options.flushTimeout` bounds how long that takes. With nil, or if it is finishing already, it is closed at
        /// once.
        public var closingNotice: [UInt8]?
        /// Threads that help with sending to many subscribers; nil for none.
        public var sendThreads: SendThreads?
        /// Memory for the log that is reserved already. With nil the log reserves its own.
        package var memory: MemoryReservation?

        /// A megabyte, and waiting for slow subscribers: the defaults above.
        public init() {}

        fileprivate func highWater(ofCapacity capacity: Int) -> Int {
            let half = capacity / 2
            return min(max(highWater ?? half, 1), half)
        }
    }

    /// The loop that the topic belongs to, and all of its subscribers with it.
    public let loop: EventLoop
    let sendBudget: Int
    let sendThreads: SendThreads?
    let log: BroadcastLog
    /// For the log, once it is allocated.
    private var memory: MemoryReservation?
    let cursors = CursorTable()
    /// The cursor that the next fan-out begins with: another one each time, since those that come first are served soonest.
    var firstCursor = 0
    /// The log's tail when the last fan-out began.
    var flushedTail = 0
    var isFlushScheduled = false
    /// Those to visit at the end of the turn even if nothing is published: they take bytes again, or lack something all the same.
    let pending = DeferredList<Subscriber>()
    /// Whether `pending` has any: most flushes find out here that it does not, without looking into another object.
    var hasPending = false
    private var deliveries = 0
    private var publishers: [Publisher] = []
    private(set) lazy var slowSubscribers = SlowSubscribers(of: self, configuration: configuration)
    private let configuration: Configuration
    /// Nil if no other topic has the same publishers.
    var pressureGroup: PressureGroup?
    /// Whether reading from the topic's publishers is paused because of something else than its subscribers: what they say has to be put in order
    /// elsewhere first.
    package var isHeldBack = false {
        didSet { if isHeldBack != oldValue { holdBackPublishers() } }
    }
    /// Called when one of the topic's own subscribers is too far behind, or none is any more.
    package var onPressureChange: (() -> Void)?
    /// Nil if the log is this topic's alone.
    private(set) var membership: Membership?
    /// Whether there is one: so that most publications and flushes need not look into another object.
    let sharesLog: Bool

    /// A connection that is not subscribed, but is paused under pressure. The topic does not keep it alive.
    private struct Publisher {
        weak var connection: Connection?
    }

    /// Whether reading from the topic's subscribers is paused, because one of them is too far behind; with a shared log also because one of
    /// another loop is, or that loop itself; and while servers that are one relay wait for what puts them in order.
    public private(set) var isUnderPressure = false

    /// Whether one of the topic's own subscribers is too far behind, and is waited for.
    package var waitsForSubscribers: Bool { slowSubscribers.isUnderPressure }

    /// How often a subscriber of the topic has brought that about.
    public var pressureCount: Int { slowSubscribers.pressureCount }

    /// How many messages subscribers have missed because they were skipped, each counted once for everyone who missed it.
    public var skippedMessageCount: Int { slowSubscribers.skippedMessageCount }

    /// The lag from which on a subscriber is too far behind.
    let highWater: Int

    /// How long a message may be, as it goes over the wire, in bytes: a quarter of the log, and less than 4 GiB in any case.
    public var maximumMessageLength: Int { min(log.capacity / 4, Int(UInt32.max)) }

    /// How many messages were ever published. The next one has this number, counted from 0. With a shared log it is as many as the topic has seen
    /// of all, and another loop may be about to publish the next one.
    public var messageCount: Int { log.messageCount }

    /// How many bytes these messages had, as they go over the wire.
    public var byteCount: Int { log.tail }

    /// How many deliveries these messages make: of each, one for everybody who was subscribed when it was published and was not to be left
    /// out. Those who have been skipped, or closed before it left, are counted, too.
    public var deliveryCount: Int { deliveries }

    /// How many bytes that have been published the subscriber lacks that is furthest behind; those of this turn do not count.
    ///
    /// - Complexity: O(*n*) for *n* subscribers.
    public var furthestLag: Int {
        (0..<cursors.count).reduce(0) { max($0, flushedTail &- cursors[$1].position) }
    }

    /// How many connections are subscribed.
    public var subscriberCount: Int { cursors.count }

    /// A topic without messages or subscribers. It makes no system call and takes less than a kilobyte: the memory of the log is
    /// made with the first message, or by `allocateLog`.
    ///
    /// - Throws: `Errno.noMemory` for a capacity that no process has addresses for.
    public init(on loop: EventLoop, configuration: Configuration = Configuration()) throws(Errno) {
        self.loop = loop
        self.configuration = configuration
        sendBudget = max(configuration.sendBudget, 1)
        sendThreads = configuration.sendThreads
        log = try BroadcastLog(minimumCapacity: configuration.capacity)
        sharesLog = false
        highWater = configuration.highWater(ofCapacity: log.capacity)
    }

    /// A topic over a log that it shares with topics of other loops. What any of them publishes reaches the subscribers of all, and each
    /// topic's own configuration says what is done about those of its own that are slow.
    ///
    /// - Parameters:
    ///   - loop: Where the topic belongs, and those who subscribe to it here.
    ///   - log: The log. Its capacity counts, and not that of the configuration.
    public init(on loop: EventLoop, sharing log: SharedLog, configuration: Configuration = Configuration()) {
        self.loop = loop
        self.configuration = configuration
        sendBudget = max(configuration.sendBudget, 1)
        sendThreads = configuration.sendThreads
        self.log = BroadcastLog(of: log.memory)
        sharesLog = true
        highWater = configuration.highWater(ofCapacity: log.capacity)
        membership = Membership(of: self, in: log)
    }

    deinit {
        pressureGroup?.forget(ObjectIdentifier(self))
        membership?.leave()
    }

    /// Makes the memory of the log now, and not with the first message: then `publish` cannot fail for lack of it. Does nothing
    /// if that has been done.
    ///
    /// - Throws: `Errno.noMemory` if there is not so much memory, or no more within `EventLoop.Configuration.memoryLimit`, or if the process has
    ///   too many mappings (each log takes two, of 65,530 as a rule); `.tooManyOpenFiles`, since a descriptor is needed for a moment.
    ///
    /// The corresponding C functions are `memfd_create`, `ftruncate` and `mmap`.
    public func allocateLog() throws(Errno) {
        if log.isAllocated { return }
        let reservation = if let reserved = configuration.memory { reserved } else { try loop.reserveMemory(log.memorySize) }
        try log.allocate()
        memory = reservation
    }

    /// How much memory the log of a topic with this capacity takes.
    ///
    /// - Throws: `Errno.noMemory` for a capacity that no process has addresses for.
    package static func memorySize(ofCapacity capacity: Int) throws(Errno) -> Int {
        try BroadcastLog(minimumCapacity: capacity).memorySize
    }

    // MARK: - Subscribing

    /// Has the connection sent every message that is published from now on, and the last `history` ones, as far as they are
    /// within the last half of the log; those among them, too, that it published itself. What was passed to its `send` before leaves
    /// first.
    ///
    /// ```swift
    /// topic.subscribe(connection, history: 20)
    /// ```
    ///
    /// Closing the connection unsubscribes it. A connection may be subscribed to several topics of its loop. Does nothing if it
    /// is subscribed to this one already, or is connecting, finishing or closed.
    public func subscribe(_ connection: Connection, history: Int = 0) {
        guard connection.isOpen, !connection.isFinishing, index(of: connection) == nil else { return }
        if cursors.count == 0 { membership?.willHaveSubscribers() }
        let index = cursors.count
        let position = history > 0 ? log.start(ofLast: history, within: log.capacity / 2) : log.tail
        cursors.append(Cursor(position: position, connection: connection, state: .init(of: connection, nil)))
        if let other = connection.outputSource as? Topic { _ = other.subscriber(at: Int(connection.outputIndex)) }
        if let other = connection.outputSource as? Subscriber {
            // Only a subscriber can refer to the one of the next topic.
            subscriber(at: index).nextTopicOfConnection = other
        } else {
            connection.outputSource = self
            connection.outputIndex = UInt32(truncatingIfNeeded: index)
        }
        connection.giveOwnOutputItsTurn()
        if connection.isBlocked { slowSubscribers.didBlock(subscriber(at: index)) }
        for _ in 0..<pauseCount { connection.pauseReading() }
        if position < log.tail { scheduleVisit(subscriber(at: index)) }
    }

    /// Takes the connection out of the topic. What it has not been sent yet, it does not get; only a message that has begun to
    /// leave is sent to its end. Does nothing if it is not subscribed.
    public func unsubscribe(_ connection: Connection) {
        guard let index = index(of: connection) else { return }
        for _ in 0..<pauseCount { connection.resumeReading() }
        let subscriber = cursors[index].subscriber
        if connection.outputSource === self || connection.outputSource === subscriber {
            connection.outputSource = subscriber?.nextTopicOfConnection
        } else {
            var previous = connection.outputSource as? Subscriber
            while let candidate = previous, candidate.nextTopicOfConnection !== subscriber {
                previous = candidate.nextTopicOfConnection
            }
            previous?.nextTopicOfConnection = subscriber?.nextTopicOfConnection
        }
        remove(at: index)
    }

    /// Takes the connection out of the topic, and has it sent as own output what it lacks. So nothing is lost to it that was published
    /// before, or what it is told that it has missed, and nothing reaches it that is published from now on.
    ///
    /// - Parameter limit: How many bytes are copied at most. One that lacks more is not sent any of them.
    /// - Returns: Whether nothing is lost without a word.
    /// - Complexity: O(*n*) for *n* bytes that it lacks.
    package func unsubscribe(_ connection: Connection, sendingAtMost limit: Int) -> Bool {
        guard let index = index(of: connection) else { return true }
        let isWhole = sendWhatLacks(at: index, atMost: limit)
        unsubscribe(connection)
        return isWhole
    }

    /// Removes a cursor whose connection does not know the topic any more.
    func remove(at index: Int) {
        let removed = cursors[index]
        cursors.remove(at: index)
        if index < cursors.count {
            let index32 = UInt32(truncatingIfNeeded: index)
            if let moved = cursors[index].subscriber {
                moved.index = index32
            } else {
                cursors[index].connection.outputIndex = index32
            }
        }
        if let subscriber = removed.subscriber {
            subscriber.index = Subscriber.noIndex
            slowSubscribers.didRemove(subscriber)
        }
        if cursors.count == 0 { membership?.hasNoSubscribers() }
        removed.releaseOwner()
    }

    /// The connections that are subscribed, in no particular order.
    ///
    /// - Complexity: O(*n*) for *n* subscribers.
    public var connections: [Connection] {
        (0..<cursors.count).map { cursors[$0].connection }
    }

    /// How many bytes that were published the connection has not been sent yet, its own among them; nil if it is not subscribed.
    ///
    /// - Complexity: O(1), for a connection that is subscribed to few topics.
    public func lag(of connection: Connection) -> Int? {
        index(of: connection).map { log.tail &- cursors[$0].position }
    }

    /// Whether there is something that the connection has not been sent yet: messages, or how many it has missed.
    package func isOwed(_ connection: Connection) -> Bool { index(of: connection).map(hasOutput) ?? false }

    /// Where the connection's cursor is in the table, or nil if it is not subscribed.
    private func index(of connection: Connection) -> Int? {
        if connection.outputSource === self { return Int(connection.outputIndex) }
        var subscriber = connection.outputSource as? Subscriber
        while let candidate = subscriber, candidate.topic !== self { subscriber = candidate.nextTopicOfConnection }
        return subscriber.map { Int($0.index) }
    }

    /// The subscriber of a cursor, made if it has none yet.
    func subscriber(at index: Int) -> Subscriber {
        if let subscriber = cursors[index].subscriber { return subscriber }
        let connection = cursors[index].connection
        let subscriber = Subscriber(topic: self, connection: connection, index: index)
        cursors[index].setSubscriber(subscriber)
        // From here on the connection keeps the topic alive by way of the subscriber.
        connection.outputSource = subscriber
        return subscriber
    }

    /// Has reading from the connection paused under pressure, too, though it is not subscribed: for one that only publishes. The
    /// topic does not keep it alive.
    ///
    /// - Complexity: O(*n*) for *n* such connections.
    public func addPublisher(_ connection: Connection) {
        publishers = publishers.filter { $0.connection != nil } + [Publisher(connection: connection)]
        for _ in 0..<pauseCount { connection.pauseReading() }
    }

    /// Takes back one `addPublisher`, and the pause that goes with it. Does nothing if there was none.
    ///
    /// - Complexity: O(*n*) for *n* such connections.
    public func removePublisher(_ connection: Connection) {
        guard let index = publishers.firstIndex(where: { $0.connection === connection }) else { return }
        publishers.remove(at: index)
        for _ in 0..<pauseCount { connection.resumeReading() }
    }

    /// How many pauses pressure has caused for each publisher.
    private var pauseCount: Int { pressureGroup?.pauseCount ?? (isUnderPressure ? 1 : 0) }

    /// All who publish.
    var allPublishers: [Connection] { publishers.compactMap(\.connection) + connections }

    /// One of the topic's own subscribers is too far behind, or none is any more.
    func pressureDidChange() {
        membership?.pressureDidChange(slowSubscribers.isUnderPressure)
        holdBackPublishers()
        onPressureChange?()
    }

    /// Pauses or resumes reading from all who publish, if that is due.
    func holdBackPublishers() {
        let isDue = isHeldBack || slowSubscribers.isUnderPressure || membership?.holdsBackPublishers == true
        if isDue == isUnderPressure { return }
        isUnderPressure = isDue
        pausePublishers(isDue)
    }

    /// Pauses or resumes reading from all who publish, here and in the other topics of the group.
    func pausePublishers(_ isPaused: Bool) {
        for connection in (pressureGroup?.topics ?? [self]).flatMap(\.allPublishers) {
            if isPaused { connection.pauseReading() } else { connection.resumeReading() }
        }
    }

    // MARK: - Publishing

    /// Publishes messages that a connection has sent, or those of them in a range, to every subscriber except `sender`: in one
    /// copy, with the newline or the length that they came with.
    ///
    /// ```swift
    /// topic.publish(messages, from: connection)
    /// ```
    ///
    /// - Parameters:
    ///   - messages: What a handler has received.
    ///   - range: The indices of those to publish; nil means all. A range that is not within `0..<messages.count` ends the
    ///     process.
    ///   - sender: Who is not to get them. Nil, or one who is not subscribed, leaves nobody out.
    /// - Returns: Whether all were published. One that is longer than `maximumMessageLength` is not, and none is if there is no
    ///   memory for the log: see `allocateLog`. Nor are those for which a shared log has no room while twice its capacity waits already.
    @discardableResult
    public func publish(
        _ messages: borrowing MessageBatch, in range: Range<Int>? = nil, from sender: Connection? = nil
    ) -> Bool {
        let range = range ?? 0..<messages.count
        if !range.isEmpty, !prepareLog() { return false }
        var isWhole = true
        var first = range.lowerBound
        while first < range.upperBound {
            let start = messages.wireOffset(of: first)
            var next = range.upperBound
            // A batch may be longer than the log can take in before it is flushed; then it goes in by parts.
            while next > first, messages.wireOffset(of: next) &- start > maximumMessageLength {
                next = next &- first > 1 ? first &+ (next &- first) / 2 : first
            }
            if next > first {
                if !append(messages, first..<next, from: sender) { isWhole = false }
                first = next
            } else {
                isWhole = false
                first &+= 1
            }
        }
        return isWhole
    }

    private func append(_ messages: borrowing MessageBatch, _ range: Range<Int>, from sender: Connection?) -> Bool {
        let start = messages.wireOffset(of: range.lowerBound)
        let count = messages.wireOffset(of: range.upperBound) &- start
        let position = unsafe messages.withWireBytes { bytes, ends in
            place(count) {
                unsafe log.append(
                    bytes + start, count: count, ends: ends + range.lowerBound, messageCount: range.count, origin: start)
            }
        }
        if let position {
            didPublish(range.count, from: position, to: cursors.count, by: sender)
            return true
        }
        return unsafe messages.withWireBytes { bytes, ends in
            let ends = range.map { unsafe ends[$0] &- UInt32(truncatingIfNeeded: start) }
            return unsafe keep(UnsafeBufferPointer(start: bytes + start, count: count), ends, except: sender.map { [$0] } ?? [])
        }
    }

    /// Publishes one message, as it goes over the wire, to every subscriber except `sender`: a line with its newline, what has a
    /// length in front with that, as `LengthPrefixedFraming.message` makes it. It leaves at the end of the turn.
    ///
    /// The result is false if nothing was published: of an empty message, of one that is longer than `maximumMessageLength`, and
    /// if there is no memory for the log, see `allocateLog`.
    ///
    /// - Parameters:
    ///   - message: The bytes, with all that the framing adds.
    ///   - sender: Whose message it is; nil if it is for everybody.
    ///   - others: Who is not to get it either: those who ignore the sender, for instance.
    /// - Complexity: O(*n*) for *n* others.
    @discardableResult
    public func publish(_ message: Span<UInt8>, from sender: Connection? = nil, except others: [Connection] = []) -> Bool {
        if message.isEmpty || message.count > maximumMessageLength || !prepareLog() { return false }
        return unsafe message.withUnsafeBufferPointer { bytes in
            let position = place(bytes.count) {
                if let start = bytes.baseAddress { unsafe log.append(start, count: bytes.count) }
            }
            guard let position else {
                let others = others.filter { $0 !== sender }
                return unsafe keep(bytes, [UInt32(truncatingIfNeeded: bytes.count)], except: others + (sender.map { [$0] } ?? []))
            }
            let receiverCount = cursors.count &- leaveOut(others, besides: sender, from: position)
            didPublish(1, from: position, to: receiverCount, by: sender)
            return true
        }
    }

    /// Has connections not sent what was published last, from a position on. Returns how many of them would have been.
    private func leaveOut(_ others: [Connection], besides sender: Connection?, from position: Int) -> Int {
        var count = 0
        for other in others where other !== sender {
            guard let index = index(of: other) else { continue }
            addOwn(position..<log.tail, at: index)
            count &+= 1
        }
        return count
    }

    /// As the other `publish`, for a text, in UTF-8.
    @discardableResult
    public func publish(_ text: String, from sender: Connection? = nil) -> Bool {
        publish(text.utf8.span, from: sender)
    }

    private func prepareLog() -> Bool {
        if log.isAllocated { return true }
        return (try? allocateLog()) != nil
    }

    /// Appends `count` bytes by calling `body`, which must do so. Returns where they begin, or nil if they have to wait.
    ///
    /// Between two fan-outs the log grows by a quarter at most. A subscriber lags by three quarters at most after one, so nothing
    /// that it lacks is ever overwritten.
    @inline(__always)
    private func place(_ count: Int, _ body: () -> Void) -> Int? {
        if sharesLog, let membership {
            if let position = membership.append(count, body) { return position }
            // It may be this loop alone for which the others wait.
            if !membership.isKeepingMessages { fanOut() }
            return membership.append(count, body)
        }
        if log.tail &+ count &- flushedTail > log.capacity / 4 { fanOut() }
        let position = log.tail
        body()
        return position
    }

    /// Keeps messages for which a shared log has no room.
    private func keep(_ bytes: UnsafeBufferPointer<UInt8>, _ ends: [UInt32], except others: [Connection]) -> Bool {
        guard let membership else { return false }
        let run = unsafe WaitingMessages.Run(bytes: Array(bytes), ends: ends, others: others.map(\.id))
        loop.readNoMoreInThisTurn()
        return membership.keep(run)
    }

    /// Messages that were kept have come into the log.
    func didPlace(_ run: WaitingMessages.Run, at position: Int) {
        var receiverCount = cursors.count
        // One that is closed by now is left out of nothing.
        for other in run.others.compactMap(loop.connection) {
            guard let index = index(of: other) else { continue }
            addOwn(position..<position &+ run.bytes.count, at: index)
            receiverCount &-= 1
        }
        deliveries &+= run.ends.count &* receiverCount
    }

    /// Has what others have published until now count as published before what comes next here: whoever finishes then is sent it.
    package func catchUp() {
        membership?.catchUp()
        scheduleFlush()
    }

    /// Calls `body` once all that was published here has a place in the log: at once, or at the end of a flush.
    package func whenNothingWaits(_ body: @escaping () -> Void) {
        if let membership { membership.whenNothingWaits(body) } else { body() }
    }

    /// Others have published in the shared log.
    func advance(to tail: Int, messageCount: Int) {
        deliveries &+= (messageCount &- log.messageCount) &* cursors.count
        log.advance(to: tail, messageCount: messageCount)
    }

    /// - Parameter receiverCount: How many get the messages, the sender among them if it is subscribed.
    private func didPublish(_ count: Int, from start: Int, to receiverCount: Int, by sender: Connection?) {
        deliveries &+= count &* receiverCount
        if let sender, let index = index(of: sender) {
            addOwn(start..<log.tail, at: index)
            deliveries &-= count
        }
        scheduleFlush()
        // Subscribers have no chance to take bytes within a turn. The turn ends while there is room for one more read, or one
        // that was less than half of the log behind could be beyond three quarters before anybody can be paused.
        if hasGrownEnough { loop.readNoMoreInThisTurn() }
    }

    /// Whether the log has grown so far in this turn that publishers had better wait for the next one. What one read brings does
    /// not make it grow further than subscribers can follow, but what is made of it may be longer.
    package var hasGrownEnough: Bool { log.tail &- flushedTail >= growthLimit }

    /// Whether so many bytes can be published before the next fan-out: for who publishes what cannot be paused. Where nothing was published yet, there
    /// is room for whatever may be published at all.
    package func hasRoomInThisTurn(for count: Int) -> Bool {
        log.tail == flushedTail || log.tail &+ count &- flushedTail <= log.capacity / 4
    }

    private var growthLimit: Int {
        let share = log.capacity / 4 / (sharesLog ? membership?.memberCount ?? 1 : 1)
        return max(share &- loop.configuration.readSize, share / 2)
    }
}

extension Topic: LoopEndObserver {
    /// What waits for room in a shared log would hold up the topics of all other loops.
    package func loopIsClosing() { membership?.leave() }
}
