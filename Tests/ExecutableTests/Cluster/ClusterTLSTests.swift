#if Redis && TLS
    import Glibc
    import Reactor
    import TestSupport
    import Testing

    /// `chatd --cluster rediss:…`: with a Redis that speaks TLS, and wants to know who connects.
    @Suite(.enabled(if: RedisServer.isInstalled && TestCertificates.canBeMade)) struct ClusterTLSTests {
        private let certificates: TestCertificates
        private let authority: TestCertificates.Identity
        private let redis: RedisServer

        init() throws {
            certificates = try TestCertificates()
            authority = try certificates.makeAuthority("ca")
            redis = try RedisServer(tls: (try certificates.issue("redis", for: ["localhost"], by: authority), authority))
        }

        private func arguments(host: String = "localhost") throws -> [String] {
            let identity = try certificates.issue("chatd", subject: "chatd", by: authority)
            return [
                "--listen", "127.0.0.1:0", "--cluster", "rediss://\(host):\(redis.tlsPort ?? 0)/test", "--cluster-tls-ca",
                authority.certificateFile, "--cluster-tls-certificate", identity.certificateFile, "--cluster-tls-key",
                identity.keyFile,
            ]
        }

        @Test func `two daemons are one relay, in their sandbox, also after Redis was started again`() throws {
            let daemons = try (0..<2).map { _ in try Daemon(try arguments()) }
            for daemon in daemons { while let line = try daemon.process.error.line(), !line.contains("the stream is reached") {} }
            let (speaker, listener) = (try daemons[0].join(1)[0], try daemons[1].join(1)[0])
            for number in 0..<2 {
                try speaker.send("\(number)\n")
                while try listener.receiveLine() != "\(number)" {}
                redis.process.kill()
                try redis.restart()
            }
            for daemon in daemons { try daemon.end() }
        }

        private func reason(_ arguments: [String]) throws -> String {
            let daemon = try Daemon(arguments)
            let line = try daemon.process.error.line() ?? ""
            try daemon.end()
            return line
        }

        @Test func `a certificate that is not for the host is not believed`() throws {
            let line = try reason(try arguments(host: "127.0.0.1"))
            #expect(line.contains(" warning the stream is away ") && line.contains("IP address mismatch"), "\(line)")
        }

        @Test func `a Redis that speaks no TLS is not spoken to`() throws {
            var arguments = try arguments()
            arguments[3] = "rediss://localhost:\(redis.port)/test"
            let line = try reason(arguments)
            #expect(line.contains(" warning the stream is away "), "\(line)")
            #expect(try redis.command("EXISTS", "chatd:test") == "0")
        }

        @Test func `a server that does not say who it is gets no further`() throws {
            let line = try reason(Array(try arguments().prefix(6)))
            // Redis says why, and resets the connection right after that, which may be noticed first.
            let reasons = ["alert", "Connection reset by peer"]
            #expect(line.contains(" warning the stream is away ") && reasons.contains(where: line.contains), "\(line)")
            #expect(try redis.command("EXISTS", "chatd:test") == "0")
        }

        @Test(
            arguments: [
                ([], "rediss: needs --cluster-tls-ca: a file of the authorities whom to believe", EX_USAGE),
                (
                    ["--cluster-tls-ca", "ca", "--cluster-tls-key", "key"],
                    "--cluster-tls-certificate and --cluster-tls-key go together", EX_USAGE
                ),
                (["--cluster-tls-ca", "/none"], "/none: No such file or directory", EX_NOINPUT),
            ] as [([String], String, Int32)])
        func `what is missing is said`(arguments: [String], sentence: String, code: Int32) throws {
            let process = try ChildProcess(
                ChildProcess.pathOfExecutable("chatd"), ["--cluster", "rediss://127.0.0.1/test"] + arguments)
            let text = String(decoding: try process.error.all(), as: UTF8.self)
            #expect(text.contains(sentence), "\(text)")
            #expect(try process.waitForEnd() == .exit(code))
        }
    }
#endif
