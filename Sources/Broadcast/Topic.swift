public import Reactor

/// A stream of messages that every subscriber gets, less those that it published itself.
///
///                    publish: one copy, whatever the number of subscribers
///                                            ↓
///      log   ────────────────────────────────┤ tail
///                 ↑            ↑       ↑     ↑
///                 │            │       │     └ most subscribers: they have everything
///                 │            │       └ one that lacks two messages: one send, straight from the log
///                 │            └ one whose socket is full: EPOLLOUT will call
///                 └ one that is far behind: the policy decides
///
/// Publishing appends to a log; a subscriber is a cursor into it. At the end of a turn each subscriber is sent what it lacks, in one
/// system call and straight from the log: nothing is queued, copied or allocated for each of them, and messages that arrive together
/// leave together. Memory is bounded by the log, however slow some subscribers are.
///
/// ```swift
/// let topic = try Topic(on: loop)
/// topic.subscribe(connection)
/// topic.publish("hello\n")
/// ```
///
/// All of it belongs to the thread of the topic's loop. A subscriber keeps its topic until its connection is closed.
public final class Topic {
    /// How a topic is set up. What is out of range is brought into it.
    public struct Configuration: Sendable {
        /// How many bytes of messages the log keeps, rounded up to a power of two and to a page, 4 KiB as a rule. A message may
        /// be a quarter of it. The log takes that much memory, and an eighth more, once it is full. Less than a page counts as a page; what
        /// there is no room for is not cut down, but makes `Topic.init` throw.
        public var capacity = 1_048_576
        /// What is done about a subscriber that falls behind.
        public var policy = SlowSubscriberPolicy.backpressure()
        /// How many bytes one subscriber is sent in one turn at most, so that one that catches up does not hold up the others.
        /// At least 1.
        public var sendBudget = 262_144
        /// What a subscriber that was moved ahead is sent, given how many messages it missed: the bytes of a message, a line with its
        /// newline. Nil tells it nothing.
        public var skipNotice: (@Sendable (_ missed: Int) -> [UInt8])?

        /// A megabyte, and waiting for slow subscribers: the defaults above.
        public init() {}
    }

    /// The loop that the topic belongs to, and all of its subscribers with it.
    public let loop: EventLoop
    let policy: SlowSubscriberPolicy
    let sendBudget: Int
    let skipNotice: (@Sendable (_ missed: Int) -> [UInt8])?

    let log: BroadcastLog
    let cursors = CursorTable()
    /// The cursor that the next flush begins with: another one each time, since those served first are served soonest.
    var firstCursor = 0
    /// The log's tail when every cursor was last visited.
    var flushedTail = 0
    var isFlushScheduled = false
    /// Those to visit at the end of the turn even if nothing was published: they can take bytes again.
    let pending = DeferredList<Subscriber>()
    var hasPending = false
    /// Those that are too far behind, under the policy that waits.
    var laggards: [Subscriber] = []
    var hasLaggards = false
    /// Whether there are some of whom nobody has looked yet for how long they may stay.
    var hasNewLaggards = false
    let beginning = ContinuousClock.now
    lazy var lagTimer = loop.makeTimer { [weak self] in self?.closeStalledLaggards() }
    var publishers: [Publisher] = []

    /// A connection that is not subscribed, but paused under pressure. It lives no longer for that.
    struct Publisher {
        weak var connection: Connection?
    }

    /// Whether reading from the topic's subscribers is paused, because one of them is too far behind.
    public internal(set) var isUnderPressure = false

    /// How often that has come about.
    public internal(set) var pressureCount = 0

    /// How many messages subscribers have missed because they were moved ahead, each counted once for everyone who missed it.
    public internal(set) var skippedMessageCount = 0

    // The marks, as distances from the tail.
    var highWater: Int { log.capacity / 2 }
    var lowWater: Int { log.capacity / 4 }
    var overrunMark: Int { log.capacity / 4 * 3 }

    /// How long a message may be, as it goes over the wire, in bytes: a quarter of the log.
    public var maximumMessageLength: Int { log.capacity / 4 }

    /// How many messages were ever published. The next one has this number, counted from 0.
    public var messageCount: Int { log.messageCount }

    /// How many bytes these messages had, as they go over the wire.
    public var byteCount: Int { log.tail }

    /// How many connections are subscribed.
    public var subscriberCount: Int { cursors.count }

    /// A topic without messages or subscribers.
    ///
    /// The loop reads no more in one turn, from then on, than a quarter of the log, or than one read if that is more.
    ///
    /// - Throws: `Errno.noMemory` for a capacity that there is no room for, `.tooManyOpenFiles`, and what else the kernel says.
    ///
    /// The corresponding C functions are `memfd_create` and `mmap`.
    public init(on loop: EventLoop, configuration: Configuration = Configuration()) throws(Errno) {
        self.loop = loop
        policy = configuration.policy
        sendBudget = max(configuration.sendBudget, 1)
        skipNotice = configuration.skipNotice
        log = try BroadcastLog(minimumCapacity: configuration.capacity)
        // A turn's messages must not take a healthy subscriber from below one mark to beyond the other.
        loop.limitIntake(to: log.capacity / 4)
    }

    // MARK: - Subscribing

