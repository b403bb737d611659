#if !TLS
    import Glibc
    import TestSupport
    import Testing

    /// Programs that were built without TLS say so when they are asked for it.
    @Suite struct AbsentTLSTests {
        private static let sentence = "this build has no TLS; one that has is made by swift build --traits TLS"

        @Test(arguments: [
            ["--tls-certificate", "/none", "--tls-key", "/none"], ["--tls-key", "/none"], ["--tls-client-ca", "/none"],
            ["--tls-clients", "require"], ["--listen", "tls:127.0.0.1:0"], ["--listen", "tls:unix:/none"],
        ])
        func `chatd`(arguments: [String]) throws {
            let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), arguments)
            #expect(String(decoding: try process.error.all(), as: UTF8.self).contains(Self.sentence))
            #expect(try process.waitForEnd() == .exit(EX_USAGE))
        }

        @Test(arguments: [
            ["--tls", "localhost"], ["tls://localhost"], ["tls:localhost:3002"], ["--tls-ca", "/none", "localhost"],
            ["--tls-certificate", "/none", "localhost"], ["--tls-key", "/none", "localhost"],
            ["--tls-trust-on-first-use", "localhost"],
        ])
        func `chat`(arguments: [String]) throws {
            let process = try startChat(arguments)
            #expect(String(decoding: try process.error.all(), as: UTF8.self).contains(Self.sentence))
            #expect(try process.waitForEnd() == .exit(EX_USAGE))
        }
    }
#endif
