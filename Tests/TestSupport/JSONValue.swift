/// A value of JSON, read as strictly as RFC 8259 allows: what a lax reader would let pass must not go over the wire.
public indirect enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    public struct Invalid: Error {
        public let offset: Int
        public let text: String
    }

    /// - Parameter isCompact: Whether nothing may be there that a server has no use for: space between values, null, negative numbers, and
    ///   other escapes than those of quotation marks, backslashes, tabs and, by their number, the other control characters.
    public init(_ text: String, isCompact: Bool = false) throws {
        var reader = JSONReader(text, isCompact: isCompact)
        self = try reader.readAll()
    }

    /// The value of a key; nil if there is none, or if this is no object.
    public subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    public var object: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }
}

/// Reads one value. Numbers are integers: nothing here has others.
private struct JSONReader {
    private let text: String
    private let bytes: [UInt8]
    private let isCompact: Bool
    private var position = 0

    init(_ text: String, isCompact: Bool) {
        self.text = text
        self.isCompact = isCompact
        bytes = Array(text.utf8)
    }

    mutating func readAll() throws -> JSONValue {
        let value = try readValue()
        skipSpace()
        if position < bytes.count { throw invalid }
        return value
    }

    private var invalid: JSONValue.Invalid { JSONValue.Invalid(offset: position, text: text) }
    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while !isCompact, let next, [0x20, 0x09, 0x0A, 0x0D].contains(next) { position += 1 }
    }

    private mutating func take(_ literal: String) -> Bool {
        guard bytes[position...].starts(with: literal.utf8) else { return false }
        position += literal.utf8.count
        return true
    }

    private mutating func readValue() throws -> JSONValue {
        skipSpace()
        if !isCompact, take("null") { return .null }
        if take("true") { return .bool(true) }
        if take("false") { return .bool(false) }
        if take("\"") { return .string(try readString()) }
        if take("[") { return .array(try readArray()) }
        if take("{") { return .object(try readObject()) }
        let digits = bytes[position...].prefix { $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) }
        let number = String(decoding: digits, as: UTF8.self)
        guard let value = Int(number), String(value) == number, value >= 0 || !isCompact else { throw invalid }
        position += digits.count
        return .integer(value)
    }

    private mutating func readArray() throws -> [JSONValue] {
        var values: [JSONValue] = []
        skipSpace()
        if take("]") { return values }
        while true {
            values.append(try readValue())
            skipSpace()
            if take("]") { return values }
            guard take(",") else { throw invalid }
        }
    }

    private mutating func readObject() throws -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        skipSpace()
        if take("}") { return members }
        while true {
            skipSpace()
            guard take("\"") else { throw invalid }
            let key = try readString()
            skipSpace()
            // Readers differ in which of two values they take.
            guard take(":"), members[key] == nil else { throw invalid }
            members[key] = try readValue()
            skipSpace()
            if take("}") { return members }
            guard take(",") else { throw invalid }
        }
    }

    private mutating func readString() throws -> String {
        var content: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw invalid }
            position += 1
            guard byte == UInt8(ascii: "\\") else {
                content.append(byte)
                continue
            }
            guard let escaped = next else { throw invalid }
            position += 1
            let simple: [Character: UInt8] = [
                "\"": 0x22, "\\": 0x5C, "/": 0x2F, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9,
            ]
            if let byte = simple[Character(Unicode.Scalar(escaped))], !isCompact || "\"\\t".utf8.contains(escaped) {
                content.append(byte)
            } else {
                // Surrogates would need two. Nothing here is escaped that needs them.
                let digits = String(decoding: bytes[position...].prefix(4), as: UTF8.self)
                guard escaped == UInt8(ascii: "u"), digits.utf8.count == 4, digits.allSatisfy(\.isHexDigit),
                    let scalar = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init)
                else { throw invalid }
                position += 4
                content.append(contentsOf: Character(scalar).utf8)
            }
        }
        guard let decoded = String(validating: content, as: UTF8.self), take("\"") else { throw invalid }
        return decoded
    }
}
