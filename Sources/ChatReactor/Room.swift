public import Broadcast
public import Reactor

extension ChatServer {
    /// A conversation: what one client says in a room reaches all other clients in it.
    ///
    /// ``ChatServer`` makes it. A relay has one room, which every client enters when it is accepted and leaves when it is closed;
    /// its ``topic`` carries the bytes as they are. In a chat there are rooms by name, with people and a history: see ``Chat``.
    ///
    /// It belongs to the loop's thread.
    public final class Room {
        /// The room's name. That of a relay's only room is shown to nobody.
        public let name: ChatName
        /// What is said in a relay, byte for byte; nil in a chat, which has a topic for each form in which somebody gets its
        /// messages.
        ///
        /// Publish to it what is not a line, or what one of several senders is not to get back; have a connection that only
        /// speaks paused under pressure by `Topic.addPublisher(_:)`.
        public let topic: Topic?
        /// What makes this a room of people; nil in a relay.
        let conversation: Conversation?

        /// Not a strong reference, since the server keeps its rooms. It is there as long as the server has clients.
        weak var server: ChatServer?

        /// The room of a relay.
        init(topic: Topic) {
            name = .lobby
            self.topic = topic
            conversation = nil
        }

        /// A room of a chat.
        init(_ name: ChatName, _ conversation: Conversation) {
            self.name = name
            topic = nil
            self.conversation = conversation
            conversation.room = self
        }

        /// The clients in the room, in no particular order. One that is being closed may still be among them.
        ///
        /// - Complexity: O(*n*) for *n* clients.
        public var clients: [Client] {
            conversation?.people ?? topic?.connections.compactMap { $0.handler as? Client } ?? []
        }

        /// How many clients are in the room.
        public var clientCount: Int { conversation?.online ?? topic?.subscriberCount ?? 0 }

        /// Says one line, given without its newline, to everybody in the room: as it is in a relay, and as a notice of the server
        /// in a chat, where it begins with `* `.
        ///
        /// - Returns: Whether it was published. In a relay it must not be longer than a quarter of the log, with its newline; in
        ///   a chat not longer
        ///   than a quarter of the room's log, or than three times the longest message.
        @discardableResult
        public func announce(_ line: String) -> Bool {
            topic?.publish(line + "\n") ?? conversation?.announce(line) ?? false
        }

        /// Says one line, given without its newline, to everybody in the room under a name: what a bot or the server itself has
        /// to say. Nobody is asked whether it may be said.
        ///
        /// ```swift
        /// server.room.say("tea is ready", as: .server)
        /// ```
        ///
        /// A name that a bot uses should be reserved, so that nobody else takes it: ``Chat/reserve(_:)``.
        ///
        /// - Parameters:
        ///   - text: The line.
        ///   - name: Who says it.
        ///   - connection: On behalf of which it is said, if that is a connection which is in no room: a bridge to another chat, or the
        ///     operator's terminal. Reading from it is paused while the room takes no more. It should have
        ///     `Connection.Options.batchesMessages` set to false, or it is paused too late.
        /// - Returns: Whether it was said. It must not be empty, nor longer than a quarter of the room's log or than three times
        ///   the longest message.
        @discardableResult
        public func say(_ text: String, as name: ChatName, from connection: Connection? = nil) -> Bool {
            topic?.publish("\(name): \(text)\n", from: connection) ?? conversation?.say(text, as: name, from: connection) ?? false
        }

        /// How many records the room's file had lost when it was opened, after a power failure for instance. What is left are
        /// whole records, in order. Always 0 of a room without a file.
        public var lostRecordCount: UInt64 { conversation?.records.lostCount ?? 0 }
    }
}

extension ChatName {
    /// The name of the room that everybody enters first.
    static let lobby = ChatName(unchecked: "lobby")
}
