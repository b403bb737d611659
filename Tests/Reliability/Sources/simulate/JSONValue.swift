/// What a program reads on a line: JSON, strictly as RFC 8259 has it, less numbers that are not natural ones.
enum JSONValue: Equatable {
    case string(String)
    case number(UInt64)
    case bool(Bool)
    case array([JSONValue])
    case object([String: JSONValue])

    var string: String? { if case .string(let value) = self { value } else { nil } }
    var number: Int? { if case .number(let value) = self { Int(exactly: value) } else { nil } }

    /// Nil unless the text is one value, and nothing else.
    init?(_ text: String) {
        var parser = Parser(text)
        guard let value = parser.value(), parser.rest.isEmpty else { return nil }
        self = value
    }

    private struct Parser {
        var rest: Substring.UnicodeScalarView

        init(_ text: String) { rest = text[...].unicodeScalars }

        mutating func take(_ text: String) -> Bool {
            guard rest.starts(with: text.unicodeScalars) else { return false }
            rest.removeFirst(text.unicodeScalars.count)
            return true
        }

        mutating func value() -> JSONValue? {
            switch rest.first {
            case "\"": string().map { .string($0) }
            case "{": object()
            case "[": array()
            case "t": take("true") ? .bool(true) : nil
            case "f": take("false") ? .bool(false) : nil
            default: number()
            }
        }

        mutating func number() -> JSONValue? {
            let digits = String(String.UnicodeScalarView(rest.prefix { ("0"..."9").contains($0) }))
            rest.removeFirst(digits.count)
            return digits.count > 1 && digits.first == "0" ? nil : UInt64(digits).map { .number($0) }
        }

        mutating func string() -> String? {
            guard take("\"") else { return nil }
            var text = String.UnicodeScalarView()
            while let scalar = rest.popFirst() {
                switch scalar {
                case "\"": return String(text)
                case "\\":
                    switch rest.popFirst() {
                    case "\"": text.append("\"")
                    case "\\": text.append("\\")
                    case "/": text.append("/")
                    case "t": text.append("\t")
                    case "u":
                        let digits = String(String.UnicodeScalarView(rest.prefix(4)))
                        guard digits.count == 4, let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code) else {
                            return nil
                        }
                        rest.removeFirst(4)
                        text.append(scalar)
                    default: return nil
                    }
                case "\0"..<" ": return nil
                default: text.append(scalar)
                }
            }
            return nil
        }

        mutating func array() -> JSONValue? {
            guard take("[") else { return nil }
            var values: [JSONValue] = []
            if take("]") { return .array([]) }
            repeat {
                guard let value = value() else { return nil }
                values.append(value)
            } while take(",")
            return take("]") ? .array(values) : nil
        }

        mutating func object() -> JSONValue? {
            guard take("{") else { return nil }
            var values: [String: JSONValue] = [:]
            if take("}") { return .object([:]) }
            repeat {
                guard let key = string(), take(":"), let value = value(), values.updateValue(value, forKey: key) == nil else {
                    return nil
                }
            } while take(",")
            return take("}") ? .object(values) : nil
        }
    }
}
