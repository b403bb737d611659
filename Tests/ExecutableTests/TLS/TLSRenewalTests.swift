#if TLS
    import Glibc
    import Reactor
    import TestSupport
    import Testing

    /// A certificate is renewed without a restart: by SIGHUP and by `chatd ctl reload`, with a file of configuration and without.
    @Suite(.enabled(if: TestCertificates.canBeMade)) struct TLSRenewalTests {
        private let certificates: TestCertificates
        private let authority: TestCertificates.Identity
        private let control = TemporaryPath()

        init() throws {
            certificates = try TestCertificates()
            authority = try certificates.makeAuthority("ca")
        }

        private func options(_ identity: TestCertificates.Identity) -> [String] {
            ["--listen", "tls:127.0.0.1:0", "--tls-certificate", identity.certificateFile, "--tls-key", identity.keyFile]
        }

        private func ctl() throws -> String {
            let process = try ChildProcess(
                ChildProcess.pathOfExecutable("chatd"), ["ctl", "--control", "unix:\(control.path)", "reload"])
            return String(decoding: try process.output.all() + process.error.all(), as: UTF8.self)
        }

        private func move(_ path: String, to other: String) throws {
            if unsafe rename(path, other) != 0 { throw Errno.last }
        }

        private func makeFolder(_ path: String) throws {
            if unsafe mkdir(path, 0o700) != 0 { throw Errno.last }
        }

        /// Makes a symbolic link, or another one of it.
        private func link(_ path: String, to target: String) throws {
            unsafe unlink(path)
            if unsafe symlink(target, path) != 0 { throw Errno.last }
        }

        @Test func `SIGHUP reads the files again, and clients who are there stay`() throws {
            let first = try certificates.issue("server", for: ["localhost"], subject: "first", by: authority)
            try withDaemon(options(first) + ["--chat"]) { daemon in
                let ana = try TLSPeer.openssl.connect(to: daemon.port, trusting: authority)
                _ = try ana.output.line()
                _ = try certificates.issue("server", for: ["localhost"], subject: "second", by: authority)
                #expect(try TLSPeer.certificateName(at: daemon.port) == "first")
                daemon.process.send(signal: SIGHUP)
                #expect(
                    try daemon.process.error.line()
                        == "chatd: the configuration was read again; changed: tls-certificate, tls-key")
                #expect(try TLSPeer.certificateName(at: daemon.port) == "second")
                let ben = try TLSPeer.openssl.connect(to: daemon.port, trusting: authority)
                _ = try ben.output.line()
                try ben.write("hello\n")
                try ana.output.text(through: ": hello\n")
                daemon.process.send(signal: SIGHUP)
                #expect(try daemon.process.error.line() == "chatd: the configuration was read again; nothing was changed")
            }
        }

        @Test func `a key that does not fit keeps the old pair, and says so`() throws {
            let pair = try certificates.issue("server", for: ["localhost"], subject: "first", by: authority)
            let other = try certificates.issue("other", for: ["localhost"], subject: "second", by: authority)
            try withDaemon(options(pair) + ["--chat", "--control", "unix:\(control.path)"]) { daemon in
                // A renewal of which half is done.
                try move(other.certificateFile, to: pair.certificateFile)
                let sentence = "cannot use the key \(pair.keyFile): it is not the key of the certificate \(pair.certificateFile)"
                daemon.process.send(signal: SIGHUP)
                #expect(try daemon.process.error.line() == "chatd: the configuration is as before: \(sentence)")
                #expect(try ctl() == "chatd ctl: \(sentence)\n")
                #expect(try TLSPeer.certificateName(at: daemon.port) == "first")
                try move(other.keyFile, to: pair.keyFile)
                #expect(try ctl() == "the configuration was read again; changed: tls-certificate, tls-key\n")
                #expect(try TLSPeer.certificateName(at: daemon.port) == "second")
            }
        }

        @Test func `a certificate that is renewed while it is read is one that has changed at the next reading`() throws {
            let pair = try certificates.issue("server", for: ["localhost"], subject: "first", by: authority)
            let second = try certificates.issue("second", for: ["localhost"], subject: "second", by: authority)
            let third = try certificates.issue("third", for: ["localhost"], subject: "third", by: authority)
            let key = try StreamReader(takingOver: unsafe open(second.keyFile, O_RDONLY | O_CLOEXEC)).all()
            try withDaemon(options(pair) + ["--chat"]) { daemon in
                let changed = "chatd: the configuration was read again; changed: tls-certificate, tls-key"
                try move(second.certificateFile, to: pair.certificateFile)
                unsafe unlink(pair.keyFile)
                #expect(unsafe mkfifo(pair.keyFile, 0o600) == 0)
                daemon.process.send(signal: SIGHUP)
                // The daemon has read the certificate once it opens the key.
                var writer: Int32 = -1
                try wait(for: "the daemon to open the key") {
                    writer = unsafe open(pair.keyFile, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
                    return writer >= 0
                }
                try move(third.certificateFile, to: pair.certificateFile)
                #expect(unsafe write(writer, key, key.count) == key.count)
                close(writer)
                #expect(try daemon.process.error.line() == changed)
                #expect(try TLSPeer.certificateName(at: daemon.port) == "second")
                try move(third.keyFile, to: pair.keyFile)
                daemon.process.send(signal: SIGHUP)
                #expect(try daemon.process.error.line() == changed)
                #expect(try TLSPeer.certificateName(at: daemon.port) == "third")
            }
        }

        @Test func `who may come in is read again`() throws {
            let server = try certificates.issue("server", for: ["localhost"], by: authority)
            let (ours, theirs) = (try certificates.makeAuthority("ours"), try certificates.makeAuthority("theirs"))
            let (ana, ben) = (try certificates.issue("ana", by: ours), try certificates.issue("ben", by: theirs))
            func getsIn(_ identity: TestCertificates.Identity, at port: UInt16) throws -> Bool {
                let own = ["-quiet", "-cert", identity.certificateFile, "-key", identity.keyFile]
                let client = try TLSPeer.openssl(to: port, own)
                defer { withExtendedLifetime(client) {} }
                return try client.output.line() != nil
            }
            try withDaemon(options(server) + ["--chat", "--tls-client-ca", ours.certificateFile]) { daemon in
                #expect(try getsIn(ana, at: daemon.port))
                #expect(try !getsIn(ben, at: daemon.port))
                try move(theirs.certificateFile, to: ours.certificateFile)
                daemon.process.send(signal: SIGHUP)
                #expect(
                    try daemon.process.error.line()
                        == "chatd: the configuration was read again; changed: tls-client-ca, tls-clients")
                #expect(try !getsIn(ana, at: daemon.port))
                #expect(try getsIn(ben, at: daemon.port))
            }
        }

        @Test func `a daemon without TLS has to be started again for it`() throws {
            let file = TemporaryPath()
            let server = try certificates.issue("server", for: ["localhost"], by: authority)
            try file.write("{}")
            try withDaemon(["--listen", "127.0.0.1:0", "--config", file.path]) { daemon in
                let files = ["tls-certificate": server.certificateFile, "tls-key": server.keyFile]
                try file.write("{\(files.sorted { $0.key < $1.key }.map { "\"\($0)\": [\"\($1)\"]" }.joined(separator: ", "))}")
                daemon.process.send(signal: SIGHUP)
                #expect(try daemon.process.error.line() == "chatd: the configuration was read again; nothing was changed")
                #expect(try daemon.process.error.line() == "chatd: a restart is needed for: tls-certificate, tls-key")
            }
        }

        /// certbot's `live/NAME` has symbolic links into `archive/NAME`, which a renewal points at other files there.
        @Test func `links into another folder are followed by a daemon in its sandbox`() throws {
            let name = "chat.example.org"
            let (live, archive) = (certificates.path("live/\(name)"), certificates.path("archive/\(name)"))
            for folder in ["live", "live/\(name)", "archive", "archive/\(name)"] {
                try makeFolder(certificates.path(folder))
            }
            func renew(_ number: Int) throws {
                let new = try certificates.issue("new", for: [name], subject: "number \(number)", by: authority)
                for (file, path) in [("fullchain", new.certificateFile), ("privkey", new.keyFile)] {
                    try move(path, to: "\(archive)/\(file)\(number).pem")
                    try link("\(live)/\(file).pem", to: "../../archive/\(name)/\(file)\(number).pem")
                }
            }
            try renew(1)
            let arguments = [
                "--listen", "tls:127.0.0.1:0", "--tls-certificate", "\(live)/fullchain.pem", "--tls-key", "\(live)/privkey.pem",
            ]
            try withDaemon(arguments) { daemon in
                #expect(try TLSPeer.certificateName(at: daemon.port, for: name) == "number 1")
                try renew(2)
                daemon.process.send(signal: SIGHUP)
                #expect(
                    try daemon.process.error.line()
                        == "chatd: the configuration was read again; changed: tls-certificate, tls-key")
                #expect(try TLSPeer.certificateName(at: daemon.port, for: name) == "number 2")
            }
        }

        @Test(arguments: [
            (-20 ... -3, "has expired, on "), (-20...0, "has expired, on "), (-1...10, "expires in "), (-1...20, ""),
        ])
        func `a certificate that expires soon is said at the start and with each reading`(days: ClosedRange<Int>, words: String)
            throws
        {
            let server = try certificates.issue("server", for: ["localhost"], by: authority, days: days)
            try withDaemon(options(server)) { daemon in
                let sentence = "chatd: the certificate \(server.certificateFile) \(words)"
                if !words.isEmpty {
                    let line = try daemon.process.error.line()
                    #expect(line?.hasPrefix(sentence) == true && line?.contains(" UTC") == true, "\(line ?? "")")
                }
                daemon.process.send(signal: SIGHUP)
                #expect(try daemon.process.error.line() == "chatd: the configuration was read again; nothing was changed")
                if !words.isEmpty { #expect(try daemon.process.error.line()?.hasPrefix(sentence) == true) }
                daemon.process.send(signal: SIGHUP)
                #expect(try daemon.process.error.line() == "chatd: the configuration was read again; nothing was changed")
            }
        }

        @Test(arguments: [(0o600, false), (0o640, false), (0o644, true), (0o660, true), (0o602, true)])
        func `a key that others may use is said at the start and with each reading`(mode: Int, isSaid: Bool) throws {
            let server = try certificates.issue("server", for: ["localhost"], by: authority)
            #expect(unsafe chmod(server.keyFile, mode_t(mode)) == 0)
            try withDaemon(options(server)) { daemon in
                let sentence =
                    "chatd: others may read or write the key \(server.keyFile): chmod 600 makes it its owner's alone"
                let first = isSaid ? try daemon.process.error.line() : sentence
                #expect(first == sentence)
                daemon.process.send(signal: SIGHUP)
                #expect(try daemon.process.error.line() == "chatd: the configuration was read again; nothing was changed")
                if isSaid { #expect(try daemon.process.error.line() == sentence) }
            }
        }

        @Test func `metrics say when a certificate expires, and count handshakes that have failed`() throws {
            let server = try certificates.issue("server", for: ["localhost"], by: authority, days: -1...50)
            let expected = time(nil) + 50 * 86_400
            try withDaemon(options(server) + ["--metrics", "127.0.0.1:0"], listeners: 2) { daemon in
                let place = try #require(daemon.addresses[1].wholeMatch(of: #/http://127\.0\.0\.1:(\d+)/metrics/#))
                let metricsPort = try #require(UInt16(place.output.1))
                func content() throws -> String {
                    try Peer(port: metricsPort).ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")?.first?.content ?? ""
                }
                let name = "chatd_tls_certificate_expiry_timestamp_seconds{file=\"\(server.certificateFile)\"} "
                let sample = try #require(try content().split(separator: "\n").first { $0.hasPrefix(name) })
                let time = try #require(Int(sample.dropFirst(name.count)))
                #expect(abs(time - expected) < 300)
                #expect(try content().contains("\nchatd_tls_handshakes_failed_total 0\n"))
                let peer = try Peer(port: daemon.port)
                try peer.send("hello\n")
                _ = try peer.receiveAll()
                #expect(try content().contains("\nchatd_tls_handshakes_failed_total 1\n"))
                #expect(try content().contains("\nchatd_connections_accepted_total 0\n"))
                #expect(try content().contains("\nchatd_connections 0\n"))
            }
        }
    }
#endif
