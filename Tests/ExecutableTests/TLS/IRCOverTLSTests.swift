#if TLS
    import Glibc
    import TestSupport
    import Testing

    /// IRC clients over TLS, with passwords and with certificates.
    @Suite(.enabled(if: TestCertificates.canBeMade)) struct IRCOverTLSTests {
        private let certificates: TestCertificates
        private let authority: TestCertificates.Identity
        private let options: [String]
        private let passwords = TemporaryPath()

        init() throws {
            certificates = try TestCertificates()
            authority = try certificates.makeAuthority("ca")
            let server = try certificates.issue("server", for: ["localhost"], by: authority)
            options = [
                "--listen", "irc+tls:127.0.0.1:0", "--tls-certificate", server.certificateFile, "--tls-key", server.keyFile,
                "--chat", "--irc-name", "irc.example.org",
            ]
        }

        private var clientOptions: [String] { ["--tls-client-ca", authority.certificateFile, "--tls-clients"] }

        private func port(of daemon: Daemon) throws -> UInt16 {
            let place = try #require(daemon.address.wholeMatch(of: #/irc\+tls:127\.0\.0\.1:(\d+)/#))
            return try #require(UInt16(place.output.1))
        }

        private func connect(to daemon: Daemon, as name: String? = nil) throws -> ChildProcess {
            var own: [String] = []
            if let name {
                let identity = try certificates.issue("client", subject: name, by: authority)
                own = ["-cert", identity.certificateFile, "-key", identity.keyFile]
            }
            return try TLSPeer.openssl(to: try port(of: daemon), ["-quiet", "-CAfile", authority.certificateFile] + own)
        }

        private func say(_ lines: String..., to client: ChildProcess) throws {
            for line in lines { try client.write("\(line)\r\n") }
        }

        /// The first line with a text in it; of what precedes it nothing is looked at.
        @discardableResult
        private func line(of client: ChildProcess, with text: String) throws -> String {
            while let line = try client.output.line() {
                #expect(line.hasSuffix("\r"))
                if line.contains(text) { return String(line.dropLast()) }
            }
            throw TimedOut("'\(text)'")
        }

        private func setPassword(_ password: String, _ name: String) throws {
            let process = try ChildProcess(
                ChildProcess.pathOfExecutable("chatd"), ["passwd", "--password-file", passwords.path, name], input: .pipe)
            try process.write("\(password)\n")
            process.closeInput()
            #expect(try process.waitForEnd() == .exit(0))
        }

        // MARK: -

        @Test func `two clients talk, each as others are told, and WHOIS says that they come by TLS`() throws {
            try withDaemon(options) { daemon in
                let (ana, ben) = (try connect(to: daemon), try connect(to: daemon))
                try say("NICK ana", "USER a 0 * :Ana", "JOIN #tea", to: ana)
                try line(of: ana, with: " 366 ana #tea ")
                try say("NICK ben", "USER b 0 * :Ben", "JOIN #tea", to: ben)
                #expect(try line(of: ana, with: "JOIN") == ":ben!b@localhost JOIN #tea")
                try say("PRIVMSG #tea :olá", to: ben)
                #expect(try line(of: ana, with: "PRIVMSG") == ":ben!b@localhost PRIVMSG #tea :olá")
                try say("WHOIS ben", to: ana)
                #expect(try line(of: ana, with: " 671 ") == ":irc.example.org 671 ana ben :is using a secure connection")
                try say("QUIT :so long", to: ben)
                #expect(try line(of: ben, with: "ERROR") == "ERROR :Closing link: quit: so long")
                #expect(try line(of: ana, with: "QUIT") == ":ben!b@localhost QUIT :quit: so long")
                _ = try ben.output.all()
            }
        }

        @Test func `a password is had by SASL PLAIN, and nobody comes in without where it must be`() throws {
            try setPassword("sesame", "ana")
            try withDaemon(options + ["--password-file", passwords.path, "--require-login"]) { daemon in
                let ana = try connect(to: daemon)
                try say("CAP LS 302", to: ana)
                #expect(try line(of: ana, with: " CAP * LS ").contains(" sasl=PLAIN "))
                try say("CAP REQ :sasl", "AUTHENTICATE PLAIN", to: ana)
                try line(of: ana, with: "AUTHENTICATE +")
                // "\0ana\0sesame"
                try say("AUTHENTICATE AGFuYQBzZXNhbWU=", "NICK other", "USER a 0 * :Ana", "CAP END", to: ana)
                try line(of: ana, with: ":irc.example.org 903 ana ")
                try line(of: ana, with: ":irc.example.org 001 ana ")
                let eve = try connect(to: daemon)
                try say("NICK eve", "USER e 0 * :Eve", to: eve)
                #expect(try line(of: eve, with: "464") == ":irc.example.org 464 eve :log in by SASL, or by PASS NAME:PASSWORD")
                #expect(try line(of: eve, with: "ERROR") == "ERROR :Closing link: you have to log in")
                _ = try eve.output.all()
            }
        }

        @Test func `a certificate is a login, by SASL EXTERNAL and without a word`() throws {
            try withDaemon(options + clientOptions + ["request", "--require-login"]) { daemon in
                let ana = try connect(to: daemon, as: "ana")
                try say("CAP LS 302", to: ana)
                #expect(try line(of: ana, with: " CAP * LS ").contains("EXTERNAL "))
                try say("CAP REQ :sasl", "AUTHENTICATE EXTERNAL", to: ana)
                try line(of: ana, with: "AUTHENTICATE +")
                try say("AUTHENTICATE +", "NICK whoever", "USER a 0 * :Ana", "CAP END", "JOIN #tea", to: ana)
                #expect(try line(of: ana, with: " 900 ").hasPrefix(":irc.example.org 900 ana ana!*@localhost ana :"))
                try line(of: ana, with: ":irc.example.org 903 ana ")
                // It is let in by its certificate as well, and told once that it has logged in.
                #expect(try ana.output.line()?.hasPrefix(":irc.example.org 001 ana ") == true)
                try line(of: ana, with: " 366 ana #tea ")
                // Whatever name it gives, it has that of its certificate.
                let ben = try connect(to: daemon, as: "ben")
                try say("NICK dan", "USER b 0 * :Ben", "JOIN #tea", to: ben)
                try line(of: ben, with: ":irc.example.org 001 ben ")
                #expect(try line(of: ana, with: "JOIN") == ":ben!b@localhost JOIN #tea")
                try say("WHOIS ben", to: ana)
                try line(of: ana, with: ":irc.example.org 330 ana ben ben ")
                // Of another name it proves nothing.
                let eve = try connect(to: daemon, as: "eve")
                try say("CAP REQ :sasl", "AUTHENTICATE EXTERNAL", to: eve)
                try line(of: eve, with: "AUTHENTICATE +")
                // "ana"
                try say("AUTHENTICATE YW5h", to: eve)
                try line(of: eve, with: ":irc.example.org 904 * ")
                // Who shows none has no such login.
                let none = try connect(to: daemon)
                try say("CAP LS 302", "CAP REQ :sasl", "NICK ana", "NICK dan", "USER n 0 * :N", "CAP END", to: none)
                #expect(try !line(of: none, with: " CAP * LS ").contains("EXTERNAL"))
                #expect(try line(of: none, with: "ana").hasPrefix(":irc.example.org 433 * ana :"))
                #expect(try line(of: none, with: "ERROR") == "ERROR :Closing link: you have to log in")
                _ = try none.output.all()
            }
        }

        @Test func `without a certificate nobody is heard where there has to be one`() throws {
            try withDaemon(options + clientOptions + ["require"]) { daemon in
                let none = try connect(to: daemon)
                try? say("NICK eve", "USER e 0 * :Eve", to: none)
                #expect(try none.output.all() == [])
                let ana = try connect(to: daemon, as: "ana")
                try say("NICK ana", "USER a 0 * :Ana", to: ana)
                try line(of: ana, with: ":irc.example.org 001 ana ")
            }
        }

        @Test func `a certificate whose name cannot be one of a chat is refused in words`() throws {
            try withDaemon(options + clientOptions + ["request"]) { daemon in
                let peer = try connect(to: daemon, as: "Ana of the tea room")
                try say("NICK ana", "USER a 0 * :Ana", to: peer)
                try line(of: peer, with: "the name of your certificate is none for a chat: ")
                try line(of: peer, with: "ERROR :Closing link: ")
                _ = try peer.output.all()
            }
        }
    }
#endif
