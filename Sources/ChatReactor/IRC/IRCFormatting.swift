/// The codes by which clients of IRC make a text bold, or colour it (modern.ircdocs.horse/formatting). Lines for people, JSON and the page have
/// none of it, and would show control characters in its place.
enum IRCFormatting {
    /// What begins a colour of the palette, and is followed by its number; two with a comma in between are text and background.
    private static let color: UInt8 = 0x03
    /// The same with six hexadecimal digits for a number.
    private static let hexadecimalColor: UInt8 = 0x04

    /// Whether there is any formatting in a text. In most there is none, and nothing need be copied.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    static func contains(_ text: Span<UInt8>) -> Bool {
        var index = 0
        while index < text.count {
            if isCode(text[index]) { return true }
            index &+= 1
        }
        return false
    }

    /// The text without its formatting. Other control characters stay, and so does what a code alone was meant to format.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    static func plain(_ text: Span<UInt8>) -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            let byte = text[index]
            index &+= 1
            if !isCode(byte) {
                plain.append(byte)
            } else if byte == color {
                index = endOfColors(in: text, from: index, isDigit, digits: 1...2)
            } else if byte == hexadecimalColor {
                index = endOfColors(in: text, from: index, isHexadecimalDigit, digits: 6...6)
            }
        }
        return plain
    }

    /// Bold, the two that begin a colour, reset, monospace, reverse, italic, strikethrough, and underline.
    private static func isCode(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x02, color, hexadecimalColor, 0x0F, 0x11, 0x16, 0x1D, 0x1E, 0x1F: true
        default: false
        }
    }

    /// Where one number ends, or two. A comma without a number behind it is text.
    private static func endOfColors(
        in text: Span<UInt8>, from start: Int, _ isDigit: (UInt8) -> Bool, digits: ClosedRange<Int>
    ) -> Int {
        let end = endOfNumber(in: text, from: start, isDigit, digits: digits)
        guard end > start, end < text.count, text[end] == UInt8(ascii: ",") else { return end }
        let endOfSecond = endOfNumber(in: text, from: end &+ 1, isDigit, digits: digits)
        return endOfSecond > end &+ 1 ? endOfSecond : end
    }

    /// Where a number ends that has so many digits; where it would begin, if there is none.
    private static func endOfNumber(
        in text: Span<UInt8>, from start: Int, _ isDigit: (UInt8) -> Bool, digits: ClosedRange<Int>
    ) -> Int {
        var end = start
        while end < text.count, end &- start < digits.upperBound, isDigit(text[end]) { end &+= 1 }
        return end &- start < digits.lowerBound ? start : end
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isHexadecimalDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f")
    }
}
