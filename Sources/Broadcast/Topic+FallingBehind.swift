import Reactor

/// What is done about subscribers that are too far behind, as the topic's policy has it.
extension Topic {
    /// Applies the policy to a subscriber that is too far behind.
    func judge(_ subscriber: Subscriber) {
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

    func tellOfMissed(_ subscriber: Subscriber) {
        if subscriber.missed == 0 { return }
        let missed = subscriber.missed
        subscriber.missed = 0
        if let skipNotice {
            let notice = skipNotice(missed)
            unsafe notice.withUnsafeBufferPointer { unsafe subscriber.connection.enqueue($0) }
        }
        cursors[subscriber.index].state = subscriber.state
    }

    /// Pauses or resumes reading from the publishers, as the laggards have it.
    func updatePressure() {
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
    func closeStalledLaggards() {
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
