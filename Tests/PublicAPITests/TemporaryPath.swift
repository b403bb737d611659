import ChatReactor
import Glibc

/// A path that nobody else uses, and at which there is nothing. What is put there is removed with this.
final class TemporaryPath {
    let path: String

    /// - Parameter length: How long the path is, in bytes; nil for any length.
    init(length: Int? = nil) {
        let number = UInt64.random(in: 0 ... .max)
        let start = "/tmp/chatreactor-\(getpid())-\(String(number, radix: 36))"
        path = start + String(repeating: "a", count: max(0, (length ?? 0) - start.utf8.count))
    }

    deinit { unsafe unlink(path) }

    var exists: Bool { unsafe access(path, F_OK) == 0 }

    /// Opens the file, which is made if there is none.
    func open(_ mode: Int32) throws -> Int32 {
        let descriptor = unsafe Glibc.open(path, mode | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        return descriptor
    }

    /// Makes a file of a text.
    func write(_ text: String) throws {
        let descriptor = try open(O_WRONLY | O_TRUNC)
        defer { close(descriptor) }
        guard unsafe Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count else { throw Errno(rawValue: errno) }
    }

    var text: String {
        get throws {
            let descriptor = try open(O_RDONLY)
            let reader = Peer(takingOver: descriptor)
            return reader.text
        }
    }
}
