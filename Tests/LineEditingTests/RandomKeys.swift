import ChatLineEditing

/// Keys and texts in which much goes wrong easily.
enum RandomKeys {
    private static let pieces = [
        "a", "b", "Z", "7", " ", " ", "-", "one", "Two three ", "ß", "é", "e\u{301}", "\u{301}", "\u{308}", "\u{323}", "漢", "字",
        "ｶ",
        "\u{FF9E}", "😀", "👍", "\u{1F3FD}", "👩", "\u{200D}", "👧", "👨\u{200D}👩\u{200D}👧\u{200D}👦", "❤", "\u{FE0F}", "❤\u{FE0F}",
        "🇩", "🇪", "🇨🇭",
        "1\u{FE0F}\u{20E3}", "ש", "\u{5B8}", "שלום", "مرحبا", "\u{64F}", "क", "\u{94D}", "ष", "\u{93F}", "क्षि", "ก", "\u{E33}",
        "\u{1112}", "\u{1161}",
        "\u{11AB}", "한", "\u{AD}", "\u{200B}", "\u{378}", "\u{600}", "①", "﷽",
    ]

    static func text(upTo count: Int, using random: inout some RandomNumberGenerator) -> String {
        (0..<Int.random(in: 1...count, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
    }

    /// Mostly text, or the line would stay empty.
    static func key(using random: inout some RandomNumberGenerator) -> Key {
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<9: .text(text(upTo: 2, using: &random))
        case 9: .paste(text(upTo: 12, using: &random) + "\n" + text(upTo: 3, using: &random))
        case 10..<14: [.left, .right, .backspace, .delete].randomElement(using: &random) ?? .left
        default: keys.randomElement(using: &random) ?? .unknown
        }
    }

    /// All keys of the table.
    private static let keys = KeyBindings.all.flatMap(\.keys)
}
