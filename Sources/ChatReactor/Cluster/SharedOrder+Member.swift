import Reactor

extension SharedOrder {
    /// One server's part in it. Its replica keeps it, and it belongs to the loop's thread.
    final class Member {
        private let order: SharedOrder
        private let loop: EventLoop
        private weak var replica: ChatReplica?
        /// What the server is called in the chat.
        private var server: UInt64 = 0
        private var id = 0
        private let place = Place()
        private var hasLeft = false
        /// What was asked for in this turn.
        private var outbox: [Event] = []
        /// What was taken, and how much of it is done.
        private var taken: [Batch] = []
        private var doneBatchCount = 0
        private var doneEventCount = 0
        /// Whether there may be more than was taken.
        private var isAwake = false
        /// How many events were asked for since the server has its name, and how many of them are done.
        private var submittedCount: UInt64 = 0
        private var placedCount: UInt64 = 0
        private var waiters = PlaceWaiters()
        private(set) var isFull = false

        /// Where a member is found. A task that wakes it may come when it is gone.
        ///
        /// `@unchecked Sendable`, since it is used on the loop's thread alone.
        private final class Place: @unchecked Sendable {
            weak var member: Member?
        }

        /// Has a chat be one with those of the other members.
        init(of chat: Chat, in order: SharedOrder) {
            (self.order, loop) = (order, chat.loop)
            place.member = self
            id = order.join(on: loop) { [place] _ in place.member?.wakeUp() }
            let replica = chat.beOne(by: self)
            (self.replica, server) = (replica, replica.server)
            replica.connected()
            // Not when the loop turns: of servers that are made one after the other, the first is to be the first.
            flush()
        }

        deinit { leaveOrder() }

        /// Whether all that was asked for here is done, and all that has a place, by all members.
        var isAtRest: Bool { outbox.isEmpty && order.lag == 0 }

        private func wakeUp() {
            isAwake = true
            replica?.deliver()
        }

        private func leaveOrder() {
            if hasLeft { return }
            hasLeft = true
            let lost = ChatEvent.lost(server: server).encoded
            order.leave(id, saying: .init(server: 0, person: ChatReplica.nobody, number: 0, bytes: lost))
        }

        private func take() {
            // What is not done yet comes first.
            guard doneBatchCount == taken.count else { return }
            let (batches, isFull) = order.take(id)
            (taken, doneBatchCount, doneEventCount) = (batches, 0, 0)
            isAwake = !batches.isEmpty
            let hasRoom = self.isFull && !isFull
            self.isFull = isFull
            if hasRoom { replica?.orderHasRoom() }
        }

        private func callWaiters(all: Bool = false) {
            for body in waiters.take(upTo: all ? .max : placedCount) { body() }
        }
    }
}

extension SharedOrder.Member: ChatReplica.Order {
    var knowsServers: Bool { true }

    func claimBeginning() -> Bool { order.claimBeginning(id) }

    func submit(_ event: [UInt8], of number: UInt64) {
        if hasLeft || loop.isClosed { return }
        if outbox.isEmpty { loop.scheduleFlush(self) }
        outbox.append(.init(server: server, person: number, number: submittedCount, bytes: event))
        submittedCount += 1
    }

    func deliverNext() -> Bool {
        if doneBatchCount == taken.count, isAwake { take() }
        guard doneBatchCount < taken.count else { return false }
        let batch = taken[doneBatchCount]
        let event = batch.events[doneEventCount]
        doneEventCount += 1
        if doneEventCount == batch.events.count { (doneBatchCount, doneEventCount) = (doneBatchCount + 1, 0) }
        replica?.receive(event.bytes, from: event.server, of: event.person, number: event.number, at: batch.time)
        // It may have another name by now.
        if event.server == server {
            placedCount = event.number + 1
            callWaiters()
        }
        return true
    }

    /// Nothing comes twice.
    func forgetNumbers() {}

    /// A snapshot was adopted: nothing of what precedes these comes once more.
    func adopt(nextNumbers: [UInt64: UInt64]) { order.setBegun(id, true) }

    func whenPlaced(_ body: @escaping () -> Void) {
        waiters.add(until: submittedCount, body)
        callWaiters(all: hasLeft)
    }

    func restart(as server: UInt64) {
        self.server = server
        outbox = []
        (submittedCount, placedCount) = (0, 0)
        callWaiters(all: true)
        order.setBegun(id, false)
        replica?.connected()
    }

    func leave() {
        leaveOrder()
        (outbox, taken, doneBatchCount, doneEventCount) = ([], [], 0, 0)
        callWaiters(all: true)
    }
}

extension SharedOrder.Member: Flushable {
    /// At the end of a turn, what was asked for in it gets its place.
    func flush() {
        var events: [SharedOrder.Event] = []
        swap(&events, &outbox)
        if events.isEmpty { return }
        order.append(events, by: id)
        isAwake = true
        // Not amid the sending: those who observe it may do anything.
        replica?.deliverSoon()
    }
}
