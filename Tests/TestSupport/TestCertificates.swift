import Glibc

/// Certificates for tests, made by the command `openssl` in a folder of their own, which goes with this object.
///
/// ```swift
/// let certificates = try TestCertificates()
/// let authority = try certificates.makeAuthority("ca")
/// let server = try certificates.issue("server", for: ["localhost", "127.0.0.1"], by: authority)
/// ```
public final class TestCertificates {
    /// A certificate and its key, as files of PEM.
    public struct Identity: Sendable {
        /// The certificate, and behind it those of the authorities that are between it and the root.
        public let certificateFile: String
        public let keyFile: String
        fileprivate let isRoot: Bool
    }

    public enum Key: Sendable {
        case p256, rsa2048
    }

    /// The folder in which the files are.
    public let folder: String

    /// Whether there is the command.
    public static var canBeMade: Bool { ChildProcess.isInstalled("openssl") }

    public init() throws {
        folder = "/tmp/chatreactor-certificates-\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        try run("mkdir", ["-m", "700", folder])
    }

    deinit { _ = try? run("rm", ["-rf", folder]) }

    public func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// An authority: a root, or one that another has issued.
    public func makeAuthority(_ name: String, by issuer: Identity? = nil) throws -> Identity {
        try make(
            name, subject: "Test authority \(name)", by: issuer, days: -1...3_650, key: .p256,
            extensions: ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"])
    }

    /// A certificate for a server or a client.
    ///
    /// - Parameters:
    ///   - name: What its files are called. A later certificate of a name takes the place of the former one.
    ///   - names: The names of hosts, and IP addresses, for which it is.
    ///   - subject: Its common name; nil for the first of the names.
    ///   - issuer: The authority; nil for a certificate that is signed by itself.
    ///   - days: From when on it is valid, and until when: in days from now.
    public func issue(
        _ name: String, for names: [String] = [], subject: String? = nil, by issuer: Identity? = nil,
        days: ClosedRange<Int> = -1...90, key: Key = .p256
    ) throws -> Identity {
        let entries = names.map { name in
            // An address of IPv4 has digits alone in it, and one of IPv6 colons.
            let isAddress = name.contains(":") || name.allSatisfy { $0.isNumber || $0 == "." }
            return isAddress ? "IP:\(name)" : "DNS:\(name)"
        }
        let alternatives = entries.isEmpty ? [] : ["subjectAltName=\(entries.joined(separator: ","))"]
        return try make(
            name, subject: subject ?? names.first ?? name, by: issuer, days: days, key: key,
            extensions: ["basicConstraints=critical,CA:FALSE"] + alternatives)
    }

    /// The SHA-256 fingerprint of the first certificate in a file, as `openssl` writes it: `AB:CD:…`.
    public func fingerprint(of file: String) throws -> String {
        let text = try run("openssl", ["x509", "-in", file, "-noout", "-fingerprint", "-sha256"])
        return String(text.drop { $0 != "=" }.dropFirst().prefix { $0 != "\n" })
    }

    private func make(
        _ name: String, subject: String, by issuer: Identity?, days: ClosedRange<Int>, key: Key, extensions: [String]
    ) throws -> Identity {
        let (certificate, keyFile, request) = (path("\(name).pem"), path("\(name).key"), path("\(name).csr"))
        let algorithm = key == .p256 ? ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["-newkey", "rsa:2048"]
        try run("openssl", ["req"] + algorithm + ["-nodes", "-keyout", keyFile, "-out", request, "-subj", "/CN=\(subject)"])
        try write(extensions.joined(separator: "\n") + "\n", to: path("\(name).extensions"))
        // The only command of all versions that takes two dates.
        let settings = [
            "[ca]", "default_ca=default", "[default]", "database=\(path("issued"))", "new_certs_dir=\(folder)",
            "default_md=sha256", "policy=policy", "rand_serial=yes", "unique_subject=no", "[policy]", "commonName=supplied",
        ]
        try write(settings.joined(separator: "\n") + "\n", to: path("settings"))
        try write("", to: path("issued"))
        let by = issuer.map { ["-cert", $0.certificateFile, "-keyfile", $0.keyFile] } ?? ["-selfsign", "-keyfile", keyFile]
        let dates = ["-startdate", Self.date(inDays: days.lowerBound), "-enddate", Self.date(inDays: days.upperBound)]
        try run(
            "openssl",
            ["ca", "-batch", "-notext", "-config", path("settings"), "-in", request, "-out", certificate, "-extfile"]
                + [path("\(name).extensions")] + by + dates)
        if let issuer, !issuer.isRoot {
            try write(try run("cat", [certificate, issuer.certificateFile]), to: certificate)
        }
        return Identity(certificateFile: certificate, keyFile: keyFile, isRoot: issuer == nil)
    }

    /// As in `20261128190305Z`.
    private static func date(inDays days: Int) -> String {
        var instant = time(nil) + days * 86_400
        var fields = unsafe tm()
        unsafe gmtime_r(&instant, &fields)
        let numbers = unsafe [fields.tm_mon + 1, fields.tm_mday, fields.tm_hour, fields.tm_min, fields.tm_sec]
        return "\(unsafe fields.tm_year + 1900)" + numbers.map { ($0 < 10 ? "0" : "") + "\($0)" }.joined() + "Z"
    }

    private func write(_ text: String, to path: String) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failed(description: "cannot write \(path)") }
        defer { close(descriptor) }
        guard unsafe Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count else {
            throw Failed(description: "cannot write \(path)")
        }
    }

    /// What a command prints. Throws what it complains of, if it fails.
    @discardableResult
    private func run(_ program: String, _ arguments: [String]) throws -> String {
        let errors = TemporaryPath()
        let descriptor = try errors.open(O_WRONLY)
        defer { close(descriptor) }
        // Into a file: a pipe that nobody reads could become full.
        let process = try ChildProcess(program, arguments, error: .descriptor(descriptor))
        let output = String(decoding: try process.output.all(), as: UTF8.self)
        guard try process.waitForEnd() == .exit(0) else {
            throw Failed(description: "\(program) \(arguments.joined(separator: " ")): \(try errors.text)")
        }
        return output
    }

    private struct Failed: Error, CustomStringConvertible {
        let description: String
    }
}
