#if Redis
    public import ChatReactor
    import Reactor

    /// Makes the chat of a server one chat with those of other servers: one list of people and rooms, one order of what is said, and one history. A stream of
    /// Redis is what they have in common.
    ///
    /// ```swift
    /// let place = try RedisPlace("redis://127.0.0.1:6379/tea")
    /// let cluster = try ChatCluster(of: server, .init(at: place, addresses: try place.endpoint.resolve()))
    /// ```
    ///
    /// People come to the chat once the stream is reached. When it has been away for longer than the grace time, they are told and closed, and come back to
    /// whichever server reaches the others.
    ///
    /// Its server keeps it. It belongs to the loop's thread. The chat has no IRC clients and no files of rooms. On several loops, each has a server of its
    /// own in the cluster: see `ServerGroup.init(configuration:isOfCluster:)`.
    public final class ChatCluster {
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
            /// Events of other servers that are known to be missing.
            public internal(set) var lostEvents = 0

            /// Nothing.
            public init() {}
        }

        /// What has happened to the cluster.
        @nonexhaustive
        public enum Event: Hashable, Sendable {
            /// The stream is reached.
            case connected
            /// It is not, or not any more. It is told once for each reason.
            case disconnected(reason: String)
            /// This server is one of so many.
            case joined(servers: Int)
            /// It is none of them any more, and its people are closed.
            case left(reason: String)
            /// There are so many servers now: another has come, or has left.
            case changed(servers: Int)
        }

        /// What was read, and how much of it is done.
        private struct Undone {
            let entry: StreamEntry
            var events: [(person: UInt64, bytes: [UInt8])] = []
            var doneCount = 0
        }

        /// From how many bytes on, of what was not read back, people wait.
        private static let limit = 8 * Outbox.entrySize

        private let configuration: ClusterConfiguration
        private let loop: EventLoop
        /// Nil once the chat is gone. It keeps this.
        private weak var replica: ChatReplica?
        private lazy var stream = RedisStream(
            configuration, key: "chatd:chat:\(configuration.place.name)", findsLast: true, on: loop, owner: self)
        private lazy var writer = StreamWriter(node: replica?.server ?? 0, to: stream, on: loop)
        private var numbers = NodeNumbers()
        private var inbox: [StreamEntry] = []
        /// How many of those were begun with.
        private var begunCount = 0
        /// The entry of which not all is done.
        private var present: Undone?
        private lazy var graceTimer = loop.makeTimer { [weak self] in self?.graceIsOver() }

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
        public private(set) var isConnected = false
        /// How many servers there are; 0 if this is none of them.
        public var serverCount: Int { replica?.isEstablished == true ? replica?.serverCount ?? 0 : 0 }

        /// Joins a chat that nobody is in yet. The connection is made once the loop runs.
        ///
        /// - Throws: ``ChatClusterError`` if the server's chat cannot be one of a cluster.
        public init(of server: ChatServer, _ configuration: ClusterConfiguration) throws(ChatClusterError) {
            guard let chat = server.chat else { throw .relay }
            if chat.order != nil || chat.online > 0 { throw .inUse }
            if configuration.addresses.isEmpty { throw .noAddress }
            if configuration.place.usesTLS, configuration.transport == nil { throw .noTransport }
            if chat.configuration.roomLogDirectory != nil { throw .roomLogs }
            if chat.servesIRC { throw .irc }
            if server.configuration.maximumMessageLength > RelayCluster.maximumMessageLength { throw .messageLength }
            (self.configuration, loop) = (configuration, server.loop)
            let replica = chat.beOne(by: self)
            self.replica = replica
            replica.onChange = { [weak self] in self?.tell($0) }
            graceTimer.arm(after: configuration.grace)
            stream.open()
        }

        /// Whether all that this server has submitted was read back, and done.
        var isAtRest: Bool { writer.outbox.isEmpty && !hasUndone }
        /// The last entry that was read.
        var lastRead: StreamID? { stream.last }

        /// Does nothing more.
        package func leave() {
            stream.close()
            graceTimer.cancel()
            writer.callWaiters(all: true)
        }

        private func tell(_ change: ChatReplica.Change) {
            switch change {
            case .joined(let count): onEvent?(.joined(servers: count))
            case .left(let reason): onEvent?(.left(reason: reason))
            case .otherJoined(let count), .otherLeft(let count): onEvent?(.changed(servers: count))
            }
        }

        // MARK: - The stream goes and comes

        /// What was written since the connections were made has been read.
        private func becomeConnected() {
            isConnected = true
            graceTimer.cancel()
            stream.isProven()
            onEvent?(.connected)
            replica?.connected()
        }

        private func graceIsOver() {
            // The proof may be among what waits for those who are slow.
            if hasUndone { graceTimer.arm(after: .milliseconds(100)) } else { replica?.cutOff() }
        }

        // MARK: - Reading

        private var hasUndone: Bool { present != nil || begunCount < inbox.count }

        private func begin(_ entry: StreamEntry) {
            var undone = Undone(entry: entry)
            switch numbers.read(entry) {
            case .known: if entry.count > 0 { counted.repeatedEntries &+= 1 }
            case .new(let missing):
                if missing > 0 {
                    counted.lostEvents &+= Int(truncatingIfNeeded: missing)
                    replica?.startAnew(reason: "\(missing) events of another server are missing")
                }
                entry.forEachRun { person, bytes, ends in
                    var start = 0
                    for end in ends {
                        let event = bytes.extracting(start..<Int(end))
                        undone.events.append((person, event.indices.map { event[$0] }))
                        start = Int(end)
                    }
                }
            }
            present = undone
        }

        /// Does what is next in an entry, which may have more than those who are here take in one turn.
        private func goOn(with undone: Undone) {
            let (entry, events, count) = (undone.entry, undone.events, undone.doneCount)
            if count < events.count {
                present?.doneCount += 1
                replica?.receive(
                    events[count].bytes, from: entry.node, of: events[count].person, number: entry.first &+ UInt64(count),
                    at: Int64(clamping: entry.time))
                return
            }
            present = nil
            if writer.didRead(entry), !isConnected { becomeConnected() }
            writer.callWaiters()
            if writer.outbox.size < Self.limit / 2 { replica?.orderHasRoom() }
        }
    }

    extension ChatCluster: ChatReplica.Order {
        package var isFull: Bool { writer.outbox.size >= Self.limit }

        package var knowsServers: Bool { false }

        package func claimBeginning() -> Bool { false }

        package func deliverNext() -> Bool {
            if let present {
                goOn(with: present)
            } else if begunCount < inbox.count {
                begunCount += 1
                begin(inbox[begunCount - 1])
            } else {
                (inbox, begunCount) = ([], 0)
                stream.readOn()
                return false
            }
            return true
        }

        package func forgetNumbers() { numbers = NodeNumbers() }

        package func adopt(nextNumbers: [UInt64: UInt64]) {
            for (server, next) in nextNumbers where server != writer.node { numbers.skip(server, to: next) }
        }

        package func submit(_ event: [UInt8], of number: UInt64) { writer.write(event.span, from: number) }

        package func whenPlaced(_ body: @escaping () -> Void) {
            writer.whenRead(body)
            writer.callWaiters()
        }

        package func restart(as server: UInt64) {
            writer.restart(as: server)
            if isConnected { replica?.connected() }
        }
    }

    extension ChatCluster: RedisStream.Owner {
        func streamDidOpen(isContinued: Bool) {
            if !isContinued {
                (inbox, begunCount, present) = ([], 0, nil)
                replica?.startAnew(reason: "what was read last is not in the stream any more")
            }
            writer.streamDidOpen()
            if !hasUndone { stream.readOn() }
        }

        func streamDidRead(_ entries: [StreamEntry?], oldCount: Int) {
            counted.readEntries &+= entries.count
            counted.foreignEntries &+= entries.count(where: { $0 == nil })
            // What was there before it lost its end was read, or is of nobody who is there now.
            inbox += entries.dropFirst(oldCount).compactMap(\.self)
            replica?.deliver()
        }

        func streamDidAppend() { writer.streamDidAppend() }

        func streamIsQuiet() { writer.streamIsQuiet() }

        func streamDidFail(_ reason: String, isNew: Bool) {
            writer.streamDidFail()
            if isConnected {
                isConnected = false
                counted.outages &+= 1
                graceTimer.arm(after: configuration.grace)
            }
            if isNew { onEvent?(.disconnected(reason: reason)) }
        }
    }

    extension ChatServer {
        /// What makes its chat one with those of other servers; nil if there is none.
        public var chatCluster: ChatCluster? { chat?.order as? ChatCluster }
    }

    /// Why a server's chat cannot be one with others.
    public enum ChatClusterError: Error, Hashable, Sendable, CustomStringConvertible {
        /// It is a relay.
        case relay
        /// People are in it, or it is one with those of other servers already, such as those of its group.
        case inUse
        /// Its rooms have files, which no other server could read.
        case roomLogs
        /// There are places for IRC clients.
        case irc
        /// Its lines may be longer than ``RelayCluster/maximumMessageLength``.
        case messageLength
        /// There is no address to connect to.
        case noAddress
        /// The place says that Redis speaks TLS, and ``ClusterConfiguration/transport`` is nil.
        case noTransport

        /// A sentence, without a full stop.
        public var description: String {
            switch self {
            case .relay: "a cluster of chats is made of chats, and this is a relay"
            case .inUse: "a chat joins a cluster before anybody is in it, and once"
            case .roomLogs: "a chat of a cluster has no files of rooms"
            case .irc: "a chat of a cluster has no IRC clients"
            case .messageLength: "the lines of a cluster have at most \(RelayCluster.maximumMessageLength) bytes"
            case .noAddress: "a cluster needs an address of its stream"
            case .noTransport: "a cluster needs a transport to a stream of rediss:"
            }
        }
    }
#endif
