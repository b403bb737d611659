/// A value of JSON (RFC 8259), and where in its text it begins.
public struct JSON: Sendable {
    public enum Content: Sendable {
        case null
        case bool(Bool)
        /// As it is written.
        case number(String)
        case text(String)
        case array([JSON])
        /// In the order of the text. No two have the same key.
        case object([Member])
    }

    public struct Member: Sendable {
        public let key: String
        /// Of the key.
        public let position: Position
        public let value: JSON
    }

    /// Counted from 1; a column is a Unicode scalar.
    public struct Position: Sendable, CustomStringConvertible {
        public let line: Int
        public let column: Int

        public var description: String { "line \(line), column \(column)" }
    }

    /// What is wrong in a text, and where.
    public struct Invalid: Error, CustomStringConvertible {
        public let position: Position
        public let reason: String

        public init(position: Position, reason: String) {
            self.position = position
            self.reason = reason
        }

        public var description: String { "\(position): \(reason)" }
    }

    /// How deep arrays and objects may be in one another: nothing that is read here needs more, and the reader calls itself for each.
    public static let maximumDepth = 32
    /// How many values a text may have: each takes many times the memory of its text.
    public static let maximumCount = 100_000

    public let position: Position
    public let content: Content

    fileprivate init(position: Position, content: Content) {
        self.position = position
        self.content = content
    }

    /// Reads a text that is one value, with nothing but space around it.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    public init(parsing text: String) throws(Invalid) {
        var parser = JSONParser(text)
        self = try parser.parse()
    }

    /// The value of a key, if this is an object that has it.
    public subscript(key: String) -> JSON? { members?.first { $0.key == key }?.value }

    public var members: [Member]? { if case .object(let members) = content { members } else { nil } }
    public var elements: [JSON]? { if case .array(let elements) = content { elements } else { nil } }
    public var text: String? { if case .text(let text) = content { text } else { nil } }
    public var bool: Bool? { if case .bool(let value) = content { value } else { nil } }
    /// The value of a whole number that is not negative and not too large.
    public var count: UInt64? { if case .number(let digits) = content { UInt64(digits) } else { nil } }
}

private struct JSONParser {
    private var rest: Substring.UnicodeScalarView
    private var line = 1
    private var column = 1
    private var depth = 0
    private var count = 0

    init(_ text: String) {
        rest = text.unicodeScalars[...]
    }

    private var position: JSON.Position { .init(line: line, column: column) }

    mutating func parse() throws(JSON.Invalid) -> JSON {
        skipSpace()
        let value = try parseValue()
        skipSpace()
        if !rest.isEmpty { throw invalid("nothing is expected after the \(value.members == nil ? "value" : "object")") }
        return value
    }

    private mutating func parseValue() throws(JSON.Invalid) -> JSON {
        let start = position
        count += 1
        if count > JSON.maximumCount { throw invalid("these are too many values") }
        switch rest.first {
        case "\"": return JSON(position: start, content: .text(try parseString()))
        case "[":
            return JSON(position: start, content: .array(try nested { parser throws(JSON.Invalid) in try parser.parseArray() }))
        case "{":
            return JSON(position: start, content: .object(try nested { parser throws(JSON.Invalid) in try parser.parseObject() }))
        case .some("-"), .some("0"..."9"): return JSON(position: start, content: .number(try parseNumber()))
        default:
            var word = ""
            while let letter = rest.first, ("a"..."z").contains(letter) { word.unicodeScalars.append(take(letter)) }
            switch word {
            case "true": return JSON(position: start, content: .bool(true))
            case "false": return JSON(position: start, content: .bool(false))
            case "null": return JSON(position: start, content: .null)
            default: throw .init(position: start, reason: "a value is expected: a string, a number, true, false or an array")
            }
        }
    }

    private mutating func nested<Result>(
        _ parse: (inout JSONParser) throws(JSON.Invalid) -> Result
    ) throws(JSON.Invalid) -> Result {
        if depth == JSON.maximumDepth { throw invalid("this is too deep") }
        depth += 1
        defer { depth -= 1 }
        return try parse(&self)
    }

