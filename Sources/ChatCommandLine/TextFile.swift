import Glibc
import Reactor

/// Files of text that are read whole.
public enum TextFile {
    /// - Parameters:
    ///   - name: What the file is, for a sentence: `the configuration`.
    ///   - limit: How many bytes it may have.
    ///   - badCode: The exit code if the file is too long or not UTF-8.
    ///
    /// The corresponding C functions are `open` and `read`.
    public static func read(_ path: String, called name: String, limit: Int, badCode: Int32) throws(Failure) -> String {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try contents(of: path, limit: limit)
        } catch {
            throw Failure("cannot read \(name) \(path): \(error)", code: Failure.code(forReading: error))
        }
        if bytes.count > limit { throw Failure("\(name) \(path) has more than \(limit) bytes", code: badCode) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure("\(name) \(path) is not UTF-8", code: badCode)
        }
        // Editors of other systems put a mark before the first line, which says that the file is UTF-8.
        return text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
    }

    /// What is in the file; of a longer one than there may be, more than that.
    private static func contents(of path: String, limit: Int) throws(Errno) -> [UInt8] {
        // A FIFO that nobody writes to would make the daemon wait before it has said anything.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        if descriptor < 0 { throw .last }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16_384)
        while bytes.count <= limit {
            let count = unsafe Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw .last }
            if count == 0 { break }
            bytes += piece[..<count]
        }
        return bytes
    }
}
