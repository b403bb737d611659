import ChatLineEditing

/// What follows `ESC [` or `ESC O`, up to and including its last byte.
///
/// No two terminals send the same for all keys. What they have in common, as xterm, VTE, tmux, the Linux console and rxvt do it:
///
///     ESC [ A              an arrow, Home (H), End (F); with `ESC O` in application mode
///     ESC [ 1 ; 5 A        the same with modifiers: one more than the sum of Shift 1, Alt 2, Ctrl 4, Meta 8
///     ESC [ 3 ; 5 ~        a key by its number, with modifiers
///     ESC [ 3 ^            rxvt: `^` for Ctrl, `$` for Shift, `@` for both
///     ESC [ a, ESC O a     rxvt: an arrow with Shift, with Ctrl
///     ESC ESC [ A          rxvt and others: Alt with the key
///     ESC [ 97 ; 5 u       a character by its code point, with modifiers; so does ESC [ 27 ; 5 ; 97 ~
struct ControlSequence {
    /// `[` or `O`.
    var introducer: UInt8
    /// Whether there was one more ESC before it.
    var hasEscapeBefore: Bool
    /// The bytes between, 0x20 to 0x3F. Those that are more than anything here has are not kept.
    var parameters: [UInt8] = []
    /// How many there were, kept or not.
    var parameterCount = 0

    /// The most bytes of parameters that a known sequence has.
    private static let keptParameters = 32

    init(introducer: UInt8, hasEscapeBefore: Bool) {
        self.introducer = introducer
        self.hasEscapeBefore = hasEscapeBefore
    }

    mutating func append(_ byte: UInt8) {
        if parameters.count < Self.keptParameters { parameters.append(byte) }
        parameterCount += 1
    }

    /// Whether the parameters are one number, as before the `$` of rxvt. Elsewhere a `$` is not the end.
    var isOneNumber: Bool { !parameters.isEmpty && parameters.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } }

    private struct Modifiers: OptionSet {
        let rawValue: Int
        static let shift = Modifiers(rawValue: 1)
        static let alt = Modifiers(rawValue: 2)
        static let control = Modifiers(rawValue: 4)
        static let meta = Modifiers(rawValue: 8)

        var moveByWord: Bool { !isDisjoint(with: [.alt, .control, .meta]) }
    }

    /// Which key it is.
    func key(endingIn last: UInt8) -> Key {
        guard parameterCount == parameters.count, let numbers else { return .unknown }
        var modifiers = Modifiers(
            rawValue: max(0, (introducer == UInt8(ascii: "O") ? numbers.last ?? 1 : numbers.dropFirst().first ?? 1) - 1))
        if hasEscapeBefore { modifiers.insert(.alt) }
        switch last {
        case UInt8(ascii: "A"), UInt8(ascii: "B"), UInt8(ascii: "C"), UInt8(ascii: "D"):
            return arrow(last, modifiers)
        case UInt8(ascii: "a"), UInt8(ascii: "b"), UInt8(ascii: "c"), UInt8(ascii: "d"):
            if introducer == UInt8(ascii: "O") { modifiers.insert(.control) }
            return arrow(last & 0x5F, modifiers)
        case UInt8(ascii: "H"): return .home
        case UInt8(ascii: "F"): return .end
        case UInt8(ascii: "Z"): return .backTab
        // The Enter of the keypad, in application mode.
        case UInt8(ascii: "M") where introducer == UInt8(ascii: "O"): return .enter
        case UInt8(ascii: "~") where numbers.first == 27 && numbers.count == 3:
            return character(numbers[2], modifiers)
        case UInt8(ascii: "u"): return character(numbers.first ?? 0, modifiers)
        case UInt8(ascii: "^"), UInt8(ascii: "@"):
            return numbered(numbers.first ?? 0, modifiers.union(.control))
        case UInt8(ascii: "~"), UInt8(ascii: "$"): return numbered(numbers.first ?? 0, modifiers)
        default: return .unknown
        }
    }

    /// The numbers of the parameters; nil if there is anything else, as in the answers that a terminal gives to questions.
    /// What follows a colon refines a number, and is left out.
    private var numbers: [Int]? {
        var numbers: [Int] = []
        for field in parameters.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false) {
            var number = 0
            for byte in field.prefix(while: { $0 != UInt8(ascii: ":") }) {
                guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return nil }
                // No code point is larger, so what is larger means nothing.
                number = min(number * 10 + Int(byte - UInt8(ascii: "0")), 0x11_0000)
            }
            numbers.append(number)
        }
        return numbers
    }

    private func arrow(_ last: UInt8, _ modifiers: Modifiers) -> Key {
        switch last {
        case UInt8(ascii: "A"): .up
        case UInt8(ascii: "B"): .down
        case UInt8(ascii: "C"): modifiers.moveByWord ? .wordRight : .right
        default: modifiers.moveByWord ? .wordLeft : .left
        }
    }

    private func numbered(_ number: Int, _ modifiers: Modifiers) -> Key {
        switch number {
        case 1, 7: .home
        case 4, 8: .end
        // Ctrl or Alt with Delete: as Alt-D, which deletes the word after the cursor.
        case 3: modifiers.moveByWord ? .alt("d") : .delete
        case 5: .pageUp
        case 6: .pageDown
        default: .unknown
        }
    }

    /// A key that is told by its code point, as terminals do if they are asked to, or told to by somebody's configuration.
    private func character(_ codePoint: Int, _ modifiers: Modifiers) -> Key {
        guard let scalar = UInt32(exactly: codePoint).flatMap(Unicode.Scalar.init), codePoint > 0 else { return .unknown }
        switch codePoint {
        case 9: return modifiers.contains(.shift) ? .backTab : .tab
        case 13: return .enter
        case 27: return .escape
        case 8, 127: return modifiers.isDisjoint(with: [.alt, .meta]) ? .backspace : .alt("\u{7F}")
        case 0..<32, 0x80...0x9F: return .unknown
        // The private use area, where Kitty's protocol has the keys that are no characters.
        case 0xE000...0xF8FF: return .unknown
        default: break
        }
        let character = Character(scalar)
        if modifiers.contains(.control) {
            let lowercase = scalar.isASCII ? Character(character.lowercased()) : character
            return "abcdefghijklmnopqrstuvwxyz@[\\]^_".contains(lowercase) ? .control(lowercase) : .unknown
        }
        return modifiers.isDisjoint(with: [.alt, .meta]) ? .text(String(character)) : .alt(character)
    }
}
