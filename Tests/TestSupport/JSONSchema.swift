/// The part of JSON Schema 2020-12 that the schema of the chat's objects uses, for tests. It is stricter in one thing: a key that a schema
/// does not name is wrong, since nobody is told of it.
public struct JSONSchema: Sendable {
    private let root: JSONValue

    public init(_ text: String) throws {
        root = try JSONValue(text)
        try Self.checkKeywords(of: root)
    }

    /// The definitions, by name.
    public var definitions: [String: JSONValue] { root["$defs"]?.object ?? [:] }

    /// What is wrong with a value: empty if nothing is.
    public func problems(of value: JSONValue) -> [String] {
        problems(of: value, root, at: "object")
    }

    private static let keywords: Set = [
        "$schema", "$id", "title", "description", "$defs", "$ref", "examples", "type", "const", "properties", "required", "items",
        "pattern",
        "minimum", "maximum", "minLength", "maxItems", "anyOf",
    ]

    /// What is not understood here would be taken for fulfilled.
    private static func checkKeywords(of schema: JSONValue) throws {
        for (keyword, value) in schema.object ?? [:] {
            guard keywords.contains(keyword) else { throw Unknown(keyword: keyword) }
            switch keyword {
            case "$defs", "properties": for schema in value.object?.values.map({ $0 }) ?? [] { try checkKeywords(of: schema) }
            case "anyOf": for schema in value.array ?? [] { try checkKeywords(of: schema) }
            case "items": try checkKeywords(of: value)
            default: break
            }
        }
    }

    private struct Unknown: Error { let keyword: String }

    private func problems(of value: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
        var problems: [String] = []
        func check(_ holds: Bool, _ keyword: String) {
            if !holds { problems.append("\(place): \(keyword) \(schema[keyword].map { "\($0)" } ?? "")") }
        }
        if let reference = schema["$ref"]?.string {
            let definition = definitions[String(reference.dropFirst("#/$defs/".count))]
            check(definition != nil, "$ref")
            if let definition { problems += self.problems(of: value, definition, at: place) }
        }
        if let type = schema["type"]?.string { check(Self.type(of: value) == type, "type") }
        if let constant = schema["const"] { check(value == constant, "const") }
        if let text = value.string {
            if let pattern = schema["pattern"]?.string {
                // Not of characters as readers see them: one may be two that would not match alone.
                let regex = try? Regex(pattern).matchingSemantics(.unicodeScalar)
                check(regex.flatMap { try? $0.firstMatch(in: text) } != nil, "pattern")
            }
            if let least = schema["minLength"]?.integer { check(text.unicodeScalars.count >= least, "minLength") }
        }
        if let number = value.integer {
            if let least = schema["minimum"]?.integer { check(number >= least, "minimum") }
            if let most = schema["maximum"]?.integer { check(number <= most, "maximum") }
        }
        if let values = value.array {
            if let most = schema["maxItems"]?.integer { check(values.count <= most, "maxItems") }
            if let items = schema["items"] {
                for (index, value) in values.enumerated() {
                    problems += self.problems(of: value, items, at: "\(place)[\(index)]")
                }
            }
        }
        if let members = value.object {
            for key in schema["required"]?.array ?? [] { check(members[key.string ?? ""] != nil, "required") }
            for (key, value) in members {
                guard let properties = schema["properties"] else { break }
                if let property = properties[key] {
                    problems += self.problems(of: value, property, at: "\(place).\(key)")
                } else {
                    problems.append("\(place): has \(key), which no schema names")
                }
            }
        }
        if let alternatives = schema["anyOf"]?.array {
            let each = alternatives.map { self.problems(of: value, $0, at: place) }
            // The nearest one says best what is wrong.
            if !each.contains([]) { problems += each.min { $0.count < $1.count } ?? [] }
        }
        return problems
    }

    private static func type(of value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .integer: "integer"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}
