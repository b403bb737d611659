import Broadcast
import Reactor
import SimulatedKernel

/// What must hold after every turn, whenever the loop is at rest, and in the end.
extension Scenario {
    private var slack: Int64 { 1_000_000 }

    // MARK: - After every turn

    /// - Parameter start: When the turn began; 0 if the loop has run without making one.
    func checkTurn(startedAt start: Int64) throws {
        counts[.turns] += 1
        for member in members where member.stream >= 0 {
            try checkSent(member)
            if let connection = member.openConnection {
                if !connection.isFinishing {
                    try member.framing.checkNothingIsKept(received: member.received)
                } else if member.finishingSince == nil {
                    member.finishingSince = kernel_now()
                }
            } else if member.reason != nil, !world_is_closed(member.stream) {
                throw Finding("a connection is closed, and its descriptor is not")
            }
            if member.isConnecting, let deadline = member.deadline, deadline + slack < start {
                throw Finding("connecting goes on after its deadline")
            }
            for topic in topics.indices { try checkLag(of: member, in: topic, start) }
        }
        for (_, armed) in timers where armed.deadline <= start { throw Finding("a timer that was due has not fired") }
        for (index, topic) in topics.enumerated() {
            if start > 0 {
                publishedInTurn[index] = 0
                hadIdleLine[index] = false
            }
            if topic.isUnderPressure, !wasUnderPressure[index] { counts[.pressures] += 1 }
            wasUnderPressure[index] = topic.isUnderPressure
            if topic.isUnderPressure {
                guard case .backpressure = plan.setting.topics[index].policy else {
                    throw Finding("publishers are slowed down under another policy than backpressure")
                }
            }
            if topic.messageCount != published[index].count { throw Finding("a topic counts its messages wrongly") }
        }
        try throwFinding()
    }

    /// The policy has been applied to each subscriber that is too far behind.
    private func checkLag(of member: Member, in topic: Int, _ start: Int64) throws(Finding) {
        noteLag(of: member, in: topic)
        let configuration = plan.setting.topics[topic]
        // A peer that cannot be sent to any more does not lag. Its connection stays open until its last words are read.
        let canBeSent = member.openConnection != nil && world_failure(member.stream) == 0
        let lag = canBeSent ? member.delivery.lag(in: topic, tail: tails[topic]) : 0
        if lag <= configuration.capacity / 4 { member.lags[topic] = Member.Lag() }
        // Without a turn, nothing has been flushed. And what a transport has sealed and the kernel has not taken yet is no lag to the library.
        guard start > 0, plan.setting.recordSize == nil, lag > configuration.capacity / 2 else { return }
        // The loop reads the last words of a peer that cannot be sent to during the flush. The topic is flushed again in the next turn,
        // which follows at once, so the policy is applied then.
        let stays = member.lags[topic].wasTooFarBehind
        member.lags[topic].wasTooFarBehind = true
        switch configuration.policy {
        case .skip: break
        case .disconnect: if stays { throw Finding("a subscriber is too far behind, and stays", describe(member)) }
        case .backpressure(let stall, let grace):
            if stays, lag > configuration.capacity / 4 * 3 {
                throw Finding("a subscriber is too far behind, and stays", describe(member))
            }
            let lastSent = world_last_sent(member.stream)
            let since = member.lags[topic].isWaitedForSince ?? kernel_now()
            if member.lags[topic].isWaitedForSince == nil {
                member.lags[topic].isWaitedForSince = since
                member.lags[topic].hadStalled = since - lastSent + slack >= nanoseconds(stall)
            }
            let lastProgress = max(since, lastSent)
            let isOverdue = start - since > nanoseconds(grace) + slack || start - lastProgress > nanoseconds(stall) + slack
            if !isOverdue { return member.lags[topic].overdueSince = nil }
            let overdueSince = member.lags[topic].overdueSince ?? start
            member.lags[topic].overdueSince = overdueSince
            // After EPOLLOUT only a send shows whether there is room. Until then the library does not count the time, and it looks again
            // after a quarter of the stall time.
            if start - overdueSince > nanoseconds(stall) / 4 + slack {
                throw Finding("a subscriber is waited for too long", describe(member))
            }
        }
    }

    func checkSent(_ member: Member) throws(Finding) {
        do throws(Finding) {
            try unsafe member.withSentBytes { sent throws(Finding) in
                try unsafe member.delivery.check(
                    sent, skipsAllowed: { plan.setting.topics.indices.contains($0) && plan.setting.topics[$0].policy == .skip },
                    counts: &counts)
            }
        } catch {
            throw Finding(error.kind, "peer \(member.number)" + (error.detail.isEmpty ? "" : ", \(error.detail)"))
        }
    }

    // MARK: - At the end of a connection

