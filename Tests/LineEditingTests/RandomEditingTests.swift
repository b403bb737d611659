import ChatLineEditing
import TestSupport
import Testing

/// Whatever is typed, the line is what a naive one is.
struct RandomEditingTests {
    /// Those that leave the line to the history or the host have tests of their own.
    private static let others: Set<EditingAction> = [
        .olderEntry, .newerEntry, .searchOlder, .searchNewer, .submit, .complete,
    ]

    @Test func isWhatANaiveLineIs() {
        let base = SeededGenerator()
        for offset in 0..<400 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            var editor = LineEditor()
            var naive = NaiveLine()
            var pressed: [Key] = []
            for _ in 0..<60 {
                let key = RandomKeys.key(using: &random)
                if let action = KeyBindings.action(for: key), Self.others.contains(action) { continue }
                pressed.append(key)
                let outcome = editor.handle(key)
                // In a line that is empty.
                if outcome == .endOfInput { continue }
                let text = (editor.text, editor.cursor)
                naive.press(key)
                // By their bytes, since equal strings may have others.
                if !editor.text.utf8.elementsEqual(naive.text.utf8) || editor.cursor != naive.cursor {
                    Issue.record(
                        "\(pressed.suffix(6)): \(text), not \((naive.text, naive.cursor)); CHATREACTOR_SEED=\(random.seed) has it at once"
                    )
                    return
                }
                // The number of characters is right too: at the end the cursor is behind all that Swift sees.
                var copy = editor
                copy.press(.end)
                if copy.cursor != naive.text.count {
                    Issue.record(
                        "\(pressed.suffix(6)): \(copy.cursor) characters in \(naive.text); CHATREACTOR_SEED=\(random.seed) has it at once"
                    )
                    return
                }
            }
        }
    }

    /// A row of flags is parted anew as a whole when one half is typed before it.
    @Test func aRowOfFlagsIsPartedAnew() {
        var editor = LineEditor("|" + String(repeating: "🇨🇭", count: 100) + "x")
        editor.press(.text("🇩"))
        #expect(editor.cursor == 1)
        editor.press(.end)
        #expect(editor.cursor == 102)
        editor.press(.home, .delete, .end)
        #expect(editor.cursor == editor.text.count)
    }
}
