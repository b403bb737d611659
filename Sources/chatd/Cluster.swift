import ChatCommandLine
import ChatReactor
import ChatReactorRedis
import Glibc
import Reactor
import ReactorTLS

/// The servers of other machines, with which those of the daemon's loops are one relay or one chat: how each of them joins.
struct Cluster {
    /// What a build without Redis says that was asked for it.
    static let absence = "this build has no Redis; one that has is made by swift build --traits Redis"

    /// What has been counted, by one server or by those of several loops.
    struct Figures: Sendable {
        /// Whether the stream is reached, on all loops.
        var isConnected = false
        var written = 0
        var read = 0
        var repeated = 0
        var outages = 0
        var lost = 0
        var dropped = 0
        /// How many servers a chat has; 0 as long as one of this machine's is none of them. Nil of a relay, whose servers do not know each other.
        var servers: Int?

        /// Whether clients can do anything here.
        var isReady: Bool { servers != 0 }

        mutating func add(_ other: Figures) {
            isConnected = isConnected && other.isConnected
            written += other.written
            read += other.read
            repeated += other.repeated
            outages += other.outages
            lost += other.lost
            dropped += other.dropped
            if let own = servers, let others = other.servers { servers = min(own, others) }
        }
    }

    #if Redis
        static let isBuilt = true

        private let configuration: ClusterConfiguration
        private let outage: RelayCluster.Outage

        /// Nil if the options name none.
        ///
        /// - Throws: If there is no such host, or a file cannot be read. Whether Redis is there shows later.
        init?(_ options: ClusterOptions) throws(Failure) {
            guard let place = options.cluster else { return nil }
            let addresses: [SocketAddress]
            do throws(EndpointError) {
                addresses = try place.endpoint.resolve()
            } catch {
                throw Failure("\(error)", code: EX_NOHOST)
            }
            var configuration = ClusterConfiguration(at: place, addresses: addresses)
            configuration.transport = try Self.transport(to: place, options)
            configuration.password = try options.readPassword()
            configuration.streamLength = options.clusterLength.value
            configuration.grace = options.clusterGrace.duration
            self.configuration = configuration
            outage = options.clusterOutage == .local ? .local : .drop
        }

        /// Has a server be one of them.
        func add(_ server: ChatServer, log: ServerLog) throws(Failure) {
            let place = "\(configuration.place)"
            do {
                if server.chat == nil {
                    let relays = try RelayCluster(of: server, configuration, outage: outage)
                    relays.onEvent = { Self.tell($0, place, log) }
                } else {
                    let chats = try ChatCluster(of: server, configuration)
                    chats.onEvent = { Self.tell($0, place, log) }
                }
            } catch {
                throw Failure("\(error)", code: EX_CONFIG)
            }
        }

        /// What the bytes pass through to a Redis that speaks TLS; nil for one that does not. All files are read now: in its sandbox the daemon could
        /// open none.
        private static func transport(to place: RedisPlace, _ options: ClusterOptions) throws(Failure) -> TransportFactory? {
            #if TLS
                guard place.usesTLS, case .tcp(let host, _) = place.endpoint, let authorities = options.clusterTlsCa
                else { return nil }
                do throws(TLSError) {
                    var identity: TLSIdentity?
                    if let certificate = options.clusterTlsCertificate, let key = options.clusterTlsKey {
                        identity = try TLSIdentity(certificateFile: certificate, keyFile: key)
                    }
                    return try TLSClient(trust: .authorities(file: authorities), identity: identity).transport(host: host)
                } catch {
                    throw Failure("\(error)", code: Failure.code(forReading: error.systemError))
                }
            #else
                // The options of such a place were refused.
                return nil
            #endif
        }

        private static func tell(_ event: RelayCluster.Event, _ place: String, _ log: ServerLog) {
            switch event {
            case .connected: log.didReachStream(place)
            case .disconnected(let reason): log.warnOfStream(place, "the stream is away", ["error": "\(reason)"])
            case .cutOff: log.warnOfStream(place, "clients are told that the other servers cannot be reached")
            case .streamWentBack: log.warnOfStream(place, "the stream has lost its end")
            case .lost(let count): log.warnOfStream(place, "messages were lost", ["count": "\(count)"])
            @unknown default: break
            }
        }

        private static func tell(_ event: ChatCluster.Event, _ place: String, _ log: ServerLog) {
            switch event {
            case .connected: log.didReachStream(place)
            case .disconnected(let reason): log.warnOfStream(place, "the stream is away", ["error": "\(reason)"])
            case .joined(let count):
                log.tellOfStream(place, "the chat is one with those of other servers", ["servers": "\(count)"])
            case .left(let reason):
                log.warnOfStream(place, "this server is none of the chat's, and lets nobody in", ["error": "\(reason)"])
            case .changed(let count): log.tellOfStream(place, "the servers of the chat have changed", ["servers": "\(count)"])
            @unknown default: break
            }
        }

        /// Those of a server; nil if it is in no cluster.
        static func figures(of server: ChatServer) -> Figures? {
            if let relays = server.relayCluster {
                let counts = relays.counts
                return Figures(
                    isConnected: relays.isConnected, written: counts.writtenEntries, read: counts.readEntries,
                    repeated: counts.repeatedEntries, outages: counts.outages, lost: counts.lostMessages,
                    dropped: counts.droppedMessages)
            }
            guard let chats = server.chatCluster else { return nil }
            let counts = chats.counts
            return Figures(
                isConnected: chats.isConnected, written: counts.writtenEntries, read: counts.readEntries,
                repeated: counts.repeatedEntries, outages: counts.outages, lost: counts.lostEvents,
                servers: chats.serverCount)
        }
    #else
        static let isBuilt = false

        /// There is none: its options were refused before.
        init?(_ options: ClusterOptions) throws(Failure) { return nil }

        func add(_ server: ChatServer, log: ServerLog) throws(Failure) {}

        static func figures(of server: ChatServer) -> Figures? { nil }
    #endif
}
