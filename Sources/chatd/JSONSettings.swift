import Configuration

/// The settings in a file of JSON: one object, with a string, a number, `true`, `false` or an array of strings and numbers for each key.
///
/// Unlike the snapshot that comes with swift-configuration, it knows at which line and column each key is, tells which keys there are, and
/// takes no part of Foundation.
struct JSONSettings: ConfigSnapshot {
    enum Value: Sendable {
        case text(String)
        case number(String)
        case bool(Bool)
        case array([Value])
    }

    struct Setting: Sendable {
        let key: String
        let position: Position
        let value: Value
    }

    /// Counted from 1; a column is a character.
    struct Position: Sendable, CustomStringConvertible {
        let line: Int
        let column: Int

        var description: String { "line \(line), column \(column)" }
    }

    /// What is wrong in a file, and where.
    struct Invalid: Error, CustomStringConvertible {
        let position: Position
        let reason: String

        var description: String { "\(position): \(reason)" }
    }

    let providerName: String
    /// In the order of the file.
    let settings: [Setting]

    /// - Parameter name: The path of the file.
    init(_ text: String, name: String) throws(Invalid) {
        providerName = name
        var parser = JSONSettingsParser(text)
        settings = try parser.parse()
    }

    func setting(_ key: String) -> Setting? {
        settings.first { $0.key == key }
    }

    /// The value of an option: `.bool`, `.string` or `.stringArray`. A number is taken as it is written.
    func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
        let name = key.components.joined(separator: ".")
        guard let setting = setting(name) else { return LookupResult(encodedKey: name, value: nil) }
        let content: ConfigContent
        switch (type, setting.value) {
        case (.bool, .bool(let value)): content = .bool(value)
        case (.string, .text(let text)), (.string, .number(let text)): content = .string(text)
        case (.stringArray, .array(let values)): content = .stringArray(try values.map { try Self.text($0, of: setting) })
        default:
            let wanted = type == .bool ? "true or false" : type == .stringArray ? "an array" : "a string or a number"
            throw Invalid(position: setting.position, reason: "\(name) takes \(wanted)")
        }
        return LookupResult(encodedKey: name, value: ConfigValue(content, isSecret: false))
    }

    private static func text(_ value: Value, of setting: Setting) throws(Invalid) -> String {
        switch value {
        case .text(let text), .number(let text): return text
        case .bool, .array:
            throw Invalid(position: setting.position, reason: "\(setting.key) takes an array of strings or numbers")
        }
    }
}

/// Reads the text of a `JSONSettings`, as RFC 8259 has it, less objects within objects.
private struct JSONSettingsParser {
    private var rest: Substring.UnicodeScalarView
    private var line = 1
    private var column = 1

    init(_ text: String) {
        rest = text.unicodeScalars[...]
    }

    private var position: JSONSettings.Position { .init(line: line, column: column) }

    mutating func parse() throws(JSONSettings.Invalid) -> [JSONSettings.Setting] {
        skipSpace()
        try expect("{", "a configuration is an object, which begins with {")
        var settings: [JSONSettings.Setting] = []
        skipSpace()
        if !skip("}") {
            repeat {
                skipSpace()
                let start = position
                guard rest.first == "\"" else { throw invalid("a key is expected, in quotation marks") }
                let key = try parseString()
                if settings.contains(where: { $0.key == key }) {
                    throw .init(position: start, reason: "\(key) is there twice")
                }
                skipSpace()
                try expect(":", "a colon is expected after a key")
                skipSpace()
                settings.append(.init(key: key, position: start, value: try parseValue(isElement: false)))
                skipSpace()
            } while skip(",")
            try expect("}", "a comma or } is expected")
        }
        skipSpace()
        if !rest.isEmpty { throw invalid("nothing is expected after the object") }
        return settings
    }

    private mutating func parseValue(isElement: Bool) throws(JSONSettings.Invalid) -> JSONSettings.Value {
        switch rest.first {
        case "\"": return .text(try parseString())
        case "[" where !isElement: return .array(try parseArray())
        case "{", "[": throw invalid("objects, and arrays within arrays, have no meaning here")
        case .some("-"), .some("0"..."9"): return .number(try parseNumber())
        default:
            let start = position
            var word = ""
            while let letter = rest.first, ("a"..."z").contains(letter) { word.unicodeScalars.append(take(letter)) }
            switch word {
            case "true": return .bool(true)
            case "false": return .bool(false)
            case "null": throw .init(position: start, reason: "null is no value; leave the key out")
            default: throw .init(position: start, reason: "a value is expected: a string, a number, true, false or an array")
            }
        }
    }

    private mutating func parseArray() throws(JSONSettings.Invalid) -> [JSONSettings.Value] {
        _ = skip("[")
        skipSpace()
        if skip("]") { return [] }
        var values: [JSONSettings.Value] = []
        repeat {
            skipSpace()
            values.append(try parseValue(isElement: true))
            skipSpace()
        } while skip(",")
        try expect("]", "a comma or ] is expected")
        return values
    }

    private mutating func parseNumber() throws(JSONSettings.Invalid) -> String {
        var text = skip("-") ? "-" : ""
        if skip("0") { text += "0" } else { text += try parseDigits() }
        if skip(".") { text += "." + (try parseDigits()) }
        if skip("e") || skip("E") { text += "e" + (skip("-") ? "-" : skip("+") ? "+" : "") + (try parseDigits()) }
        return text
    }

    private mutating func parseDigits() throws(JSONSettings.Invalid) -> String {
        var digits = ""
        while let digit = rest.first, ("0"..."9").contains(digit) { digits.unicodeScalars.append(take(digit)) }
        if digits.isEmpty { throw invalid("a digit is expected") }
        return digits
    }

    private mutating func parseString() throws(JSONSettings.Invalid) -> String {
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

    private mutating func parseEscape() throws(JSONSettings.Invalid) -> Unicode.Scalar {
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

    private mutating func parseHexadecimal() throws(JSONSettings.Invalid) -> UInt32 {
        var digits = ""
        while digits.utf8.count < 4, let scalar = rest.first, scalar.properties.isASCIIHexDigit {
            digits.unicodeScalars.append(take(scalar))
        }
        guard digits.utf8.count == 4, let value = UInt32(digits, radix: 16) else {
            throw invalid("\\u is followed by four hexadecimal digits")
        }
        return value
    }

    private func invalid(_ reason: String) -> JSONSettings.Invalid {
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

    private mutating func expect(_ scalar: Unicode.Scalar, _ reason: String) throws(JSONSettings.Invalid) {
        if !skip(scalar) { throw invalid(reason) }
    }

    private mutating func skipSpace() {
        while let scalar = rest.first, scalar == " " || scalar == "\n" || scalar == "\r" || scalar == "\t" { _ = take(scalar) }
    }
}
