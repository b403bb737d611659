import Reactor

/// What is done about subscribers that are too far behind, as the topic's policy has it.
extension Topic {
    /// Applies the policy to a subscriber that is too far behind.
    func applyPolicy(to subscriber: Subscriber) {
        guard subscriber.connection.isOpen else { return }
        // Its own messages are nothing that it lacks.
        skipOwn(subscriber)
        let lag = lag(of: subscriber)
        if lag <= highWater { return }
        switch policy {
        case .disconnect:
            subscriber.connection.close(reason: .tooSlow)
        case .skip:
            // What a connection gets before it finishes is a prefix of what it should get.
            if subscriber.end != .max { return subscriber.connection.close(reason: .tooSlow) }
            skipToTail(subscriber)
        case .backpressure(let stall, _):
            // Someone publishes who is not slowed down. To wait any longer would be to lose what the subscriber lacks.
            if lag > overrunMark { return subscriber.connection.close(reason: .tooSlow) }
            if subscriber.lag != nil { return }
            let now = ContinuousClock.now
            let idleTime = idleTime(of: subscriber, at: now)
            subscriber.lag = Subscriber.Lag(
                began: now, lastProgress: now.advanced(by: .zero - idleTime), hasStalled: idleTime >= stall)
            laggards.append(subscriber)
            hasLaggards = true
            hasNewLaggards = true
        }
    }

    /// How far a subscriber is behind. One that is finishing and has got everything lacks nothing of what is published after.
    private func lag(of subscriber: Subscriber) -> Int {
        let position = cursors[subscriber.index].position
        return position < subscriber.end ? log.tail &- position : 0
    }

    /// The kernel takes no more of the subscriber's output for now.
    func didBlock(_ subscriber: Subscriber) {
        subscriber.blockedAt = milliseconds(at: .now)
    }

    /// How long a subscriber has taken nothing, though there is something for it.
    private func idleTime(of subscriber: Subscriber, at now: ContinuousClock.Instant) -> Duration {
        guard subscriber.connection.isBlocked else { return .zero }
        // Both are rounded down, so it may be a millisecond less; nobody is closed before its time.
        return .milliseconds(max(milliseconds(at: now) &- subscriber.blockedAt, 1) &- 1)
    }

    private func milliseconds(at instant: ContinuousClock.Instant) -> UInt32 {
        let (seconds, attoseconds) = beginning.duration(to: instant).components
        return UInt32(truncatingIfNeeded: seconds &* 1_000 &+ attoseconds / 1_000_000_000_000_000)
    }

    /// Moves a cursor to the tail, and counts the messages of others that it passes over.
    private func skipToTail(_ subscriber: Subscriber) {
        let cursor = cursors[subscriber.index]
        var missed = log.messageCount(from: cursor.position, to: log.tail)
        for own in [cursor.ownStart..<max(cursor.ownStart, cursor.ownEnd)] + subscriber.laterOwn {
            let passed = own.clamped(to: cursor.position..<log.tail)
            missed &-= log.messageCount(from: passed.lowerBound, to: passed.upperBound)
        }
        subscriber.laterOwn = []
        subscriber.missed &+= missed
        skippedMessageCount &+= missed
        cursors[subscriber.index].position = log.tail
        cursors[subscriber.index].state = subscriber.state
    }

    /// Sends the notice of how many messages were skipped, if it is due. It leaves whole before anything that follows; if the kernel takes
    /// none of it, the count goes on, and a later notice has the sum.
    func sendSkipNotice(to subscriber: Subscriber) {
        if subscriber.missed == 0 { return }
        let notice = skipNotice?(subscriber.missed) ?? []
        if !notice.isEmpty {
            let sent = unsafe notice.withUnsafeBytes { bytes in
                let sent = unsafe subscriber.connection.write(bytes, UnsafeRawBufferPointer(start: nil, count: 0))
                if sent > 0, sent < bytes.count {
                    unsafe UnsafeRawBufferPointer(rebasing: bytes[sent...]).withMemoryRebound(to: UInt8.self) { rest in
                        unsafe subscriber.connection.keepRest(rest)
                    }
                }
                return sent
            }
            if sent == 0 { return }
        }
        subscriber.missed = 0
        if subscriber.index >= 0 { cursors[subscriber.index].state = subscriber.state }
    }

    /// Pauses or resumes reading from the publishers, as the laggards have it.
    func updatePressure() {
        if !hasLaggards { return }
        laggards.removeAll { laggard in
            let isWaitedFor = laggard.index >= 0 && laggard.connection.isOpen && lag(of: laggard) > lowWater
            if !isWaitedFor { laggard.lag = nil }
            return !isWaitedFor
        }
        hasLaggards = !laggards.isEmpty
        if !hasLaggards { lagTimer.cancel() }
        if laggards.contains(where: { $0.lag?.hasStalled == false }) != isUnderPressure {
            isUnderPressure.toggle()
            if isUnderPressure { pressureCount &+= 1 }
            for publisher in publishers { if let connection = publisher.connection { setPaused(connection) } }
            for index in 0..<cursors.count {
                unsafe setPaused(cursors[index].subscriber.takeUnretainedValue().connection)
            }
        }
        if hasNewLaggards {
            hasNewLaggards = false
            closeStalledLaggards()
        }
    }

    private func setPaused(_ connection: Connection) {
        if isUnderPressure { connection.pauseReading() } else { connection.resumeReading() }
    }

    /// Closes those that have been waited for long enough, and comes back when the next one may have been.
    func closeStalledLaggards() {
        guard case .backpressure(let stall, let grace) = policy else { return }
        let now = ContinuousClock.now
        var next: ContinuousClock.Instant?
        for laggard in laggards {
            guard let lag = laggard.lag else { continue }
            // One that has stalled may have taken bytes all the same, if only the loop was held up: a moment tells.
            let stallDeadline =
                lag.hasStalled ? lag.began.advanced(clamping: stall / 10) : lag.lastProgress.advanced(clamping: stall)
            let deadline = min(lag.began.advanced(clamping: grace), stallDeadline)
            if deadline <= now {
                laggard.connection.close(reason: .tooSlow)
            } else {
                next = min(next ?? deadline, deadline)
            }
        }
        if let next { lagTimer.arm(at: next) }
        updatePressure()
    }
}
