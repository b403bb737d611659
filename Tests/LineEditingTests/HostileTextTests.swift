import ChatLineEditing
import Testing

/// Nothing that comes in by any way can harm when it is shown.
struct HostileTextTests {
    private static let texts = [
        ("\u{1B}[2J", "^[[2J"),
        ("a\tb", "a b"),
        ("a\u{7}\u{7F}\u{0}", "a^G^?^@"),
        ("\u{9B}31m", #"\u{9B}31m"#),
        ("\u{202E}evil\u{2066}", #"\u{202E}evil\u{2066}"#),
        ("a\u{2028}b\u{85}c", #"a\u{2028}b\u{85}c"#),
        ("שלום 👩‍👩‍👧 e\u{301}", "שלום 👩‍👩‍👧 e\u{301}"),
    ]

    @Test(arguments: texts)
    func isMadeVisible(_ text: String, _ visible: String) {
        var typed = LineEditor("")
        typed.press(.text(text))
        #expect(typed.text == visible)
        #expect(typed.cursor == visible.count)

        var pasted = LineEditor("")
        pasted.press(.paste(text))
        #expect(pasted.text == visible)

        var given = LineEditor("")
        given.text = text
        #expect(given.text == visible)

        var recalled = LineEditor("", history: [text])
        recalled.press(.up)
        #expect(recalled.text == visible)

        var found = LineEditor("", history: ["zz" + text])
        found.press(.control("r"), .text("zz"))
        #expect(found.text == "zz" + visible)
    }

    @Test(arguments: texts)
    func thePromptAndThePatternAreToo(_ text: String, _ visible: String) {
        var painter = LinePainter(columns: 200)
        var output: [UInt8] = []
        painter.paint(LineEditor(), prompt: Prompt(text, style: "1\u{1B}[2J;3x"), to: &output)
        // All that is left of the style is what SGR takes.
        #expect(String(decoding: output, as: UTF8.self).hasPrefix("\u{1B}[0;12;3m"))
        var row = TerminalRow(columns: 200, placing: .clusters)
        row.write(output)
        #expect(row.problems == [])
        #expect(row.textBeforeCursor == visible)

        var editor = LineEditor()
        editor.press(.control("r"), .text(text))
        painter.paint(editor, prompt: "", to: &output)
        row = TerminalRow(columns: 200, placing: .clusters)
        row.write(output)
        #expect(row.problems == [])
        #expect(row.textBeforeCursor == "no match '\(visible)': ")
    }
}
