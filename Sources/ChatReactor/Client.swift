public import Reactor

extension ChatServer {
    /// A client of a ``ChatServer``: one connection, and what the server knows about who is at its other end.
    ///
    /// The server makes one for each connection that it accepts. It belongs to the loop's thread.
    public class Client {
        // These three and an object's header are 40 bytes, the most that malloc puts into a block of 48. There may be 10,000 clients.

        /// The room that the client is in.
        public internal(set) final var room: Room
        /// When the client has lately sent a line that was too long, oldest first.
        private var longLines: [ContinuousClock.Instant] = []
        /// The name of the client's connection. It stays when the connection is closed.
        public private(set) final var id = Connection.ID.none

        init(in room: Room) {
            self.room = room
        }

        /// The client's connection, or nil once it is closed.
        public var connection: Connection? { room.topic.loop.connection(id) }

        // MARK: - Coming and going

        /// Enters the room: from now on the client gets what is published there.
        func join(on connection: Connection) {
            id = connection.id
            room.topic.subscribe(connection)
            room.server?.clientDidJoin(self)
        }

        /// Leaves the server. The topic forgets a connection by itself when it is closed.
        func leave(reason: CloseReason) {
            room.server?.clientDidLeave(self, reason: reason)
        }

        /// Tells the client that a line of it was dropped. The third time within a minute closes its connection.
        func didSendLongLine(on connection: Connection) {
            guard let limit = room.server?.configuration.maximumMessageLength else { return }
            connection.send("! line too long: the limit is \(limit) bytes\n")
            let now = ContinuousClock.now
            longLines = longLines.filter { $0.duration(to: now) < .seconds(60) } + [now]
            if longLines.count < 3 { return }
            connection.send("! goodbye: three lines were too long within a minute\n")
            connection.finish(reason: .messageTooLong)
        }
    }
}
