#if TLS
    import TestSupport
    import Testing

    /// A client of TLS that somebody else has written. Its standard input goes to the server, and what comes to its standard output.
    enum TLSPeer: CaseIterable {
        case openssl, python, ncat

        private static let script = #filePath.replacing(#/TLS/[^\/]+$/#, with: "Clients/tls_client.py")

        var isInstalled: Bool { ChildProcess.isInstalled(self == .python ? "python3" : "\(self)") }

        /// Connects to a port of 127.0.0.1 at which a certificate for a name is expected.
        func connect(to port: UInt16, trusting authority: TestCertificates.Identity, as name: String = "localhost") throws
            -> ChildProcess
        {
            let file = authority.certificateFile
            switch self {
            case .openssl:
                return try Self.openssl(to: port, ["-quiet", "-CAfile", file, "-verify_return_error", "-verify_hostname", name])
            case .python: return try ChildProcess("python3", [Self.script, "\(port)", file, name], input: .pipe)
            case .ncat:
                let trust = ["--ssl-verify", "--ssl-trustfile", file, "--ssl-servername", name]
                return try ChildProcess("ncat", ["--ssl"] + trust + ["127.0.0.1", "\(port)"], input: .pipe)
            }
        }

        /// `openssl s_client`, with more options.
        static func openssl(to port: UInt16, _ options: [String]) throws -> ChildProcess {
            try ChildProcess("openssl", ["s_client", "-connect", "127.0.0.1:\(port)"] + options, input: .pipe)
        }

        /// The common name of the certificate that a server shows to a client that asks for a host.
        static func certificateName(at port: UInt16, for host: String = "localhost") throws -> String? {
            let process = try openssl(to: port, ["-servername", host])
            process.closeInput()
            let output = String(decoding: try process.output.all(), as: UTF8.self)
            return output.firstMatch(of: #/subject=CN ?= ?([^\n]*)/#).map { String($0.output.1) }
        }
    }
#endif
