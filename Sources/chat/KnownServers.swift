import ChatCommandLine
import Glibc
import Reactor

/// The servers that are trusted because they were the same before: a file of lines, each with a server's host and port and the SHA-256 fingerprint
/// of its certificate. A line that begins with `#` is a comment.
struct KnownServers: Sendable {
    private static let sizeLimit = 1 << 20

    let path: String

    init(at path: String) {
        self.path = path
    }

    /// `$XDG_CONFIG_HOME/chat/known-servers`, or else `~/.config/chat/known-servers`; nil without either.
    static var standardPath: String? {
        UserDirectory.path(of: "known-servers", in: "XDG_CONFIG_HOME", orElse: ".config")
    }

    /// The fingerprint that is remembered of a server; nil if none is.
    ///
    /// - Throws: If the file cannot be read, or has a line that says nothing about a server: it may have been about this one.
    func fingerprint(of server: String) throws(Failure) -> String? {
        try Self.fingerprint(of: server, in: try read(), at: path)
    }

    /// Remembers a server, unless another client has just remembered it. The file is replaced by a longer one: whoever reads it meanwhile finds
    /// the old one or the new one.
    ///
    /// - Returns: The fingerprint that is remembered now.
    ///
    /// The corresponding C functions are `flock`, `fsync` and `rename`.
    func remember(_ server: String, _ fingerprint: String) throws(Failure) -> String {
        UserDirectory.make(for: path)
        return try FolderLock.hold(for: path, orThrow: { cannotWrite(FolderLock.words(for: $0)) }) { () throws(Failure) in
            let text = try read()
            if let known = try Self.fingerprint(of: server, in: text, at: path) { return known }
            let separator = text.isEmpty || text.utf8.last == 10 ? "" : "\n"
            try replace(with: "\(text)\(separator)\(server) \(fingerprint)\n")
            return fingerprint
        }
    }

    private static func fingerprint(of server: String, in text: String, at path: String) throws(Failure) -> String? {
        for (index, line) in text.utf8.split(separator: 10, omittingEmptySubsequences: false).enumerated() {
            let words = line.split { $0 == 32 || $0 == 9 || $0 == 13 }.map { String(Substring($0)) }
            if words.isEmpty || words[0].hasPrefix("#") { continue }
            guard words.count == 2, words[1].utf8.count == 95 else {
                throw Failure("\(path), line \(index + 1): a server and a fingerprint are expected", code: EX_CONFIG)
            }
            if words[0] == server { return words[1].uppercased() }
        }
        return nil
    }

    private func read() throws(Failure) -> String {
        if unsafe access(path, F_OK) != 0, errno == ENOENT { return "" }
        return try TextFile.read(path, called: "the known servers", limit: Self.sizeLimit, badCode: EX_CONFIG)
    }

    private func replace(with text: String) throws(Failure) {
        // A link, to where the user keeps such files, stays one.
        var target = path
        if let real = unsafe realpath(path, nil) {
            target = unsafe String(cString: real)
            unsafe free(real)
        }
        let new = target + ".new"
        // What an interrupted run has left there is in nobody's way: this client has the lock.
        unsafe unlink(new)
        let descriptor = unsafe open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw cannotWrite("\(Errno.last)") }
        let bytes = Array(text.utf8)
        let isWritten = unsafe write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        let error = isWritten ? nil : Errno.last
        close(descriptor)
        if error == nil, unsafe rename(new, target) == 0 { return }
        let reason = error ?? .last
        unsafe unlink(new)
        throw cannotWrite("\(reason)")
    }

    private func cannotWrite(_ reason: String) -> Failure {
        Failure("cannot remember the server in \(path): \(reason)", code: EX_CANTCREAT)
    }
}
