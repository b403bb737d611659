import ChatCommandLine
import ChatReactor
import ChatReactorRedis
import Glibc
import Reactor
import ReactorTLS

/// The servers of other machines, with which the daemon is one relay or one chat.
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
        /// How many servers a chat has, as far as this one is one of them; nil of a relay, whose servers do not know each other.
        var servers: Int?
    }

    #if Redis
        static let isBuilt = true

        private enum Kind {
            case relay(RelayCluster)
            case chat(ChatCluster)
        }

        private let kind: Kind

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
            var configuration = ClusterConfiguration(at: place, addresses: addresses)
            configuration.transport = try Self.transport(to: place, options)
            configuration.password = try options.readPassword()
            configuration.streamLength = options.clusterLength.value
            configuration.grace = options.clusterGrace.duration
            do {
                if server.chat == nil {
                    let relays = try RelayCluster(
                        of: server, configuration, outage: options.clusterOutage == .local ? .local : .drop)
                    relays.onEvent = { Self.tell($0, "\(place)", log) }
                    kind = .relay(relays)
                } else {
                    let chats = try ChatCluster(of: server, configuration)
                    chats.onEvent = { Self.tell($0, "\(place)", log) }
                    kind = .chat(chats)
                }
            } catch {
                throw Failure("\(error)", code: EX_CONFIG)
            }
        }

        /// Whether clients can do anything here.
        var isReady: Bool {
            switch kind {
            case .relay: true
            case .chat(let chats): chats.serverCount > 0
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

        var figures: Figures {
            switch kind {
            case .relay(let relays):
                let counts = relays.counts
                return Figures(
                    connections: relays.isConnected ? 1 : 0, written: counts.writtenEntries, read: counts.readEntries,
                    repeated: counts.repeatedEntries, outages: counts.outages, lost: counts.lostMessages,
                    dropped: counts.droppedMessages)
            case .chat(let chats):
                let counts = chats.counts
                return Figures(
                    connections: chats.isConnected ? 1 : 0, written: counts.writtenEntries, read: counts.readEntries,
                    repeated: counts.repeatedEntries, outages: counts.outages, lost: counts.lostEvents,
                    servers: chats.serverCount)
            }
        }
    #else
        static let isBuilt = false

        /// There is none: its options were refused before.
        init?(_ options: ClusterOptions, of server: ChatServer, log: ServerLog) throws(Failure) { return nil }

        var isReady: Bool { true }

        var figures: Figures { Figures() }
    #endif
}
