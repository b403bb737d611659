#if TLS
    import ReactorTLS
    import TestSupport

    /// An authority, certificates that it has issued, and another authority that nobody believes.
    struct TLSFixture {
        let certificates: TestCertificates
        let authority: TestCertificates.Identity
        let foreignAuthority: TestCertificates.Identity
        /// For localhost and 127.0.0.1.
        let serverIdentity: TLSIdentity

        init() throws {
            let certificates = try TestCertificates()
            self.certificates = certificates
            authority = try certificates.makeAuthority("authority")
            foreignAuthority = try certificates.makeAuthority("foreign")
            let files = try certificates.issue("server", for: ["localhost", "127.0.0.1"], by: authority)
            serverIdentity = try Self.identity(files)
        }

        static func identity(_ files: TestCertificates.Identity) throws -> TLSIdentity {
            try TLSIdentity(certificateFile: files.certificateFile, keyFile: files.keyFile)
        }

        /// A server that asks nobody for a certificate.
        func server() throws -> TLSServer { try TLSServer(identities: [serverIdentity]) }

        /// One that believes the authority.
        func client(identity: TLSIdentity? = nil, applicationProtocols: [String] = []) throws -> TLSClient {
            try TLSClient(
                trust: .authorities(file: authority.certificateFile), identity: identity,
                applicationProtocols: applicationProtocols)
        }
    }
#endif
