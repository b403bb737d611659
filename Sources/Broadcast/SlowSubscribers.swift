import Reactor

/// The subscribers of a topic that are too far behind, and what the topic's policy does about them.
///
/// **Who is slow.** A subscriber is too far behind once it lacks more than the topic's high water: half of the log as a rule. Under the policy that waits, what
/// counts then is whether its peer takes bytes. EPOLLOUT does not tell: a Unix socket announces room only once three quarters of
/// its buffer are free, and a TCP socket after 64 KiB. So the kernel is asked how many bytes it still holds for the peer; if
/// those have become fewer, the peer has taken some. It is asked for blocked subscribers only: once a quarter of the stall time
/// after the kernel refused output, and whenever one is judged.
final class SlowSubscribers {
    /// How long a subscriber has been waited for.
    struct Wait {
        let began: ContinuousClock.Instant
        /// Whether its peer had taken nothing for the stall time when it fell behind, and has not since. It slows nobody down.
        var hasStalled: Bool
    }

    private unowned let topic: Topic
    let policy: SlowSubscriberPolicy
    private let skipNotice: (@Sendable (_ missed: Int) -> [UInt8])?
    private let closingNotice: [UInt8]?

    private var waitedFor: [Subscriber] = []
    /// Whether one of them has not been judged yet.
    private var hasUnjudged = false
    /// Those that are to be sent the closing notice. That takes them out of the topic, so it waits for the end of the fan-out.
    private var dueForNotice: [Subscriber] = []
    /// Whether the embedder's closure is running. It is not called again from within.
    private var isMakingNotice = false

    private(set) var isUnderPressure = false
    private(set) var pressureCount = 0
    private(set) var skippedMessageCount = 0

    private let clockStart = ContinuousClock.now
    private lazy var timer = topic.loop.makeTimer { [weak self] in self?.judge() }
    /// When the blocked subscribers are looked at; nil if all of them were.
    private var nextLook: ContinuousClock.Instant?

    init(of topic: Topic, configuration: Topic.Configuration) {
        self.topic = topic
        policy = configuration.policy
        skipNotice = configuration.skipNotice
        closingNotice = configuration.closingNotice
    }

    // The marks, as distances from the tail.
    private var highWater: Int { topic.highWater }
    private var lowWater: Int { topic.highWater / 2 }
    private var overrunMark: Int { topic.log.capacity / 4 * 3 }

    // MARK: - The policy

    /// Applies the policy to a subscriber, if it is too far behind.
    func applyPolicy(to subscriber: Subscriber) {
        let connection = subscriber.connection
        guard subscriber.isSubscribed, connection.isOpen else { return }
        // Its own messages are nothing that it lacks.
        topic.skipOwn(at: Int(subscriber.index))
        let lag = lag(of: subscriber)
        if lag <= highWater { return }
        switch policy {
        case .disconnect:
            disconnect(subscriber)
        case .skip:
            // A connection that is finishing gets a prefix of what it should get. Skipping would make a gap in it.
            if subscriber.stopPosition != .max { return connection.close(reason: .tooSlow) }
            skipToTail(subscriber)
        case .backpressure(let stall, _):
            // Somebody publishes who is not paused. To wait any longer would let the log overwrite what the subscriber lacks.
            if lag > overrunMark { return disconnect(subscriber) }
            if subscriber.wait != nil { return }
            let now = ContinuousClock.now
            look(at: subscriber, now)
            subscriber.wait = Wait(began: now, hasStalled: idleTime(of: subscriber, at: now) >= stall)
            waitedFor.append(subscriber)
            hasUnjudged = true
        }
    }

    /// How many bytes a subscriber lacks. One that is finishing and has got everything lacks nothing of what is published after.
    private func lag(of subscriber: Subscriber) -> Int {
        let position = topic.cursors[Int(subscriber.index)].position
        return position < subscriber.stopPosition ? topic.log.tail &- position : 0
    }

    /// Takes the subscriber's connection out of service: at once, or by way of the closing notice.
    private func disconnect(_ subscriber: Subscriber) {
        // One that is finishing already accepts no notice.
        if closingNotice == nil || subscriber.connection.isFinishing { return subscriber.connection.close(reason: .tooSlow) }
        dueForNotice.append(subscriber)
    }

    private func sendClosingNotices() {
        if dueForNotice.isEmpty { return }
        var due: [Subscriber] = []
        swap(&due, &dueForNotice)
        for subscriber in due where subscriber.isSubscribed {
            let connection = subscriber.connection
            topic.unsubscribe(connection)
            // The rest of a message that has begun to leave goes first, then the notice; the connection's flush timeout bounds
            // it.
            if let closingNotice { _ = connection.sendUnlimited(closingNotice.span) }
            connection.finish(reason: .tooSlow)
        }
    }

