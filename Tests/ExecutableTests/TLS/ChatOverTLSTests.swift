#if TLS
    import Glibc
    import Reactor
    import TestSupport
    import Testing

    /// `chat --tls`: which servers it trusts, and in which words it says that it does not trust one.
    @Suite(.enabled(if: TestCertificates.canBeMade)) struct ChatOverTLSTests {
        private let certificates: TestCertificates
        private let authority: TestCertificates.Identity
        /// The user's own folder.
        private let home: String

        init() throws {
            certificates = try TestCertificates()
            authority = try certificates.makeAuthority("ca")
            home = certificates.path("home")
            if unsafe mkdir(home, 0o700) != 0 { throw Errno.last }
        }

        private var knownServers: String { "\(home)/chat/known-servers" }

        private func chat(
            _ arguments: [String], input: ChildProcess.Stream = .pipe, output: ChildProcess.Stream = .pipe,
            error: ChildProcess.Stream = .pipe
        ) throws -> ChildProcess {
            try ChildProcess(
                ChildProcess.pathOfExecutable("chat"), arguments, environment: ["XDG_CONFIG_HOME=\(home)", "TERM=dumb"],
                input: input,
                output: output, error: error)
        }

        private func daemon(_ identity: TestCertificates.Identity, at port: UInt16 = 0, _ arguments: [String] = []) throws
            -> Daemon
        {
            let files = ["--tls-certificate", identity.certificateFile, "--tls-key", identity.keyFile]
            return try Daemon(["--chat", "--listen", "tls:127.0.0.1:\(port)"] + files + arguments)
        }

        /// What chat says that ends by itself, and its exit code.
        private func failure(_ arguments: [String]) throws -> (String, ChildProcess.End) {
            let process = try chat(arguments)
            process.closeInput()
            _ = try process.output.all()
            return (String(decoding: try process.error.all(), as: UTF8.self), try process.waitForEnd())
        }

        // MARK: - Servers that are trusted

        @Test func `a person, a script and a pipe talk over TLS`() throws {
            let daemon = try daemon(try certificates.issue("server", for: ["localhost", "127.0.0.1"], by: authority))
            let trust = ["--tls-ca", authority.certificateFile]
            let person = try chat(
                trust + ["--plain", "--name", "ana", "tls://\(daemon.address.dropFirst(4))"], input: .terminal, output: .terminal,
                error: .terminal)
            try person.output.text(through: "you are now ana\r\n")
            let script = try chat(
                trust + ["--tls", "--name", "ci", "--json", "--send", "the build is red", "localhost:\(daemon.port)"])
            #expect(String(decoding: try script.output.all(), as: UTF8.self).contains(#""type":"sent""#))
            #expect(try script.waitForEnd() == .exit(0))
            try person.output.text(through: "ci: the build is red\r\n")
            // As chatd has announced it.
            let pipe = try chat(trust + [daemon.address])
            #expect(try pipe.output.line()?.hasPrefix("* welcome") == true)
            try pipe.write("from a pipe\n")
            try person.output.text(through: ": from a pipe\r\n")
            try person.write("to all\n")
            try pipe.output.text(through: "ana: to all\n")
            pipe.closeInput()
            #expect(try pipe.waitForEnd() == .exit(0))
            try daemon.end()
        }

        @Test func `the file of preferences may name servers with TLS`() throws {
            let daemon = try daemon(try certificates.issue("server", for: ["localhost"], by: authority))
            let file = TemporaryPath()
            let ca = authority.certificateFile
            try file.write(
                """
                {"tls-ca": "\(ca)", "servers": {
                  "one": {"server": "tls://localhost:\(daemon.port)"}, "two": {"server": "localhost:\(daemon.port)", "tls": true},
                  "three": {"server": "localhost:\(daemon.port)", "tls": false}}}
                """)
            for name in ["one", "two"] {
                let process = try chat(["--config", file.path, "--send", "hello", name])
                #expect(try process.waitForEnd() == .exit(0))
            }
            let (error, end) = try failure(["--config", file.path, "--send", "hello", "three"])
            #expect(error == "chat: the server speaks TLS there: use --tls\n")
            #expect(end == .exit(EX_UNAVAILABLE))
            try daemon.end()
        }

        @Test func `a lost connection is made again, over TLS`() throws {
            let server = try certificates.issue("server", for: ["localhost"], by: authority)
            let first = try daemon(server)
            let port = first.port
            let options = ["--plain", "--name", "ana", "--tls-ca", authority.certificateFile, "--tls", "localhost:\(port)"]
            let person = try chat(options, input: .terminal, output: .terminal, error: .terminal)
            try person.output.text(through: "you are now ana\r\n")
            try first.end()
            try person.output.text(through: "* connection lost: ")
            let second = try daemon(server, at: port)
            try person.output.text(through: "* connected again\r\n")
            try second.end()
            // Somebody else has the port, and shows another certificate: no name is told, and nothing is tried again.
            let third = try daemon(try certificates.issue("other", for: ["localhost"]), at: port)
            let text = try person.output.text(through: "--tls-trust-on-first-use\r\n")
            #expect(text.contains("chat: cannot trust localhost:\(port): "))
            #expect(try person.waitForEnd() == .exit(EX_PROTOCOL))
            try third.end()
        }

        @Test func `openssl s_server is a server, too`() throws {
            let server = try certificates.issue("server", for: ["localhost"], by: authority)
            let port = try PlayedServer().address.port ?? 0
            let process = try ChildProcess(
                "openssl",
                ["s_server", "-quiet", "-accept", "127.0.0.1:\(port)", "-cert", server.certificateFile, "-key", server.keyFile],
                input: .pipe)
            try wait(for: "the server") { (try? Peer(port: port)) != nil }
            let client = try chat(["--tls-ca", authority.certificateFile, "--tls", "localhost:\(port)"])
            try client.write("hello\n")
            try process.output.text(through: "hello\n")
            try process.write("answer\n")
            #expect(try client.output.line() == "answer")
        }

        // MARK: - Servers that are not

        @Test(arguments: [[], ["--send", "hello"], ["--json"]]) func `each problem is said in words, with a code of its own`(
            options: [String]
        ) throws {
            let strangers = try certificates.makeAuthority("strangers")
            let fine = ["--tls-ca", authority.certificateFile]
            let cases: [(TestCertificates.Identity, [String], String)] = [
                (
                    try certificates.issue("elsewhere", for: ["chat.example.org", "192.0.2.7"], by: authority), fine,
                    "its certificate is not for 'localhost' but for 'chat.example.org', '192.0.2.7'; connect by a name that it has"
                ),
                (
                    try certificates.issue("late", for: ["localhost"], by: authority, days: -20 ... -3), fine,
                    "its certificate has expired, on "
                ),
                (
                    try certificates.issue("early", for: ["localhost"], by: authority, days: 3...20), fine,
                    "its certificate is not valid yet; is the clock here right?"
                ),
                (
                    try certificates.issue("foreign", for: ["localhost"], by: strangers), fine,
                    "its certificate for 'localhost' is from none of the authorities in \(authority.certificateFile) ("
                ),
                (
                    try certificates.issue("alone", for: ["localhost"]), [],
                    "its certificate for 'localhost' is from none of the authorities that this system knows ("
                ),
            ]
            for (identity, trust, sentence) in cases {
                let daemon = try daemon(identity)
                let (error, end) = try failure(trust + options + ["--tls", "localhost:\(daemon.port)"])
                #expect(error.hasPrefix("chat: cannot trust localhost:\(daemon.port): \(sentence)"), "\(error)")
                #expect(error.count { $0 == "\n" } == 1)
                #expect(end == .exit(EX_PROTOCOL))
                try daemon.end()
            }
        }

        @Test func `a server that wants a certificate gets one, and says so if it does not`() throws {
            let server = try certificates.issue("server", for: ["localhost"], by: authority)
            let (ana, eve) = (try certificates.issue("ana", by: authority), try certificates.issue("eve"))
            let daemon = try daemon(server, ["--tls-client-ca", authority.certificateFile])
            let options = ["--tls-ca", authority.certificateFile, "--tls", "localhost:\(daemon.port)"]
            func own(_ identity: TestCertificates.Identity) -> [String] {
                options + ["--tls-certificate", identity.certificateFile, "--tls-key", identity.keyFile]
            }
            #expect(try chat(own(ana) + ["--send", "hello"]).waitForEnd() == .exit(0))
            for more in [[], ["--send", "hello"], ["--json"]] {
                let (none, end) = try failure(options + more)
                #expect(
                    none
                        == "chat: the server has refused: nobody gets in without a certificate: use --tls-certificate and --tls-key\n"
                )
                #expect(end == .exit(EX_NOPERM))
                let (foreign, otherEnd) = try failure(own(eve) + more)
                #expect(
                    foreign.hasPrefix(
                        "chat: the server has refused: it does not accept the certificate \(eve.certificateFile) ("), "\(foreign)"
                )
                #expect(otherEnd == .exit(EX_NOPERM))
            }
            try daemon.end()
        }

        // MARK: - TLS on one side alone

        @Test(arguments: [["--chat"], []]) func `a server without TLS is told from one that has it`(kind: [String]) throws {
            try withDaemon(["--listen", "127.0.0.1:0"] + kind) { daemon in
                let (error, end) = try failure(["--tls", "--connect-timeout", "500ms", daemon.address])
                // A relay says nothing by itself.
                let reason =
                    kind.isEmpty
                    ? "the handshake took too long; is TLS spoken there?"
                    : "no TLS is spoken there; leave out --tls, or name the port that has it"
                #expect(error == "chat: cannot connect to \(daemon.address): \(reason)\n")
                #expect(end == .exit(EX_UNAVAILABLE))
            }
        }

        @Test(arguments: [[], ["--send", "hello"], ["--json"]])
        func `who comes without TLS is told to use it`(options: [String]) throws {
            let daemon = try daemon(try certificates.issue("server", for: ["localhost"]))
            let process = try chat(options + ["127.0.0.1:\(daemon.port)"])
            if !options.contains("--send") { try process.write("hello\n") }
            #expect(String(decoding: try process.error.all(), as: UTF8.self) == "chat: the server speaks TLS there: use --tls\n")
            #expect(try process.waitForEnd() == .exit(EX_UNAVAILABLE))
            try daemon.end()
        }

        @Test func `a person who comes without TLS is told, and not connected again and again`() throws {
            let daemon = try daemon(try certificates.issue("server", for: ["localhost"]))
            let person = try chat(["--plain", "127.0.0.1:\(daemon.port)"], input: .terminal, output: .terminal, error: .terminal)
            try person.write("hello\n")
            try person.output.text(through: "chat: the server speaks TLS there: use --tls\r\n")
            #expect(try person.waitForEnd() == .exit(EX_UNAVAILABLE))
            try daemon.end()
        }

        @Test(arguments: [[], ["--send", "hello"]]) func `a server that hangs up without a word may speak TLS`(options: [String])
            throws
        {
            let server = try PlayedServer()
            let process = try chat(options + ["\(server.address)"])
            if options.isEmpty { try process.write("hello\n") }
            let peer = try server.accept()
            #expect(try peer.receiveLine() == "hello")
            peer.close()
            #expect(
                String(decoding: try process.error.all(), as: UTF8.self)
                    == "chat: the server has closed the connection without a word; if it speaks TLS, use --tls\n")
            #expect(try process.waitForEnd() == .exit(EX_TEMPFAIL))
        }

        // MARK: - Trust on first use

        @Test func `a server that signs its own certificate is known again, and another one is not taken for it`() throws {
            let server = try certificates.issue("server", for: ["chat.example.org"])
            let fingerprint = try certificates.fingerprint(of: server.certificateFile)
            let first = try daemon(server)
            let place = "localhost:\(first.port)"
            let options = ["--tls-trust-on-first-use", "--send", "hello", "--tls", place]
            let (note, end) = try failure(options)
            #expect(
                note.hasPrefix("chat: \(place) is trusted from now on") && note.hasSuffix("SHA256 \(fingerprint)\n"), "\(note)")
            #expect(end == .exit(0))
            #expect(try text(of: knownServers) == "\(place) \(fingerprint)\n")
            let (silence, secondEnd) = try failure(options)
            #expect(silence == "" && secondEnd == .exit(0))
            let port = first.port
            try first.end()

            let other = try certificates.issue("other", for: ["chat.example.org"])
            let second = try daemon(other, at: port)
            let otherFingerprint = try certificates.fingerprint(of: other.certificateFile)
            for _ in 0..<2 {
                let (shout, end) = try failure(options)
                let lines = shout.split(separator: "\n").map(String.init)
                try #require(lines.count == 5, "\(shout)")
                #expect(lines[0].hasPrefix("chat: THE CERTIFICATE OF \(place) IS ANOTHER ONE THAN BEFORE"))
                #expect(lines[1] == "  remembered: SHA256 \(fingerprint)")
                #expect(lines[2] == "  now:        SHA256 \(otherFingerprint)")
                #expect(lines[4] == knownServers)
                #expect(end == .exit(EX_PROTOCOL))
            }
            // What it says is to be done helps.
            try write("# all are gone\n", to: knownServers)
            #expect(try failure(options).1 == .exit(0))
            #expect(try text(of: knownServers) == "# all are gone\n\(place) \(otherFingerprint)\n")
            try second.end()
        }

        @Test func `a server that the system or a file of authorities vouches for need not be known`() throws {
            let daemon = try daemon(try certificates.issue("server", for: ["localhost"], by: authority))
            // What OpenSSL has for the system's authorities.
            let process = try ChildProcess(
                ChildProcess.pathOfExecutable("chat"),
                ["--tls-trust-on-first-use", "--send", "hello", "--tls", "localhost:\(daemon.port)"],
                environment: ["XDG_CONFIG_HOME=\(home)", "SSL_CERT_FILE=\(authority.certificateFile)"])
            #expect(try process.error.all() == [])
            #expect(try process.waitForEnd() == .exit(0))
            #expect(unsafe access(knownServers, F_OK) != 0)
            try daemon.end()
        }

        @Test func `ten clients that come at once remember ten servers`() throws {
            let daemons = try (0..<10).map { try daemon(try certificates.issue("server \($0)", for: ["localhost"])) }
            let clients = try daemons.map {
                try chat(["--tls-trust-on-first-use", "--send", "hello", "--tls", "localhost:\($0.port)"])
            }
            for client in clients { #expect(try client.waitForEnd() == .exit(0)) }
            let remembered = try text(of: knownServers).split(separator: "\n").map { $0.prefix { $0 != " " } }
            #expect(Set(remembered.map(String.init)) == Set(daemons.map { "localhost:\($0.port)" }))
            #expect(remembered.count == 10)
            for daemon in daemons { try daemon.end() }
        }

        @Test func `what is wrong with the file of known servers is said, and nobody is trusted`() throws {
            let daemon = try daemon(try certificates.issue("server", for: ["localhost"]))
            let options = ["--tls-trust-on-first-use", "--send", "hello", "--tls", "localhost:\(daemon.port)"]
            if unsafe mkdir("\(home)/chat", 0o700) != 0 { throw Errno.last }
            try write("# a comment\nlocalhost\n", to: knownServers)
            let (error, end) = try failure(options)
            #expect(error == "chat: \(knownServers), line 2: a server and a fingerprint are expected\n")
            #expect(end == .exit(EX_CONFIG))
            unsafe unlink(knownServers)
            if unsafe mkdir(knownServers, 0o700) != 0 { throw Errno.last }
            let (unreadable, otherEnd) = try failure(options)
            #expect(unreadable.contains(knownServers) && unreadable.hasSuffix("Is a directory\n"), "\(unreadable)")
            #expect(otherEnd == .exit(EX_NOINPUT))
            try daemon.end()
        }

        // MARK: - Options

        @Test func `options that say nothing together`() throws {
            let (ca, none) = (authority.certificateFile, certificates.path("none"))
            let cases: [([String], Int32, String)] = [
                (["--tls-ca", ca, "localhost"], EX_USAGE, "--tls-ca is for a connection with TLS: add --tls"),
                (
                    ["--tls-trust-on-first-use", "localhost"], EX_USAGE,
                    "--tls-trust-on-first-use is for a connection with TLS: add --tls"
                ),
                (["--no-tls", "tls://localhost"], EX_USAGE, "--no-tls does not go with 'tls://localhost'"),
                (
                    ["--tls", "unix:/none"], EX_USAGE,
                    "a certificate is for a host, and unix:/none is none: TLS does not go there"
                ),
                (["--tls", "--tls-certificate", ca, "localhost"], EX_USAGE, "--tls-certificate and --tls-key go together"),
                (
                    ["--tls", "--tls-ca", ca, "--tls-trust-on-first-use", "localhost"], EX_USAGE,
                    "--tls-ca does not go with --tls-trust-on-first-use"
                ),
                (
                    ["--tls", "--tls-ca", none, "localhost"], EX_NOINPUT,
                    "cannot read the authorities \(none): No such file or directory"
                ),
                (
                    ["--tls", "--tls-certificate", ca, "--tls-key", none, "localhost"], EX_NOINPUT,
                    "cannot read the key \(none): No such file or directory"
                ),
                (["tls://"], EX_USAGE, "'' names no host; write HOST:PORT"),
            ]
            for (arguments, code, sentence) in cases {
                let (error, end) = try failure(arguments)
                #expect(error == "chat: \(sentence)\n")
                #expect(end == .exit(code), "\(arguments)")
            }
        }

        private func text(of path: String) throws -> String {
            let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
            if descriptor < 0 { throw Errno.last }
            return String(decoding: try StreamReader(takingOver: descriptor).all(), as: UTF8.self)
        }

        private func write(_ text: String, to path: String) throws {
            let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            if descriptor < 0 { throw Errno.last }
            defer { close(descriptor) }
            if unsafe Glibc.write(descriptor, text, text.utf8.count) != text.utf8.count { throw Errno.last }
        }
    }
#endif
