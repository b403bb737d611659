import Broadcast
public import Reactor

extension ChatServer {
    /// What a server has counted since it was made: plain integers, which only grow. What it has now are ``clientCount``, ``rooms`` and
    /// ``furthestLag``.
    public struct Counts: Hashable, Sendable {
        /// Clients that have connected.
        public internal(set) var acceptedClients = 0
        /// Clients that have gone, by the kind of reason. A kind that has not come about is not in it.
        public internal(set) var closedClients: [CloseReason.Kind: Int] = [:]
        /// Attempts to accept a client that have failed: see ``ChatServerObserver/server(_:cannotAcceptAt:error:)``.
        public internal(set) var acceptFailures = 0
        /// Callers whose handshake has failed: see ``ChatServerObserver/server(_:handshakeDidFailFrom:reason:)``.
        public internal(set) var failedHandshakes = 0
        /// Callers that were not let in, by the kind of reason: see ``ChatServer/access``. A kind that has not come about is not in it.
        public internal(set) var refusals: [AccessRefusal.Kind: Int] = [:]
        /// What listeners for the web have answered, by the status of the response. One that has not come about is not in it.
        public internal(set) var webResponses: [Int: Int] = [:]
        /// How often somebody has logged in to a chat.
        public internal(set) var logins = 0
        /// How often somebody was not logged in who had tried, by the reason. One that has not come about is not in it.
        public internal(set) var refusedLogins: [LoginRefusal: Int] = [:]
        /// Messages that clients have sent: what is relayed or said, commands, and the quit word. Those that were too long are not in it.
        public internal(set) var receivedMessages = 0
        /// What was published in rooms, once for each client that it was for: see `Topic.deliveryCount`. In a chat, what the server tells
        /// a room is in it, and what it tells one person alone is not.
        public internal(set) var deliveries = 0
        /// Messages that clients have missed because they were skipped: see `Topic.skippedMessageCount`.
        public internal(set) var skippedMessages = 0
        /// How often those who speak in a room were slowed down: see `Topic.pressureCount`.
        public internal(set) var pressures = 0

        /// Nothing.
        public init() {}

        /// Adds what was counted elsewhere, such as by another server of a group.
        public mutating func add(_ other: Counts) {
            acceptedClients &+= other.acceptedClients
            closedClients.merge(other.closedClients, uniquingKeysWith: &+)
            acceptFailures &+= other.acceptFailures
            failedHandshakes &+= other.failedHandshakes
            refusals.merge(other.refusals, uniquingKeysWith: &+)
            webResponses.merge(other.webResponses, uniquingKeysWith: &+)
            logins &+= other.logins
            refusedLogins.merge(other.refusedLogins, uniquingKeysWith: &+)
            receivedMessages &+= other.receivedMessages
            deliveries &+= other.deliveries
            skippedMessages &+= other.skippedMessages
            pressures &+= other.pressures
        }

        mutating func add(_ topic: Topic) {
            deliveries &+= topic.deliveryCount
            skippedMessages &+= topic.skippedMessageCount
            pressures &+= topic.pressureCount
        }
    }

    /// What the server has counted until now. Clients and messages are counted as they come, and topics when this is asked for.
    ///
    /// - Complexity: O(*n*) for *n* rooms.
    public var counts: Counts {
        var counts = tally
        if let relay = room.relay { counts.add(relay.tally) }
        if let chat { counts.add(chat.tally) }
        for topic in topics { counts.add(topic) }
        return counts
    }

    /// The rooms, the one that clients enter first before the others.
    ///
    /// - Complexity: O(*n*) for *n* rooms.
    public var rooms: [Room] { chat?.rooms ?? [room] }

    /// How many bytes the client lacks that is furthest behind: see `Topic.furthestLag`.
    ///
    /// - Complexity: O(*n*) for *n* rooms and those who are in them.
    public var furthestLag: Int { topics.reduce(0) { max($0, $1.furthestLag) } }

    private var topics: [Topic] {
        rooms.flatMap { room in room.conversation?.liveTopics ?? room.relay?.topics ?? [] }
    }
}
