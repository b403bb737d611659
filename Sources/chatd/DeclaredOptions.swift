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
            switch (child.value as? any Declared).map({ type(of: $0).role }) {
            case .group(let empty): declarations(in: empty)
            case .option(let kind): [Declaration(name: name(of: child), kind: kind)]
            case nil: []
            }
        }
    }

    /// The values of all options of a command that was parsed, as texts; without those that have none.
    static func values(of arguments: Any) -> [String: String] {
        var values: [String: String] = [:]
        for child in Mirror(reflecting: arguments).children {
            guard let declared = child.value as? any Declared else { continue }
            switch type(of: declared).role {
            case .group: values.merge(DeclaredOptions.values(of: declared.parsed)) { one, _ in one }
            case .option: values[name(of: child)] = text(of: declared.parsed)
            }
        }
        return values
    }

    /// `max-line`, of the property `maxLine`: what the parser of arguments makes of it, too.
    private static func name(of child: Mirror.Child) -> String {
        (child.label ?? "").drop { $0 == "_" }.reduce(into: "") { $0 += $1.isUppercase ? "-\($1.lowercased())" : "\($1)" }
    }
}

/// What is declared in a command or a group.
private enum Role {
    case option(DeclaredOptions.Kind)
    /// With a group that nobody has parsed.
    case group(Any)
}

/// The one protocol that is asked about: whether a type conforms to one, the runtime finds out by looking at all conformances there are, which
/// for a protocol an option took a third of the time of a start.
private protocol Declared {
    static var role: Role { get }
    /// The value, or the group.
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

extension Option: Declared {
    // By its name, so that the runtime need not search here either.
    fileprivate static var role: Role { .option("\(Value.self)".hasPrefix("Array<") ? .repeatable : .value) }
    fileprivate var parsed: Any { wrappedValue }
}

extension Flag: Declared {
    fileprivate static var role: Role { .option(Value.self == Bool?.self ? .invertibleFlag : .flag) }
    fileprivate var parsed: Any { wrappedValue }
}

extension OptionGroup: Declared {
    fileprivate static var role: Role { .group(Value()) }
    fileprivate var parsed: Any { wrappedValue }
}