    // MARK: - Skipping

    /// Moves a cursor to the tail, and counts the messages of others that it passes over.
    private func skipToTail(_ subscriber: Subscriber) {
        let index = Int(subscriber.index)
        let log = topic.log
        let cursor = topic.cursors[index]
        var missed = log.messageCount(from: cursor.position, to: log.tail)
        func leaveOut(_ own: Range<Int>) {
            let passed = own.clamped(to: cursor.position..<log.tail)
            missed &-= log.messageCount(from: passed.lowerBound, to: passed.upperBound)
        }
        leaveOut(cursor.ownStart..<max(cursor.ownStart, cursor.ownEnd))
        let laterOwn = subscriber.laterOwn
        for index in 0..<laterOwn.count { leaveOut(laterOwn[index]) }
        subscriber.removeAllLaterOwn()
        subscriber.missed &+= missed
        skippedMessageCount &+= missed
        topic.cursors[index].position = log.tail
        topic.updateState(at: index)
    }

    /// Sends the notice of how many messages were skipped, if one is due and the connection takes it. It leaves whole before
    /// anything that follows; if the kernel takes none of it, a later notice has the sum.
    ///
    /// The notice is made by a closure of the embedder, which may call anything, even have this topic fan out. Until the notice
    /// has been sent the count stays, so nothing else is sent to the subscriber meanwhile.
    func sendSkipNotice(to subscriber: Subscriber) {
        let connection = subscriber.connection
        let missed = subscriber.missed
        guard missed > 0, !isMakingNotice, connection.isOpen, !connection.isBlocked, !connection.hasFailedOutput else { return }
        var notice: [UInt8] = []
        if let skipNotice {
            isMakingNotice = true
            notice = skipNotice(missed)
            isMakingNotice = false
            guard subscriber.isSubscribed, connection.isOpen, !connection.isBlocked, !connection.hasFailedOutput else { return }
        }
        if !notice.isEmpty {
            let waiting = connection.waitingCount
            let sent = unsafe notice.withUnsafeBytes { bytes in
                let sent = unsafe connection.write(bytes, UnsafeRawBufferPointer(start: nil, count: 0))
                if sent > 0, sent < bytes.count {
                    unsafe UnsafeRawBufferPointer(rebasing: bytes[sent...]).withMemoryRebound(to: UInt8.self) { rest in
                        unsafe connection.keepRest(rest)
                    }
                }
                return sent
            }
            if sent > 0 || connection.waitingCount < waiting { didTakeBytes(connection) }
            if sent == 0 { return }
        }
        // More may have been skipped while the notice was made. Those are in the next one.
        subscriber.missed &-= missed
        topic.updateState(at: Int(subscriber.index))
    }

    /// Makes the notice for somebody who is sent it as own output, and is done with it. Nil if there is none.
    func takeSkipNotice(of subscriber: Subscriber) -> [UInt8]? {
        guard let skipNotice, !isMakingNotice else { return nil }
        let missed = subscriber.missed
        isMakingNotice = true
        let notice = skipNotice(missed)
        isMakingNotice = false
        subscriber.missed &-= missed
        return notice
    }

    // MARK: - Progress

    /// The kernel takes no more of the subscriber's output for now.
    func didBlock(_ subscriber: Subscriber) {
        guard case .backpressure(let stall, _) = policy else { return }
        // Epoll said that there was room, but the kernel takes nothing: the peer has taken nothing either.
        if subscriber.hasUnprovenRoom { return }
        let now = ContinuousClock.now
        subscriber.lastProgress = milliseconds(at: now)
        subscriber.heldByKernel = Subscriber.unknown
        if nextLook == nil, stall > .zero {
            let look = now.advanced(clamping: stall / 4)
            nextLook = look
            if waitedFor.isEmpty { timer.arm(at: look) }
        }
    }

    /// The connection has taken bytes. The first of them may have been the rest of another topic's message, so this counts in all
    /// its topics.
    func didTakeBytes(_ connection: Connection) {
        var next = connection.outputSource as? Subscriber
        while let subscriber = next {
            subscriber.hasUnprovenRoom = false
            subscriber.wait?.hasStalled = false
            let slow = subscriber.topic.slowSubscribers
            if connection.isBlocked { slow.didBlock(subscriber) }
            next = subscriber.nextTopicOfConnection
        }
    }

