import Glibc
public import Reactor

/// A path that nobody else uses, and at which there is nothing. A file that is made there is removed with this.
public final class TemporaryPath {
    public let path: String

    /// - Parameter length: How long the path is, in bytes; nil for any length.
    public init(length: Int? = nil) {
        let number = UInt64.random(in: 0 ... .max)
        let start = "/tmp/chatreactor-\(getpid())-\(String(number, radix: 36))"
        path = start + String(repeating: "a", count: max(0, (length ?? 0) - start.utf8.count))
    }

    deinit { unsafe unlink(path) }

    public var exists: Bool { unsafe access(path, F_OK) == 0 }

    /// Opens the file, which is made if there is none.
    public func open(_ mode: Int32) throws -> Int32 {
        let descriptor = unsafe Glibc.open(path, mode | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        return descriptor
    }

    /// Makes a file of a text.
    public func write(_ text: String) throws { try write(Array(text.utf8)) }

    /// Makes a file of bytes.
    public func write(_ bytes: [UInt8]) throws {
        let descriptor = try open(O_WRONLY | O_TRUNC)
        defer { close(descriptor) }
        guard unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw Errno(rawValue: errno) }
    }

    public var bytes: [UInt8] {
        get throws { Peer(takingOver: try open(O_RDONLY)).bytes }
    }

    public var text: String {
        get throws { String(decoding: try bytes, as: UTF8.self) }
    }
}

extension SocketAddress {
    /// A path that nobody else uses, and that is not there yet.
    public static func temporaryPath() -> SocketAddress {
        .unix(path: "/tmp/chatreactor-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock")
    }

    public var path: String? {
        if case .unix(let path) = self { path } else { nil }
    }
}
