import Glibc
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
/// All of it belongs to the thread of the topic's loop.
public final class Topic {
    public struct Configuration: Sendable {
        /// How many bytes of messages the log keeps, rounded up to a power of two. A message may be a quarter of it.
        public var capacity = 1_048_576
        /// What is done about a subscriber that falls behind.
        public var policy = SlowSubscriberPolicy.backpressure()
        /// How many bytes one subscriber is sent in one turn at most, so that one that catches up does not hold up the others.
        public var sendBudget = 262_144
        /// What a subscriber that was moved ahead is told, given how many messages it missed. Nil tells it nothing.
        public var skipNotice: (@Sendable (_ missed: Int) -> String)?

        public init() {}
    }

    public let loop: EventLoop
    private let policy: SlowSubscriberPolicy
    private let sendBudget: Int
    private let skipNotice: (@Sendable (_ missed: Int) -> String)?

    private let log: BroadcastLog
    private let cursors = CursorTable()
    /// The cursor that the next flush begins with: another one each time, since those served first are served soonest.
    private var firstCursor = 0
    /// The log's tail when every cursor was last visited.
    private var flushedTail = 0
    private var isNotedUnflushed = false
    /// Those to visit at the end of the turn even if nothing was published: they can take bytes again.
    private var pending = NoteList<Subscriber>()
    private var hasPending = false
    /// Those that the topic waits for.
    private var laggards: [Subscriber] = []
    private var hasLaggards = false
    private lazy var lagTimer = loop.makeTimer { [weak self] in self?.closeStalledLaggards() }
    private var publishers: [Connection] = []

    /// Whether reading from the topic's subscribers is paused, because one of them is too far behind.
    public private(set) var isUnderPressure = false

    // The marks, as distances from the tail.
    private var highWater: Int { log.capacity / 2 }
    private var lowWater: Int { log.capacity / 4 }
    private var overrunMark: Int { log.capacity / 4 * 3 }

    /// How long a message may be: a quarter of the log.
    public var maximumMessageLength: Int { log.capacity / 4 }

    /// How many messages were ever published.
    public var messageCount: Int { log.messageCount }

    public var subscriberCount: Int { cursors.count }

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
    /// the last half of the log. Closing the connection unsubscribes it. Does nothing if it is subscribed already.
    public func subscribe(_ connection: Connection, history: Int = 0) {
        guard connection.isOpen, !connection.isFinishing, subscriber(of: connection) == nil else { return }
        let subscriber = Subscriber(topic: self, connection: connection, index: cursors.count)
        let position = history > 0 ? log.start(ofLast: history, within: highWater) : log.tail
        subscriber.next = connection.source as? Subscriber
        connection.source = subscriber
        unsafe cursors.append(
            Cursor(
                position: position, ownStart: position, ownEnd: position, descriptor: connection.rawDescriptor,
                state: subscriber.state, subscriber: unsafe .passRetained(subscriber)))
        if isUnderPressure { connection.pauseReading() }
        if position < log.tail { notePending(subscriber) }
    }

