import ChatCommandLine
import ChatReactor
import ChatReactorRedis
import Glibc
import Reactor
import ReactorTLS

/// The relays of other machines, with which the daemon's is one.
struct Cluster {
    /// What a build without Redis says that was asked for it.
    static let absence = "this build has no Redis; one that has is made by swift build --traits Redis"

    /// What has been counted.
    struct Figures: Sendable {
        /// Whether the stream is reached: 1 if so.
        var connections = 0
        var written = 0
        var read = 0
        var repeated = 0
        var outages = 0
        var lost = 0
        var dropped = 0
    }

    #if Redis
        static let isBuilt = true

        private let relays: RelayCluster

        /// Joins them. Nil if the options name none.
        ///
        /// - Throws: If there is no such host, or the password cannot be read. Whether Redis is there shows later.
        init?(_ options: ClusterOptions, of server: ChatServer, log: ServerLog) throws(Failure) {
            guard let place = options.cluster else { return nil }
            let addresses: [SocketAddress]
            do throws(EndpointError) {
                addresses = try place.endpoint.resolve()
            } catch {
                throw Failure("\(error)", code: EX_NOHOST)
            }
            var configuration = RelayCluster.Configuration(at: place, addresses: addresses)
            configuration.transport = try Self.transport(to: place, options)
            configuration.password = try options.readPassword()
            configuration.streamLength = options.clusterLength.value
            configuration.grace = options.clusterGrace.duration
            configuration.outage = options.clusterOutage == .local ? .local : .drop
            do throws(RelayClusterError) {
                relays = try RelayCluster(of: server, configuration)
            } catch {
                throw Failure("\(error)", code: EX_CONFIG)
            }
            relays.onEvent = { event in Self.tell(event, "\(place)", log) }
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

        var figures: Figures {
            let counts = relays.counts
            return Figures(
                connections: relays.isConnected ? 1 : 0, written: counts.writtenEntries, read: counts.readEntries,
                repeated: counts.repeatedEntries, outages: counts.outages, lost: counts.lostMessages,
                dropped: counts.droppedMessages)
        }
    #else
        static let isBuilt = false

        /// There is none: its options were refused before.
        init?(_ options: ClusterOptions, of server: ChatServer, log: ServerLog) throws(Failure) { return nil }

        var figures: Figures { Figures() }
    #endif
}
