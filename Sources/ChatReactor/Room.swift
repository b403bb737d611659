public import Broadcast
import Reactor

extension ChatServer {
    /// A conversation: what one client says in a room reaches all other clients in it.
    ///
    /// ``ChatServer`` makes it. In the relay, which is all that there is so far, a server has one room without a name, which every
    /// client enters when it is accepted and leaves when it is closed.
    ///
    /// It belongs to the loop's thread.
    public final class Room {
        /// What is said in the room. Publish to it what is not a line, or what one of several senders is not to get back; have a
        /// connection that only speaks paused under pressure by `Topic.addPublisher(_:)`.
        public let topic: Topic

        /// Not a strong reference, since the server keeps its rooms. It is there as long as the server has clients.
        weak var server: ChatServer?

        init(topic: Topic) {
            self.topic = topic
        }

        /// The clients in the room, in no particular order. One that is being closed may still be among them.
        ///
        /// - Complexity: O(*n*) for *n* clients.
        public var clients: [Client] { topic.connections.compactMap { $0.handler as? Client } }

        /// Says one line, given without its newline, to everybody in the room.
        ///
        /// - Returns: Whether it was published: it must not be longer than `Topic.maximumMessageLength`, with its newline.
        @discardableResult
        public func announce(_ line: String) -> Bool {
            topic.publish(line + "\n")
        }
    }
}
