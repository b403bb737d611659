import Reactor

/// A connection's place in a topic. Its hot half is a `Cursor` in the topic's table; here is what is needed only when something is
/// out of the ordinary.
final class Subscriber {
    let topic: Topic
    let connection: Connection
    /// The same connection's place in another topic.
    var next: Subscriber?
    /// The index of the cursor in the topic's table; -1 once it is removed.
    var index: Int
    /// The subscriber's own messages behind those that its cursor knows, oldest first. Only one that lags and publishes has any.
    var laterOwn: [Range<Int>] = []
    /// How many messages it missed and has not been told of.
    var missed = 0
    /// Where to stop: a connection that is finishing gets what was published before, and nothing after.
    var end = Int.max
    /// Set while it is too far behind, under the policy that waits.
    var lag: Lag?
    /// Whether the topic has it down for a visit at the end of the turn.
    var isPending = false
    /// When the kernel last refused its output, in milliseconds since the topic began, and so when it last took any. Four bytes, since
    /// every subscriber has them: they wrap around after 49 days, and somebody who has been stuck for just so long is waited for.
    var blockedAt: UInt32 = 0

    /// How long the topic has waited. A class, since few subscribers ever need its room.
    final class Lag {
        let began: ContinuousClock.Instant
        /// When it last took bytes.
        private(set) var lastProgress: ContinuousClock.Instant
        /// Whether it had taken nothing for its stall time when it fell behind, and has not since. It slows nobody down.
        private(set) var hasStalled: Bool

        init(began: ContinuousClock.Instant, lastProgress: ContinuousClock.Instant, hasStalled: Bool) {
            self.began = began
            self.lastProgress = lastProgress
            self.hasStalled = hasStalled
        }

        func noteProgress() {
            lastProgress = .now
            hasStalled = false
        }
    }

    init(topic: Topic, connection: Connection, index: Int) {
        self.topic = topic
        self.connection = connection
        self.index = index
    }

    /// What the cursor has to know about the subscriber and its connection.
    var state: Cursor.State {
        // Whatever else there is about it, one that is blocked cannot be sent anything.
        if connection.isOpen, connection.isBlocked { return .blocked }
        let isUnusual =
            !connection.isOpen || connection.hasWaitingOutput || connection.isFinishing || missed > 0 || !laterOwn.isEmpty
            || !connection.takesDirectSends || connection.hasFailedOutput
        return isUnusual ? .unusual : .ready
    }
}

extension Subscriber: OutputSource {
    var hasOutput: Bool {
        topic.hasOutput(for: self) || next?.hasOutput == true
    }

    func connectionStateDidChange(_ connection: Connection) {
        topic.stateDidChange(of: self)
        next?.connectionStateDidChange(connection)
    }

    func connectionCanSend(_ connection: Connection) {
        topic.canSend(to: self)
        next?.connectionCanSend(connection)
    }

    func connectionDidClose(_ connection: Connection) {
        topic.remove(self)
        next?.connectionDidClose(connection)
    }
}
