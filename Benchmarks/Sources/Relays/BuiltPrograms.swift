public import Foundation

/// Where things are, and what has been built there.
public final class BuiltPrograms {
    public static let benchmarks = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    public static let repository = benchmarks.deletingLastPathComponent()

    /// Where this package's executables are: beside this one.
    public let products: URL
    /// For what is built for this run, and for sockets.
    public let temporary: URL
    private let chatd: String
    private var commands: [String: [String]] = [:]

    /// Builds what is to be run.
    ///
    /// - Parameters:
    ///   - chatd: One that is built already.
    ///   - executables: Those of this package that are needed.
    public init(chatd: String?, executables: [String]) throws {
        products = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        temporary = FileManager.default.temporaryDirectory.appending(path: "\(ProcessInfo.processInfo.processName)-\(getpid())")
        try FileManager.default.createDirectory(at: temporary, withIntermediateDirectories: true)
        for product in executables {
            try Self.build(product, package: Self.benchmarks)
        }
        if let chatd {
            self.chatd = chatd
        } else {
            try Self.build("chatd", package: Self.repository)
            self.chatd = Self.repository.appending(path: ".build/release/chatd").path
        }
    }

    public func clear() {
        try? FileManager.default.removeItem(at: temporary)
    }

    private static func build(_ product: String, package: URL) throws {
        printStatus("building \(product)")
        let output = try Command.run(
            ["swift", "build", "-c", "release", "--package-path", package.path, "--product", product], timeLimit: 1_800)
        if output.status != 0 { throw RunFailure("\(product) does not build:\n\(output.errors)\(output.text)") }
    }

    // MARK: - TLS

    public static let certificateName = "certificate.pem"
    public static let keyName = "key.pem"

    /// Makes a certificate for localhost, and its key, in the temporary directory, unless they are there.
    ///
    /// - Returns: The certificate's path, which is also the authority that a client has to believe.
    public func makeCertificate() throws -> String {
        let (certificate, key) = (temporary.appending(path: Self.certificateName), temporary.appending(path: Self.keyName))
        if FileManager.default.fileExists(atPath: key.path) { return certificate.path }
        let output = try Command.run(
            [
                try Command.path(of: "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout",
                key.path, "-out", certificate.path, "-days", "2", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost",
            ], timeLimit: 60)
        if output.status != 0 {
            throw RunFailure("no certificate could be made: \(output.errors.firstLine ?? "no reason given")")
        }
        return certificate.path
    }

    /// The command that starts a relay, without its arguments. Throws the reason if it cannot be built or found here.
    public func command(for relay: Relay) throws -> [String] {
        if let command = commands[relay.name] { return command }
        let command = try makeCommand(for: relay)
        commands[relay.name] = command
        return command
    }

    private func makeCommand(for relay: Relay) throws -> [String] {
        let peers = Self.benchmarks.appending(path: "Peers").path
        switch relay.source {
        case .chatd:
            return [URL(filePath: chatd).path]
        case .product(let name):
            return [products.appending(path: name).path]
        case .installed(let name):
            return [try Command.path(of: name)]
        case .script(let interpreter, let file):
            return [try Command.path(of: interpreter), "\(peers)/\(file)"]
        case .beforeChatd(let file):
            return [try Command.path(of: "sh"), "\(peers)/\(file)", URL(filePath: chatd).path]
        case .built(let tool, let arguments):
            let destination = temporary.appending(path: relay.name).path
            printStatus("building \(relay.name)")
            let output = try Command.run([try Command.path(of: tool)] + arguments(peers, destination), timeLimit: 600)
            if output.status != 0 {
                throw RunFailure("does not build: \(output.errors.firstLine ?? "no reason given")")
            }
            return [destination]
        }
    }

    /// A library of `Preload/`, built to be named in LD_PRELOAD.
    public func buildPreload(_ name: String) throws -> URL {
        let source = Self.benchmarks.appending(path: "Preload/\(name).c").path
        let destination = temporary.appending(path: "\(name).so")
        let compiler = try Command.path(of: "cc")
        let output = try Command.run(
            [compiler, "-O2", "-shared", "-fPIC", source, "-o", destination.path, "-ldl"], timeLimit: 60)
        if output.status != 0 { throw RunFailure("\(name) does not build: \(output.errors.firstLine ?? "no reason given")") }
        return destination
    }
}
