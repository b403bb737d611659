import ChatCommandLine
import ChatReactor

/// What chatd tells Prometheus: a name, what it means, and where it is read. `all` is the table; Docs/operations.md has it for operators.
struct Metric: Sendable {
    /// Where metrics are read. They are counted all the time, whether or not somebody asks.
    struct Source {
        /// Of all loops together.
        let figures: ServerFigures
        let certificates: ServerCertificates?
        let process: ProcessStatistics.Reading?

        var counts: ChatServer.Counts { figures.counts }
    }

    let name: String
    let kind: PrometheusText.Kind
    let help: String
    let samples: @Sendable (Source) -> [PrometheusText.Sample]

    private init(
        _ name: String, _ kind: PrometheusText.Kind, _ help: String,
        samples: @escaping @Sendable (Source) -> [PrometheusText.Sample]
    ) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    private init(_ name: String, _ kind: PrometheusText.Kind, _ help: String, _ value: @escaping @Sendable (Source) -> Int) {
        self.init(name, kind, help) { [PrometheusText.Sample(value($0))] }
    }

    /// One of the process. It has no sample where the kernel does not say.
    private init(
        _ name: String, _ kind: PrometheusText.Kind, _ help: String,
        process: @escaping @Sendable (ProcessStatistics.Reading) -> PrometheusText.Sample
    ) {
        self.init(name, kind, help, samples: { $0.process.map { [process($0)] } ?? [] })
    }

    /// One of a cluster. It has no sample without one.
    private static func ofCluster(
        _ name: String, _ kind: PrometheusText.Kind, _ help: String,
        _ samples: @escaping @Sendable (Cluster.Figures) -> [PrometheusText.Sample]
    ) -> Metric {
        Metric(name, kind, help, samples: { $0.figures.cluster.map(samples) ?? [] })
    }

    private init(_ name: String, _ help: String, _ durations: @escaping @Sendable (Source) -> ServerFigures.Durations) {
        self.init(name, .histogram, help) { PrometheusText.Sample.all(of: durations($0)) }
    }