    /// Takes the connection out of the topic. What it has not been sent yet, it does not get.
    public func unsubscribe(_ connection: Connection) {
        guard let subscriber = subscriber(of: connection) else { return }
        if isUnderPressure { connection.resumeReading() }
        if connection.source === subscriber {
            connection.source = subscriber.next
        } else {
            var previous = connection.source as? Subscriber
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
        var subscriber = connection.source as? Subscriber
        while let candidate = subscriber, candidate.topic !== self { subscriber = candidate.next }
        return subscriber
    }

    /// Has reading from the connection paused under pressure, too, though it is not subscribed: for one that only publishes.
    public func addPublisher(_ connection: Connection) {
        publishers.append(connection)
        if isUnderPressure { connection.pauseReading() }
    }

    // MARK: - Publishing

    /// Publishes messages that a connection has sent, or those of them in a range, to every subscriber except `sender`.
    ///
    /// A message that is longer than `maximumMessageLength` is not published; the result says so.
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
            while next > first, messages.wireOffset(of: next) - start > maximumMessageLength {
                next = next - first > 1 ? first + (next - first) / 2 : first
            }
            if next > first {
                append(messages, first..<next, from: sender)
                first = next
            } else {
                isWhole = false
                first += 1
            }
        }
        return isWhole
    }

    private func append(_ messages: borrowing MessageBatch, _ range: Range<Int>, from sender: Connection?) {
        let start = messages.wireOffset(of: range.lowerBound)
        let count = messages.wireOffset(of: range.upperBound) - start
        makeRoom(count)
        let position = log.tail
        unsafe messages.withWireBytes { bytes, ends in
            unsafe log.append(
                bytes + start, count: count, ends: ends + range.lowerBound, messageCount: range.count, origin: start)
        }
        didPublish(from: position, by: sender)
    }

    /// Publishes one message, which should end with a newline if those of the topic do, to every subscriber except `sender`.
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

    /// As the other `publish`, for a text.
    @discardableResult
    public func publish(_ text: String, from sender: Connection? = nil) -> Bool {
        publish(text.utf8.span, from: sender)
    }

    /// Between two flushes the log grows by a quarter at most. A cursor lags by three quarters at most after a flush, so nothing that
    /// a subscriber still lacks is ever overwritten.
    private func makeRoom(_ count: Int) {
        if log.tail + count - flushedTail > log.capacity / 4 { visitAll() }
    }

    private func didPublish(from start: Int, by sender: Connection?) {
        if let sender, let subscriber = subscriber(of: sender) { addOwn(start..<log.tail, to: subscriber) }
        noteUnflushed()
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

    // MARK: - Flushing

    private func noteUnflushed() {
        if isNotedUnflushed { return }
        isNotedUnflushed = true
        loop.noteUnflushed(self)
    }

    private func notePending(_ subscriber: Subscriber) {
        if subscriber.isPending { return }
        subscriber.isPending = true
        pending.append(subscriber)
        hasPending = true
        noteUnflushed()
    }

    private func visitPending() {
        if !hasPending { return }
        hasPending = false
        let taken = pending.take()
        for subscriber in taken {
            subscriber.isPending = false
            if subscriber.index >= 0 { visit(subscriber) }
        }
        pending.recycle(taken)
    }

    /// Sends every subscriber what it lacks.
    private func visitAll() {
        visitPending()
        flushedTail = log.tail
        let count = cursors.count
        firstCursor = firstCursor + 1 < count ? firstCursor + 1 : 0
        visit(firstCursor..<count)
        visit(0..<firstCursor)
        updatePressure()
    }

    /// The fan-out. A subscriber with nothing unusual about it costs a look at its cursor and one send(2).
    private func visit(_ range: Range<Int>) {
        let tail = log.tail
        let mask = log.capacity &- 1
        let mark = tail &- highWater
        let bytes = unsafe log.storage
        let cursors = unsafe cursors.storage
        let budget = sendBudget
        for index in range {
            let cursor = unsafe cursors + index
            let position = unsafe cursor.pointee.position
            let lacking = tail &- position
            if lacking == 0 { continue }
            let state = unsafe cursor.pointee.state
            if state == .blocked, position >= mark { continue }
            guard state == .ready, unsafe cursor.pointee.ownEnd <= position, lacking <= budget else {
                unsafe visit(cursor.pointee.subscriber.takeUnretainedValue())
                continue
            }
            let sent = unsafe send(cursor.pointee.descriptor, bytes + (position & mask), lacking, Int32(MSG_NOSIGNAL))
            if sent == lacking {
                unsafe cursor.pointee.position = tail
            } else {
                let error = sent < 0 ? Errno.last : nil
                let subscriber = unsafe cursor.pointee.subscriber.takeUnretainedValue()
                advance(subscriber, to: position + max(sent, 0))
                subscriber.connection.sendFellShort(error)
                judge(subscriber)
            }
        }
    }

    /// Sends one subscriber what it lacks, whatever is unusual about it.
    private func visit(_ subscriber: Subscriber) {
        let connection = subscriber.connection
        guard connection.isOpen else { return }
        if connection.isBlocked { return judge(subscriber) }
        tellOfMissed(subscriber)
        skipOwn(subscriber)

        let cursor = cursors[subscriber.index]
        let end = min(subscriber.end, log.tail)
        let own = cursor.ownStart..<max(cursor.ownStart, cursor.ownEnd)
        let isCut = own.lowerBound >= cursor.position && own.lowerBound < end && !own.isEmpty
        // Up to the subscriber's own messages, and from there to the next ones of its own.
        var first = cursor.position..<(isCut ? own.lowerBound : max(end, cursor.position))
        let secondStart = isCut ? min(own.upperBound, end) : first.upperBound
        let nextOwn = cursor.state == .ready ? nil : subscriber.laterOwn.first?.lowerBound
        var second = secondStart..<max(secondStart, min(end, nextOwn ?? end))
        // Whoever is far behind is sent everything: only what its socket refuses may make it a slow one, not the budget.
        if first.count + second.count > sendBudget, log.tail - cursor.position <= highWater {
            (first, second) = cut(first, second)
        }
        let waiting = connection.pendingOutput
        if first.isEmpty, second.isEmpty, waiting == 0 { return }

        let sent = unsafe connection.write(
            log.bytes(from: first.lowerBound, to: first.upperBound), log.bytes(from: second.lowerBound, to: second.upperBound))
        if sent > 0 {
            advance(subscriber, to: sent <= first.count ? first.lowerBound + sent : second.lowerBound + sent - first.count)
        }
        guard connection.isOpen else { return }
        if hasLaggards, sent > 0 || connection.pendingOutput < waiting { subscriber.lag?.lastProgress = .now }
        if !connection.isBlocked, hasOutput(for: subscriber) { notePending(subscriber) }
        judge(subscriber)
    }

    /// Shortens two runs of messages to the send budget, at a message boundary, but not to nothing.
    private func cut(_ first: Range<Int>, _ second: Range<Int>) -> (Range<Int>, Range<Int>) {
        func cut(_ range: Range<Int>, to length: Int) -> Range<Int> {
            if range.count <= length { return range }
            let boundary = log.boundary(atOrBefore: range.lowerBound + length, notBefore: range.lowerBound)
            return range.lowerBound..<boundary
        }
        let shorterFirst = cut(first, to: sendBudget)
        if shorterFirst.isEmpty, !first.isEmpty {
            return (first.lowerBound..<log.boundary(atOrAfter: first.lowerBound + 1), second.lowerBound..<second.lowerBound)
        }
        if shorterFirst.count < first.count { return (shorterFirst, second.lowerBound..<second.lowerBound) }
        let shorterSecond = cut(second, to: sendBudget - first.count)
        if first.isEmpty, shorterSecond.isEmpty {
            return (first, second.lowerBound..<log.boundary(atOrAfter: second.lowerBound + 1))
        }
        return (first, shorterSecond)
    }

    /// Moves a cursor to where the kernel has stopped taking bytes. If that is inside a message, the rest of it becomes the
    /// connection's own, which leaves before anything else: so the cursor rests on a boundary, and no message is ever torn.
    private func advance(_ subscriber: Subscriber, to position: Int) {
        let boundary = log.boundary(atOrAfter: position)
        cursors[subscriber.index].position = boundary
        if boundary > position {
            unsafe log.bytes(from: position, to: boundary).withMemoryRebound(to: UInt8.self) { rest in
                unsafe subscriber.connection.enqueue(rest)
            }
        }
    }

    /// Moves a cursor past the subscriber's own messages, if it rests on them.
    private func skipOwn(_ subscriber: Subscriber) {
        while true {
            let cursor = cursors[subscriber.index]
            if cursor.position >= cursor.ownStart, cursor.position < cursor.ownEnd {
                cursors[subscriber.index].position = cursor.ownEnd
            } else if cursor.state != .ready, cursor.ownEnd <= cursor.position, let next = subscriber.laterOwn.first {
                subscriber.laterOwn.removeFirst()
                cursors[subscriber.index].ownStart = next.lowerBound
                cursors[subscriber.index].ownEnd = next.upperBound
                cursors[subscriber.index].state = subscriber.state
            } else {
                return
            }
        }
    }

    func hasOutput(for subscriber: Subscriber) -> Bool {
        guard subscriber.index >= 0 else { return false }
        skipOwn(subscriber)
        return subscriber.missed > 0 || cursors[subscriber.index].position < min(subscriber.end, log.tail)
    }

    func stateDidChange(of subscriber: Subscriber) {
        guard subscriber.index >= 0 else { return }
        let connection = subscriber.connection
        if connection.isFinishing, subscriber.end == .max {
            subscriber.end = log.tail
            if !connection.isBlocked { notePending(subscriber) }
        }
        cursors[subscriber.index].state = subscriber.state
    }

    func canSend(to subscriber: Subscriber) {
        if subscriber.index >= 0 { notePending(subscriber) }
    }

    // MARK: - Falling behind

    /// Applies the policy to a subscriber that is too far behind.
    private func judge(_ subscriber: Subscriber) {
        guard subscriber.connection.isOpen else { return }
        // Its own messages are nothing that it lacks.
        skipOwn(subscriber)
        let lag = log.tail - cursors[subscriber.index].position
        if lag <= highWater { return }
        switch policy {
        case .disconnect:
            subscriber.connection.close(reason: .tooSlow)
        case .skip:
            // What a connection gets before it finishes is a prefix of what it should get.
            if subscriber.end != .max { return subscriber.connection.close(reason: .tooSlow) }
            moveAhead(subscriber)
        case .backpressure:
            // Someone publishes who is not slowed down. To wait any longer would be to lose what the subscriber lacks.
            if lag > overrunMark { return subscriber.connection.close(reason: .tooSlow) }
            if subscriber.lag != nil { return }
            subscriber.lag = Subscriber.Lag(began: .now)
            laggards.append(subscriber)
            hasLaggards = true
        }
    }

    /// Moves a cursor to the tail, and counts the messages of others that it passes over.
    private func moveAhead(_ subscriber: Subscriber) {
        let cursor = cursors[subscriber.index]
        var missed = log.messageCount(from: cursor.position, to: log.tail)
        for own in [cursor.ownStart..<max(cursor.ownStart, cursor.ownEnd)] + subscriber.laterOwn {
            let passed = own.clamped(to: cursor.position..<log.tail)
            missed -= log.messageCount(from: passed.lowerBound, to: passed.upperBound)
        }
        subscriber.laterOwn = []
        subscriber.missed += missed
        cursors[subscriber.index].position = log.tail
        cursors[subscriber.index].state = subscriber.state
    }

    private func tellOfMissed(_ subscriber: Subscriber) {
        if subscriber.missed == 0 { return }
        let missed = subscriber.missed
        subscriber.missed = 0
        if let skipNotice {
            var notice = skipNotice(missed)
            notice.withUTF8 { unsafe subscriber.connection.enqueue($0) }
        }
        cursors[subscriber.index].state = subscriber.state
    }

    /// Pauses or resumes reading from the publishers, as the laggards have it.
    private func updatePressure() {
        if !hasLaggards { return }
        laggards.removeAll { laggard in
            let isWaitedFor =
                laggard.index >= 0 && laggard.connection.isOpen && log.tail - cursors[laggard.index].position > lowWater
            if !isWaitedFor { laggard.lag = nil }
            return !isWaitedFor
        }
        hasLaggards = !laggards.isEmpty
        if hasLaggards == isUnderPressure { return }
        isUnderPressure.toggle()
        publishers.removeAll { !$0.isOpen }
        for connection in publishers { setPaused(connection) }
        for index in 0..<cursors.count {
            unsafe setPaused(cursors[index].subscriber.takeUnretainedValue().connection)
        }
        if isUnderPressure { closeStalledLaggards() }
    }

    private func setPaused(_ connection: Connection) {
        if isUnderPressure { connection.pauseReading() } else { connection.resumeReading() }
    }

    /// Closes those that have been waited for long enough, and comes back when the next one may have been.
    private func closeStalledLaggards() {
        guard case .backpressure(let stall, let grace) = policy else { return }
        let now = ContinuousClock.now
        var next: ContinuousClock.Instant?
        for laggard in laggards {
            guard let lag = laggard.lag else { continue }
            let deadline = min(lag.began.advanced(by: grace), lag.lastProgress.advanced(by: stall))
            if deadline <= now {
                laggard.connection.close(reason: .tooSlow)
            } else {
                next = min(next ?? deadline, deadline)
            }
        }
        updatePressure()
        if let next, isUnderPressure { lagTimer.arm(at: next) } else { lagTimer.cancel() }
    }
}

extension Topic: Flushable {
    package func flush() {
        isNotedUnflushed = false
        if log.tail == flushedTail {
            visitPending()
            updatePressure()
        } else {
            visitAll()
        }
    }
}
