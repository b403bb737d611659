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
    /// Set while the topic waits for it.
    var lag: Lag?
    /// Whether the topic has it down for a visit at the end of the turn.
    var isPending = false

    /// How long the topic has waited. A class, since few subscribers ever need its room.
    final class Lag {
        let began: ContinuousClock.Instant
        /// When it last took bytes.
        var lastProgress: ContinuousClock.Instant

        init(began: ContinuousClock.Instant) {
            self.began = began
            lastProgress = began
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
            !connection.isOpen || connection.hasOwnOutput || connection.isFinishing || missed > 0 || !laterOwn.isEmpty
            || !connection.isSocket
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
