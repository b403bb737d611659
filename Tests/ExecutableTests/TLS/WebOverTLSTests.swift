#if TLS
    import Glibc
    import TestSupport
    import Testing

    /// `chatd --listen web+tls:…`: the page by `https`, and WebSockets by `wss`.
    @Suite(.enabled(if: TestCertificates.canBeMade)) struct WebOverTLSTests {
        private let certificates: TestCertificates
        private let authority: TestCertificates.Identity
        private let options: [String]

        init() throws {
            certificates = try TestCertificates()
            authority = try certificates.makeAuthority("ca")
            let server = try certificates.issue("server", for: ["localhost", "127.0.0.1"], by: authority)
            options = [
                "--listen", "web+tls:127.0.0.1:0", "--tls-certificate", server.certificateFile, "--tls-key", server.keyFile,
            ]
        }

        @Test(.enabled(if: ChildProcess.isInstalled("curl"))) func `the page`() throws {
            try withDaemon(options) { daemon in
                #expect(daemon.addresses[0].wholeMatch(of: #/web\+tls:127\.0\.0\.1:\d+/#) != nil)
                let curl = try ChildProcess(
                    "curl", ["--silent", "--cacert", authority.certificateFile, "https://localhost:\(daemon.port)/", "--ipv4"])
                #expect(String(decoding: try curl.output.all(), as: UTF8.self).lowercased().hasPrefix("<!doctype html>"))
            }
        }

        @Test func `a WebSocket, and who speaks HTTP in the clear`() throws {
            try withDaemon(options + ["--chat"]) { daemon in
                let client = try TLSPeer.openssl.connect(to: daemon.port, trusting: authority)
                try client.write(WebSocketPeer.request())
                #expect(try client.output.line() == "HTTP/1.1 101 Switching Protocols\r")
                while let line = try client.output.line(), line != "\r" {}
                try client.write(WebSocketPeer.Frame.text("/quit").bytes())
                #expect(String(decoding: try client.output.all(), as: UTF8.self).contains("* welcome to"))
                let plain = try daemon.connect()
                try plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                // At most an alert of TLS.
                #expect(try !String(decoding: plain.receiveAll(), as: UTF8.self).contains("HTTP"))
            }
        }

        @Test func `it needs a certificate`() throws {
            let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), ["--listen", "web+tls:127.0.0.1:0"])
            #expect(try process.waitForEnd() == .exit(EX_USAGE))
        }
    }
#endif