    private mutating func parseObject() throws(JSON.Invalid) -> [JSON.Member] {
        _ = skip("{")
        var members: [JSON.Member] = []
        // To search the members for each key would let a long object keep its reader busy for hours.
        var keys: Set<String> = []
        skipSpace()
        if skip("}") { return [] }
        repeat {
            skipSpace()
            let start = position
            guard rest.first == "\"" else { throw invalid("a key is expected, in quotation marks") }
            let key = try parseString()
            if !keys.insert(key).inserted { throw .init(position: start, reason: "\(key) is there twice") }
            skipSpace()
            try expect(":", "a colon is expected after a key")
            skipSpace()
            members.append(.init(key: key, position: start, value: try parseValue()))
            skipSpace()
        } while skip(",")
        try expect("}", "a comma or } is expected")
        return members
    }

    private mutating func parseArray() throws(JSON.Invalid) -> [JSON] {
        _ = skip("[")
        skipSpace()
        if skip("]") { return [] }
        var elements: [JSON] = []
        repeat {
            skipSpace()
            elements.append(try parseValue())
            skipSpace()
        } while skip(",")
        try expect("]", "a comma or ] is expected")
        return elements
    }

    private mutating func parseNumber() throws(JSON.Invalid) -> String {
        var text = skip("-") ? "-" : ""
        if skip("0") { text += "0" } else { text += try parseDigits() }
        if skip(".") { text += "." + (try parseDigits()) }
        if skip("e") || skip("E") { text += "e" + (skip("-") ? "-" : skip("+") ? "+" : "") + (try parseDigits()) }
        return text
    }

    private mutating func parseDigits() throws(JSON.Invalid) -> String {
        var digits = ""
        while let digit = rest.first, ("0"..."9").contains(digit) { digits.unicodeScalars.append(take(digit)) }
        if digits.isEmpty { throw invalid("a digit is expected") }
        return digits
    }

    private mutating func parseString() throws(JSON.Invalid) -> String {
        let start = position
        _ = skip("\"")
        var text = String.UnicodeScalarView()
        while let scalar = rest.first, scalar.value >= 0x20 {
            _ = take(scalar)
            switch scalar {
            case "\"": return String(text)
            case "\\": text.append(try parseEscape())
            default: text.append(scalar)
            }
        }
        throw .init(position: start, reason: "a string does not end in its line")
    }

    private mutating func parseEscape() throws(JSON.Invalid) -> Unicode.Scalar {
        let escapes: [Unicode.Scalar: Unicode.Scalar] = [
            "\"": "\"", "\\": "\\", "/": "/", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t",
        ]
        guard let letter = rest.first else { throw invalid("a string does not end in its line") }
        if let meant = escapes[letter] {
            _ = take(letter)
            return meant
        }
        guard skip("u") else { throw invalid("\\ is followed by one of \" \\ / b f n r t u") }
        let unit = try parseHexadecimal()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        // Half of a pair: a scalar beyond the first 65,536 is written as two.
        guard (0xD800...0xDBFF).contains(unit), skip("\\"), skip("u") else { throw invalid("half of a surrogate pair") }
        let low = try parseHexadecimal()
        guard (0xDC00...0xDFFF).contains(low) else { throw invalid("half of a surrogate pair") }
        return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}"
    }

    private mutating func parseHexadecimal() throws(JSON.Invalid) -> UInt32 {
        var digits = ""
        while digits.utf8.count < 4, let scalar = rest.first, scalar.properties.isASCIIHexDigit {
            digits.unicodeScalars.append(take(scalar))
        }
        guard digits.utf8.count == 4, let value = UInt32(digits, radix: 16) else {
            throw invalid("\\u is followed by four hexadecimal digits")
        }
        return value
    }

    private func invalid(_ reason: String) -> JSON.Invalid {
        .init(position: position, reason: rest.isEmpty ? "\(reason), but the file ends" : reason)
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        rest = rest.dropFirst()
        (line, column) = scalar == "\n" ? (line + 1, 1) : (line, column + 1)
        return scalar
    }

    private mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
        guard rest.first == scalar else { return false }
        _ = take(scalar)
        return true
    }

    private mutating func expect(_ scalar: Unicode.Scalar, _ reason: String) throws(JSON.Invalid) {
        if !skip(scalar) { throw invalid(reason) }
    }

    private mutating func skipSpace() {
        while let scalar = rest.first, scalar == " " || scalar == "\n" || scalar == "\r" || scalar == "\t" { _ = take(scalar) }
    }
}
