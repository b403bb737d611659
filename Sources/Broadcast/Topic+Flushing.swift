import Glibc
import Reactor

/// The fan-out: each subscriber is sent what it lacks, at the end of a turn.
extension Topic {
    func scheduleFlush() {
        if isFlushScheduled { return }
        isFlushScheduled = true
        loop.scheduleFlush(self)
    }

    func scheduleVisit(_ subscriber: Subscriber) {
        if subscriber.isPending { return }
        subscriber.isPending = true
        pending.append(subscriber)
        hasPending = true
        scheduleFlush()
    }

    private func visitPending() {
        if !hasPending { return }
        hasPending = false
        pending.drain { subscriber in
            subscriber.isPending = false
            if subscriber.index >= 0 { visit(subscriber) }
        }
    }

    /// Sends every subscriber what it lacks.
    func visitAll() {
        visitPending()
        flushedTail = log.tail
        let count = cursors.count
        firstCursor = firstCursor &+ 1 < count ? firstCursor &+ 1 : 0
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
                advance(subscriber, to: position &+ max(sent, 0))
                subscriber.connection.sendFellShort(error)
                applyPolicy(to: subscriber)
            }
        }
    }

    /// Sends one subscriber what it lacks, whatever is unusual about it.
    private func visit(_ subscriber: Subscriber) {
        let connection = subscriber.connection
        // Nothing can be sent to one whose output has failed; it closes once what it said has been read.
        guard connection.isOpen, !connection.hasFailedOutput else { return }
        if connection.isBlocked { return applyPolicy(to: subscriber) }
        sendSkipNotice(to: subscriber)
        guard connection.isOpen, !connection.hasFailedOutput else { return }
        if connection.isBlocked { return applyPolicy(to: subscriber) }
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
        if first.count &+ second.count > sendBudget, log.tail &- cursor.position <= highWater {
            (first, second) = cut(first, second)
        }
        let waiting = connection.waitingCount
        if first.isEmpty, second.isEmpty, waiting == 0 { return }

        let sent = unsafe connection.write(
            log.bytes(from: first.lowerBound, to: first.upperBound), log.bytes(from: second.lowerBound, to: second.upperBound))
        if sent > 0 {
            advance(subscriber, to: sent <= first.count ? first.lowerBound &+ sent : second.lowerBound &+ sent &- first.count)
        }
        guard connection.isOpen else { return }
        if sent > 0 || connection.waitingCount < waiting { noteProgress(of: connection) }
        if !connection.isBlocked, hasOutput(for: subscriber) { scheduleVisit(subscriber) }
        applyPolicy(to: subscriber)
    }

    /// The connection has taken bytes. What it was sent first may have been the rest of a message of another topic, which waits for it.
    private func noteProgress(of connection: Connection) {
        var subscriber = connection.outputSource as? Subscriber
        while let noted = subscriber {
            noted.lag?.noteProgress()
            subscriber = noted.next
        }
    }

    /// Shortens two runs of messages to the send budget, at a message boundary, but not to nothing.
    private func cut(_ first: Range<Int>, _ second: Range<Int>) -> (Range<Int>, Range<Int>) {
        func cut(_ range: Range<Int>, to length: Int) -> Range<Int> {
            if range.count <= length { return range }
            let boundary = log.boundary(atOrBefore: range.lowerBound &+ length, notBefore: range.lowerBound)
            return range.lowerBound..<boundary
        }
        // Own messages that the cursor rested on have been skipped: so the second run, which lies behind others, is never alone.
        assert(!first.isEmpty)
        let shorterFirst = cut(first, to: sendBudget)
        if shorterFirst.isEmpty {
            return (first.lowerBound..<log.boundary(atOrAfter: first.lowerBound &+ 1), second.lowerBound..<second.lowerBound)
        }
        if shorterFirst.count < first.count { return (shorterFirst, second.lowerBound..<second.lowerBound) }
        return (first, cut(second, to: sendBudget &- first.count))
    }

    /// Moves a cursor to where the kernel has stopped taking bytes. If that is inside a message, the rest of it becomes the
    /// connection's own, which leaves before anything else: so the cursor rests on a boundary, and no message is ever torn.
    private func advance(_ subscriber: Subscriber, to position: Int) {
        let boundary = log.boundary(atOrAfter: position)
        cursors[subscriber.index].position = boundary
        if boundary > position {
            unsafe log.bytes(from: position, to: boundary).withMemoryRebound(to: UInt8.self) { rest in
                unsafe subscriber.connection.keepRest(rest)
            }
        }
    }

    /// Moves a cursor past the subscriber's own messages, if it rests on them.
    func skipOwn(_ subscriber: Subscriber) {
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
            if !connection.isBlocked { scheduleVisit(subscriber) }
        }
        // It gets nothing more, so it lags behind nobody.
        if connection.hasFailedOutput { subscriber.end = min(subscriber.end, cursors[subscriber.index].position) }
        let state = subscriber.state
        if state == .blocked, cursors[subscriber.index].state != .blocked { didBlock(subscriber) }
        cursors[subscriber.index].state = state
    }

    func canSend(to subscriber: Subscriber) {
        if subscriber.index >= 0 { scheduleVisit(subscriber) }
    }
}

extension Topic: Flushable {
    package func flush() {
        isFlushScheduled = false
        if log.tail == flushedTail {
            visitPending()
            updatePressure()
        } else {
            visitAll()
        }
    }
}
