import CommandLineSupport
import Glibc
import Reactor

/// The file whose lines greet newcomers.
enum MessageOfTheDay {
    /// Every newcomer gets all of it.
    private static let maximumLength = 65_536

    /// Reads the lines of the file, without the empty ones at its end.
    ///
    /// The corresponding C functions are `open`, `fstat` and `read`.
    static func read(_ path: String) throws(Failure) -> [String] {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try contents(of: path)
        } catch {
            let code = error == .permissionDenied ? EX_NOPERM : EX_NOINPUT
            throw Failure("cannot read the message of the day \(path): \(error)", code: code)
        }
        if bytes.count > maximumLength {
            throw Failure("the message of the day \(path) has more than \(maximumLength) bytes", code: EX_DATAERR)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure("the message of the day \(path) is not UTF-8", code: EX_DATAERR)
        }
        // Editors of other systems put a mark before the first line, which says that the file is UTF-8.
        let marked = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        var lines = marked.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.map(String.init)
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// What is in the file; of a longer one than there may be, more than that.
    private static func contents(of path: String) throws(Errno) -> [UInt8] {
        // A FIFO that nobody writes to would make the daemon wait before it has said anything.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        if descriptor < 0 { throw .last }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: maximumLength + 1)
        while bytes.count <= maximumLength {
            let count = unsafe Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw .last }
            if count == 0 { break }
            bytes += piece[..<count]
        }
        return bytes
    }
}