    func didClose(_ member: Member, _ reason: CloseReason) {
        noting { () throws(Finding) in
            if member.stream >= 0 { try checkSent(member) }
            try checkReason(reason, of: member)
        }
    }

    private func checkReason(_ reason: CloseReason, of member: Member) throws(Finding) {
        let isFlushed = member.delivery.isDone
        switch reason {
        case .endOfInput:
            counts[.closedEndOfInput] += 1
            if !world_was_read_to_end(member.stream) { throw Finding("closed for the end of input, which has not come") }
            if !isFlushed, !member.wasClosed { throw Finding("closed at its end, with output left", describe(member)) }
        case .requested:
            counts[.closedRequested] += 1
            if !member.wasClosed, !member.wasFinished { throw Finding("closed as requested, and nobody requested it") }
            if !hasLingered(member) { throw Finding("closed before its peer could agree", describe(member)) }
            if !isFlushed, !member.wasClosed { throw Finding("closed at its end, with output left", describe(member)) }
        case .shutdown:
            counts[.closedShutdown] += 1
            if !isLoopClosed { throw Finding("closed for a shutdown that is none") }
        case .messageTooLong:
            counts[.closedLineTooLong] += 1
            if !plan.setting.closesOnLongLines { throw Finding("closed for a line, against the handler's will") }
        case .tooSlow:
            counts[.closedTooSlow] += 1
            if !isTooSlow(member) { throw Finding("closed as too slow, and it is not", describe(member)) }
        case .outputOverflow:
            counts[.closedOutputOverflow] += 1
            if plan.setting.options.maximumPendingOutput > 600 { throw Finding("closed for an overflow that is none") }
        case .connectTimedOut:
            counts[.closedConnectTimedOut] += 1
            guard !member.isOpened, let deadline = member.deadline, deadline <= kernel_now() else {
                throw Finding("connecting was given up before its deadline")
            }
        case .failed(let error):
            counts[.closedFailed] += 1
            if world_failure(member.stream) != error.rawValue {
                throw Finding("closed for a failure that never was", "\(error)")
            }
        case .truncated:
            // The stream has ended before the connection was open.
            if plan.setting.recordSize == nil || member.isOpened || !world_was_read_to_end(member.stream) {
                throw Finding("closed as cut off, and it is not")
            }
        default:
            throw Finding("closed for a reason that nothing here gives", "\(reason)")
        }
    }

    /// Whether a connection that was finished has waited for its peer: for its end, or for long enough.
    private func hasLingered(_ member: Member) -> Bool {
        let stream = member.stream
        guard member.kind == .socket, member.isOpened, !member.wasClosed, !isLoopClosed, let since = member.finishingSince else {
            return true
        }
        if world_was_read_to_end(stream) || world_is_dead(stream) || world_failure(stream) != 0 { return true }
        return kernel_now() - max(since, world_last_sent(stream)) + slack >= nanoseconds(plan.setting.options.lingerTimeout)
    }

    private func isTooSlow(_ member: Member) -> Bool {
        let now = kernel_now()
        if let since = member.finishingSince, let timeout = plan.setting.options.flushTimeout,
            now - since + slack >= nanoseconds(timeout)
        {
            return true
        }
        for (topic, configuration) in plan.setting.topics.enumerated() {
            let lag = member.delivery.lag(in: topic, tail: tails[topic])
            switch configuration.policy {
            case .disconnect:
                if lag > configuration.capacity / 2 { return true }
            case .skip:
                if lag > configuration.capacity / 2, member.connection?.isFinishing == true { return true }
            case .backpressure(let stall, let grace):
                let isOverrun =
                    plan.setting.isReckless || publishedInTurn[topic] > configuration.capacity / 4 || hadIdleLine[topic]
                if isOverrun, lag > configuration.capacity / 4 * 3 { return true }
                guard lag > configuration.capacity / 4, let since = member.lags[topic].since else { continue }
                if now - since + slack >= nanoseconds(grace) { return true }
                // One that had stalled when it fell behind slows nobody down, and so may be overrun.
                if member.lags[topic].hadStalled, lag > configuration.capacity / 4 * 3 { return true }
                // The time counts from its last byte, or from a later attempt to send it one, of which nothing is known here.
                if now - world_last_sent(member.stream) + slack >= nanoseconds(stall) { return true }
            }
        }
        return false
    }

    private func nanoseconds(_ duration: Duration) -> Int64 {
        duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
    }

    private func describe(_ member: Member) -> String {
        let lags = topics.indices.map { "\(member.delivery.lag(in: $0, tail: tails[$0]))" }.joined(separator: " and ")
        return
            "peer \(member.number), \(lags) bytes behind, lacks \(member.delivery.isDone ? "nothing" : member.delivery.lacking)"
    }

    // MARK: - At rest

