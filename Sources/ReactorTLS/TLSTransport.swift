#if TLS
    import CReactorOpenSSL
    import Glibc
    import Reactor

    /// TLS as a filter of bytes. OpenSSL reads and writes through a BIO that has no memory of its own: it works on what the connection lends for
    /// one call.
    @safe final class TLSTransport: Transport {
        /// OpenSSL's `SSL *`.
        let ssl: OpaquePointer
        private let bio: OpaquePointer
        /// Whoever made `ssl`. OpenSSL calls it back.
        private let context: TLSContext
        private(set) var hasEnded = false
        /// OpenSSL must not be called any more after a failure, not even to say the end.
        private var hasFailed = false
        private let role: TransportRole
        /// Whether the peer has begun with a record of TLS.
        private var hasHeardTLS = false

        /// What a record has besides its content, at most, with a handshake message that OpenSSL may put before it.
        private static let overhead = 1_024
        /// The longest content of a record.
        private static let longestContent = 16_384

        /// Takes over what `context` has made.
        init(taking ssl: OpaquePointer, of context: TLSContext, as role: TransportRole) throws(TransportFailure) {
            unsafe self.ssl = ssl
            self.context = context
            self.role = role
            guard let bio = unsafe BIO_new(LentMemory.method) else {
                unsafe SSL_free(ssl)
                throw TransportFailure("TLS: \(OpenSSLErrors.take())")
            }
            unsafe self.bio = bio
            // It is both sides of the connection, and `ssl` has it now.
            unsafe SSL_set_bio(ssl, bio, bio)
            switch role {
            case .client: unsafe SSL_set_connect_state(ssl)
            case .server: unsafe SSL_set_accept_state(ssl)
            }
        }

        deinit {
            unsafe SSL_free(ssl)
        }

        func establish(_ wire: inout TransportWire) throws(TransportFailure) -> Bool {
            if !hasHeardTLS, wire.inputCount > 0 { try checkFirstByte(&wire) }
            let result = callOpenSSL(&wire) { unsafe SSL_do_handshake(ssl) }
            if result == 1 { return true }
            try checkWants(result)
            return false
        }

        /// OpenSSL would wait for five bytes, and a peer that speaks plain lines has perhaps sent a shorter one, and waits, too.
        private func checkFirstByte(_ wire: inout TransportWire) throws(TransportFailure) {
            var first: UInt8 = 0
            unsafe wire.takeInput { input in
                unsafe first = input.first ?? 0
                return 0
            }
            // The types of the records that a handshake begins with, or that refuse it.
            hasHeardTLS = first == 0x16 || (role == .client && first == 0x15)
            if hasHeardTLS { return }
            hasFailed = true
            // A fatal alert, by which a client that knows TLS when it sees it can tell its user: protocol_version.
            if role == .server {
                let alert: [UInt8] = [0x15, 3, 1, 0, 2, 2, 70]
                unsafe wire.putOutput { room in
                    guard room.count >= alert.count else { return 0 }
                    unsafe room.copyBytes(from: alert)
                    return alert.count
                }
            }
            throw .notTLS
        }

        func open(_ wire: inout TransportWire, into plaintext: UnsafeMutableRawBufferPointer) throws(TransportFailure) -> Int {
            if hasEnded {
                // Nothing may come after the end. What does is nobody's.
                unsafe wire.takeInput { $0.count }
                return 0
            }
            var count = 0
            let result = callOpenSSL(&wire) { unsafe SSL_read_ex(ssl, plaintext.baseAddress, plaintext.count, &count) }
            if result == 1 { return count }
            if unsafe SSL_get_error(ssl, result) == SSL_ERROR_ZERO_RETURN {
                hasEnded = true
                return 0
            }
            try checkWants(result)
            return 0
        }

        func seal(_ bytes: UnsafeRawBufferPointer, _ wire: inout TransportWire) throws(TransportFailure) -> Int {
            let room = min(wire.room - Self.overhead, Self.longestContent)
            // What does not fit goes into a wire that is empty, rather than into records of a few bytes.
            guard room >= min(bytes.count, 2_048), room > 0 else { return 0 }
            var count = 0
            let length = min(bytes.count, room)
            let result = callOpenSSL(&wire) { unsafe SSL_write_ex(ssl, bytes.baseAddress, length, &count) }
            if result == 1 { return count }
            hasFailed = true
            throw failure()
        }

        func sealEnd(_ wire: inout TransportWire) {
            if unsafe hasFailed || SSL_is_init_finished(ssl) != 1 { return }
            // It says whether the peer's end has come, too, which does not matter here.
            _ = callOpenSSL(&wire) { unsafe SSL_shutdown(ssl) }
            OpenSSLErrors.clear()
        }

        /// Calls OpenSSL with the wire's memory lent to its BIO.
        private func callOpenSSL(_ wire: inout TransportWire, _ body: () -> Int32) -> Int32 {
            // What another call has left there would be taken for this one's.
            OpenSSLErrors.clear()
            var result: Int32 = -1
            unsafe wire.exchange { input, output in
                var lent = unsafe LentMemory(input: input, output: output)
                unsafe withUnsafeMutablePointer(to: &lent) { pointer in
                    unsafe BIO_set_data(bio, pointer)
                    result = body()
                    unsafe BIO_set_data(bio, nil)
                }
                return (lent.taken, lent.put)
            }
            return result
        }

        /// Throws unless OpenSSL only wants more input, or more room.
        private func checkWants(_ result: Int32) throws(TransportFailure) {
            switch unsafe SSL_get_error(ssl, result) {
            case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return
            default:
                hasFailed = true
                throw failure()
            }
        }

        private func failure() -> TransportFailure {
            let isUnverified = ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED
            var reason = OpenSSLErrors.take()
            if isUnverified {
                let result = unsafe SSL_get_verify_result(ssl)
                unsafe reason += ": " + String(cString: X509_verify_cert_error_string(result))
            }
            return TransportFailure("TLS: \(reason)")
        }

        // MARK: - What was agreed

        var session: TLSSession {
            let version = unsafe SSL_get_version(ssl).map { unsafe String(cString: $0) } ?? ""
            let cipher = unsafe SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)).map { unsafe String(cString: $0) } ?? ""
            var (start, count): (UnsafePointer<UInt8>?, UInt32) = (nil, 0)
            unsafe SSL_get0_alpn_selected(ssl, &start, &count)
            let chosen = unsafe UnsafeBufferPointer(start: start, count: Int(count))
            return unsafe TLSSession(
                protocolVersion: version, cipherSuite: cipher,
                applicationProtocol: count == 0 ? nil : String(decoding: chosen, as: UTF8.self),
                serverName: SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { unsafe String(cString: $0) },
                peerCertificate: SSL_get0_peer_certificate(ssl).map { unsafe TLSCertificate($0) },
                isResumed: SSL_session_reused(ssl) == 1)
        }
    }

    /// What a connection has lent for the call of OpenSSL that is under way: the BIO's data.
    @safe private struct LentMemory {
        let input: UnsafeRawBufferPointer
        let output: UnsafeMutableRawBufferPointer
        var taken = 0
        var put = 0

        init(input: UnsafeRawBufferPointer, output: UnsafeMutableRawBufferPointer) {
            unsafe self.input = input
            unsafe self.output = output
        }

        /// The BIO's functions. OpenSSL calls them from within what `callOpenSSL` calls, and at no other time.
        nonisolated(unsafe) static let method: OpaquePointer? = {
            let method = unsafe BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "lent memory")
            unsafe BIO_meth_set_create(method) { bio in
                unsafe BIO_set_init(bio, 1)
                return 1
            }
            unsafe BIO_meth_set_read(method) { bio, bytes, count in
                unsafe copenssl_bio_clear_retry(bio)
                guard let data = unsafe BIO_get_data(bio), let bytes = unsafe bytes, count > 0 else { return -1 }
                let lent = unsafe data.assumingMemoryBound(to: LentMemory.self)
                let taken = unsafe lent.pointee.taken
                let length = unsafe min(Int(count), lent.pointee.input.count &- taken)
                guard length > 0, let start = unsafe lent.pointee.input.baseAddress else {
                    unsafe copenssl_bio_retry_read(bio)
                    return -1
                }
                unsafe memcpy(bytes, start + taken, length)
                unsafe lent.pointee.taken += length
                return Int32(length)
            }
            unsafe BIO_meth_set_write(method) { bio, bytes, count in
                unsafe copenssl_bio_clear_retry(bio)
                guard let data = unsafe BIO_get_data(bio), let bytes = unsafe bytes, count > 0 else { return -1 }
                let lent = unsafe data.assumingMemoryBound(to: LentMemory.self)
                let put = unsafe lent.pointee.put
                let length = unsafe min(Int(count), lent.pointee.output.count &- put)
                guard length > 0, let start = unsafe lent.pointee.output.baseAddress else {
                    unsafe copenssl_bio_retry_write(bio)
                    return -1
                }
                unsafe memcpy(start + put, bytes, length)
                unsafe lent.pointee.put += length
                return Int32(length)
            }
            // Nothing is kept, so there is nothing to flush. Without the answer 1 OpenSSL would take the flush for failed.
            unsafe BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
            return unsafe method
        }()
    }
#endif
