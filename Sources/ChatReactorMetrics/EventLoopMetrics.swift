#if Metrics
    public import ChatReactor
    public import Metrics

    /// Reports what happens on a loop to swift-metrics.
    ///
    ///     let metrics = EventLoopMetrics(of: loop)
    ///     metrics.add(server, named: "lobby")
    ///     metrics.add(topic, named: "prices")
    ///
    /// | label | kind | counts or measures |
    /// |---|---|---|
    /// | `reactor.loop.turns` | counter | turns of the loop |
    /// | `reactor.loop.connections` | meter | connections on the loop |
    /// | `reactor.loop.accepted` | counter | connections that listeners have accepted |
    /// | `reactor.loop.bytes_read`, `.bytes_sent`, `.sends` | counter | bytes in and out, and the system calls that have sent them |
    /// | `reactor.loop.turn_duration`, `.delivery_duration` | counter | turns that took at most as long as `le` says, in seconds: see `EventLoop.turnDurations`, `deliveryDurations` |
    /// | `reactor.topic.messages`, `.bytes` | counter | what was published |
    /// | `reactor.topic.deliveries` | counter | these, once for each subscriber that they were for |
    /// | `reactor.topic.lag` | meter | how many bytes the subscriber lacks that is furthest behind |
    /// | `reactor.topic.subscribers` | meter | subscribers |
    /// | `reactor.topic.skipped` | counter | messages that subscribers have missed |
    /// | `reactor.topic.pressures` | counter | how often publishers were slowed down |
    /// | `reactor.chat.accepted` | counter | clients that have connected |
    /// | `reactor.chat.closed` | counter | clients that have gone, by `reason` |
    /// | `reactor.chat.clients` | meter | clients that are connected |
    /// | `reactor.chat.rooms`, `.members` | meter | rooms, and clients in them |
    /// | `reactor.chat.received` | counter | messages from clients, with commands and the quit word |
    /// | `reactor.chat.lag` | meter | how many bytes the client lacks that is furthest behind |
    /// | `reactor.chat.messages` | counter | messages that clients have sent and the server relays; in a chat, what people have said in rooms |
    /// | `reactor.chat.deliveries` | counter | what these make: one for each other client that was connected, in a chat in the same room |
    /// | `reactor.chat.accept_failures` | counter | callers that could not be accepted, by `error` |
    ///
    /// The metrics of a topic have the dimension `topic`, those of a server `server`; the topic of a server's room has the
    /// server's name. Counters begin with what happened before, except those of a server, which begin when it is added.
    ///
    /// The loop and its topics count anyway, and a report reads their counts; there is no cost between two reports. A server
    /// calls its observers for each client and for the messages of each read, and this is one of them.
    ///
    /// It belongs to the loop's thread. With an interval, the loop keeps it until the loop is closed.
    public final class EventLoopMetrics {
        private let loop: EventLoop
        private let factory: any MetricsFactory
        private let interval: Duration?
        private var reports: [() -> Void] = []

        /// - Parameters:
        ///   - interval: The time between two reports, a millisecond at least. Each report wakes the loop, even one that has nothing
        ///     to do. With nil, nothing is reported until `report` is called.
        ///   - factory: What makes the metrics, and so decides where they go.
        public init(
            of loop: EventLoop, every interval: Duration? = .seconds(10), factory: any MetricsFactory = MetricsSystem.factory
        ) {
            self.loop = loop
            self.factory = factory
            self.interval = interval.map { max($0, .milliseconds(1)) }
            count("reactor.loop.turns") { Int(truncatingIfNeeded: loop.turnCount) }
            measure("reactor.loop.connections") { loop.connectionCount }
            count("reactor.loop.accepted") { loop.counts.acceptedConnections }
            count("reactor.loop.bytes_read") { loop.counts.bytesRead }
            count("reactor.loop.bytes_sent") { loop.counts.bytesSent }
            count("reactor.loop.sends") { loop.counts.sends }
            count("reactor.loop.turn_duration", loop.turnDurations)
            count("reactor.loop.delivery_duration", loop.deliveryDurations)
            scheduleReport()
        }

        /// Reports a topic from now on, and keeps it.
        public func add(_ topic: Topic, named name: String) {
            let dimensions = [("topic", name)]
            count("reactor.topic.messages", dimensions) { topic.messageCount }
            count("reactor.topic.bytes", dimensions) { topic.byteCount }
            count("reactor.topic.skipped", dimensions) { topic.skippedMessageCount }
            count("reactor.topic.pressures", dimensions) { topic.pressureCount }
            count("reactor.topic.deliveries", dimensions) { topic.deliveryCount }
            measure("reactor.topic.lag", dimensions) { topic.furthestLag }
            measure("reactor.topic.subscribers", dimensions) { topic.subscriberCount }
        }

        /// Reports a server from now on, and keeps it; of a relay, the topic of its room too.
        public func add(_ server: ChatServer, named name: String) {
            let observer = ServerObserver(name: name, factory: factory)
            server.addObserver(observer)
            count("reactor.chat.messages", observer.dimensions) { observer.messageCount }
            count("reactor.chat.deliveries", observer.dimensions) { observer.deliveryCount }
            count("reactor.chat.received", observer.dimensions) { server.counts.receivedMessages }
            measure("reactor.chat.clients", observer.dimensions) { server.clientCount }
            measure("reactor.chat.rooms", observer.dimensions) { server.rooms.count }
            measure("reactor.chat.members", observer.dimensions) { server.rooms.reduce(0) { $0 + $1.clientCount } }
            measure("reactor.chat.lag", observer.dimensions) { server.furthestLag }
            // The topics of a chat come and go.
            if let topic = server.room.topic { add(topic, named: name) }
        }

        /// Reports now. A counter is incremented by what was added since the last report.
        public func report() {
            for report in reports { report() }
        }

        private func scheduleReport() {
            guard let interval else { return }
            loop.schedule(after: interval) { [self] in
                report()
                scheduleReport()
            }
        }

        private func count(_ label: String, _ dimensions: [(String, String)] = [], _ total: @escaping () -> Int) {
            let counter = Counter(label: label, dimensions: dimensions, factory: factory)
            var reported = 0
            reports.append {
                let now = total()
                counter.increment(by: now &- reported)
                reported = now
            }
        }

        /// swift-metrics has no histogram that others have counted, so each of its bounds is a counter.
        private func count(_ label: String, _ histogram: DurationHistogram) {
            for (index, bound) in DurationHistogram.upperBounds.enumerated() {
                count(label, [("le", "\(bound / .seconds(1))")]) { histogram.cumulativeCounts[index] }
            }
            count(label, [("le", "+Inf")]) { histogram.count }
        }

        private func measure(_ label: String, _ dimensions: [(String, String)] = [], _ value: @escaping () -> Int) {
            let meter = Meter(label: label, dimensions: dimensions, factory: factory)
            reports.append { meter.set(value()) }
        }
    }

    /// Counts what happens at a server. Messages are counted here, and reported with the rest; rarer events go to their counters
    /// at once.
    private final class ServerObserver: ChatServerObserver {
        let dimensions: [(String, String)]
        private(set) var messageCount = 0
        private(set) var deliveryCount = 0
        private let factory: any MetricsFactory
        private let accepted: Counter
        private var closed: [CloseReason: Counter] = [:]
        private var failed: [Errno: Counter] = [:]

        init(name: String, factory: any MetricsFactory) {
            dimensions = [("server", name)]
            self.factory = factory
            accepted = Counter(label: "reactor.chat.accepted", dimensions: dimensions, factory: factory)
        }

        func server(_ server: ChatServer, didAccept client: ChatServer.Client) {
            accepted.increment()
        }

        func server(
            _ server: ChatServer, didRelay messages: borrowing MessageBatch, in range: Range<Int>, from client: ChatServer.Client
        ) {
            messageCount &+= range.count
            deliveryCount &+= range.count &* (server.clientCount &- 1)
        }

        /// What people say in a chat. What the server and bots say is not counted, as in a relay.
        func server(_ server: ChatServer, didPublish event: ChatServer.Event) {
            guard event.person != nil, event.kind == .message || event.kind == .action else { return }
            messageCount &+= 1
            deliveryCount &+= max(event.room.clientCount &- 1, 0)
        }

        func server(_ server: ChatServer, didClose client: ChatServer.Client, reason: CloseReason) {
            let counter = closed[reason] ?? counter("reactor.chat.closed", ("reason", "\(reason)"))
            closed[reason] = counter
            counter.increment()
        }

        func server(_ server: ChatServer, cannotAcceptAt address: SocketAddress, error: Errno) {
            let counter = failed[error] ?? counter("reactor.chat.accept_failures", ("error", "\(error)"))
            failed[error] = counter
            counter.increment()
        }

        private func counter(_ label: String, _ dimension: (String, String)) -> Counter {
            Counter(label: label, dimensions: dimensions + [dimension], factory: factory)
        }
    }
#else
    /// Needs the package trait `Metrics`.
    @available(*, unavailable, message: "depend on ChatReactor with traits: [\"Metrics\"]")
    public enum EventLoopMetrics {}
#endif
