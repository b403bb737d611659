/// Whatever a message is, what is shown of it is harmless; and what is harmless is shown as it is.
enum TextTarget {
    static func run(_ message: [UInt8]) {
        check(message, invalidUTF8: .hexadecimal)
        check(message, invalidUTF8: .replacementCharacter)
    }

    private static func check(_ message: [UInt8], invalidUTF8: VisibleText.InvalidUTF8) {
        let shown = text(of: message, invalidUTF8)
        guard isHarmless(shown) else { fatalError("\(message) is shown as \(shown)") }
        if isHarmless(message), shown != message { fatalError("\(message) is harmless, and shown as \(shown)") }
        guard shown.count <= 4 * message.count else { fatalError("\(message) is shown as \(shown)") }
        guard text(of: shown, invalidUTF8) == shown else { fatalError("\(shown) is what is shown, and would be changed again") }
    }

    private static func text(of message: [UInt8], _ invalidUTF8: VisibleText.InvalidUTF8) -> [UInt8] {
        var output: [UInt8] = []
        VisibleText.append(message.span, to: &output, invalidUTF8: invalidUTF8)
        return output
    }

    private static func isHarmless(_ bytes: [UInt8]) -> Bool {
        guard let text = String(validating: bytes, as: UTF8.self) else { return false }
        return text.unicodeScalars.allSatisfy { scalar in
            let category = scalar.properties.generalCategory
            let isControl = category == .control && scalar != "\t"
            let breaksLines = category == .lineSeparator || category == .paragraphSeparator
            // Those to which Unicode gives the property Bidi_Control.
            let reorders =
                [0x061C, 0x200E, 0x200F].contains(scalar.value) || (0x202A...0x202E).contains(scalar.value)
                || (0x2066...0x2069).contains(scalar.value)
            return !isControl && !breaksLines && !reorders
        }
    }
}
