import ChatReactorText
import Configuration

/// The settings in a file of JSON: one object, with a string, a number, `true`, `false` or an array of strings and numbers for each key.
///
/// Unlike the snapshot that comes with swift-configuration, it knows at which line and column each key is, tells which keys there are, and
/// takes no part of Foundation.
struct JSONSettings: ConfigSnapshot {
    let providerName: String
    /// In the order of the file.
    let settings: [JSON.Member]

    /// - Parameter name: The path of the file.
    init(_ text: String, name: String) throws(JSON.Invalid) {
        providerName = name
        let value = try JSON(parsing: text)
        guard let members = value.members else {
            throw .init(position: value.position, reason: "a configuration is an object, which begins with {")
        }
        settings = members
        for setting in settings { try Self.check(setting.value, isElement: false) }
    }

    private static func check(_ value: JSON, isElement: Bool) throws(JSON.Invalid) {
        switch value.content {
        case .null: throw .init(position: value.position, reason: "null is no value; leave the key out")
        case .object: throw .init(position: value.position, reason: nesting)
        case .array(let elements):
            if isElement { throw .init(position: value.position, reason: nesting) }
            for element in elements { try check(element, isElement: true) }
        case .bool, .number, .text: break
        }
    }

    private static let nesting = "objects, and arrays within arrays, have no meaning here"

    func setting(_ key: String) -> JSON.Member? {
        settings.first { $0.key == key }
    }

    /// The value of an option: `.bool`, `.string` or `.stringArray`. A number is taken as it is written.
    func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
        let name = key.components.joined(separator: ".")
        guard let setting = setting(name) else { return LookupResult(encodedKey: name, value: nil) }
        let content: ConfigContent
        switch (type, setting.value.content) {
        case (.bool, .bool(let value)): content = .bool(value)
        case (.string, .text(let text)), (.string, .number(let text)): content = .string(text)
        case (.stringArray, .array(let values)): content = .stringArray(try values.map { try Self.text($0, of: setting) })
        default:
            let wanted = type == .bool ? "true or false" : type == .stringArray ? "an array" : "a string or a number"
            throw JSON.Invalid(position: setting.position, reason: "\(name) takes \(wanted)")
        }
        return LookupResult(encodedKey: name, value: ConfigValue(content, isSecret: false))
    }

    private static func text(_ value: JSON, of setting: JSON.Member) throws(JSON.Invalid) -> String {
        switch value.content {
        case .text(let text), .number(let text): return text
        default: throw .init(position: setting.position, reason: "\(setting.key) takes an array of strings or numbers")
        }
    }
}
