#if TLS
    import Glibc
    @testable import Reactor
    @testable import ReactorTLS
    import TestSupport
    import Testing

    /// Who is believed, and what the two sides agree upon.
    @Suite(.enabled(if: TestCertificates.canBeMade))
    struct TLSHandshakeTests {
        private let fixture: TLSFixture
        private var certificates: TestCertificates { fixture.certificates }
        private var authority: TestCertificates.Identity { fixture.authority }

        init() throws { fixture = try TLSFixture() }

        private func session(of end: TLSEnd) throws -> TLSSession { try #require(end.transport as? TLSTransport).session }

        @Test("The two agree upon TLS 1.3, and the client knows the certificate")
        func agreed() throws {
            let identity = fixture.serverIdentity
            let pair = try TLSPair(TLSServer(identities: [identity]), fixture.client())
            pair.establish()
            let (server, client) = (try session(of: pair.server), try session(of: pair.client))
            #expect(server.protocolVersion == "TLSv1.3" && client.protocolVersion == "TLSv1.3")
            #expect(server.cipherSuite == client.cipherSuite && !server.cipherSuite.isEmpty)
            #expect(server.serverName == "localhost" && server.peerCertificate == nil && server.applicationProtocol == nil)
            #expect(client.peerCertificate == identity.certificate)
            #expect(identity.certificate.name == "localhost" && identity.certificate.names == ["localhost", "127.0.0.1"])
            #expect(!server.isResumed)
            // It is valid for 90 days.
            let days = (identity.certificate.expiration - Int(time(nil))) / 86_400
            #expect((88...90).contains(days))
            let files = try certificates.issue("fingerprint", for: ["fingerprint"], by: authority)
            #expect(
                try TLSFixture.identity(files).certificate.fingerprintText
                    == certificates.fingerprint(of: files.certificateFile))
        }

        @Test("A server whose certificate is for an address is believed at that address")
        func address() throws {
            let server = try fixture.server()
            let pair = try TLSPair(server, fixture.client(), host: "127.0.0.1")
            pair.establish()
            #expect(pair.client.isEstablished && pair.server.isEstablished)
            #expect(try session(of: pair.server).serverName == nil)
        }

        @Test(
            "Who is not whom the client wants is not believed",
            arguments: ["name", "address", "authority", "expired", "early", "self"])
        func notBelieved(reason: String) throws {
            let foreign = fixture.foreignAuthority
            let files =
                switch reason {
                case "authority": try certificates.issue("by-foreign", for: ["localhost"], by: foreign)
                case "expired": try certificates.issue("expired", for: ["localhost"], by: authority, days: -10 ... -1)
                case "early": try certificates.issue("early", for: ["localhost"], by: authority, days: 2...10)
                case "self": try certificates.issue("self-signed", for: ["localhost"])
                default: try certificates.issue("other", for: ["other.example"], by: authority)
                }
            let host = reason == "address" ? "127.0.0.1" : "localhost"
            let pair = try TLSPair(TLSServer(identities: [TLSFixture.identity(files)]), fixture.client(), host: host)
            pair.establish()
            let failure = try #require(pair.client.failure?.description)
            #expect(failure.hasPrefix("TLS: certificate verify failed: "))
            let words = [
                "name": "hostname mismatch", "address": "IP address mismatch",
                "authority": "unable to get local issuer certificate",
                "expired": "certificate has expired", "early": "certificate is not yet valid", "self": "self-signed certificate",
            ]
            #expect(failure.contains(words[reason] ?? "?"), "\(failure)")
            // The server is told by an alert.
            #expect(pair.server.failure != nil)
        }

        @Test("An empty name is no host, and nothing is connected without one")
        func noHost() throws {
            let client = try fixture.client()
            #expect(throws: TransportFailure.self) { try client.transport(host: "").makeTransport(.client) }
        }

        @Test("A client may decide itself whom it believes, and learns what is wrong", arguments: [true, false])
        func decided(isBelieved: Bool) throws {
            let identity = try TLSFixture.identity(try certificates.issue("own", for: ["own.example"]))
            let seen = Record<String>()
            let client = try TLSClient(
                trust: .decided(by: { certificate, problem in
                    seen.append(certificate.fingerprintText + " " + (problem ?? "none"))
                    return isBelieved
                }))
            let pair = try TLSPair(TLSServer(identities: [identity]), client, host: "own.example")
            pair.establish()
            #expect(pair.client.isEstablished == isBelieved)
            #expect((pair.client.failure != nil) == !isBelieved)
            #expect(seen.elements == [identity.certificate.fingerprintText + " self-signed certificate"])
        }

        @Test("Of several certificates, a client gets the one for the host that it names")
        func names() throws {
            let hosts = ["a.example", "b.example", "*.c.example"]
            let identities = try hosts.enumerated().map { index, host in
                try TLSFixture.identity(certificates.issue("host\(index)", for: [host], by: authority))
            }
            let server = try TLSServer(identities: identities)
            for (host, index) in [("a.example", 0), ("b.example", 1), ("x.c.example", 2)] {
                let pair = try TLSPair(server, fixture.client(), host: host)
                pair.establish()
                #expect(pair.client.failure == nil)
                #expect(try session(of: pair.client).peerCertificate == identities[index].certificate)
            }
            // Whoever names another host is shown the first, and does not believe it.
            let pair = try TLSPair(server, fixture.client(), host: "d.example")
            pair.establish()
            #expect(pair.client.failure?.description.contains("hostname mismatch") == true)
        }

        @Test("Each side picks what both speak, and a client that speaks other protocols alone is not served")
        func applicationProtocols() throws {
            let server = try TLSServer(identities: [fixture.serverIdentity], applicationProtocols: ["chat/2", "chat/1"])
            for (offered, chosen) in [(["chat/1", "chat/2"], "chat/2"), (["x", "chat/1"], "chat/1"), ([], nil)]
                as [([String], String?)]
            {
                let pair = try TLSPair(server, fixture.client(applicationProtocols: offered))
                pair.establish()
                #expect(pair.server.failure == nil)
                #expect(try session(of: pair.server).applicationProtocol == chosen)
                #expect(try session(of: pair.client).applicationProtocol == chosen)
            }
            let pair = try TLSPair(server, fixture.client(applicationProtocols: ["x"]))
            pair.establish()
            #expect(pair.server.failure != nil && pair.client.failure != nil)
            #expect(throws: TLSError.self) { try fixture.client(applicationProtocols: [""]) }
        }

        @Test("A client is asked for a certificate, and known by it", arguments: [false, true])
        func clientCertificates(isRequired: Bool) throws {
            let file = authority.certificateFile
            let server = try TLSServer(
                identities: [fixture.serverIdentity],
                clientCertificates: isRequired ? .required(authorities: file) : .requested(authorities: file))
            let ana = try TLSFixture.identity(certificates.issue("ana", subject: "ana", by: authority))
            let pair = try TLSPair(server, fixture.client(identity: ana))
            pair.establish()
            #expect(pair.server.failure == nil)
            #expect(try session(of: pair.server).peerCertificate?.name == "ana")

            let anybody = try TLSPair(server, fixture.client())
            anybody.establish()
            #expect(anybody.server.isEstablished == !isRequired)

            // A wrong one is worse than none.
            let foreign = fixture.foreignAuthority
            for files in [
                try certificates.issue("eve", subject: "ana", by: foreign),
                try certificates.issue("late", subject: "ana", by: authority, days: -10 ... -1),
            ] {
                let pair = try TLSPair(server, fixture.client(identity: TLSFixture.identity(files)))
                pair.establish()
                #expect(!pair.server.isEstablished && pair.server.failure != nil)
            }
        }

        @Test("A chain that is longer than what is lent for it is sent in parts")
        func longChain() throws {
            var issuer = authority
            for depth in 0..<45 { issuer = try certificates.makeAuthority("between\(depth)", by: issuer) }
            let identity = try TLSFixture.identity(certificates.issue("deep", for: ["localhost"], by: issuer))
            let pair = try TLSPair(TLSServer(identities: [identity]), fixture.client(), host: "localhost")
            let answer = pair.server.take(pair.client.take([]))
            #expect(answer.count > WireBuffer.outputSize)
            pair.exchange(pair.client.take(answer))
            #expect(pair.client.isEstablished && pair.server.isEstablished, "\(String(describing: pair.client.failure))")
        }

        @Test("Connections that come later get the certificates of an update, and a bad update changes nothing")
        func update() throws {
            let server = try fixture.server()
            let new = try TLSFixture.identity(certificates.issue("new", for: ["localhost"], by: authority))
            #expect(throws: TLSError.self) { try server.update(identities: []) }
            #expect(throws: TLSError.self) {
                try server.update(identities: [new], clientCertificates: .required(authorities: TemporaryPath().path))
            }
            let before = try TLSPair(server, fixture.client())
            _ = before.client.take([])
            try server.update(identities: [new])
            let after = try TLSPair(server, fixture.client())
            after.establish()
            #expect(try session(of: after.client).peerCertificate == new.certificate)
            // One that was made before goes on with what it was made with.
            let early = try TLSPair(server, fixture.client())
            try server.update(identities: [fixture.serverIdentity])
            early.establish()
            #expect(try session(of: early.client).peerCertificate == new.certificate)
        }
    }
#endif
