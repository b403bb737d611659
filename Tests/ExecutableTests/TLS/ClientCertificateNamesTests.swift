#if TLS
    import Glibc
    import TestSupport
    import Testing

    /// Who shows a certificate has its name, and nobody else gets that.
    @Suite(.enabled(if: TestCertificates.canBeMade)) struct ClientCertificateNamesTests {
        private let certificates: TestCertificates
        private let authority: TestCertificates.Identity
        private let options: [String]

        init() throws {
            certificates = try TestCertificates()
            authority = try certificates.makeAuthority("ca")
            let server = try certificates.issue("server", for: ["localhost"], by: authority)
            options = [
                "--listen", "tls:127.0.0.1:0", "--tls-certificate", server.certificateFile, "--tls-key", server.keyFile, "--chat",
                "--tls-client-ca", authority.certificateFile, "--tls-clients", "request",
            ]
        }

        private func connect(to port: UInt16, as name: String? = nil) throws -> ChildProcess {
            guard let name else { return try TLSPeer.openssl(to: port, ["-quiet"]) }
            let identity = try certificates.issue("client", subject: name, by: authority)
            return try TLSPeer.openssl(to: port, ["-quiet", "-cert", identity.certificateFile, "-key", identity.keyFile])
        }

        private func line(of process: ChildProcess, containing text: String) throws -> String {
            while let line = try process.output.line() { if line.contains(text) { return line } }
            throw TimedOut("'\(text)'")
        }

        @Test(arguments: ["1", "2"])
        func `the name is that of the certificate, and nobody takes it`(loops: String) throws {
            try withDaemon(options + ["--loops", loops]) { daemon in
                let guest = try connect(to: daemon.port)
                _ = try line(of: guest, containing: "you are guest1")
                // Nobody knows yet whose it is.
                try guest.write("/nick ana\n")
                _ = try line(of: guest, containing: "you are now ana")
                let ana = try connect(to: daemon.port, as: "ana")
                _ = try line(of: ana, containing: "you are ana")
                _ = try line(of: guest, containing: "ana is the name of somebody who logs in")
                try guest.write("/nick ana\n")
                _ = try line(of: guest, containing: "! ")
                // It stays reserved when its owner has gone.
                try ana.write("/quit\n")
                _ = try ana.output.all()
                try guest.write("/nick ana\n")
                #expect(try line(of: guest, containing: "! ").contains("ana"))
                // And who comes again has it again.
                let again = try connect(to: daemon.port, as: "ana")
                _ = try line(of: again, containing: "you are ana")
            }
        }

        @Test(arguments: ["1", "2"])
        func `names are reserved, too, if certificates are asked for only since a reload`(loops: String) throws {
            let file = TemporaryPath()
            try file.write("{}")
            // Without the authority and the rule, which are the last four.
            try withDaemon(options.dropLast(4) + ["--config", file.path, "--loops", loops]) { daemon in
                try file.write("{\"tls-client-ca\": \"\(authority.certificateFile)\", \"tls-clients\": \"request\"}")
                daemon.process.send(signal: SIGHUP)
                _ = try daemon.process.error.text(through: "changed: tls-client-ca, tls-clients")
                let ana = try connect(to: daemon.port, as: "ana")
                _ = try line(of: ana, containing: "you are ana")
                try ana.write("/quit\n")
                _ = try ana.output.all()
                let guest = try connect(to: daemon.port)
                _ = try line(of: guest, containing: "you are guest")
                try guest.write("/nick ana\n")
                #expect(try line(of: guest, containing: "! ").contains("ana"))
            }
        }

        @Test(arguments: ["1", "2"])
        func `a password that was changed closes nobody who is there by a certificate`(loops: String) throws {
            let passwords = TemporaryPath()
            func write(_ digit: String) throws {
                try passwords.write("ana:$2b$05$\(String(repeating: digit, count: 53))\n")
            }
            try write("a")
            try withDaemon(options + ["--password-file", passwords.path, "--loops", loops]) { daemon in
                let ana = try connect(to: daemon.port, as: "ana")
                _ = try line(of: ana, containing: "you are ana")
                try write("b")
                daemon.process.send(signal: SIGHUP)
                _ = try daemon.process.error.text(through: "changed: password-file")
                try ana.write("/who\n")
                _ = try line(of: ana, containing: "in lobby: ana")
            }
        }

        @Test func `a certificate whose name cannot be one of a chat is refused in words`() throws {
            try withDaemon(options) { daemon in
                let peer = try connect(to: daemon.port, as: "Ana of the tea room")
                _ = try line(of: peer, containing: "the name of your certificate is none for a chat: ")
                _ = try peer.output.all()
            }
        }
    }
#endif
