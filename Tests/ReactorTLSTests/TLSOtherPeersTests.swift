#if TLS
    import Glibc
    import Reactor
    import ReactorTLS
    import TestSupport
    import Testing

    /// Programs that were not made with this library talk with it.
    @Suite(.enabled(if: TestCertificates.canBeMade))
    struct TLSOtherPeersTests {
        private let fixture: TLSFixture

        init() throws { fixture = try TLSFixture() }

        /// A server that answers each line with what was agreed upon for it.
        private final class Answerer: ConnectionHandler {
            func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
                guard let session = connection.tls else { return }
                let name = session.peerCertificate?.name ?? "nobody"
                for _ in 0..<messages.count {
                    connection.send("\(session.protocolVersion) \(name) \(session.isResumed ? "again" : "new")\n")
                }
            }
        }

        /// Calls `body` with the port of a server in the background.
        private func withServer(_ server: TLSServer? = nil, _ body: (UInt16) throws -> Void) async throws {
            let background = try BackgroundLoop()
            var options = Connection.Options()
            options.transport = try server?.transport ?? fixture.server().transport
            let port = try await background.remote.withLoop { [options] loop in
                try loop.listen(on: .loopback(port: 0), options: options) { Answerer() }.address.port ?? 0
            }
            try body(port)
            try await background.shutDown(timeout: .zero)
        }

        private var authorityFile: String { fixture.authority.certificateFile }

        /// `openssl s_client`, whose errors come with its output, and which has said a line.
        private func openssl(_ port: UInt16, _ options: [String]) throws -> ChildProcess {
            let common = [
                "-connect", "127.0.0.1:\(port)", "-servername", "localhost", "-verify_return_error", "-CAfile", authorityFile,
            ]
            let process = try ChildProcess(
                "sh", ["-c", "exec openssl s_client \"$@\" 2>&1", "sh"] + common + options, input: .pipe)
            try process.write("hello\n")
            return process
        }

        @Test("openssl's client speaks each version", arguments: [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
        func versions(option: String, version: String) async throws {
            try await withServer { port in
                let process = try openssl(port, ["-quiet", "-no_ign_eof", option])
                _ = try process.output.text(through: "\(version) nobody new\n")
                process.closeInput()
                #expect(try process.waitForEnd() == .exit(0))
            }
        }

        @Test("A client of an older version is not served")
        func olderVersion() async throws {
            try await withServer { port in
                // At security level 0 openssl offers it, and this side alone refuses it.
                let process = try openssl(port, ["-quiet", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"])
                let output = String(decoding: try process.output.all(), as: UTF8.self)
                #expect(output.contains("alert protocol version") && !output.contains("nobody"), "\(output)")
                #expect(try process.waitForEnd() == .exit(1))
            }
        }

        private static let python = """
            import socket, ssl, sys
            port, authority, version, certificate, key = int(sys.argv[1]), *sys.argv[2:6]
            context = ssl.create_default_context(cafile=authority)
            context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
            if certificate: context.load_cert_chain(certificate, key)
            session = None
            for _ in range(2):
                with context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost", session=session) as s:
                    s.sendall(b"hello\\n")
                    print(s.makefile().readline().strip())
                    session = s.session
                    rest = s.unwrap()
            """

        @Test(
            "Python's client resumes its session, and is known by its certificate again", arguments: ["TLSv1_2", "TLSv1_3"],
            [false, true])
        func resumption(version: String, hasCertificate: Bool) async throws {
            let server = try TLSServer(
                identities: [fixture.serverIdentity],
                clientCertificates: hasCertificate ? .required(authorities: authorityFile) : .ignored)
            let ana = try fixture.certificates.issue("ana", subject: "ana", by: fixture.authority)
            let files = hasCertificate ? [ana.certificateFile, ana.keyFile] : ["", ""]
            try await withServer(server) { port in
                let process = try ChildProcess("python3", ["-c", Self.python, "\(port)", authorityFile, version] + files)
                let words = "\(version.replacing("_", with: ".")) \(hasCertificate ? "ana" : "nobody")"
                #expect(String(decoding: try process.output.all(), as: UTF8.self) == "\(words) new\n\(words) again\n")
                #expect(try process.waitForEnd() == .exit(0))
            }
        }

        @Test("A client of TLS 1.2 that wants to negotiate again is refused, and others are served")
        func renegotiation() async throws {
            try await withServer { port in
                let process = try openssl(port, ["-tls1_2"])
                _ = try process.output.text(through: "TLSv1.2 nobody new\n")
                try process.write("R\n")
                let output = String(decoding: try process.output.all(), as: UTF8.self)
                #expect(output.contains("RENEGOTIATING"))
                #expect(output.contains("no renegotiation"))
                let other = try openssl(port, ["-quiet"])
                _ = try other.output.text(through: "TLSv1.3 nobody new\n")
                other.kill()
            }
        }
    }
#endif
