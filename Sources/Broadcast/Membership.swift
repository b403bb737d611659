import Reactor

/// A topic's part in a log that it shares with the topics of other loops. It belongs to the loop's thread.
///
/// - **Publishing** appends under the log's lock, if there is room. If not, the messages wait here, in order, for a flush in which there is.
/// - **A flush** begins with a look at what all have published, and ends by telling how far the topic's subscribers were visited. So
///   a flush works on a tail that does not move, and the log never overwrites what one of them lacks.
/// - **Pressure** of one topic stops the appending of all, before that topic tells how far it is. So nobody is overrun for whom somebody waits.
///
/// Others are woken when there is something for them to see, before the topic's own subscribers are visited.
@safe final class Membership {
    let log: SharedLog
    private unowned let topic: Topic
    private let member: SharedLog.Member
    /// What was published and has no place in the log yet.
    private var waiting = WaitingMessages()
    /// Whether the topics of other loops were under pressure when this one last looked. They do not say so if they have ceased to press while
    /// this one went on.
    private var othersArePressing = false
    /// How many topics share the log, as of the last look.
    private(set) var memberCount = 1
    private var hasLeft = false
    /// What is called when nothing waits any more.
    private var bodies: [() -> Void] = []
    /// Memory for those who are to be woken.
    private var sleepers: [SharedLog.Member] = []

    init(of topic: Topic, in log: SharedLog) {
        self.topic = topic
        self.log = log
        let member = SharedLog.Member(of: topic)
        self.member = member
        log.withState { $0.members.append(member) }
    }

    /// Whether messages wait here for room in the log.
    var isKeepingMessages: Bool { !waiting.isEmpty }

    /// Whether reading from the topic's publishers is to be paused because of what is elsewhere.
    var holdsBackPublishers: Bool { othersArePressing || !waiting.isEmpty }

    // MARK: - Publishing

    /// Appends `count` bytes by calling `body` under the lock, which must do so. Returns where they begin, or nil if there is no room now.
    func append(_ count: Int, _ body: () -> Void) -> Int? {
        if !waiting.isEmpty || hasLeft { return nil }
        let capacity = log.capacity
        let position: Int? = log.withState { state in
            guard state.isTurn(of: member), state.hasRoom(count, of: capacity) else { return nil }
            look(at: &state)
            let position = place(in: &state, body)
            // No flush comes that would wake the others.
            if topic.loop.isClosed { state.takeSleepers(besides: member, all: false, into: &sleepers) }
            return position
        }
        wakeSleepers()
        return position
    }

    /// Appends by calling `body`, and returns where that begins.
    private func place(in state: inout SharedLog.State, _ body: () -> Void) -> Int {
        let position = state.tail
        body()
        state.tail = topic.log.tail
        state.messageCount = topic.log.messageCount
        didSee(&state)
        return position
    }

    private func look(at state: inout SharedLog.State) {
        topic.advance(to: state.tail, messageCount: state.messageCount)
        didSee(&state)
    }

    private func didSee(_ state: inout SharedLog.State) {
        if topic.cursors.count > 0 { member.seen = state.tail }
    }

    /// Keeps messages until there is room for them. Returns false if too many wait already, since somebody goes on who is not paused, such
    /// as a timer; or if the loop is closed.
    func keep(_ messages: WaitingMessages.Run) -> Bool {
        if topic.loop.isClosed || waiting.byteCount &+ messages.bytes.count > 2 &* log.capacity { return false }
        // From here on the loop keeps the topic.
        if waiting.isEmpty { topic.loop.addEndObserver(topic) }
        waiting.append(messages)
        topic.scheduleFlush()
        topic.holdBackPublishers()
        return true
    }

    func catchUp() {
        if !hasLeft { log.withState { look(at: &$0) } }
    }

    func whenNothingWaits(_ body: @escaping () -> Void) {
        if waiting.isEmpty { body() } else { bodies.append(body) }
    }

    // MARK: - The topic's flush

    /// Looks at what all have published, appends what waits here as far as there is room, and wakes who has not seen that.
    func beginFlush() {
        if hasLeft { return }
        let hadWaiting = !waiting.isEmpty
        var placed: [(start: Int, run: WaitingMessages.Run)] = []
        let capacity = log.capacity
        change { state in
            member.isWakeUnderWay = false
            memberCount = state.members.count
            look(at: &state)
            if hadWaiting {
                member.ignoresPressure = waiting.byteCount > capacity
                while let run = waiting.first, state.isTurn(of: member), state.hasRoom(run.bytes.count, of: capacity) {
                    placed.append((place(in: &state) { topic.log.append(run) }, run))
                    waiting.removeFirst()
                    member.ignoresPressure = waiting.byteCount > capacity
                }
                state.queue.removeAll { $0 === member && waiting.isEmpty }
                if let run = waiting.first {
                    member.needed = run.bytes.count
                    if !state.queue.contains(where: { $0 === member }) { state.queue.append(member) }
                }
            }
            state.takeSleepers(besides: member, all: false, into: &sleepers)
        }
        for (start, run) in placed { topic.didPlace(run, at: start) }
        if hadWaiting, waiting.isEmpty { topic.loop.removeEndObserver(topic) }
    }

    /// Tells how far the topic's subscribers were visited.
    func endFlush() {
        change { _ in member.flushed = topic.cursors.count > 0 ? topic.flushedTail : .max }
        topic.holdBackPublishers()
        if bodies.isEmpty || !waiting.isEmpty { return }
        var due: [() -> Void] = []
        swap(&due, &bodies)
        for body in due { body() }
    }

    /// Changes what is under the lock, and wakes who has to know, and who can go on because of it.
    private func change(_ body: (inout SharedLog.State) -> Void) {
        let capacity = log.capacity
        log.withState { state in
            body(&state)
            othersArePressing = state.pressingCount > (member.isPressing ? 1 : 0)
            if let head = state.takeHeadThatCanGoOn(of: capacity) { sleepers.append(head) }
        }
        wakeSleepers()
    }

    private func wakeSleepers() {
        if sleepers.isEmpty { return }
        for sleeper in sleepers { sleeper.wake() }
        sleepers.removeAll(keepingCapacity: true)
    }

    // MARK: - What changes between flushes

    /// The topic has come under pressure, or is no longer.
    func pressureDidChange(_ isPressing: Bool) {
        change { state in
            if member.isPressing == isPressing { return }
            member.isPressing = isPressing
            state.pressingCount &+= isPressing ? 1 : -1
            // Whether it is the first or the last: all have to know.
            if state.pressingCount == (isPressing ? 1 : 0) { state.takeSleepers(besides: member, all: true, into: &sleepers) }
        }
    }

    /// The topic gets its first subscriber, who gets what is published from now on, on whatever loop.
    func willHaveSubscribers() {
        log.withState { state in
            topic.advance(to: state.tail, messageCount: state.messageCount)
            member.seen = state.tail
            member.flushed = state.tail
        }
        topic.flushedTail = topic.log.tail
    }

    /// The topic has lost its last subscriber: nobody waits for it.
    func hasNoSubscribers() {
        change { _ in (member.seen, member.flushed) = (.max, .max) }
    }

    /// The topic is being released, or its loop is closing. What waits is lost.
    func leave() {
        hasLeft = true
        member.place.topic = nil
        waiting = WaitingMessages()
        pressureDidChange(false)
        change { state in
            state.members.removeAll { $0 === member }
            state.queue.removeAll { $0 === member }
        }
    }
}
