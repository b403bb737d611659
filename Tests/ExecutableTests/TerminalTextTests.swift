import CommandLineSupport
import TestSupport
import Testing

/// What a stranger sends is shown without doing anything to the terminal.
struct TerminalTextTests {
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
    ])
    func isShown(_ message: String, as shown: String) {
        #expect(String(decoding: terminalText(Array(message.utf8)), as: UTF8.self) == shown)
    }

    @Test(
        arguments: [
            ([0xFF], #"\xFF"#),
            ([0x61, 0xC3], #"a\xC3"#),
            ([0xC3, 0x61], #"\xC3a"#),
            // Overlong, a surrogate, and beyond the last scalar.
            ([0xC0, 0x8A], #"\xC0\x8A"#),
            ([0xED, 0xA0, 0x80], #"\xED\xA0\x80"#),
            ([0xF4, 0x90, 0x80, 0x80], #"\xF4\x90\x80\x80"#),
            // Three quarters of a character, and a whole one.
            ([0xF0, 0x9F, 0x91, 0xC3, 0xBC], #"\xF0\x9F\x91ü"#),
        ] as [([UInt8], String)])
    func brokenBytesAreShown(_ message: [UInt8], as shown: String) {
        #expect(String(decoding: terminalText(message), as: UTF8.self) == shown)
    }

    @Test func nothingDangerousComesThrough() {
        let base = SeededGenerator()
        for offset in 0..<40_000 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            let message = Self.message(using: &random)
            let shown = terminalText(message)
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
            if terminalText(plain) != plain {
                Issue.record("\(plain) is changed; CHATREACTOR_SEED=\(random.seed) has it again at once")
                return
            }
        }
    }

    /// Random bytes, with a liking for those that mean something.
    private static func message(using random: inout SeededGenerator) -> [UInt8] {
        let pieces: [[UInt8]] = [
            [0x1B, 0x5B], [0x0D], [0x7F], [0xC2, 0x9B], [0xE2, 0x80, 0xAE], [0xE2, 0x81, 0xA6], [0xD8, 0x9C],
            [0xF0, 0x9F, 0x91], [0xED, 0xA0], [0xC0], [0x09], [0x61],
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

    private func terminalText(_ message: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        TerminalText.append(message.span, to: &output)
        return output
    }
}
