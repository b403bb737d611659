import ArgumentParser

/// The options that `Chatd` declares, found by reflection: so there is no second list of them that could lack one.
enum DeclaredOptions {
    enum Kind {
        case value, repeatable, flag
        /// One that has a second name, which begins with `no-`.
        case invertibleFlag
    }

    struct Declaration {
        let name: String
        let kind: Kind
    }

    /// All but those that say where the others are.
    static let all = declarations(in: Chatd()).filter { $0.name != "config" && $0.name != "check-config" }

    private static func declarations(in arguments: Any) -> [Declaration] {
        Mirror(reflecting: arguments).children.flatMap { child -> [Declaration] in
            switch child.value {
            case let group as any DeclaredGroup: return declarations(in: type(of: group).empty)
            case let option as any DeclaredOption: return [Declaration(name: name(of: child), kind: type(of: option).kind)]
            default: return []
            }
        }
    }

    /// The values of all options of a command that was parsed, as texts; without those that have none.
    static func values(of arguments: Any) -> [String: String] {
        var values: [String: String] = [:]
        for child in Mirror(reflecting: arguments).children {
            switch child.value {
            case let group as any DeclaredGroup: values.merge(DeclaredOptions.values(of: group.parsed)) { one, _ in one }
            case let option as any DeclaredOption: values[name(of: child)] = option.text
            default: break
            }
        }
        return values
    }

    /// `max-line`, of the property `maxLine`: what the parser of arguments makes of it, too.
    private static func name(of child: Mirror.Child) -> String {
        (child.label ?? "").drop { $0 == "_" }.reduce(into: "") { $0 += $1.isUppercase ? "-\($1.lowercased())" : "\($1)" }
    }
}

private protocol DeclaredOption {
    static var kind: DeclaredOptions.Kind { get }
    var text: String? { get }
}

private protocol DeclaredGroup {
    static var empty: Any { get }
    var parsed: Any { get }
}

private protocol OptionalText {
    var text: String? { get }
}

private protocol ArrayText {
    var text: String? { get }
}

extension Optional: OptionalText {
    fileprivate var text: String? { map { "\($0)" } }
}

extension Array: ArrayText {
    fileprivate var text: String? { isEmpty ? nil : map { "\($0)" }.joined(separator: ", ") }
}

/// Nil for a value that is not there.
private func text(of value: Any) -> String? {
    if let value = value as? any OptionalText { return value.text }
    if let value = value as? any ArrayText { return value.text }
    return "\(value)"
}

extension Option: DeclaredOption {
    fileprivate static var kind: DeclaredOptions.Kind { Value.self is any ArrayText.Type ? .repeatable : .value }
    fileprivate var text: String? { chatd.text(of: wrappedValue) }
}

extension Flag: DeclaredOption {
    fileprivate static var kind: DeclaredOptions.Kind { Value.self is any OptionalText.Type ? .invertibleFlag : .flag }
    fileprivate var text: String? { chatd.text(of: wrappedValue) }
}

extension OptionGroup: DeclaredGroup {
    fileprivate static var empty: Any { Value() }
    fileprivate var parsed: Any { wrappedValue }
}
