import Glibc
import Reactor
import TestSupport
import Testing

/// Docs/chat-protocol.md and its schema, which what goes over the wire must agree with.
enum ChatProtocol {
    static let schema = Result { try JSONSchema(read("chat-protocol.schema.json")) }
    static let document = Result { try read("chat-protocol.md") }

    /// A line as the object that it must be, by the schema.
    static func object(_ line: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> JSONValue {
        let object = try JSONValue(line)
        let problems = try schema.get().problems(of: object)
        #expect(problems.isEmpty, "\(line)", sourceLocation: sourceLocation)
        return object
    }

    private static func read(_ name: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        guard let stream = unsafe fopen("/\(root)/Docs/\(name)", "r") else { throw Errno(rawValue: errno) }
        defer { unsafe fclose(stream) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = unsafe fread(&buffer, 1, buffer.count, stream), count > 0 { bytes += buffer[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// For tests of values.
extension JSONValue {
    var type: String? { self["type"]?.string }
    var text: String? { self["text"]?.string }
    var from: String? { self["from"]?.string }
    var to: String? { self["to"]?.string }
    var room: String? { self["room"]?.string }
    var sequence: Int? { self["seq"]?.integer }
    var isReplayed: Bool { self["replayed"] == .bool(true) }
}
