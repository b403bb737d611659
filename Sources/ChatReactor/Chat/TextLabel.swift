/// How a line of the text form shows who says something: a template with `{name}` and `{text}` in it.
///
/// ```swift
/// print(try TextLabel("<{name}> {text}"))
/// ```
public struct TextLabel: Sendable, Hashable, CustomStringConvertible {
    /// `ana: hello`.
    public static let name = TextLabel(prefix: "", middle: ": ", suffix: "", hasName: true)
    /// `<ana> hello`, as `ncat --chat` has it.
    public static let ncat = TextLabel(prefix: "<", middle: "> ", suffix: "", hasName: true)
    /// `hello`: nobody's name. Whoever says something can then imitate everybody, the server as well.
    public static let none = TextLabel(prefix: "", middle: "", suffix: "", hasName: false)

    private let prefix: [UInt8]
    private let middle: [UInt8]
    private let suffix: [UInt8]
    private let hasName: Bool

    private init(prefix: String, middle: String, suffix: String, hasName: Bool) {
        self.prefix = Array(prefix.utf8)
        self.middle = Array(middle.utf8)
        self.suffix = Array(suffix.utf8)
        self.hasName = hasName
    }

    /// A label made by a template.
    ///
    /// - Throws: If the template does not have `{name}` and after it `{text}`, each once; if it has a control character or a bidi override; if its lines
    ///   would look like the server's own, which begin with `* `, `! ` and `[`; or if somebody could imitate another, because what is between the
    ///   name and the text could be a part of a name, or because it is one space, as in `ana to you: `.
    public init(_ template: String) throws(Invalid) {
        let name = template.split(separator: "{name}", omittingEmptySubsequences: false)
        guard name.count == 2 else { throw Invalid() }
        let text = name[1].split(separator: "{text}", omittingEmptySubsequences: false)
        guard text.count == 2, !name[0].contains("{text}") else { throw Invalid() }
        // Nor anything else that would change a line, or the order in which it is read.
        let isHarmless = template == String(madeVisible: template)
        let imitates = ["*", "!", "["].contains(where: template.hasPrefix)
        let endsName = text[0].unicodeScalars.contains { !$0.mayBeInName } && !" to you: ".hasPrefix(text[0])
        guard isHarmless, !imitates, endsName, template.utf8.count <= 256 else {
            throw Invalid()
        }
        self.init(prefix: String(name[0]), middle: String(text[0]), suffix: String(text[1]), hasName: true)
    }

    /// What is wrong with a template.
    public struct Invalid: Error, CustomStringConvertible {
        public var description: String {
            "a label has {name} and after it {text}, with a sign in between; it does not begin with *, ! or [, and is at most 256 bytes"
        }
    }

    func append(name: Span<UInt8>, text: Span<UInt8>, to output: inout [UInt8]) {
        output.append(contentsOf: prefix)
        if hasName { output.append(name) }
        output.append(contentsOf: middle)
        output.append(text)
        output.append(contentsOf: suffix)
    }

    /// The template.
    public var description: String {
        String(decoding: prefix, as: UTF8.self) + (hasName ? "{name}" : "") + String(decoding: middle, as: UTF8.self) + "{text}"
            + String(decoding: suffix, as: UTF8.self)
    }
}

extension [UInt8] {
    mutating func append(_ text: String) {
        append(contentsOf: text.utf8)
    }
}
