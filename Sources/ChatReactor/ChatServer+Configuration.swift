public import Broadcast
public import Reactor

extension ChatServer {
    /// How a server is set up. Values that are out of range are clamped.
    public struct Configuration: Sendable {
        /// How the bytes of a client become messages. What the server itself says are lines, whatever the framing.
        public var framing: any Framing = .automatic()
        /// How long a message may be, in bytes: a line without its newline. From 1 to 1 GiB, and to 1 MiB in a chat. The sender
        /// of a longer one is told, and is closed after three within a minute.
        public var maximumMessageLength = 65_536
        /// The line with which a client leaves. It is relayed to nobody. With nil there is none.
        public var quitWord: String? = "x"
        /// How many bytes of messages are kept for clients that take them slowly. At least four times the longest message and one
        /// read of the loop.
        public var logCapacity = 1_048_576
        /// What is done about a client that falls behind.
        public var slowClients = SlowSubscriberPolicy.backpressure()
        /// From how many bytes on a client is too far behind, from 1; with nil, and at most, half of what is kept in its room.
        public var slowHighWater: Int?
        /// Threads that help with what is sent to many clients at a time; nil for none. The servers of a ``ServerGroup`` do without.
        public var sendThreads: SendThreads?
        /// What limits the clients that come from elsewhere. With nil these are ``ClientLimits/ofPeople`` in a chat, and there are none in
        /// a relay.
        public var limits: ClientLimits?
        /// What limits the clients of this machine: those that come from a loopback address, or to a Unix-domain socket.
        public var localLimits = ClientLimits()
        /// What makes the server a chat: people with names, rooms, a history and commands. With nil it is a relay, which carries
        /// the bytes of its clients as they are.
        public var chat: Chat.Configuration?
        /// Who may come in, how many at a time, and how often.
        public var access = AccessRules()

        /// What `chatd` does without any option.
        public init() {}
    }
}

extension ChatServer.Configuration {
    /// These, with values that are out of range brought into it.
    var clamped: Self {
        var clamped = self
        clamped.maximumMessageLength = Connection.Options.messageLength(nearest: maximumMessageLength)
        // What is made of a line may be longer, and eight times that must fit into a log.
        if chat != nil { clamped.maximumMessageLength = min(clamped.maximumMessageLength, 1 << 20) }
        clamped.access = access.clamped
        return clamped
    }

    /// How many descriptors are not for clients: the loop's own, listeners, streams, an operator's, and the files of rooms.
    var reservedDescriptorCount: Int {
        guard let chat, chat.roomLogDirectory != nil else { return 32 }
        return 32 + min(max(chat.maximumRoomLogs, 1), 1 << 30)
    }
}
