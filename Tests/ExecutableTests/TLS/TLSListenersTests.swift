#if TLS
    import Glibc
    import Reactor
    import TestSupport
    import Testing

    /// `chatd --listen tls:…`: clients of TLS, which others have written, talk with each other and with those who speak plain lines.
    @Suite(.enabled(if: TestCertificates.canBeMade)) struct TLSListenersTests {
        private let certificates: TestCertificates
        private let authority: TestCertificates.Identity
        private let server: TestCertificates.Identity

        init() throws {
            certificates = try TestCertificates()
            authority = try certificates.makeAuthority("ca")
            server = try certificates.issue("server", for: ["localhost", "127.0.0.1"], by: authority)
        }

        private func options(_ identities: TestCertificates.Identity...) -> [String] {
            ["--listen", "tls:127.0.0.1:0"]
                + identities.flatMap { ["--tls-certificate", $0.certificateFile, "--tls-key", $0.keyFile] }
        }

        @Test(arguments: TLSPeer.allCases.filter(\.isInstalled)) func `a client talks with one that speaks plain lines`(
            peer: TLSPeer
        ) throws {
            try withDaemon(options(server) + ["--listen", "127.0.0.1:0", "--chat"], listeners: 2) { daemon in
                #expect(daemon.addresses[0].hasPrefix("127.0.0.1:"))
                let place = try #require(daemon.addresses[1].wholeMatch(of: #/tls:127\.0\.0\.1:(\d+)/#))
                let ana = try daemon.connect()
                _ = try ana.receiveLine()
                let port = try #require(UInt16(place.output.1))
                let ben = try peer.connect(to: port, trusting: authority)
                #expect(try ben.output.line()?.hasSuffix("you are guest2; 2 online") == true)
                #expect(try ana.receiveLine()?.hasPrefix("* guest2 joined") == true)
                try ana.send("hello\n")
                #expect(try ben.output.line()?.hasSuffix("guest1: hello") == true)
                try ben.write("and hello\n")
                #expect(try ana.receiveLine() == "guest2: and hello")
                try ben.write("x\n")
                _ = try ben.output.all()
            }
        }

        @Test func `a relay carries a long line between two of them`() throws {
            try withDaemon(options(server) + ["--max-line", "1m"]) { daemon in
                let (ana, ben) = (
                    try TLSPeer.openssl.connect(to: daemon.port, trusting: authority),
                    try TLSPeer.openssl.connect(to: daemon.port, trusting: authority)
                )
                // Until one is there, what the other says goes to nobody.
                try wait(for: "both") {
                    try ana.write("ready\n")
                    return try waitForInput(on: [ben.output.descriptor], atMost: .milliseconds(100)) == [true]
                }
                let line = String(repeating: "a line that fills many records ", count: 10_000)
                try ana.write("\(line)\n")
                var received = try ben.output.line()
                while received == "ready" { received = try ben.output.line() }
                #expect(received == line)
            }
        }

        @Test func `of several certificates a client gets the one for the host that it wants`() throws {
            let other = try certificates.issue("other", for: ["chat.example.org", "*.rooms.example.org"], by: authority)
            try withDaemon(options(server, other)) { daemon in
                for (host, expected) in [
                    ("localhost", "localhost"), ("chat.example.org", "chat.example.org"),
                    ("tea.rooms.example.org", "chat.example.org"),
                    ("elsewhere.example.org", "localhost"),
                ] {
                    let name = try TLSPeer.certificateName(at: daemon.port, for: host)
                    #expect(name == expected, "\(host)")
                }
            }
        }

        @Test func `a certificate comes with the authorities that are between it and the root`() throws {
            let between = try certificates.makeAuthority("between", by: authority)
            let chained = try certificates.issue("chained", for: ["localhost"], by: between)
            try withDaemon(options(chained) + ["--chat"]) { daemon in
                let client = try TLSPeer.openssl.connect(to: daemon.port, trusting: authority)
                #expect(try client.output.line()?.hasPrefix("* welcome") == true)
            }
        }

        // MARK: - Clients with certificates

        private func speak(to port: UInt16, as identity: TestCertificates.Identity?, version: String) throws -> String? {
            let own = identity.map { ["-cert", $0.certificateFile, "-key", $0.keyFile] } ?? []
            let client = try TLSPeer.openssl(to: port, ["-quiet", "-CAfile", authority.certificateFile, version] + own)
            defer { withExtendedLifetime(client) {} }
            return try client.output.line()
        }

        @Test(arguments: ["-tls1_2", "-tls1_3"]) func `those alone get in whose certificate is from the authority`(
            version: String
        ) throws {
            let ana = try certificates.issue("ana", by: authority)
            let strangers = try certificates.makeAuthority("strangers")
            let eve = try certificates.issue("eve", by: strangers)
            let late = try certificates.issue("late", by: authority, days: -20 ... -10)
            for rule in [[], ["--tls-clients", "require"], ["--tls-clients", "request"]] {
                try withDaemon(options(server) + ["--chat", "--tls-client-ca", authority.certificateFile] + rule) { daemon in
                    #expect(try speak(to: daemon.port, as: ana, version: version)?.hasPrefix("* welcome") == true)
                    #expect(try speak(to: daemon.port, as: eve, version: version) == nil)
                    #expect(try speak(to: daemon.port, as: late, version: version) == nil)
                    let greeting = try speak(to: daemon.port, as: nil, version: version)
                    #expect((greeting != nil) == (rule.last == "request"), "\(rule)")
                }
            }
        }

        // MARK: - Others

        @Test(arguments: ["hi", "hello, is this TLS?\n", "GET / HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}", "\0"])
        func `who speaks no TLS is told by an alert, and is no client`(text: String) throws {
            try withDaemon(options(server) + ["--listen", "127.0.0.1:0", "--log-level", "debug"], listeners: 2) { daemon in
                let port = try #require(UInt16(daemon.addresses[1].split(separator: ":").last ?? ""))
                let peer = try Peer(port: port)
                try peer.send(text)
                if text.hasPrefix("\u{16}") {
                    // The beginning of a record, and then the end.
                    peer.shutDownSending()
                }
                let answer = try peer.receiveAll()
                #expect(answer == (text.hasPrefix("\u{16}") ? [] : [0x15, 3, 1, 0, 2, 2, 70]))
                let clients = try daemon.join(2)
                try clients[0].send("all is well\n")
                #expect(try clients[1].receiveLine() == "all is well")
                let log = try daemon.process.error.text(through: "handshake failed address=127.0.0.1:")
                #expect(!log.contains("accepted") || log.contains("clients=1"))
            }
        }

        @Test func `who is refused does not get as far as a handshake`() throws {
            try withDaemon(options(server) + ["--deny", "127.0.0.1"]) { daemon in
                let answer = try Peer(port: daemon.port).receiveAll()
                #expect(answer == [])
            }
        }

        @Test func `a header of a proxy before the handshake is none`() throws {
            try withDaemon(options(server) + ["--proxy-protocol", "127.0.0.1", "--log-level", "debug"]) { daemon in
                let peer = try Peer(port: daemon.port)
                try peer.send("PROXY TCP4 192.0.2.7 192.0.2.1 5 3002\r\n")
                #expect(try peer.receiveAll() == [0x15, 3, 1, 0, 2, 2, 70])
                try daemon.process.error.text(through: "handshake failed address=127.0.0.1:")
            }
        }

        @Test func `a shutdown tells those who speak TLS, and does not wait for who has not begun`() throws {
            let daemon = try Daemon(options(server) + ["--chat"])
            let silent = try Peer(port: daemon.port)
            let client = try TLSPeer.openssl.connect(to: daemon.port, trusting: authority)
            _ = try client.output.line()
            let start = ContinuousClock.now
            try daemon.end()
            // The drain timeout is five seconds.
            #expect(start.duration(to: .now) < .seconds(4))
            #expect(String(decoding: try client.output.all(), as: UTF8.self).contains("! goodbye: the server is shutting down\n"))
            withExtendedLifetime(silent) {}
        }

        // MARK: - Options

        @Test func `what does not fit is said before anything listens`() throws {
            let other = try certificates.issue("other", for: ["localhost"], by: authority)
            let (pem, key, none) = (server.certificateFile, server.keyFile, certificates.path("none"))
            let listen = ["--listen", "tls:127.0.0.1:0"]
            let cases: [([String], Int32, String)] = [
                (listen, EX_USAGE, "a place with TLS needs a --tls-certificate and its --tls-key; see chatd --help"),
                (
                    listen + ["--tls-certificate", pem], EX_USAGE,
                    "each --tls-certificate takes a --tls-key; there are 1 and 0 of them; see chatd --help"
                ),
                (["--tls-client-ca", pem], EX_USAGE, "--tls-client-ca needs --tls-certificate; see chatd --help"),
                (
                    ["--tls-certificate", pem, "--tls-key", key], EX_USAGE,
                    "nobody would come by TLS, for which --tls-certificate is: add --listen tls:HOST:PORT"
                ),
                (
                    listen + ["--tls-certificate", pem, "--tls-key", other.keyFile], EX_DATAERR,
                    "cannot use the key \(other.keyFile): it is not the key of the certificate \(pem)"
                ),
                (
                    listen + ["--tls-certificate", none, "--tls-key", key], EX_NOINPUT,
                    "cannot read the certificate \(none): No such file or directory"
                ),
                (
                    listen + ["--tls-certificate", pem, "--tls-key", key, "--tls-client-ca", key], EX_DATAERR,
                    "cannot read the authorities \(key): "
                ),
                (
                    listen + ["--tls-certificate", pem, "--tls-key", key, "--tls-clients", "require"], EX_USAGE,
                    "--tls-clients needs --tls-client-ca; see chatd --help"
                ),
                (
                    ["--metrics", "tls:127.0.0.1:0"], EX_USAGE,
                    "metrics are served without TLS; put a proxy that has it before them; see chatd --help"
                ),
            ]
            for (arguments, code, sentence) in cases {
                let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), arguments)
                let error = String(decoding: try process.error.all(), as: UTF8.self)
                #expect(error.hasPrefix("chatd: \(sentence)") && error.count { $0 == "\n" } == 1, "\(error)")
                #expect(try process.waitForEnd() == .exit(code), "\(error)")
            }
        }

        @Test func `a check of the configuration reads the certificates, too`() throws {
            let file = TemporaryPath()
            try file.write(
                #"{"listen": ["tls:127.0.0.1:0"], "tls-certificate": ["\#(server.certificateFile)"], "tls-key": ["\#(authority.keyFile)"]}"#
            )
            let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), ["--config", file.path, "--check-config"])
            #expect(String(decoding: try process.error.all(), as: UTF8.self).contains("it is not the key of the certificate"))
            #expect(try process.waitForEnd() == .exit(EX_DATAERR))
        }

        @Test func `a Unix-domain socket may have TLS`() throws {
            let path = TemporaryPath()
            let daemon = try Daemon([
                "--chat", "--listen", "tls:unix:\(path.path)", "--tls-certificate", server.certificateFile, "--tls-key",
                server.keyFile,
            ])
            #expect(daemon.addresses == ["tls:unix:\(path.path)"])
            let client = try ChildProcess("openssl", ["s_client", "-quiet", "-unix", path.path], input: .pipe)
            #expect(try client.output.line()?.hasPrefix("* welcome") == true)
            try daemon.end()
        }
    }
#endif
