import ChatReactorText
import TestSupport
import Testing

/// What a stranger sends is shown without doing anything to those who read it.
struct VisibleTextTests {
    private static let modes: [VisibleText.InvalidUTF8] = [.hexadecimal, .replacementCharacter]

    @Test(arguments: [
        ("plain text, with\ta tab", "plain text, with\ta tab"),
        ("Grüße, 你好, 👩‍👩‍👧, e\u{301}", "Grüße, 你好, 👩‍👩‍👧, e\u{301}"),
        ("\u{1B}[2J", "^[[2J"),
        ("a\rb\u{8}c\u{0}\u{7F}", "a^Mb^Hc^@^?"),
        ("a\nb", "a^Jb"),
        ("\u{80}\u{9B}\u{9F}", #"\u{80}\u{9B}\u{9F}"#),
        ("\u{202E}\u{2066}\u{200F}\u{61C}\u{2028}", #"\u{202E}\u{2066}\u{200F}\u{61C}\u{2028}"#),
        ("\u{A0}\u{2010}\u{206A}", "\u{A0}\u{2010}\u{206A}"),
        ("", ""),
        // Joiners, a variation selector, tags, Hebrew and Arabic.
        (
            "\u{1F3F3}\u{FE0F}\u{200D}\u{1F308} \u{1F3F4}\u{E0067}\u{E0062}\u{E007F} क्\u{200D}ष",
            "\u{1F3F3}\u{FE0F}\u{200D}\u{1F308} \u{1F3F4}\u{E0067}\u{E0062}\u{E007F} क्\u{200D}ष"
        ),
        ("שלום, مرحبا", "שלום, مرحبا"),
        ("say\u{202E}\u{2029}* bob left", #"say\u{202E}\u{2029}* bob left"#),
    ])
    func isShown(_ message: String, as shown: String) {
        for mode in Self.modes {
            // By their bytes, since equal strings may have others.
            #expect(visibleText(Array(message.utf8), mode) == Array(shown.utf8), "\(message), \(mode)")
        }
    }

    @Test(
        arguments: [
            ([0xFF], #"\xFF"#, "\u{FFFD}"),
            ([0x61, 0xC3], #"a\xC3"#, "a\u{FFFD}"),
            ([0xC3, 0x61], #"\xC3a"#, "\u{FFFD}a"),
            // Overlong, a surrogate, and beyond the last scalar.
            ([0xC0, 0x8A], #"\xC0\x8A"#, "\u{FFFD}\u{FFFD}"),
            ([0xED, 0xA0, 0x80], #"\xED\xA0\x80"#, "\u{FFFD}\u{FFFD}\u{FFFD}"),
            ([0xF4, 0x90, 0x80, 0x80], #"\xF4\x90\x80\x80"#, "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
            // Three quarters of a character, and a whole one.
            ([0xF0, 0x9F, 0x91, 0xC3, 0xBC], #"\xF0\x9F\x91ü"#, "\u{FFFD}ü"),
            // The example of the Unicode standard, table 3-11.
            (
                [0xE1, 0x80, 0xE2, 0xF0, 0x91, 0x92, 0xF1, 0xBF, 0x41], #"\xE1\x80\xE2\xF0\x91\x92\xF1\xBFA"#,
                "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}A"
            ),
        ] as [([UInt8], String, String)])
    func brokenBytesAreShown(_ message: [UInt8], inHexadecimal hexadecimal: String, orReplaced replaced: String) {
        #expect(String(decoding: visibleText(message, .hexadecimal), as: UTF8.self) == hexadecimal)
        #expect(String(decoding: visibleText(message, .replacementCharacter), as: UTF8.self) == replaced)
    }

    @Test func appendsToWhatIsThere() {
        var output = Array("ana: ".utf8)
        VisibleText.append(Array("a\u{7}b".utf8).span, to: &output, invalidUTF8: .replacementCharacter)
        #expect(String(decoding: output, as: UTF8.self) == "ana: a^Gb")
    }

    /// Every character is judged by what Unicode says of it.
    @Test func charactersAreKeptUnlessTheyAreDangerous() {
        for number in UInt32(0)...0x10_FFFF {
            guard let scalar = Unicode.Scalar(number) else { continue }
            let bytes = Array(String(scalar).utf8)
            if (visibleText(bytes, .replacementCharacter) == bytes) != Self.isHarmless(scalar) {
                Issue.record("U+\(String(number, radix: 16)) is taken for the opposite of what it is")
            }
        }
    }

    @Test func isWhatANaiveOracleMakesOfIt() {
        let base = SeededGenerator()
        for offset in 0..<4_000 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            let message = Self.message(using: &random)
            for mode in Self.modes {
                let shown = visibleText(message, mode)
                let expected = Self.naiveVisibleText(message, mode)
                if shown != expected || shown.count > 4 * message.count {
                    Issue.record(
                        "\(message) is shown as \(shown), not \(expected); CHATREACTOR_SEED=\(random.seed) has it again at once")
                    return
                }
            }
        }
    }

    @Test func nothingDangerousComesThrough() {
        let base = SeededGenerator()
        for offset in 0..<40_000 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            let message = Self.message(using: &random)
            let shown = visibleText(message, Self.modes.randomElement(using: &random)!)
            guard let text = String(validating: shown, as: UTF8.self), text.unicodeScalars.allSatisfy(Self.isHarmless) else {
                Issue.record("\(message) is shown as \(shown); CHATREACTOR_SEED=\(random.seed) has it again at once")
                return
            }
        }
    }

    @Test func plainTextIsLeftAlone() {
        let base = SeededGenerator()
        for offset in 0..<20_000 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...20, using: &random) {
                let scalar = Unicode.Scalar(UInt32.random(in: 0...0x10_FFFF, using: &random))
                if let scalar, Self.isHarmless(scalar) { text.append(scalar) }
            }
            let plain = Array(String(text).utf8)
            if visibleText(plain, Self.modes.randomElement(using: &random)!) != plain {
                Issue.record("\(plain) is changed; CHATREACTOR_SEED=\(random.seed) has it again at once")
                return
            }
        }
    }

    /// Random bytes, with a liking for those that mean something.
    private static func message(using random: inout SeededGenerator) -> [UInt8] {
        let pieces: [[UInt8]] = [
            [0x1B, 0x5B], [0x0D], [0x7F], [0xC2, 0x9B], [0xE2, 0x80, 0xAE], [0xE2, 0x81, 0xA6], [0xD8, 0x9C],
            [0xF0, 0x9F, 0x91], [0xED, 0xA0], [0xC0], [0x09], [0x61], [0xE1, 0x80], [0x80], [0xF4, 0x8F], [0xC3, 0xBC],
            [0xE0, 0x9F],
        ]
        return (0..<Int.random(in: 0...12, using: &random)).flatMap { _ in
            Bool.random(using: &random) ? [UInt8.random(in: 0...255, using: &random)] : pieces.randomElement(using: &random)!
        }
    }

    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == "\t" { return true }
        let isControl = scalar.properties.generalCategory == .control
        let breaksLines = scalar == "\u{2028}" || scalar == "\u{2029}"
        return !isControl && !breaksLines && !isBidirectionalControl(scalar)
    }

    /// Those to which Unicode gives the property Bidi_Control.
    private static func isBidirectionalControl(_ scalar: Unicode.Scalar) -> Bool {
        ["\u{61C}", "\u{200E}", "\u{200F}"].contains(scalar) || ("\u{202A}"..."\u{202E}").contains(scalar)
            || ("\u{2066}"..."\u{2069}").contains(scalar)
    }

    private func visibleText(_ message: [UInt8], _ invalidUTF8: VisibleText.InvalidUTF8) -> [UInt8] {
        var output: [UInt8] = []
        VisibleText.append(message.span, to: &output, invalidUTF8: invalidUTF8)
        return output
    }

    /// As the Unicode standard defines it: a scalar is taken if there is one, and else the longest beginning of a well-formed
    /// sequence.
    private static func naiveVisibleText(_ message: [UInt8], _ mode: VisibleText.InvalidUTF8) -> [UInt8] {
        var output: [UInt8] = []
        var rest = message[...]
        while !rest.isEmpty {
            if let length = (1...4).first(where: { $0 <= rest.count && String(validating: rest.prefix($0), as: UTF8.self) != nil }
            ) {
                let scalar = String(decoding: rest.prefix(length), as: UTF8.self).unicodeScalars.first!
                if isHarmless(scalar) {
                    output += rest.prefix(length)
                } else if scalar == "\u{7F}" {
                    output += "^?".utf8
                } else if scalar.isASCII {
                    output += "^\(Unicode.Scalar(UInt8(scalar.value) + 64))".utf8
                } else {
                    output += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".utf8
                }
                rest.removeFirst(length)
            } else {
                let length = (1...3).last { $0 == 1 || $0 <= rest.count && canBeContinued(rest.prefix($0)) }!
                for byte in rest.prefix(length) where mode == .hexadecimal {
                    output += "\\x\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))".utf8
                }
                if mode == .replacementCharacter { output += [0xEF, 0xBF, 0xBD] }
                rest.removeFirst(length)
            }
        }
        return output
    }

    /// Whether some bytes after these make one scalar of them.
    private static func canBeContinued(_ bytes: ArraySlice<UInt8>) -> Bool {
        // The lowest and the highest continuation show it: what is well-formed between them is an interval.
        let continuations: [UInt8] = [0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF]
        return continuations.contains { next in
            (0...2).contains { more in
                let whole = Array(bytes) + [next] + Array(repeating: 0x80, count: more)
                return whole.count <= 4 && String(validating: whole, as: UTF8.self)?.unicodeScalars.count == 1
            }
        }
    }
}
