#if TLS
    import CReactorOpenSSL
    public import Reactor

    /// What a client needs for TLS: whom it believes, and who it is if it has a certificate.
    ///
    /// ```swift
    /// let tls = try TLSClient()
    /// var options = Connection.Options()
    /// options.transport = tls.transport(host: "chat.example.org")
    /// try loop.connect(to: address, options: options, handler: handler)
    /// ```
    ///
    /// It speaks TLS 1.2 and 1.3. It may be used by any thread.
    public final class TLSClient: Sendable {
        /// Whom a client believes that it is the server.
        public enum Trust: Sendable {
            /// Whose certificate is for the host, and leads to an authority that the system believes.
            case system
            /// Whose certificate is for the host, and leads to an authority in a file, in PEM, or is in the file itself.
            case authorities(file: String)
            /// Whom the closure believes. It gets the server's certificate and what `authorities` would have to say against it, or `system`
            /// without a file; or nil. It may remember certificates, for example. It is called on the loop's thread, during the handshake.
            case decided(authorities: String? = nil, by: @Sendable (_ certificate: TLSCertificate, _ problem: String?) -> Bool)

            fileprivate var file: String? {
                switch self {
                case .system: nil
                case .authorities(let file): file
                case .decided(let file, _): file
                }
            }
        }

        private let context: ClientContext

        /// - Parameters:
        ///   - trust: Whom the client believes.
        ///   - identity: What it shows to a server that asks who it is.
        ///   - applicationProtocols: What it speaks, by its names in ALPN, the best first.
        /// - Throws: If OpenSSL does not accept the identity, or a file of authorities cannot be read.
        ///
        /// The corresponding C functions are `SSL_CTX_new` and what sets a context up.
        public init(
            trust: Trust = .system, identity: TLSIdentity? = nil, applicationProtocols: [String] = []
        ) throws(TLSError) {
            context = try ClientContext(trust, identity, applicationProtocols)
        }

        /// What makes a connection one of TLS to a host: for `Connection.Options.transport`.
        ///
        /// - Parameter host: The name that the server's certificate must be for, or an IP address. A server with several certificates picks
        ///   one by a name.
        public func transport(host: String) -> TransportFactory {
            TransportFactory { [context] _ throws(TransportFailure) in
                try unsafe TLSTransport(taking: try context.makeConnection(to: host), of: context, as: .client)
            }
        }
    }

    /// A client's settings.
    final class ClientContext: TLSContext, @unchecked Sendable {
        /// Nil if OpenSSL decides alone.
        let decide: (@Sendable (TLSCertificate, String?) -> Bool)?

        init(_ trust: TLSClient.Trust, _ identity: TLSIdentity?, _ applicationProtocols: [String]) throws(TLSError) {
            if case .decided(_, let decide) = trust { self.decide = decide } else { decide = nil }
            try unsafe super.init(TLS_client_method(), identity: identity, applicationProtocols: applicationProtocols)
            if let file = trust.file {
                try loadAuthorities(file)
                // A certificate in the file is believed although it is no authority's.
                unsafe X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(handle), UInt(X509_V_FLAG_PARTIAL_CHAIN))
            } else {
                unsafe SSL_CTX_set_default_verify_paths(handle)
            }
            unsafe SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nil)
            if unsafe !self.applicationProtocols.isEmpty {
                unsafe SSL_CTX_set_alpn_protos(
                    handle, self.applicationProtocols.baseAddress, UInt32(self.applicationProtocols.count))
            }
            if decide != nil {
                // The context is there as long as this object is, which is as long as a connection of it is.
                unsafe SSL_CTX_set_cert_verify_callback(
                    handle,
                    { store, this in
                        guard let store = unsafe store, let this = unsafe this else { return 0 }
                        return unsafe Unmanaged<ClientContext>.fromOpaque(this).takeUnretainedValue().judge(store)
                    }, Unmanaged.passUnretained(self).toOpaque())
            }
        }

        private func judge(_ store: OpaquePointer) -> Int32 {
            guard let decide, let certificate = unsafe X509_STORE_CTX_get0_cert(store) else { return 0 }
            let isValid = unsafe X509_verify_cert(store) == 1
            let problem =
                unsafe isValid ? nil : String(cString: X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(store))))
            guard decide(unsafe TLSCertificate(certificate), problem) else {
                if isValid { unsafe X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION) }
                return 0
            }
            unsafe X509_STORE_CTX_set_error(store, X509_V_OK)
            return 1
        }

        func makeConnection(to host: String) throws(TransportFailure) -> OpaquePointer {
            let ssl = unsafe try makeConnection()
            let parameters = unsafe SSL_get0_param(ssl)
            // OpenSSL knows an address by the certificate's addresses alone, and names no address to the server.
            let isSet =
                unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1
                || (unsafe SSL_set1_host(ssl, host) == 1 && copenssl_set_server_name(ssl, host) == 1)
            OpenSSLErrors.clear()
            // A certificate for *.example.org is not for a.b.example.org, and none is for f*.example.org.
            unsafe SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            if isSet, !host.isEmpty { return unsafe ssl }
            unsafe SSL_free(ssl)
            throw TransportFailure("TLS: '\(host)' is no name of a host")
        }
    }
#endif
