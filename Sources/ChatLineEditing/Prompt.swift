/// What is before the line on its row.
public struct Prompt: Hashable, Sendable, ExpressibleByStringLiteral {
    /// What is read. It is made harmless when it is painted.
    public var text: String
    /// How it looks: the parameters of SGR, as `1;36` for bold cyan. Empty for none. Anything but digits and semicolons is left out.
    public let style: String

    public init(_ text: String, style: String = "") {
        self.text = text
        self.style = style.filter { $0 == ";" || ("0"..."9").contains($0) }
    }

    public init(stringLiteral text: String) {
        self.init(text)
    }
}
