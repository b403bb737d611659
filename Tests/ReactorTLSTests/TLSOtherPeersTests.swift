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

        /// Runs a program with a server of its own in the background, and returns what it prints.
        private func run(
            _ program: String, _ arguments: (UInt16) -> [String], input: String?, server: TLSServer? = nil
        ) async throws -> (output: String, end: ChildProcess.End) {
            let background = try BackgroundLoop()
            var options = Connection.Options()
            options.transport = try server?.transport ?? fixture.server().transport
            let port = try await background.remote.withLoop { [options] loop in
                try loop.listen(on: .loopback(port: 0), options: options) { Answerer() }.address.port ?? 0
            }
            let process = try ChildProcess(program, arguments(port))
            if let input { try process.write(input) }
            let output = try process.output.all()
            let end = try process.waitForEnd()
            try await background.shutDown(timeout: .zero)
            return (String(decoding: output, as: UTF8.self), end)
        }

        private var authorityFile: String { fixture.authority.certificateFile }

        @Test("openssl's client speaks each version, and no older one", arguments: ["-tls1_2", "-tls1_3", "-tls1_1"])
        func versions(option: String) async throws {
            // An old version is refused by this side alone: at security level 0 the client offers it.
            let cipher = option == "-tls1_1" ? ["-cipher", "ALL:@SECLEVEL=0"] : []
            let script = """
                (echo hello; sleep 0.3; echo Q) | openssl s_client -connect 127.0.0.1:$0 -servername localhost -verify_return_error \
                -quiet -no_ign_eof -CAfile \(authorityFile) \(option) \(cipher.joined(separator: " ")) 2>&1
                """
            let (output, _) = try await run("sh", { ["-c", script, "\($0)"] }, input: nil)
            let version = ["-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"][option]
            if let version { #expect(output.contains("\(version) nobody new")) } else { #expect(!output.contains("nobody")) }
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
            let (output, end) = try await run(
                "python3", { ["-c", Self.python, "\($0)", authorityFile, version] + files }, input: nil, server: server)
            let words = "\(version.replacing("_", with: ".")) \(hasCertificate ? "ana" : "nobody")"
            #expect(output == "\(words) new\n\(words) again\n")
            #expect(end == .exit(0))
        }

        @Test("A client of TLS 1.2 that wants to negotiate again is refused, and others are served")
        func renegotiation() async throws {
            let script = """
                (echo hello; sleep 0.3; echo R; sleep 0.3) | openssl s_client -connect 127.0.0.1:$0 -servername localhost \
                -tls1_2 -CAfile \(authorityFile) 2>&1
                """
            let (output, _) = try await run("sh", { ["-c", script, "\($0)"] }, input: nil)
            #expect(output.contains("RENEGOTIATING"))
            #expect(output.contains("no renegotiation"))
        }
    }
#endif
