#if Redis
    import Broadcast
    public import ChatReactor
    import Reactor

    /// Makes the relay of a server one relay with those of servers on other machines: what a client of any of them sends reaches the clients of all, in one
    /// order. A stream of Redis is what they have in common.
    ///
    /// ```swift
    /// let place = try RedisPlace("redis://127.0.0.1:6379/lobby")
    /// let cluster = try RelayCluster(of: server, .init(at: place, addresses: try place.endpoint.resolve()), outage: .local)
    /// ```
    ///
    /// A server writes what its clients say to the stream, and says to them what it reads back, its own among it. So all servers have one order. What it
    /// has not read back it sends again when the connection breaks, and by the numbers in it every reader knows what it has read before, and what is missing.
    ///
    /// While the stream is away, reading from the clients is paused for a time; then they are told, and what they say is dropped, or heard at their own
    /// server alone.
    ///
    /// Its server keeps it, and it does nothing more when that is gone, or was given another one. It belongs to the loop's thread. The server's clients speak lines or chunks: none may come by WebSocket. On several
    /// loops, each has a server of its own in the cluster: see `ServerGroup.init(configuration:isOfCluster:)`.
    public final class RelayCluster {
        /// What becomes of what clients say while the stream is away, after the grace time.
        public enum Outage: String, CaseIterable, Sendable {
            /// Nobody hears it, and who says it is told so.
            case drop
            /// Those at the same server hear it.
            case local
        }

        /// What has happened to the cluster.
        @nonexhaustive
        public enum Event: Hashable, Sendable {
            /// The stream is reached.
            case connected
            /// It is not, or not any more. It is told once for each reason.
            case disconnected(reason: String)
            /// The grace time is over.
            case cutOff
            /// The stream has lost its end, as after a restart of a Redis that keeps nothing.
            case streamWentBack
            /// Messages of another server, or of this one, are missing.
            case lost(messages: UInt64)
        }

        /// What has been counted since the beginning. Sums wrap around.
        public struct Counts: Hashable, Sendable {
            /// Entries of the stream that were read.
            public internal(set) var readEntries = 0
            /// Those among them that had been read before.
            public internal(set) var repeatedEntries = 0
            /// Those that no server has written.
            public internal(set) var foreignEntries = 0
            /// Entries that were written.
            public internal(set) var writtenEntries = 0
            /// How often the stream was lost.
            public internal(set) var outages = 0
            /// Messages that are known to be missing.
            public internal(set) var lostMessages = 0
            /// Messages of clients that were dropped while the stream was away.
            public internal(set) var droppedMessages = 0

            /// Nothing.
            public init() {}
        }

        /// From how many bytes on, of what was not read back, clients are paused; and a multiple of it from which on is dropped what those say who cannot
        /// be paused.
        private static let (limit, multiple) = (8 * Outbox.entrySize, 4)
        /// How long a message may be: an entry is as long, and entries are read 32 at a time.
        public static let maximumMessageLength = 1 << 20

        private enum Phase {
            case connected
            /// The stream is away, and clients are paused.
            case waiting
            /// The grace time is over.
            case cutOff
        }

        private let configuration: ClusterConfiguration
        private let outage: Outage
        private let node = UInt64.random(in: .min ... .max)
        private let loop: EventLoop
        /// Nil once it is gone. It keeps this.
        private weak var room: ChatServer.Room?
        private let topic: Topic
        private lazy var stream = RedisStream(configuration, key: "chatd:\(configuration.place.name)", on: loop, owner: self)
        private lazy var writer = StreamWriter(node: node, to: stream, on: loop)
        private var phase = Phase.waiting
        private var numbers = NodeNumbers()
        /// What was read and has not been said here yet.
        private var inbox: [Delivery] = []
        private var isDelivering = false
        private var isGraceOver = false
        /// Whether the server ends.
        private var isEnding = false
        /// Whether the server is gone, or has another cluster.
        private var hasLeft = false
        private lazy var graceTimer = loop.makeTimer { [weak self] in self?.graceIsOver() }
        private lazy var deliveryTimer = loop.makeTimer { [weak self] in self?.deliver() }

        /// An entry that is to be said here.
        private struct Delivery {
            let entry: StreamEntry
            /// Whether it comes from the stream, and not straight from the outbox.
            let isRead: Bool
            /// Whether it may have been in the stream before this server was there.
            var isOld = false
        }

        /// What has been counted until now.
        public var counts: Counts {
            var counts = counted
            counts.writtenEntries = writer.writtenCount
            return counts
        }

        private var counted = Counts()
        /// Called when something has happened.
        public var onEvent: ((Event) -> Void)?
        /// Whether the stream is reached.
        public var isConnected: Bool { phase == .connected }

        /// Joins a relay that nobody speaks in yet. The connection is made once the loop runs.
        ///
        /// - Parameter outage: What becomes of what clients say while the stream is away for longer than the grace time.
        /// - Throws: ``RelayClusterError`` if the server's clients cannot be those of a cluster.
        public init(
            of server: ChatServer, _ configuration: ClusterConfiguration, outage: Outage = .drop
        ) throws(RelayClusterError) {
            guard let topic = server.room.topic else { throw .chat }
            if server.group?.sharesLog == true { throw .sharedLog }
            if server.configuration.maximumMessageLength > Self.maximumMessageLength { throw .messageLength }
            if configuration.addresses.isEmpty { throw .noAddress }
            if configuration.place.usesTLS, configuration.transport == nil { throw .noTransport }
            (self.configuration, self.outage) = (configuration, outage)
            (self.topic, room, loop) = (topic, server.room, server.loop)
            server.room.order = self
            topic.onPressureChange = { [weak self] in self?.deliverLater() }
            topic.isHeldBack = true
            graceTimer.arm(after: configuration.grace)
            stream.open()
        }

        private func tell(_ line: String) { room?.tell("! \(line)") }

        // MARK: - Writing

        private func holdBackPublishers() {
            switch phase {
            case _ where isEnding: topic.isHeldBack = true
            case .connected:
                // Not to and fro with every entry.
                if writer.outbox.size >= Self.limit { topic.isHeldBack = true }
                if writer.outbox.size <= Self.limit / 2 { topic.isHeldBack = false }
            case .waiting: topic.isHeldBack = true
            case .cutOff: topic.isHeldBack = false
            }
            if topic.isHeldBack { loop.readNoMoreInThisTurn() }
        }

        // MARK: - Reading

        private func deliverLater() { if !inbox.isEmpty { deliveryTimer.arm(after: .zero) } }

        /// Says what was read, as much as those who are here take.
        private func deliver() {
            // What is said may close somebody, and so change the pressure.
            if isDelivering { return }
            isDelivering = true
            defer { isDelivering = false }
            let hadInbox = !inbox.isEmpty
            var count = 0
            defer { inbox.removeFirst(count) }
            while count < inbox.count {
                if topic.waitsForSubscribers || hasLeft { return }
                let delivery = inbox[count]
                if !topic.hasRoomInThisTurn(for: delivery.entry.bytes.count) { return deliveryTimer.arm(after: .zero) }
                count += 1
                deliver(delivery)
            }
            inbox = []
            count = 0
            cutOffIfDue()
            // The stream may be there again, and wait for this.
            if hadInbox, inbox.isEmpty { stream.readOn() }
        }

        private func deliver(_ delivery: Delivery) {
            let entry = delivery.entry
            // Of a node that was never heard of: it would be said again to those who were there before.
            if delivery.isOld, !numbers.knows(entry.node) { return }
            switch numbers.read(entry) {
            case .known:
                if entry.count > 0 { counted.repeatedEntries &+= 1 }
            case .new(let missing):
                if missing > 0 { didLose(missing) }
                entry.forEachRun { connection, bytes, ends in
                    let sender = entry.node == node ? loop.connection(Connection.ID(rawValue: connection)) : nil
                    MessageBatch.withBatch(bytes, ends: ends) { say($0, ends, from: sender) }
                }
            }
            guard delivery.isRead, entry.node == node else { return }
            if writer.didRead(entry), phase != .connected { becomeConnected() }
            callWaiters()
            holdBackPublishers()
        }

        /// Says what one client has sent. What is longer than this server's log takes, which may be set up otherwise than the writer's, is counted.
        private func say(_ messages: borrowing MessageBatch, _ ends: [UInt32], from sender: Connection?) {
            func isTooLong(_ index: Int) -> Bool {
                Int(ends[index] &- (index == 0 ? 0 : ends[index - 1])) > topic.maximumMessageLength
            }
            var first = 0
            while first < ends.count {
                let isLost = isTooLong(first)
                var next = first + 1
                while next < ends.count, isTooLong(next) == isLost { next += 1 }
                if isLost || room?.append(messages, in: first..<next, from: sender) == false { didLose(UInt64(next - first)) }
                first = next
            }
        }

        private func didLose(_ count: UInt64) {
            counted.lostMessages &+= Int(truncatingIfNeeded: count)
            tell(count == 1 ? "1 message was lost" : "\(count) messages were lost")
            onEvent?(.lost(messages: count))
        }

        // MARK: - The stream goes and comes

        private func becomeConnected() {
            if phase == .cutOff { tell("the other servers are reached again: everybody hears you") }
            phase = .connected
            isGraceOver = false
            graceTimer.cancel()
            stream.isProven()
            onEvent?(.connected)
        }

        private func graceIsOver() {
            isGraceOver = true
            if outage == .local { sayUnread() }
            if inbox.isEmpty, phase == .waiting { cutOff() }
        }

        /// The grace time may have been over while a slow client was waited for. If the stream is there again by then, what is read next says so.
        private func cutOffIfDue() {
            if isGraceOver, phase == .waiting, inbox.isEmpty, !writer.isOpen { cutOff() }
        }

        /// Says to those who are here what the stream was to bring back. When it does bring it, it is known.
        private func sayUnread() {
            var said = numbers
            let unread = writer.unread().filter { said.read($0) != .known }
            if unread.isEmpty { return }
            inbox += unread.map { Delivery(entry: $0, isRead: false) }
            deliverLater()
        }

        private func cutOff() {
            if outage == .local {
                sayUnread()
                // What the operator has said meanwhile.
                if !inbox.isEmpty { return }
            }
            phase = .cutOff
            if let notice { room?.tell(notice) }
            onEvent?(.cutOff)
            callWaiters()
            holdBackPublishers()
        }

        private func callWaiters() { writer.callWaiters(all: phase == .cutOff) }
    }

    extension RelayCluster: Order {
        package func submit(_ messages: borrowing MessageBatch, in range: Range<Int>, from sender: Connection?) -> Bool {
            if range.isEmpty { return true }
            if phase == .cutOff, outage == .local {
                return room?.append(messages, in: range, from: sender) ?? false
            }
            if phase == .cutOff || writer.outbox.size > Self.multiple * Self.limit { return drop(range.count, from: sender) }
            writer.write(messages, in: range, from: sender?.id.rawValue ?? Connection.ID.none.rawValue)
            holdBackPublishers()
            return true
        }

        private func drop(_ count: Int, from sender: Connection?) -> Bool {
            counted.droppedMessages &+= count
            // Others, such as the operator's terminal, may not be there to be written to.
            if let sender, sender.handler is ChatServer.Client {
                let subject = count == 1 ? "that was" : "those \(count) messages were"
                room?.tell("! \(subject) not relayed: the other servers cannot be reached", to: sender)
            }
            return false
        }

        package var notice: String? {
            if phase != .cutOff { return nil }
            switch outage {
            case .drop: return "! the other servers cannot be reached: nobody hears you now"
            case .local: return "! the other servers cannot be reached: only those at this one hear you now"
            }
        }

        package func whenPlaced(_ body: @escaping () -> Void) {
            isEnding = true
            holdBackPublishers()
            writer.whenRead(body)
            callWaiters()
        }

        package func leave() {
            hasLeft = true
            phase = .waiting
            stream.close()
            graceTimer.cancel()
            deliveryTimer.cancel()
            writer.callWaiters(all: true)
        }
    }

    extension RelayCluster: RedisStream.Owner {
        func streamDidOpen(isContinued: Bool) {
            if !isContinued { onEvent?(.streamWentBack) }
            writer.streamDidOpen()
            if inbox.isEmpty { stream.readOn() }
        }

        func streamDidRead(_ entries: [StreamEntry?], oldCount: Int) {
            counted.readEntries &+= entries.count
            for (index, entry) in entries.enumerated() {
                if let entry { inbox.append(Delivery(entry: entry, isRead: true, isOld: index < oldCount)) }
            }
            counted.foreignEntries &+= entries.count(where: { $0 == nil })
            if inbox.isEmpty { stream.readOn() } else { deliver() }
        }

        func streamDidAppend() { writer.streamDidAppend() }

        func streamIsQuiet() { writer.streamIsQuiet() }

        func streamDidFail(_ reason: String, isNew: Bool) {
            writer.streamDidFail()
            if phase == .connected {
                phase = .waiting
                counted.outages &+= 1
                graceTimer.arm(after: configuration.grace)
            }
            if isNew { onEvent?(.disconnected(reason: reason)) }
            cutOffIfDue()
            holdBackPublishers()
        }
    }

    extension ChatServer {
        /// What makes it one relay with other servers; nil if there is nothing.
        public var relayCluster: RelayCluster? { room.order as? RelayCluster }
    }

    /// Why a server's relay cannot be one with others.
    public enum RelayClusterError: Error, Hashable, Sendable, CustomStringConvertible {
        /// It is a chat, whose people and rooms are at one server.
        case chat
        /// It has one log with other loops: the group was not made for servers of a cluster.
        case sharedLog
        /// Its messages may be longer than ``RelayCluster/maximumMessageLength``.
        case messageLength
        /// There is no address to connect to.
        case noAddress
        /// The place says that Redis speaks TLS, and ``ClusterConfiguration/transport`` is nil.
        case noTransport

        /// A sentence, without a full stop.
        public var description: String {
            switch self {
            case .chat: "a cluster is made of relays, and this is a chat"
            case .sharedLog: "a relay of a cluster has a log of its own, and this one shares that of its group"
            case .messageLength: "the messages of a cluster have at most \(RelayCluster.maximumMessageLength) bytes"
            case .noAddress: "a cluster needs an address of its stream"
            case .noTransport: "a cluster needs a transport to a stream of rediss:"
            }
        }
    }
#endif