    /// All metrics, in the order in which they are served.
    static let all = [
        Metric("chatd_build_info", .gauge, "Always 1, with the version of chatd.") { _ in
            [PrometheusText.Sample(1, label: "version", version)]
        },

        Metric("chatd_connections", .gauge, "Clients that are connected.") { $0.figures.clients },
        Metric("chatd_connections_accepted_total", .counter, "Clients that have connected.") { $0.counts.acceptedClients },
        Metric("chatd_connections_closed_total", .counter, "Clients that have gone, by reason.") { source in
            CloseReason.Kind.allCases.map { kind in
                PrometheusText.Sample(source.counts.closedClients[kind] ?? 0, label: "reason", kind.rawValue)
            }
        },
        Metric("chatd_connections_refused_total", .counter, "Callers that were not let in, by reason.") { source in
            AccessRefusal.Kind.allCases.map { kind in
                PrometheusText.Sample(source.counts.refusals[kind] ?? 0, label: "reason", kind.rawValue)
            }
        },
        Metric("chatd_accept_failures_total", .counter, "Attempts to accept a client that have failed.") {
            $0.counts.acceptFailures
        },
        Metric("chatd_logins_total", .counter, "How often somebody has logged in.") { $0.counts.logins },
        Metric("chatd_logins_refused_total", .counter, "Attempts to log in that were refused, by reason.") { source in
            LoginRefusal.allCases.map { reason in
                PrometheusText.Sample(source.counts.refusedLogins[reason] ?? 0, label: "reason", reason.rawValue)
            }
        },

        Metric("chatd_web_responses_total", .counter, "Responses to browsers and other clients of HTTP, by status.") { source in
            source.counts.webResponses.sorted { $0.key < $1.key }.map {
                PrometheusText.Sample($0.value, label: "status", "\($0.key)")
            }
        },

        Metric("chatd_tls_handshakes_failed_total", .counter, "Callers with whom no TLS handshake was completed.") {
            $0.counts.failedHandshakes
        },
        Metric(
            "chatd_tls_certificate_expiry_timestamp_seconds", .gauge,
            "When a certificate expires, in seconds since 1970, by file."
        ) { source in
            (source.certificates?.expirations ?? []).map { PrometheusText.Sample($0.time, label: "file", $0.file) }
        },

        .ofCluster("chatd_cluster_connected", .gauge, "Whether the stream of the cluster is reached, by all loops.") {
            [.init($0.isConnected ? 1 : 0)]
        },
        .ofCluster("chatd_cluster_servers", .gauge, "Servers of the chat, each loop one; 0 if one of these is none of them.") {
            figures in
            figures.servers.map { [.init($0)] } ?? []
        },
        .ofCluster(
            "chatd_cluster_entries_total", .counter, "Entries of the stream, by what was done: written, read, or read once more."
        ) {
            [
                .init($0.written, label: "kind", "written"), .init($0.read, label: "kind", "read"),
                .init($0.repeated, label: "kind", "repeated"),
            ]
        },
        .ofCluster("chatd_cluster_outages_total", .counter, "How often the stream was lost.") { [.init($0.outages)] },
        .ofCluster(
            "chatd_cluster_lost_messages_total", .counter, "Messages of the cluster that this server is known to have missed."
        ) { [.init($0.lost)] },
        .ofCluster(
            "chatd_cluster_dropped_messages_total", .counter, "Messages of clients that were dropped while the stream was away."
        ) { [.init($0.dropped)] },

        Metric("chatd_messages_received_total", .counter, "Messages from clients, with commands and quit words.") {
            $0.counts.receivedMessages
        },
        Metric("chatd_deliveries_total", .counter, "Messages in rooms, each counted for everybody it was for.") {
            $0.counts.deliveries
        },
        Metric("chatd_skipped_messages_total", .counter, "Messages that slow clients have missed.") { $0.counts.skippedMessages },
        Metric("chatd_pressures_total", .counter, "How often senders were slowed down because of a slow client.") {
            $0.counts.pressures
        },
        Metric("chatd_lag_bytes", .gauge, "How far the client that is furthest behind is behind.") { $0.figures.furthestLag },
        Metric("chatd_rooms", .gauge, "Rooms, the lobby among them.") { $0.figures.rooms },
        Metric("chatd_room_members", .gauge, "Clients in rooms, each counted for every room that it is in.") {
            $0.figures.members
        },

        Metric("chatd_memory_bytes", .gauge, "Memory of logs, and of what waits for clients or from them: see --memory-limit.") {
            $0.figures.memory
        },
        Metric("chatd_received_bytes_total", .counter, "Bytes read, from clients and whatever else is on the loop.") {
            $0.figures.loopCounts.bytesRead
        },
        Metric("chatd_sent_bytes_total", .counter, "Bytes sent, to clients and whatever else is on the loop.") {
            $0.figures.loopCounts.bytesSent
        },
        Metric("chatd_sends_total", .counter, "System calls that have sent these bytes.") { $0.figures.loopCounts.sends },
        Metric("chatd_turns_total", .counter, "Turns of the event loops.") { Int(truncatingIfNeeded: $0.figures.turns) },
        Metric("chatd_turn_duration_seconds", "How long turns were, without the wait for something to do.") {
            $0.figures.turnDurations
        },
        Metric("chatd_delivery_duration_seconds", "From the receipt of messages to the last send of the same turn.") {
            $0.figures.deliveryDurations
        },

        Metric("process_cpu_seconds_total", .counter, "User and system CPU time.", process: { .init($0.cpuSeconds) }),
        Metric("process_resident_memory_bytes", .gauge, "Resident memory.", process: { .init($0.residentBytes) }),
        Metric("process_virtual_memory_bytes", .gauge, "Virtual memory.", process: { .init($0.virtualBytes) }),
        Metric("process_open_fds", .gauge, "Open file descriptors.", process: { .init($0.openDescriptors) }),
        Metric("process_max_fds", .gauge, "The limit on open file descriptors.", process: { .init($0.maximumDescriptors) }),
        Metric(
            "process_start_time_seconds", .gauge, "When the process was started, in seconds since 1970.",
            process: { .init($0.startTime) }),
    ]
}
