#if TLS
    import CReactorOpenSSL
    import Reactor

    /// OpenSSL's settings for the connections of one side, an `SSL_CTX`. It is not changed any more once connections are made with it.
    @safe class TLSContext: @unchecked Sendable {
        let handle: OpaquePointer
        /// The protocols that this side speaks, as ALPN has them on the wire: a byte of length before each.
        /// In memory that stays: OpenSSL is given addresses in it.
        let applicationProtocols: UnsafeMutableBufferPointer<UInt8>

        init(_ method: OpaquePointer?, identity: TLSIdentity?, applicationProtocols names: [String]) throws(TLSError) {
            OpenSSLErrors.clear()
            guard let context = unsafe SSL_CTX_new(method) else { throw TLSError("cannot use TLS", OpenSSLErrors.take()) }
            unsafe handle = context
            var wire: [UInt8] = []
            for name in names {
                guard (1...255).contains(name.utf8.count) else {
                    unsafe SSL_CTX_free(context)
                    throw TLSError("cannot offer the protocol '\(name)'", "it has from 1 to 255 bytes")
                }
                wire += [UInt8(name.utf8.count)] + name.utf8
            }
            unsafe applicationProtocols = .allocate(capacity: wire.count)
            _ = unsafe applicationProtocols.initialize(from: wire)
            unsafe copenssl_configure(context)
            // Of TLS 1.2 only what keeps old sessions secret from who gets the key later, with authenticated ciphers.
            unsafe SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20")
            if let identity, !use(identity) { throw TLSError("cannot use the certificate", OpenSSLErrors.take()) }
        }

        private func use(_ identity: TLSIdentity) -> Bool {
            unsafe SSL_CTX_use_cert_and_key(handle, identity.certificateHandle, identity.keyHandle, identity.chainHandle, 1) == 1
        }

        /// Has peers believed whose certificates lead to one of those in a file.
        func loadAuthorities(_ file: String) throws(TLSError) {
            let attempt = "cannot read the authorities \(file)"
            OpenSSLErrors.clear()
            if unsafe SSL_CTX_load_verify_file(handle, file) != 1 { throw .ofOpenSSL(attempt) }
        }

        /// Makes what OpenSSL knows about one connection.
        func makeConnection() throws(TransportFailure) -> OpaquePointer {
            OpenSSLErrors.clear()
            guard let ssl = unsafe SSL_new(handle) else { throw TransportFailure("TLS: \(OpenSSLErrors.take())") }
            return unsafe ssl
        }

        deinit {
            unsafe SSL_CTX_free(handle)
            unsafe applicationProtocols.deallocate()
        }
    }
#endif
