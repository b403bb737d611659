import Glibc
package import Reactor

/// The fan-out: at the end of a turn each subscriber is sent what it lacks.
extension Topic {
    func scheduleFlush() {
        if isFlushScheduled { return }
        isFlushScheduled = true
        loop.scheduleFlush(self)
    }

    /// Has the subscriber visited at the end of the turn, even if nothing is published until then.
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
            if !subscriber.isSubscribed { return }
            slowSubscribers.sendSkipNotice(to: subscriber)
            if subscriber.isSubscribed { visit(subscriber) }
        }
    }

    /// Sends every subscriber what it lacks.
    ///
    /// Only `visitPending` calls the embedder, for a skip notice, and that may publish, subscribe and unsubscribe. From there on
    /// nothing of the embedder's is called, so every cursor is visited before the log can grow again.
    func fanOut() {
        visitPending()
        if sharesLog { membership?.beginFlush() }
        flushedTail = log.tail
        let count = cursors.count
        firstCursor = firstCursor &+ 1 < count ? firstCursor &+ 1 : 0
        if let sendThreads, count >= sendThreads.threshold { sendAhead(on: sendThreads) }
        visit(firstCursor..<count)
        visit(0..<firstCursor)
        slowSubscribers.update()
        if sharesLog { membership?.endFlush() }
    }

    /// Sends to all subscribers with nothing unusual about them on several threads, so that there is nothing left to do about these.
    private func sendAhead(on threads: SendThreads) {
        let (calls, bytes) = threads.perform(directSend, to: cursors, from: firstCursor) { index, sent, error in
            sendDidFallShort(at: index, sent, sent < 0 ? Errno(rawValue: error) : nil)
        }
        if calls > 0 { loop.didSend(calls: calls, bytes: bytes) }
    }

    private var directSend: DirectSend {
        unsafe DirectSend(bytes: log.storage, mask: log.capacity &- 1, tail: log.tail, budget: sendBudget)
    }

    private func sendDidFallShort(at index: Int, _ sent: Int, _ error: Errno?) {
        advance(at: index, to: cursors[index].position &+ max(sent, 0))
        let subscriber = subscriber(at: index)
        subscriber.connection.sendFellShort(error)
        slowSubscribers.applyPolicy(to: subscriber)
    }

    /// Visits a range of the cursors. A subscriber with nothing unusual about it costs a look at its cursor and one send(2).
    private func visit(_ range: Range<Int>) {
        let send = directSend
        let tail = log.tail
        let mark = tail &- highWater
        let cursors = unsafe cursors.storage
        var (sends, sentBytes) = (0, 0)
        for index in range {
            let cursor = unsafe cursors + index
            let position = unsafe cursor.pointee.position
            let lacking = tail &- position
            if lacking == 0 { continue }
            if unsafe cursor.pointee.state == .blocked, position >= mark { continue }
            guard unsafe send.applies(to: cursor) else {
                visit(at: index)
                continue
            }
            let sent = unsafe send(to: cursor)
            sends &+= 1
            sentBytes &+= max(sent, 0)
            if sent != lacking { sendDidFallShort(at: index, sent, sent < 0 ? Errno.last : nil) }
        }
        if sends > 0 { loop.didSend(calls: sends, bytes: sentBytes) }
    }

    /// Sends what a cursor lacks about which something is unusual.
    private func visit(at index: Int) {
        skipOwn(at: index)
        // A connection that has everything but its own messages, as when it alone has published, needs no more than that.
        if cursors[index].state == .ready, cursors[index].position == log.tail { return }
        visit(subscriber(at: index))
    }

    /// Sends one subscriber what it lacks, whatever is unusual about it.
    private func visit(_ subscriber: Subscriber) {
        let connection = subscriber.connection
        // Nothing can be sent once output has failed; such a connection closes as soon as what its peer said has been read.
        guard connection.isOpen, !connection.hasFailedOutput else { return }
        if connection.isBlocked { return slowSubscribers.applyPolicy(to: subscriber) }
        if subscriber.missed > 0 {
            // The skip notice has to leave first.
            scheduleVisit(subscriber)
            return slowSubscribers.applyPolicy(to: subscriber)
        }
        skipOwn(at: Int(subscriber.index))

        let waiting = connection.waitingCount
        let sent: Int
        if cursors[Int(subscriber.index)].position < min(subscriber.stopPosition, log.tail) {
            sent = subscriber.hasLaterOwn ? writeBetweenOwnRuns(subscriber) : writeAroundOwnRun(subscriber)
        } else if waiting > 0 {
            sent = unsafe connection.write(Self.nothing, Self.nothing)
        } else {
            subscriber.hasUnprovenRoom = false
            return
        }
        if sent > 0 || connection.waitingCount < waiting { slowSubscribers.didTakeBytes(connection) }
        guard connection.isOpen else { return }
        if !connection.isBlocked, hasOutput(at: Int(subscriber.index)) { scheduleVisit(subscriber) }
        slowSubscribers.applyPolicy(to: subscriber)
    }

    private static var nothing: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: nil, count: 0) }

    /// Whether the send budget applies. Past the high-water mark it does not: only the socket may make a subscriber slow.
    private func isWithinHighWater(_ subscriber: Subscriber) -> Bool {
        log.tail &- cursors[Int(subscriber.index)].position <= highWater
    }

    /// Writes up to the subscriber's own messages and from their end on, straight from the log. Returns how many bytes were
    /// taken.
    private func writeAroundOwnRun(_ subscriber: Subscriber) -> Int {
        let cursor = cursors[Int(subscriber.index)]
        let end = min(subscriber.stopPosition, log.tail)
        let own = cursor.ownStart..<max(cursor.ownStart, cursor.ownEnd)
        let isCut = own.lowerBound >= cursor.position && own.lowerBound < end && !own.isEmpty
        var first = cursor.position..<(isCut ? own.lowerBound : end)
        let secondStart = isCut ? min(own.upperBound, end) : first.upperBound
        let nextOwn = subscriber.firstLaterOwn?.lowerBound
        var second = secondStart..<max(secondStart, min(end, nextOwn ?? end))
        if first.count &+ second.count > sendBudget, isWithinHighWater(subscriber) { (first, second) = cut(first, second) }

        let sent = unsafe subscriber.connection.write(
            log.bytes(from: first.lowerBound, to: first.upperBound), log.bytes(from: second.lowerBound, to: second.upperBound))
        if sent > 0 {
            let isWithinFirst = sent <= first.count
            advance(
                at: Int(subscriber.index),
                to: isWithinFirst ? first.lowerBound &+ sent : second.lowerBound &+ sent &- first.count)
        }
        return sent
    }

    /// Shortens two runs of messages to the send budget, at a message boundary, but not to nothing.
    private func cut(_ first: Range<Int>, _ second: Range<Int>) -> (Range<Int>, Range<Int>) {
        func cut(_ range: Range<Int>, to length: Int) -> Range<Int> {
            if range.count <= length { return range }
            let boundary = log.boundary(atOrBefore: range.lowerBound &+ length, notBefore: range.lowerBound)
            return range.lowerBound..<boundary
        }
        // The cursor is not on own messages, see `skipOwn`, so the first run has some.
        assert(!first.isEmpty)
        let shorterFirst = cut(first, to: sendBudget)
        if shorterFirst.isEmpty {
            return (first.lowerBound..<log.boundary(atOrAfter: first.lowerBound &+ 1), second.lowerBound..<second.lowerBound)
        }
        if shorterFirst.count < first.count { return (shorterFirst, second.lowerBound..<second.lowerBound) }
        return (first, cut(second, to: sendBudget &- first.count))
    }

    /// Writes to a subscriber whose own messages alternate with those of others. What lies between is gathered into one piece of
    /// memory, since one system call takes two ranges of the log. Returns how many bytes were taken.
    private func writeBetweenOwnRuns(_ subscriber: Subscriber) -> Int {
        let capacity = 65_536
        var total = 0
        while true {
            let allowed = isWithinHighWater(subscriber) ? min(capacity, sendBudget &- total) : capacity
            let gathered = unsafe withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 1) { memory in
                unsafe writeGathered(subscriber, into: memory, atMost: allowed)
            }
            // One run of others alone does not fit: it goes straight from the log.
            guard let sent = gathered else { return total == 0 ? writeAroundOwnRun(subscriber) : total }
            total &+= sent
            guard sent > 0, !subscriber.connection.isBlocked, subscriber.connection.isOpen else { return total }
            skipOwn(at: Int(subscriber.index))
            guard subscriber.hasLaterOwn, total < sendBudget || !isWithinHighWater(subscriber),
                cursors[Int(subscriber.index)].position < min(subscriber.stopPosition, log.tail)
            else { return total }
        }
    }

    /// Gathers whole runs of others' messages, as many as `limit` has room for, and writes them. Returns how many bytes were
    /// taken, or nil if there was no room for the first run.
    private func writeGathered(_ subscriber: Subscriber, into memory: UnsafeMutableRawBufferPointer, atMost limit: Int) -> Int? {
        var count = 0
        forEachRunOfOthers(subscriber) { run in
            if run.count > limit &- count { return false }
            let bytes = unsafe log.bytes(from: run.lowerBound, to: run.upperBound)
            unsafe UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: bytes)
            count &+= run.count
            return true
        }
        if count == 0 { return nil }
        let sent = unsafe subscriber.connection.write(
            UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[..<count]), Self.nothing)
        // The place in the log of the first byte that was not taken.
        var left = sent
        var position = cursors[Int(subscriber.index)].position
        forEachRunOfOthers(subscriber) { run in
            position = run.lowerBound &+ min(left, run.count)
            left &-= position &- run.lowerBound
            return left > 0
        }
        if sent > 0 { advance(at: Int(subscriber.index), to: position) }
        return sent
    }

    /// Calls `body` with each run of messages that the subscriber lacks and has not published itself, until it returns false.
    private func forEachRunOfOthers(_ subscriber: Subscriber, _ body: (Range<Int>) -> Bool) {
        let cursor = cursors[Int(subscriber.index)]
        let end = min(subscriber.stopPosition, log.tail)
        let later = subscriber.laterOwn
        var position = cursor.position
        var own = cursor.ownStart..<max(cursor.ownStart, cursor.ownEnd)
        var next = 0
        while position < end {
            let runEnd = own.isEmpty || own.upperBound <= position ? position : min(max(own.lowerBound, position), end)
            if runEnd > position, !body(position..<runEnd) { return }
            position = max(runEnd, own.upperBound)
            if next < later.count {
                own = later[next]
                next &+= 1
            } else {
                if position < end { _ = body(position..<end) }
                return
            }
        }
    }

    /// Copies what a cursor's connection lacks to its own output, after the notice of what it has missed. Returns false if it lacks more than
    /// `limit`, or if nothing says that it has missed something.
    func sendWhatLacks(at index: Int, atMost limit: Int) -> Bool {
        skipOwn(at: index)
        let lacking = log.tail &- cursors[index].position
        if lacking > limit { return false }
        let missed = cursors[index].subscriber?.missed ?? 0
        if lacking == 0, missed == 0 { return true }
        let subscriber = subscriber(at: index)
        if missed > 0 {
            guard let notice = slowSubscribers.takeSkipNotice(of: subscriber) else { return false }
            _ = subscriber.connection.sendUnlimited(notice.span)
            // The closure that has made it may have published, or taken the connection out.
            guard subscriber.isSubscribed else { return true }
        }
        forEachRunOfOthers(subscriber) { run in
            unsafe log.bytes(from: run.lowerBound, to: run.upperBound).withMemoryRebound(to: UInt8.self) { bytes in
                unsafe subscriber.connection.sendUnlimited(bytes.span)
            }
        }
        return true
    }

    /// Moves a cursor to where the kernel has stopped taking bytes. If that is inside a message, the connection keeps the rest of
    /// it, which leaves before anything else: so the cursor rests on a boundary, and no message is ever torn.
    private func advance(at index: Int, to position: Int) {
        let boundary = log.boundary(atOrAfter: position)
        cursors[index].position = boundary
        if boundary > position {
            unsafe log.bytes(from: position, to: boundary).withMemoryRebound(to: UInt8.self) { rest in
                unsafe cursors[index].connection.keepRest(rest)
            }
        }
    }

    /// Moves a cursor past its connection's own messages, if it rests on them.
    ///
    /// - Complexity: Amortized O(1).
    func skipOwn(at index: Int) {
        while true {
            let cursor = cursors[index]
            if cursor.position >= cursor.ownStart, cursor.position < cursor.ownEnd {
                cursors[index].position = cursor.ownEnd
            } else if cursor.ownEnd <= cursor.position, let subscriber = cursor.subscriber, let next = subscriber.firstLaterOwn {
                subscriber.removeFirstLaterOwn()
                cursors[index].ownStart = next.lowerBound
                cursors[index].ownEnd = next.upperBound
                updateState(at: index)
            } else {
                return
            }
        }
    }

    /// Has a cursor leave out a range of the log that its connection has published.
    func addOwn(_ run: Range<Int>, at index: Int) {
        let cursor = cursors[index]
        if let subscriber = cursor.subscriber, subscriber.hasLaterOwn {
            subscriber.appendLaterOwn(run)
        } else if cursor.ownEnd == run.lowerBound {
            cursors[index].ownEnd = run.upperBound
        } else if cursor.ownEnd <= cursor.position {
            cursors[index].ownStart = run.lowerBound
            cursors[index].ownEnd = run.upperBound
        } else {
            subscriber(at: index).appendLaterOwn(run)
            updateState(at: index)
        }
    }

    func updateState(at index: Int) {
        let cursor = cursors[index]
        cursors[index].state = .init(of: cursor.connection, cursor.subscriber)
    }

    // MARK: - What connections say

    func hasOutput(at index: Int) -> Bool {
        skipOwn(at: index)
        let cursor = cursors[index]
        guard let subscriber = cursor.subscriber else { return cursor.position < log.tail }
        return subscriber.missed > 0 || cursor.position < min(subscriber.stopPosition, log.tail)
    }

    func stateDidChange(of connection: Connection, at index: Int) {
        if connection.isFinishing {
            let subscriber = subscriber(at: index)
            if subscriber.stopPosition == .max {
                subscriber.stopPosition = log.tail
                if !connection.isBlocked { scheduleVisit(subscriber) }
            }
        }
        if connection.hasFailedOutput {
            // It gets nothing more, so it lags behind nobody.
            let subscriber = subscriber(at: index)
            subscriber.stopPosition = min(subscriber.stopPosition, cursors[index].position)
        }
        let wasBlocked = cursors[index].state == .blocked
        updateState(at: index)
        if !wasBlocked, cursors[index].state == .blocked { slowSubscribers.didBlock(subscriber(at: index)) }
    }

    func canSend(to subscriber: Subscriber) {
        guard subscriber.isSubscribed else { return }
        subscriber.hasUnprovenRoom = true
        scheduleVisit(subscriber)
    }
}

/// What the topic is to a connection without a `Subscriber`. `outputIndex` is then the index of the connection's cursor.
extension Topic: OutputSource {
    package func hasOutput(for connection: Connection) -> Bool {
        hasOutput(at: Int(connection.outputIndex))
    }

    package func outputPosition(for connection: Connection) -> Int { cursors[Int(connection.outputIndex)].position }

    package func connectionStateDidChange(_ connection: Connection) {
        stateDidChange(of: connection, at: Int(connection.outputIndex))
    }

    package func connectionCanSend(_ connection: Connection) {
        canSend(to: subscriber(at: Int(connection.outputIndex)))
    }

    package func connectionDidClose(_ connection: Connection) {
        remove(at: Int(connection.outputIndex))
    }
}

extension Topic: Flushable {
    package func flush() {
        isFlushScheduled = false
        if log.tail == flushedTail, !sharesLog {
            visitPending()
            slowSubscribers.update()
        } else {
            fanOut()
        }
    }
}
