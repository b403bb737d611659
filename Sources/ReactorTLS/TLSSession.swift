#if TLS
    public import Reactor

    /// What the two sides of a connection have agreed upon in their handshake.
    public struct TLSSession: Hashable, Sendable {
        /// `TLSv1.2` or `TLSv1.3`.
        public let protocolVersion: String
        /// As OpenSSL names it: `TLS_AES_256_GCM_SHA384`.
        public let cipherSuite: String
        /// What is spoken over the connection, by its name in ALPN. Nil if one side did not say.
        public let applicationProtocol: String?
        /// The host that the client has named. Nil if it named none.
        public let serverName: String?
        /// The other side's certificate. It was verified, by whatever this side was told to believe. Nil if the other side has shown none.
        public let peerCertificate: TLSCertificate?
        /// Whether the handshake was cut short because the two have spoken before.
        public let isResumed: Bool
    }

    extension Connection {
        /// What was agreed upon for TLS. Nil for a connection without TLS, until the connection is open, and once it is closed.
        ///
        /// - Complexity: Each access asks OpenSSL anew, which takes a few microseconds.
        public var tls: TLSSession? { isOpen ? (establishedTransport as? TLSTransport)?.session : nil }
    }
#endif