    /// Has the connection sent every message that is published from now on, and the last `history` ones, as far as they are within
    /// the last half of the log; those among them, too, that it published itself.
    ///
    /// ```swift
    /// topic.subscribe(connection, history: 20)
    /// ```
    ///
    /// Closing the connection unsubscribes it. A connection may be subscribed to several topics of its loop. Does nothing if it
    /// is subscribed to this one already, or is connecting, finishing or closed.
    public func subscribe(_ connection: Connection, history: Int = 0) {
        guard connection.isOpen, !connection.isFinishing, subscriber(of: connection) == nil else { return }
        let subscriber = Subscriber(topic: self, connection: connection, index: cursors.count)
        let position = history > 0 ? log.start(ofLast: history, within: highWater) : log.tail
        subscriber.next = connection.outputSource as? Subscriber
        connection.outputSource = subscriber
        unsafe cursors.append(
            Cursor(
                position: position, ownStart: position, ownEnd: position, descriptor: connection.rawDescriptor,
                state: subscriber.state, subscriber: unsafe .passRetained(subscriber)))
        if connection.isBlocked { didBlock(subscriber) }
        if isUnderPressure { connection.pauseReading() }
        if position < log.tail { scheduleVisit(subscriber) }
    }

    /// Takes the connection out of the topic. What it has not been sent yet, it does not get; only a message that has begun to
    /// leave is sent to its end. Does nothing if it is not subscribed.
    public func unsubscribe(_ connection: Connection) {
        guard let subscriber = subscriber(of: connection) else { return }
        if isUnderPressure { connection.resumeReading() }
        if connection.outputSource === subscriber {
            connection.outputSource = subscriber.next
        } else {
            var previous = connection.outputSource as? Subscriber
            while previous?.next !== subscriber { previous = previous?.next }
            previous?.next = subscriber.next
        }
        remove(subscriber)
    }

    func remove(_ subscriber: Subscriber) {
        let index = subscriber.index
        let removed = cursors[index]
        cursors.remove(at: index)
        if index < cursors.count { unsafe cursors[index].subscriber.takeUnretainedValue().index = index }
        subscriber.index = -1
        unsafe removed.subscriber.release()
        if subscriber.lag != nil {
            laggards.removeAll { $0 === subscriber }
            updatePressure()
        }
    }

    /// The connections that are subscribed, in no particular order.
    public var connections: [Connection] {
        (0..<cursors.count).map { unsafe cursors[$0].subscriber.takeUnretainedValue().connection }
    }

    private func subscriber(of connection: Connection) -> Subscriber? {
        var subscriber = connection.outputSource as? Subscriber
        while let candidate = subscriber, candidate.topic !== self { subscriber = candidate.next }
        return subscriber
    }

    /// Has reading from the connection paused under pressure, too, though it is not subscribed: for one that only publishes.
    public func addPublisher(_ connection: Connection) {
        publishers.removeAll { $0.connection == nil }
        publishers.append(Publisher(connection: connection))
        if isUnderPressure { connection.pauseReading() }
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
    /// - Returns: Whether all were published. One that is longer than `maximumMessageLength` is not.
    @discardableResult
    public func publish(
        _ messages: borrowing MessageBatch, in range: Range<Int>? = nil, from sender: Connection? = nil
    ) -> Bool {
        let range = range ?? 0..<messages.count
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
                append(messages, first..<next, from: sender)
                first = next
            } else {
                isWhole = false
                first &+= 1
            }
        }
        return isWhole
    }

    private func append(_ messages: borrowing MessageBatch, _ range: Range<Int>, from sender: Connection?) {
        let start = messages.wireOffset(of: range.lowerBound)
        let count = messages.wireOffset(of: range.upperBound) &- start
        makeRoom(count)
        let position = log.tail
        unsafe messages.withWireBytes { bytes, ends in
            unsafe log.append(
                bytes + start, count: count, ends: ends + range.lowerBound, messageCount: range.count, origin: start)
        }
        didPublish(from: position, by: sender)
    }

    /// Publishes one message, as it goes over the wire, to every subscriber except `sender`: a line with its newline, what has a length
    /// in front with that, as `LengthPrefixedFraming.message` makes it. It leaves at the end of the turn.
    ///
    /// An empty message, and one that is longer than `maximumMessageLength`, is not published; the result says so.
    @discardableResult
    public func publish(_ message: Span<UInt8>, from sender: Connection? = nil) -> Bool {
        if message.isEmpty || message.count > maximumMessageLength { return false }
        makeRoom(message.count)
        let position = log.tail
        unsafe message.withUnsafeBufferPointer { bytes in
            if let start = bytes.baseAddress { unsafe log.append(start, count: bytes.count) }
        }
        didPublish(from: position, by: sender)
        return true
    }

    /// As the other `publish`, for a text, in UTF-8.
    @discardableResult
    public func publish(_ text: String, from sender: Connection? = nil) -> Bool {
        publish(text.utf8.span, from: sender)
    }

    /// Between two flushes the log grows by a quarter at most. A cursor lags by three quarters at most after a flush, so nothing that
    /// a subscriber still lacks is ever overwritten.
    private func makeRoom(_ count: Int) {
        if log.tail &+ count &- flushedTail > log.capacity / 4 { visitAll() }
    }

    private func didPublish(from start: Int, by sender: Connection?) {
        if let sender, let subscriber = subscriber(of: sender) { addOwn(start..<log.tail, to: subscriber) }
        scheduleFlush()
    }

    private func addOwn(_ span: Range<Int>, to subscriber: Subscriber) {
        let cursor = cursors[subscriber.index]
        if cursor.state != .ready, let last = subscriber.laterOwn.last {
            if last.upperBound == span.lowerBound {
                subscriber.laterOwn[subscriber.laterOwn.count - 1] = last.lowerBound..<span.upperBound
            } else {
                subscriber.laterOwn.append(span)
            }
        } else if cursor.ownEnd == span.lowerBound {
            cursors[subscriber.index].ownEnd = span.upperBound
        } else if cursor.ownEnd <= cursor.position {
            cursors[subscriber.index].ownStart = span.lowerBound
            cursors[subscriber.index].ownEnd = span.upperBound
        } else {
            subscriber.laterOwn.append(span)
            cursors[subscriber.index].state = subscriber.state
        }
    }
}
