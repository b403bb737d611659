#if TLS
    import CReactorOpenSSL
    import Reactor

    /// What one side proves who it is with: a certificate, the chain that leads from it to an authority, and its private key.
    @safe public final class TLSIdentity: @unchecked Sendable {
        // OpenSSL counts the references to these, and changes them no more once they are made.
        let certificateHandle: OpaquePointer
        let keyHandle: OpaquePointer
        let chainHandle: OpaquePointer?

        /// What the certificate says.
        public let certificate: TLSCertificate

        /// Reads both files.
        ///
        /// - Parameters:
        ///   - certificateFile: The certificate and, behind it, the others of its chain: in PEM, as `fullchain.pem` of an ACME client.
        ///   - keyFile: The private key, in PEM, not encrypted. It may be the same file.
        /// - Throws: If a file cannot be read or is no such thing, or if the key is another certificate's.
        ///
        /// The corresponding C functions are `PEM_read_bio_X509`, `PEM_read_bio_PrivateKey` and `X509_check_private_key`.
        public init(certificateFile: String, keyFile: String) throws(TLSError) {
            OpenSSLErrors.clear()
            var certificates = unsafe try Self.readCertificates(certificateFile)
            let first = unsafe certificates.removeFirst()
            // Without memory it is nil, and OpenSSL takes that for a chain of none.
            let chain = unsafe copenssl_new_chain()
            for index in unsafe certificates.indices { _ = unsafe copenssl_push(chain, certificates[index]) }
            unsafe certificateHandle = first
            unsafe chainHandle = chain
            do throws(TLSError) {
                unsafe keyHandle = try Self.readKey(keyFile)
            } catch {
                unsafe X509_free(first)
                unsafe copenssl_free_chain(chain)
                throw error
            }
            unsafe certificate = TLSCertificate(first)
            if unsafe X509_check_private_key(first, keyHandle) != 1 {
                _ = OpenSSLErrors.take()
                throw TLSError("cannot use the key \(keyFile)", "it is not the key of the certificate \(certificateFile)")
            }
        }

        deinit {
            unsafe X509_free(certificateHandle)
            unsafe EVP_PKEY_free(keyHandle)
            unsafe copenssl_free_chain(chainHandle)
        }

        private static func readCertificates(_ file: String) throws(TLSError) -> [OpaquePointer] {
            let attempt = "cannot read the certificate \(file)"
            let bio = unsafe try openFile(file, attempt)
            defer { unsafe BIO_free(bio) }
            var certificates: [OpaquePointer] = unsafe []
            while let certificate = unsafe PEM_read_bio_X509(bio, nil, noPassword, nil) {
                unsafe certificates.append(certificate)
            }
            let isDamaged = !isAtEndOfPEM()
            if unsafe isDamaged || certificates.isEmpty {
                while let certificate = unsafe certificates.popLast() { unsafe X509_free(certificate) }
                let reason = OpenSSLErrors.take()
                throw TLSError(attempt, isDamaged ? "it is damaged: \(reason)" : "there is no certificate in it")
            }
            OpenSSLErrors.clear()
            return unsafe certificates
        }

        private static func readKey(_ file: String) throws(TLSError) -> OpaquePointer {
            let attempt = "cannot read the key \(file)"
            let bio = unsafe try openFile(file, attempt)
            defer { unsafe BIO_free(bio) }
            var isEncrypted = false
            if let key = unsafe PEM_read_bio_PrivateKey(bio, nil, noPassword, &isEncrypted) { return unsafe key }
            OpenSSLErrors.clear()
            throw TLSError(attempt, isEncrypted ? "it is encrypted" : "there is no private key in it that OpenSSL knows")
        }

        /// Whether the last error means that no more PEM follows.
        private static func isAtEndOfPEM() -> Bool {
            let code = ERR_peek_last_error()
            return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE
        }

        private static func openFile(_ file: String, _ attempt: String) throws(TLSError) -> OpaquePointer {
            if let bio = unsafe BIO_new_file(file, "r") { return unsafe bio }
            throw .ofOpenSSL(attempt)
        }
    }

    /// Notes that a password is wanted. Without this, OpenSSL would ask for it at the terminal.
    private let noPassword: @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = {
        _, _, _, isWanted in
        unsafe isWanted?.assumingMemoryBound(to: Bool.self).pointee = true
        return -1
    }
#endif
