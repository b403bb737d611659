#if TLS
    import ChatReactorText
    import ChatCommandLine
    import Glibc
    import Reactor
    import ReactorTLS
    import Synchronization

    /// How chat speaks TLS with its server: which servers it trusts, and in which words it says that it does not trust one.
    final class ServerTrust {
        /// What a connection's bytes pass through.
        let transport: TransportFactory
        private let host: String
        /// The server as people write it: `chat.example.org:3002`.
        private let server: String
        private let preferences: TLSPreferences
        private let judge: Judge

        /// The exit code for a server that cannot be trusted.
        static let untrustedCode = EX_PROTOCOL

        init(_ preferences: TLSPreferences, for endpoint: Endpoint) throws(Failure) {
            guard case .tcp(let host, _) = endpoint else {
                throw Failure("a certificate is for a host, and \(endpoint) is none: TLS does not go there", code: EX_USAGE)
            }
            if preferences.tlsCa != nil, preferences.tlsTrustOnFirstUse == true {
                throw Failure("--tls-ca does not go with --tls-trust-on-first-use", code: EX_USAGE)
            }
            if (preferences.tlsCertificate == nil) != (preferences.tlsKey == nil) {
                throw Failure("--tls-certificate and --tls-key go together", code: EX_USAGE)
            }
            self.host = host
            self.preferences = preferences
            server = "\(endpoint)".lowercased()
            var known: KnownServers?
            if preferences.tlsTrustOnFirstUse == true {
                guard let path = KnownServers.standardPath else {
                    throw Failure("there is no folder in which servers could be remembered: HOME is not set", code: EX_CANTCREAT)
                }
                known = KnownServers(at: path)
            }
            let judge = Judge(of: server, known: known)
            self.judge = judge
            do throws(TLSError) {
                let client = try TLSClient(
                    trust: .decided(authorities: preferences.tlsCa, by: { judge.trusts($0, despite: $1) }),
                    identity: try Self.identity(preferences))
                transport = client.transport(host: host)
            } catch {
                throw Failure("\(error)", code: Failure.code(forReading: error.systemError))
            }
        }

        private static func identity(_ preferences: TLSPreferences) throws(TLSError) -> TLSIdentity? {
            guard let certificate = preferences.tlsCertificate, let key = preferences.tlsKey else { return nil }
            return try TLSIdentity(certificateFile: certificate, keyFile: key)
        }

        // MARK: - A server that is trusted

        /// Remembers a server whose connection has opened, which has shown by that that it has the key.
        ///
        /// - Returns: What the user should know.
        func didConnect() throws(Failure) -> String? {
            guard case .new(let certificate, let problem, let known) = judge.verdict else { return nil }
            let fingerprint = certificate.fingerprintText
            let remembered = try known.remember(server, fingerprint)
            // Another client has remembered another one, a moment ago.
            if remembered != fingerprint { throw changed(from: remembered, to: fingerprint, known) }
            return
                "\(server) is trusted from now on, as it is (\(problem)); ask its operator whether this is the fingerprint of its "
                + "certificate: SHA256 \(fingerprint)"
        }

        // MARK: - A server that is not

        /// Why no connection could be made, if another attempt would come to the same; nil if it may have been the network.
        func outcome(of failures: [Dialer.Failure]) -> Outcome? {
            // One of several addresses may have failed for another reason.
            let isRefused = failures.contains { if case .transportFailed = $0.reason { true } else { false } }
            if !isRefused { return nil }
            if let failure = untrusted { return .failed(failure) }
            let alerts = failures.compactMap { refusal($0.reason) }
            return alerts.first.map { .refused($0) } ?? .couldNotConnect(failures)
        }

        /// What a server says that does not let the client in for its certificate, or for its having none.
        func refusal(_ reason: CloseReason) -> String? {
            guard case .transportFailed(let failure) = reason, failure.description.contains("alert") else { return nil }
            let words = failure.description.dropFirst(failure.description.hasPrefix("TLS: ") ? 5 : 0)
            if preferences.tlsCertificate == nil {
                if words.contains("certificate required") {
                    return "nobody gets in without a certificate: use --tls-certificate and --tls-key"
                }
                return "it may be that it wants a certificate, for which there are --tls-certificate and --tls-key (\(words))"
            }
            return "it does not accept the certificate \(preferences.tlsCertificate ?? "") (\(words))"
        }

        private var untrusted: Failure? {
            switch judge.verdict {
            case .none, .trusted, .new: nil
            case .failed(let failure): failure
            case .changed(let certificate, let remembered, let known):
                changed(from: remembered, to: certificate.fingerprintText, known)
            case .untrusted(let certificate, let problem):
                Failure("cannot trust \(server): \(explanation(of: problem, certificate))", code: Self.untrustedCode)
            }
        }

        private func changed(from remembered: String, to fingerprint: String, _ known: KnownServers) -> Failure {
            Failure(
                "THE CERTIFICATE OF \(server) IS ANOTHER ONE THAN BEFORE: somebody may be in between, and would read all that you write.",
                details: [
                    "  remembered: SHA256 \(remembered)",
                    "  now:        SHA256 \(fingerprint)",
                    "Ask its operator, in another way than by this chat. If the new one is right, remove the line of \(server) from",
                    known.path,
                ], code: Self.untrustedCode)
        }

        private func explanation(of problem: String, _ certificate: TLSCertificate) -> String {
            if problem.contains("mismatch") {
                let names = certificate.names.isEmpty ? [certificate.name].compactMap(\.self) : certificate.names
                let list = names.map { "'\(visible($0))'" }.joined(separator: ", ")
                return
                    "its certificate is not for '\(host)' but for \(list.isEmpty ? "nobody" : list); connect by a name that it has"
            }
            if problem.contains("expired") {
                let date = Timestamp.minute(Int64(certificate.expiration) * 1_000)
                return "its certificate has expired, on \(date); its operator has to renew it, unless the clock here is wrong"
            }
            if problem.contains("not yet valid") { return "its certificate is not valid yet; is the clock here right?" }
            if problem.contains("self-signed") || problem.contains("issuer") || problem.contains("verify the first certificate") {
                let who = preferences.tlsCa.map { "the authorities in \($0)" } ?? "the authorities that this system knows"
                return "its certificate for '\(host)' is from none of \(who) (\(problem)); if it is right all the same, "
                    + "have its operator give you the authority's certificate, for --tls-ca FILE, or see --tls-trust-on-first-use"
            }
            return "there is something wrong with its certificate for '\(host)': \(problem)"
        }

        /// A certificate says what its maker wants it to.
        private func visible(_ text: String) -> String {
            var bytes: [UInt8] = []
            VisibleText.append(Array(text.utf8).span, to: &bytes, invalidUTF8: .hexadecimal)
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Decides about the certificates of a server, and remembers how.
    private final class Judge: Sendable {
        enum Verdict {
            case none
            case trusted
            /// It was never seen before, and is trusted if its connection opens.
            case new(TLSCertificate, problem: String, KnownServers)
            case changed(TLSCertificate, remembered: String, KnownServers)
            case untrusted(TLSCertificate, problem: String)
            /// Nobody can say: the known servers cannot be read.
            case failed(Failure)

            var isTrusted: Bool {
                switch self {
                case .trusted, .new: true
                case .none, .changed, .untrusted, .failed: false
                }
            }
        }

        private let server: String
        private let known: KnownServers?
        private let state = Mutex(Verdict.none)

        init(of server: String, known: KnownServers?) {
            self.server = server
            self.known = known
        }

        /// The last one.
        var verdict: Verdict { state.withLock { $0 } }

        func trusts(_ certificate: TLSCertificate, despite problem: String?) -> Bool {
            let verdict = verdict(on: certificate, problem)
            state.withLock { $0 = verdict }
            return verdict.isTrusted
        }

        private func verdict(on certificate: TLSCertificate, _ problem: String?) -> Verdict {
            guard let problem else { return .trusted }
            guard let known else { return .untrusted(certificate, problem: problem) }
            do throws(Failure) {
                guard let remembered = try known.fingerprint(of: server) else {
                    return .new(certificate, problem: problem, known)
                }
                return remembered == certificate.fingerprintText ? .trusted : .changed(certificate, remembered: remembered, known)
            } catch {
                return .failed(error)
            }
        }
    }
#else
    import ChatCommandLine
    import Reactor

    /// In a build without TLS there is none: its preferences were refused before.
    struct ServerTrust {
        init(_ preferences: TLSPreferences, for endpoint: Endpoint) throws(Failure) {
            throw Failure(TLSSupport.absence, code: 64)
        }

        var transport: TransportFactory? { nil }

        func didConnect() throws(Failure) -> String? { nil }
        func outcome(of failures: [Dialer.Failure]) -> Outcome? { nil }
        func refusal(_ reason: CloseReason) -> String? { nil }
    }
#endif
