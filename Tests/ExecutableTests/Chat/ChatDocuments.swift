import Glibc
import Reactor
import TestSupport

/// Docs/chat-protocol.md and its schema, which what goes over the wire must agree with.
enum ChatDocuments {
    /// The objects that the document has as examples, as they are written there.
    static let examples = Result {
        try text("chat-protocol.md").split(separator: "\n").filter { $0.hasPrefix("{") }.map(String.init)
    }
    static let schema = Result { try JSONSchema(text("chat-protocol.schema.json")) }

    private static func text(_ name: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let descriptor = unsafe open("/\(root)/Docs/\(name)", O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { throw Errno(rawValue: errno) }
        return String(decoding: try StreamReader(takingOver: descriptor).all(), as: UTF8.self)
    }
}