    /// The loop has found nothing to do: then nothing may be left to be done.
    func checkRest() throws {
        if doneTasks != postedTasks { throw Finding("a wake-up is lost", "\(postedTasks - doneTasks) tasks wait") }
        if world_waiting_callers_are_watched() { throw Finding("callers wait, and the loop rests") }
        for (index, topic) in topics.enumerated() where topic.isUnderPressure {
            let mark = plan.setting.topics[index].capacity / 4
            let isWaitedFor = members.contains {
                $0.openConnection != nil && $0.delivery.lag(in: index, tail: tails[index]) > mark
            }
            if !isWaitedFor { throw Finding("publishers are held up for nobody") }
        }
        for member in members {
            guard let connection = member.openConnection else { continue }
            let isPaused = member.pauses > 0 || member.kind == .output || connection.isFinishing
            let isHeldUp = topics.indices.contains {
                topics[$0].isUnderPressure
                    && (member.delivery.isSubscribed(to: $0) || (member.entry.isPublisher && member.entry.home == $0))
            }
            // A peer that has reset gets nothing any more. While its reading is paused, its last words keep the connection open, until
            // the flush timeout.
            let isUnheard = (isPaused || isHeldUp) && world_failure(member.stream) != 0
            if member.kind != .input, !isUnheard, world_is_writable(member.stream) { try checkFlushed(member, connection) }
            if !isPaused, !isHeldUp, world_unreceived_count(member.stream) > 0 {
                throw Finding("a peer has written, and the loop rests", "peer \(member.number)")
            }
        }
    }

    private func checkFlushed(_ member: Member, _ connection: Connection) throws(Finding) {
        if !member.delivery.isDone {
            throw Finding("a peer is owed something, and the loop rests", "peer \(member.number): \(member.delivery.lacking)")
        }
        if connection.isFinishing, !world_saw_end(member.stream), !world_is_dead(member.stream) {
            throw Finding("a connection is finishing, and the loop rests")
        }
    }

    // MARK: - In the end

    func end() throws {
        kernel_seed(plan.seed)
        liftLimit()
        while kernel_interleavings_left() > 0 { try settle() }
        for number in timers.keys { timers.removeValue(forKey: number)?.timer.cancel() }
        for member in members { while member.pauses > 0 { resume(member) } }

        // Everybody takes everything: nothing may be missing.
        try drain()
        try wait(300)
        try drain()
        for topic in topics where topic.isUnderPressure {
            throw Finding("publishers are held up, though everybody has everything")
        }

        if plan.seed & 1 == 0 { try closeByPeers() }
        isLoopClosed = true
        loop.close()
        try throwFinding()
        for member in members where member.stream >= 0 {
            if member.connection != nil { throw Finding("a closed connection is kept", "peer \(member.number)") }
            if member.isOpened, member.reason == nil { throw Finding("a connection does not close", "peer \(member.number)") }
        }
        for topic in topics where topic.subscriberCount > 0 { throw Finding("a closed connection is still subscribed") }
    }

    private func drain() throws {
        for member in members where member.stream >= 0 { world_widen(member.stream) }
        for _ in 0..<10_000 {
            var taken = 0
            for member in members where member.stream >= 0 { taken += world_read(member.stream, .max) }
            try settle()
            if taken == 0 { return }
        }
        throw Finding("output never ends")
    }

    /// Every peer hangs up; then the loop has nothing to do but to listen, and nothing is left of them.
    private func closeByPeers() throws {
        for member in members where member.stream >= 0 {
            if random.oneIn(3) { world_reset(member.stream) } else { world_close(member.stream) }
        }
        try wait(1)
        for member in members where member.kind == .output || member.isConnecting { member.connection?.close() }
        for member in members where member.kind == .output || !member.isOpened { member.wasClosed = true }
        try drain()
        try wait(60_000)
        var none = kernel_faults()
        unsafe kernel_set_faults(&none)
        try wait(200)
        try settle()
        for member in members where member.connection != nil || (member.isOpened && member.reason == nil) {
            throw Finding("a peer has hung up, and its connection does not close", "peer \(member.number)")
        }
        if kernel_has_deadline() { throw Finding("a timer is left over") }
        // The waker and the listener; and, with epoll itself and the listener's spare one, the descriptors. A listener that could not
        // get back its spare one has it again after the next time that it needs it.
        if kernel_watched_descriptors() != 2 { throw Finding("a registration is left over") }
        let mayLackSpare = kernel_counted(KERNEL_COUNT_DESCRIPTORS_EXHAUSTED) > 0
        let open = kernel_open_descriptors()
        if open != 4, !mayLackSpare || open != 3 { throw Finding("descriptors are left open", "\(open)") }
        for topic in topics where topic.subscriberCount > 0 { throw Finding("a closed connection is still subscribed") }
    }
}
