import ChatCommandLine
import ChatLineEditing
import Glibc
import Reactor

/// What the user has sent in earlier runs: a line for each, in a file that nobody else may read. A newline in it is
/// `\n`, a carriage return `\r`, and a backslash `\\`.
final class HistoryFile {
    private static let lineLimit = 1_000
    private static let entryLimit = 4_096
    /// More than twice the lines that are kept can have, escaped.
    private static let sizeLimit = 32 << 20

    private let path: String?
    /// Why there is no history, for the user.
    private(set) var failure: String?

    /// - Parameter path: Nil for no file.
    init(at path: String?) {
        self.path = path
    }

    /// `$XDG_STATE_HOME/chat/history`, or else `~/.local/state/chat/history`; nil without either.
    static var standardPath: String? {
        UserDirectory.path(of: "history", in: "XDG_STATE_HOME", orElse: ".local/state")
    }

    /// The newest entries, the oldest first. A file that has grown long is made short.
    func load() -> [String] {
        guard let path, unsafe access(path, F_OK) == 0 else { return [] }
        let text: String
        do throws(Failure) {
            text = try TextFile.read(path, called: "the history", limit: Self.sizeLimit, badCode: EX_DATAERR)
        } catch {
            failure = "\(error)"
            return []
        }
        // Of scalars: a carriage return and a newline are one character.
        let lines = text.unicodeScalars.split(separator: "\n").map { line in
            Substring(line.last == "\r" ? line.dropLast() : line)
        }
        let kept = lines.suffix(Self.lineLimit)
        if lines.count > 2 * Self.lineLimit { replace(with: kept.joined(separator: "\n") + "\n", at: path) }
        return kept.map { Self.unescape($0) }
    }

    /// Keeps a line for later runs. What cannot be written is lost, and `failure` says why.
    ///
    /// The corresponding C functions are `mkdir`, `open` and `write`.
    func append(_ line: String) {
        // A long paste is not typed again, and the file is read whole.
        guard let path, line.utf8.count <= Self.entryLimit else { return }
        UserDirectory.make(for: path)
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        if descriptor < 0 { return failure = "cannot write the history \(path): \(Errno.last)" }
        defer { close(descriptor) }
        // Also one that was there, from wherever it came.
        fchmod(descriptor, 0o600)
        // One call, so that the lines of two clients do not mix.
        let bytes = Array((Self.escape(line) + "\n").utf8)
        if unsafe write(descriptor, bytes, bytes.count) != bytes.count {
            failure = "cannot write the history \(path): \(Errno.last)"
        }
    }

    private func replace(with text: String, at path: String) {
        let temporary = path + ".new"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if descriptor < 0 { return }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        if unsafe write(descriptor, bytes, bytes.count) == bytes.count {
            unsafe rename(temporary, path)
        } else {
            unsafe unlink(temporary)
        }
    }

    // Both go by scalars: a newline or a backslash may be one character with what follows it, such as an accent.

    static func escape(_ line: String) -> String {
        var text = String.UnicodeScalarView()
        for scalar in line.unicodeScalars {
            switch scalar {
            case "\\": text.append(contentsOf: "\\\\".unicodeScalars)
            case "\n": text.append(contentsOf: "\\n".unicodeScalars)
            case "\r": text.append(contentsOf: "\\r".unicodeScalars)
            default: text.append(scalar)
            }
        }
        return String(text)
    }

    static func unescape(_ line: some StringProtocol) -> String {
        var text = String.UnicodeScalarView()
        var isEscaped = false
        for scalar in line.unicodeScalars {
            if isEscaped {
                text.append(scalar == "n" ? "\n" : scalar == "r" ? "\r" : scalar)
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else {
                text.append(scalar)
            }
        }
        return String(text)
    }
}
