#if TLS
    import ChatReactorText
    import ChatCommandLine
    import Glibc
    import Reactor
    import ReactorTLS

    /// The certificates by which chatd proves who it is, and those that it asks of its clients: read from files, and again when they are renewed.
    final class ServerCertificates {
        private let server: TLSServer
        private var identities: Identities
        private var clients: Clients

        /// What a connection's bytes pass through.
        var transport: TransportFactory { server.transport }

        /// What `--tls-certificate` and `--tls-key` name.
        private struct Identities {
            var files: [String] = []
            var all: [TLSIdentity] = []
            /// What is in the files of certificates: an authority between may be another one although the certificate is the same.
            var texts: [String] = []
            /// The files of keys that others than their owner and its group may read, or than their owner may write.
            var openKeys: [String] = []

            init(_ options: TLSOptions) throws(Failure) {
                files = options.tlsCertificate
                for (certificate, key) in zip(options.tlsCertificate, options.tlsKey) {
                    // Before the files are used: one that is replaced meanwhile has then changed at the next reading. The other way round, it would
                    // be taken for the one that is served.
                    let text = Result { () throws(Failure) in
                        try ServerCertificates.text(of: certificate, called: "the certificate")
                    }
                    var status = stat()
                    if unsafe stat(key, &status) == 0, status.st_mode & 0o027 != 0 { openKeys.append(key) }
                    do throws(TLSError) {
                        all.append(try TLSIdentity(certificateFile: certificate, keyFile: key))
                    } catch {
                        throw ServerCertificates.failure(error)
                    }
                    // What OpenSSL says of a file that is no certificate says more.
                    texts.append(try text.get())
                }
            }
        }

        /// What `--tls-client-ca` and `--tls-clients` say.
        private struct Clients: Equatable {
            let rule: TLSServer.ClientCertificates
            /// What is in the file of authorities.
            let text: String

            init(_ options: TLSOptions) throws(Failure) {
                guard let file = options.tlsClientCa else { (rule, text) = (.ignored, ""); return }
                rule = options.tlsClients == .request ? .requested(authorities: file) : .required(authorities: file)
                text = try ServerCertificates.text(of: file, called: "the authorities")
            }
        }

        /// Reads what the options name. Nil if they name no certificate.
        init?(_ options: TLSOptions) throws(Failure) {
            if options.tlsCertificate.isEmpty { return nil }
            identities = try Identities(options)
            clients = try Clients(options)
            do throws(TLSError) {
                server = try TLSServer(identities: identities.all, clientCertificates: clients.rule)
            } catch {
                throw Self.failure(error)
            }
        }

        // MARK: - Reading them again

        /// Reads the certificates of changed options, or of changed files. What is returned has new connections use them, and tells whether they
        /// are others.
        func prepareIdentities(_ options: TLSOptions) throws(Failure) -> () -> Bool {
            if options.tlsCertificate.isEmpty { throw Failure("there is no --tls-certificate any more", code: EX_CONFIG) }
            let new = try Identities(options)
            try check(new, clients)
            return { [self] in
                let isChanged = new.texts != identities.texts || new.files != identities.files
                identities = new
                apply()
                return isChanged
            }
        }

        /// The same for what is asked of clients.
        func prepareClients(_ options: TLSOptions) throws(Failure) -> () -> Bool {
            let new = try Clients(options)
            try check(identities, new)
            return { [self] in
                let isChanged = new != clients
                clients = new
                apply()
                return isChanged
            }
        }

        /// What cannot be served must be known before anything is changed.
        private func check(_ identities: Identities, _ clients: Clients) throws(Failure) {
            do throws(TLSError) {
                _ = try TLSServer(identities: identities.all, clientCertificates: clients.rule)
            } catch {
                throw Self.failure(error)
            }
        }

        private func apply() {
            // It was checked a moment ago. If a file has gone meanwhile, connections go on with what they had, and the next reading says so.
            try? server.update(identities: identities.all, clientCertificates: clients.rule)
        }

        private static func text(of file: String, called name: String) throws(Failure) -> String {
            try TextFile.read(file, called: name, limit: 1 << 20, badCode: EX_DATAERR)
        }

        private static func failure(_ error: TLSError) -> Failure {
            Failure("\(error)", code: Failure.code(forReading: error.systemError))
        }

        // MARK: - What is to be said of them

        /// When the certificates expire, in seconds since 1970, with the files that they are from.
        var expirations: [(file: String, time: Int)] {
            zip(identities.files, identities.all).map { ($0, $1.certificate.expiration) }
        }

        /// A sentence for each that has expired, or that expires within two weeks, since whoever renews them does so earlier; and for each key
        /// that is not kept.
        var warnings: [String] {
            let now = Timestamp.now / 1_000
            let ofCertificates: [String] = expirations.compactMap { file, time in
                let left = Int64(time) - now
                if left > 14 * 86_400 { return nil }
                let date = Timestamp.minute(Int64(time) * 1_000)
                if left <= 0 { return "the certificate \(file) has expired, on \(date); clients will not trust it" }
                let days = left / 86_400
                return "the certificate \(file) expires in \(days) \(days == 1 ? "day" : "days"), on \(date)"
            }
            return ofCertificates
                + identities.openKeys.map { "others may read or write the key \($0): chmod 600 makes it its owner's alone" }
        }
    }
#else
    import ChatCommandLine
    import Reactor

    /// In a build without TLS there are none: its options were refused before.
    struct ServerCertificates {
        init?(_ options: TLSOptions) throws(Failure) { return nil }

        var transport: TransportFactory? { nil }
        var expirations: [(file: String, time: Int)] { [] }
        var warnings: [String] { [] }

        func prepareIdentities(_ options: TLSOptions) throws(Failure) -> () -> Bool { { false } }
        func prepareClients(_ options: TLSOptions) throws(Failure) -> () -> Bool { { false } }
    }
#endif
