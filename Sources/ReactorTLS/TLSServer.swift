#if TLS
    import CReactorOpenSSL
    public import Reactor
    import Synchronization

    /// What a server needs for TLS: who it is, and whether its clients must prove who they are.
    ///
    /// ```swift
    /// let identity = try TLSIdentity(certificateFile: "fullchain.pem", keyFile: "privkey.pem")
    /// let tls = try TLSServer(identities: [identity])
    /// var options = Connection.Options()
    /// options.transport = tls.transport
    /// try loop.listen(on: .any(port: 3002), options: options, handler: handler)
    /// ```
    ///
    /// It speaks TLS 1.2 and 1.3, neither renegotiates nor compresses, and gives tickets to clients that may come back. It may be used by any
    /// thread.
    public final class TLSServer: Sendable {
        /// Which certificates the clients are asked for.
        public enum ClientCertificates: Hashable, Sendable {
            /// None: whoever comes is served.
            case ignored
            /// One of those whose authorities are in a file, in PEM. A client that has none is served, too; one that shows another is not.
            case requested(authorities: String)
            /// As `requested`, and a client that has none is not served.
            case required(authorities: String)
        }

        private let applicationProtocols: [String]
        private let context: Mutex<ServerContext>

        /// - Parameters:
        ///   - identities: The server's certificates. A client that names the host it wants gets those that are for that host; all others
        ///     get the first one. There must be one at least.
        ///   - clientCertificates: Which certificates the clients are asked for.
        ///   - applicationProtocols: What the server speaks, by its names in ALPN, the best first. A client that asks for other protocols
        ///     alone is not served. Without any, nobody is asked.
        /// - Throws: If OpenSSL does not accept an identity, or a file of authorities cannot be read.
        ///
        /// The corresponding C functions are `SSL_CTX_new` and what sets a context up.
        public init(
            identities: [TLSIdentity], clientCertificates: ClientCertificates = .ignored, applicationProtocols: [String] = []
        ) throws(TLSError) {
            self.applicationProtocols = applicationProtocols
            context = Mutex(try ServerContext(identities, clientCertificates, applicationProtocols))
        }

        /// The server's certificates.
        public var identities: [TLSIdentity] { current.identities }

        private var current: ServerContext { context.withLock { $0 } }

        /// Has connections that are made from now on use other certificates. Sessions that were begun before cannot be resumed: who may come in
        /// may have changed.
        ///
        /// - Throws: What `init` throws. Then all stays as it is.
        public func update(identities: [TLSIdentity], clientCertificates: ClientCertificates = .ignored) throws(TLSError) {
            let new = try ServerContext(identities, clientCertificates, applicationProtocols)
            // What was there before is released here, and not under the lock.
            let old = context.withLock { context in
                let old = context
                context = new
                return old
            }
            withExtendedLifetime(old) {}
        }

        /// What makes a connection that was accepted one of TLS: for `Connection.Options.transport`.
        public var transport: TransportFactory {
            TransportFactory { [self] _ throws(TransportFailure) in
                let context = current
                return try unsafe TLSTransport(taking: try context.makeConnection(), of: context, as: .server)
            }
        }
    }

    /// A server's settings, and what OpenSSL asks back during a handshake.
    final class ServerContext: TLSContext, @unchecked Sendable {
        let identities: [TLSIdentity]
        let ticketKeys = TicketKeys()

        init(
            _ identities: [TLSIdentity], _ clientCertificates: TLSServer.ClientCertificates, _ applicationProtocols: [String]
        ) throws(TLSError) {
            guard let first = identities.first else { throw TLSError("cannot serve TLS", "there is no certificate") }
            self.identities = identities
            try unsafe super.init(TLS_server_method(), identity: first, applicationProtocols: applicationProtocols)
            switch clientCertificates {
            case .ignored: break
            case .requested(let file): try verifyClients(file, SSL_VERIFY_PEER)
            case .required(let file): try verifyClients(file, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT)
            }
            // Without a name of its own, OpenSSL refuses to resume sessions of clients that have shown a certificate.
            unsafe SSL_CTX_set_session_id_context(handle, "chat", 4)
            unsafe SSL_CTX_set_timeout(handle, Int(TicketKeys.lifetime.components.seconds))
            unsafe SSL_CTX_set_num_tickets(handle, 1)
            // The context does not keep this object, which frees it. OpenSSL calls back only while a connection is there, which keeps both.
            let this = unsafe Unmanaged.passUnretained(self).toOpaque()
            unsafe SSL_CTX_set_ex_data(handle, 0, this)
            unsafe copenssl_set_ticket_callback(handle) { ssl, name, iv, cipher, mac, seals in
                guard let ssl = unsafe ssl, let name = unsafe name, let iv = unsafe iv, let cipher = unsafe cipher,
                    let mac = unsafe mac,
                    let context = unsafe ServerContext.of(ssl)
                else { return -1 }
                return unsafe context.ticketKeys.use(name: name, iv: iv, cipher: cipher, mac: mac, seals: seals == 1)
            }
            if identities.count > 1 {
                unsafe SSL_CTX_set_cert_cb(
                    handle, { ssl, _ in unsafe ssl.map { unsafe ServerContext.of($0)?.chooseIdentity($0) ?? 0 } ?? 0 }, nil)
            }
            if unsafe !self.applicationProtocols.isEmpty {
                unsafe SSL_CTX_set_alpn_select_cb(
                    handle,
                    { ssl, chosen, chosenCount, offered, offeredCount, _ in
                        guard let ssl = unsafe ssl, let context = unsafe ServerContext.of(ssl) else {
                            return SSL_TLSEXT_ERR_ALERT_FATAL
                        }
                        var found: UnsafeMutablePointer<UInt8>?
                        let known = unsafe context.applicationProtocols
                        let result = unsafe SSL_select_next_proto(
                            &found, chosenCount, known.baseAddress, UInt32(known.count), offered, offeredCount)
                        unsafe chosen?.pointee = UnsafePointer(found)
                        return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL
                    }, nil)
            }
        }

        private static func of(_ ssl: OpaquePointer) -> ServerContext? {
            guard let pointer = unsafe SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0) else { return nil }
            return unsafe Unmanaged<ServerContext>.fromOpaque(pointer).takeUnretainedValue()
        }

        private func verifyClients(_ file: String, _ mode: Int32) throws(TLSError) {
            try loadAuthorities(file)
            // The client is told whose certificates are wanted, and picks one of several by that.
            unsafe SSL_CTX_set_client_CA_list(handle, SSL_load_client_CA_file(file))
            unsafe SSL_CTX_set_verify(handle, mode, nil)
        }

        /// Gives a connection the certificates that are for the host that the client has named. Two of them may have keys of two kinds, and OpenSSL
        /// picks the one that the client can use. Returns 1, or 0 if OpenSSL has refused one.
        private func chooseIdentity(_ ssl: OpaquePointer) -> Int32 {
            guard let name = unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) else { return 1 }
            for identity in identities where unsafe X509_check_host(identity.certificateHandle, name, 0, 0, nil) == 1 {
                let result = unsafe SSL_use_cert_and_key(
                    ssl, identity.certificateHandle, identity.keyHandle, identity.chainHandle, 1)
                if result != 1 { return 0 }
            }
            return 1
        }
    }
#endif
