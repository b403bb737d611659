#if TLS
    import CReactorOpenSSL
    import Glibc

    /// What a certificate says, and by which digest it is known.
    public struct TLSCertificate: Hashable, Sendable {
        /// The common name of its subject. Nil if it has none, or one that is no text.
        public let name: String?
        /// The names of its subject for a peer that connects to it: host names, which may begin with `*.`, and IP addresses.
        public let names: [String]
        /// When it ceases to be valid, in seconds since the beginning of 1970, UTC.
        public let expiration: Int
        /// The SHA-256 digest of the whole certificate: 32 bytes.
        public let fingerprint: [UInt8]

        /// The fingerprint as `openssl x509 -fingerprint -sha256` writes it: 32 numbers, as in `A1:0B:…`.
        public var fingerprintText: String {
            fingerprint.map { byte in
                let digits = String(byte, radix: 16, uppercase: true)
                return digits.utf8.count < 2 ? "0" + digits : digits
            }.joined(separator: ":")
        }

        /// The pointer is OpenSSL's `X509 *`, and is used only in here.
        init(_ certificate: OpaquePointer) {
            unsafe name = Self.commonName(of: certificate)
            unsafe names = Self.alternativeNames(of: certificate)
            var time = unsafe tm()
            expiration = unsafe ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) == 1 ? timegm(&time) : 0
            var digest = [UInt8](repeating: 0, count: 32)
            var length: UInt32 = 0
            _ = unsafe X509_digest(certificate, EVP_sha256(), &digest, &length)
            fingerprint = digest
        }

        private static func commonName(of certificate: OpaquePointer) -> String? {
            guard let subject = unsafe X509_get_subject_name(certificate) else { return nil }
            let index = unsafe X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
            guard index >= 0, let entry = unsafe X509_NAME_get_entry(subject, index) else { return nil }
            return unsafe text(of: X509_NAME_ENTRY_get_data(entry))
        }

        /// Nil for a text with a NUL in it: somebody may take what comes before that for all of it.
        private static func text(of string: UnsafePointer<ASN1_STRING>?) -> String? {
            var bytes: UnsafeMutablePointer<UInt8>?
            guard let string = unsafe string else { return nil }
            let count = unsafe Int(ASN1_STRING_to_UTF8(&bytes, string))
            guard count >= 0, let start = unsafe bytes else { return nil }
            defer { unsafe CRYPTO_free(start, nil, 0) }
            let text = unsafe UnsafeBufferPointer(start: start, count: count)
            return unsafe text.contains(0) ? nil : String(validating: text, as: UTF8.self)
        }

        private static func alternativeNames(of certificate: OpaquePointer) -> [String] {
            guard let raw = unsafe X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return [] }
            let all = OpaquePointer(raw)
            defer { unsafe copenssl_free_names(all) }
            return unsafe (0..<copenssl_name_count(all)).compactMap { index in
                var kind: Int32 = 0
                guard let value = unsafe GENERAL_NAME_get0_value(copenssl_name(all, index), &kind) else { return nil }
                let string = unsafe UnsafePointer(value.assumingMemoryBound(to: ASN1_STRING.self))
                switch kind {
                case GEN_DNS: return unsafe text(of: string)
                case GEN_IPADD: return unsafe address(in: string)
                default: return nil
                }
            }
        }

        private static func address(in string: UnsafePointer<ASN1_STRING>) -> String? {
            let count = unsafe ASN1_STRING_length(string)
            guard count == 4 || count == 16, let bytes = unsafe ASN1_STRING_get0_data(string) else { return nil }
            return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { memory in
                let family = count == 4 ? AF_INET : AF_INET6
                let text = unsafe inet_ntop(family, bytes, memory.baseAddress, socklen_t(memory.count))
                return unsafe text.map { unsafe String(cString: $0) }
            }
        }
    }
#endif