    /// Asks the kernel how much it holds for a blocked subscriber. If that is less than the last time, the peer has taken bytes.
    private func look(at subscriber: Subscriber, _ now: ContinuousClock.Instant) {
        guard subscriber.connection.isBlocked, let held = subscriber.connection.bytesHeldByKernel else { return }
        let count = UInt32(clamping: min(held, Int(Subscriber.unknown) &- 1))
        // Without an earlier count there is nothing to compare with.
        if subscriber.heldByKernel != Subscriber.unknown, count < subscriber.heldByKernel {
            subscriber.lastProgress = milliseconds(at: now)
            subscriber.wait?.hasStalled = false
        }
        subscriber.heldByKernel = count
    }

    /// Looks at the subscribers that have been blocked since the last time. What a peer's kernel has acknowledged without its
    /// program reading is over by then, so any further progress is the program's.
    private func lookAtBlocked(_ now: ContinuousClock.Instant) {
        nextLook = nil
        for index in 0..<topic.cursors.count where topic.cursors[index].state == .blocked {
            let subscriber = topic.subscriber(at: index)
            if subscriber.heldByKernel == Subscriber.unknown { look(at: subscriber, now) }
        }
    }

    /// How long a peer has taken nothing, though there is something for it.
    private func idleTime(of subscriber: Subscriber, at now: ContinuousClock.Instant) -> Duration {
        guard subscriber.connection.isBlocked else { return .zero }
        // Both are rounded down, so it may be a millisecond less; no peer is closed before its time.
        return .milliseconds(max(milliseconds(at: now) &- subscriber.lastProgress, 1) &- 1)
    }

    private func milliseconds(at instant: ContinuousClock.Instant) -> UInt32 {
        let (seconds, attoseconds) = clockStart.duration(to: instant).components
        return UInt32(truncatingIfNeeded: seconds &* 1_000 &+ attoseconds / 1_000_000_000_000_000)
    }

    // MARK: - Waiting

    /// Pauses or resumes reading from the publishers, depending on who is still too far behind. Called after each fan-out.
    func update() {
        sendClosingNotices()
        if waitedFor.isEmpty { return }
        if waitedFor.contains(where: { !isStillTooFarBehind($0) }) {
            let past = waitedFor.filter { !isStillTooFarBehind($0) }
            keep(waitedFor.filter(isStillTooFarBehind))
            for subscriber in past { subscriber.wait = nil }
        }
        let needsPressure = waitedFor.contains { $0.wait?.hasStalled == false }
        if needsPressure != isUnderPressure {
            isUnderPressure = needsPressure
            if isUnderPressure { pressureCount &+= 1 }
            topic.pressureDidChange()
        }
        if hasUnjudged { judge() }
    }

    private func isStillTooFarBehind(_ subscriber: Subscriber) -> Bool {
        subscriber.isSubscribed && subscriber.connection.isOpen && lag(of: subscriber) > lowWater
    }

    /// A subscriber may hold the last reference to a connection, whose handler's deinit may call the topic: what is removed is
    /// released at the end of this function, when `waitedFor` is not being accessed.
    private func keep(_ subscribers: [Subscriber]) {
        var old = subscribers
        swap(&old, &waitedFor)
    }

    /// The subscriber is no longer one of the topic's.
    func didRemove(_ subscriber: Subscriber) {
        if subscriber.wait == nil { return }
        subscriber.wait = nil
        keep(waitedFor.filter { $0 !== subscriber })
        // `update` does nothing if there are none left.
        if waitedFor.isEmpty, isUnderPressure {
            isUnderPressure = false
            topic.pressureDidChange()
        }
        update()
    }

    /// Closes those that have been waited for long enough, and arms the timer for when the next one may have been.
    private func judge() {
        hasUnjudged = false
        guard case .backpressure(let stall, let grace) = policy else { return }
        let now = ContinuousClock.now
        if let nextLook, nextLook <= now { lookAtBlocked(now) }
        var next = nextLook
        for subscriber in waitedFor {
            look(at: subscriber, now)
            guard let wait = subscriber.wait else { continue }
            let stallDeadline =
                wait.hasStalled
                // It may have taken bytes all the same, while the loop was held up: a moment tells.
                ? wait.began.advanced(clamping: stall / 10)
                : now.advanced(clamping: stall).advanced(by: .zero - idleTime(of: subscriber, at: now))
            let deadline = min(wait.began.advanced(clamping: grace), stallDeadline)
            if deadline <= now {
                disconnect(subscriber)
            } else {
                // Looked at more often than once in a stall time, so that the time of its last progress is known well enough.
                let look = min(deadline, now.advanced(clamping: max(stall / 4, .milliseconds(1))))
                next = min(next ?? look, look)
            }
        }
        if let next { timer.arm(at: next) } else { timer.cancel() }
        update()
    }
}
