import Glibc
import Reactor

/// A Redis for one test, at a path and at a free port. It keeps what it has answered in a file, unless the test wants it to forget.
public final class RedisServer {
    public static let isInstalled = ChildProcess.isInstalled("redis-server") && ChildProcess.isInstalled("redis-cli")

    public let path: String
    public let port: UInt16
    /// Where it speaks TLS; nil if it does not.
    public let tlsPort: UInt16?
    private let directory: String
    private let arguments: [String]
    public private(set) var process: ChildProcess

    /// Starts it, and waits until it answers.
    ///
    /// - Parameter tls: Its certificate, and the authority of the certificates that it asks for.
    public init(
        keeps: Bool = true, password: String? = nil,
        tls: (identity: TestCertificates.Identity, authority: TestCertificates.Identity)? = nil
    ) throws {
        directory = "/tmp/chatreactor-redis-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        if unsafe mkdir(directory, 0o700) != 0 { throw Errno(rawValue: errno) }
        path = directory + "/redis.sock"
        // Free now. Nobody else is given it soon, since the kernel picks another one each time.
        port = try Self.anyPort()
        let tlsPort = try tls == nil ? nil : Self.anyPort()
        self.tlsPort = tlsPort
        var arguments = [
            "--port", "\(port)", "--bind", "127.0.0.1", "--unixsocket", path, "--dir", directory, "--save", "", "--appendonly",
            keeps ? "yes" : "no", "--appendfsync", "no",
        ]
        if let password { arguments += ["--requirepass", password] }
        if let tls, let tlsPort {
            arguments += [
                "--tls-port", "\(tlsPort)", "--tls-cert-file", tls.identity.certificateFile, "--tls-key-file",
                tls.identity.keyFile, "--tls-ca-cert-file", tls.authority.certificateFile,
            ]
        }
        self.arguments = arguments
        process = try ChildProcess("redis-server", arguments, output: .null, error: .null)
        try waitUntilItAnswers()
    }

    deinit {
        process.kill()
        if let remover = try? ChildProcess("rm", ["-r", directory]) { _ = try? remover.waitForEnd() }
    }

    /// Starts it again after it was killed.
    public func restart() throws {
        process = try ChildProcess("redis-server", arguments, output: .null, error: .null)
        try waitUntilItAnswers()
    }

    private func waitUntilItAnswers() throws {
        try wait(for: "Redis to answer") {
            // A Redis with a password answers, too.
            let answer = try command("PING")
            return answer.hasPrefix("PONG") || answer.hasPrefix("NOAUTH")
        }
    }

    /// Gives a command by redis-cli, and returns what that prints.
    @discardableResult
    public func command(_ arguments: String..., password: String? = nil) throws -> String {
        let login = password.map { ["--no-auth-warning", "-a", $0] } ?? []
        let client = try ChildProcess("redis-cli", ["-s", path] + login + arguments)
        let output = String(decoding: try client.output.all(), as: UTF8.self)
        _ = try client.waitForEnd()
        return String(output.drop { $0 == "\n" }.reversed().drop { $0 == "\n" }.reversed())
    }

    private static func anyPort() throws -> UInt16 {
        guard let port = freePort() else { throw Errno(rawValue: errno) }
        return port
    }
}
