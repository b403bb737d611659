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
        /// What is published to it reaches those who speak lines, and not those who come by WebSocket: `publish(_:in:from:)` reaches both. Have
        /// a connection that only speaks paused under pressure by `Topic.addPublisher(_:)`.
        public var topic: Topic? { relay?.topic }
        /// What makes this the room of a relay; nil in a chat.
        let relay: Relay?
        /// What makes this a room of people; nil in a relay.
        let conversation: Conversation?

        /// Not a strong reference, since the server keeps its rooms. It is there as long as the server has clients.
        weak var server: ChatServer?

        /// The room of a relay.
        init(_ relay: Relay) {
            name = .lobby
            self.relay = relay
            conversation = nil
        }

        /// A room of a chat.
        init(_ name: ChatName, _ conversation: Conversation) {
            self.name = name
            relay = nil
            self.conversation = conversation
            conversation.room = self
        }

        /// The clients in the room, in no particular order. One that is being closed may still be among them.
        ///
        /// - Complexity: O(*n*) for *n* clients.
        public var clients: [Client] {
            conversation?.people ?? relay?.topics.flatMap(\.connections).compactMap { $0.handler as? Client } ?? []
        }

        /// How many clients are in the room.
        public var clientCount: Int { conversation?.online ?? relay?.topics.reduce(0) { $0 + $1.subscriberCount } ?? 0 }

        /// Says one line, given without its newline, to everybody in the room: as it is in a relay, and as a notice of the server
        /// in a chat, where it begins with `* `.
        ///
        /// - Returns: Whether it was published. In a relay it must not be longer than a quarter of the log, with its newline; in
        ///   a chat not longer
        ///   than a quarter of the room's log, or than three times the longest message.
        @discardableResult
        public func announce(_ line: String) -> Bool {
            relay?.publish(line) ?? conversation?.announce(line) ?? false
        }

        /// Relays messages that a connection has sent, or those of them in a range, to everybody in the room but that one: to those who speak
        /// lines as they came, and to those who come by WebSocket as texts. In a chat nothing is relayed.
        ///
        /// - Parameters:
        ///   - messages: What a handler has received.
        ///   - range: The indices of those to relay; nil means all. A range that is not within `0..<messages.count` ends the process.
        ///   - sender: Who is not to get them.
        /// - Returns: Whether all were relayed: see `Topic.publish(_:in:from:)`.
        @discardableResult
        public func publish(
            _ messages: borrowing MessageBatch, in range: Range<Int>? = nil, from sender: Connection? = nil
        ) -> Bool {
            relay?.publish(messages, in: range ?? 0..<messages.count, from: sender) ?? false
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
            relay?.publish("\(name): \(text)", from: connection) ?? conversation?.say(text, as: name, from: connection) ?? false
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
