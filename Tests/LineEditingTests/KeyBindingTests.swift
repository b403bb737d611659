import ChatLineEditing
import Testing

/// Each key of the table does what the table says.
struct KeyBindingTests {
    /// A line, what is pressed before and after the key, and what comes of it.
    struct Example {
        var line: String
        var before: [Key] = []
        var after: [Key] = []
        var result: String
        var outcome = LineEditor.Outcome.changed
        var searches = false
    }

    private static let examples: [EditingAction: [Example]] = [
        .moveLeft: [Example(line: "ab|c", result: "a|bc"), Example(line: "|a", result: "|a", outcome: .unchanged)],
        .moveRight: [Example(line: "a|bc", result: "ab|c"), Example(line: "a|", result: "a|", outcome: .unchanged)],
        .moveWordLeft: [Example(line: "one two-|", result: "one |two-"), Example(line: "?|", result: "|?")],
        .moveWordRight: [Example(line: "one| -two.", result: "one -two|."), Example(line: "|?", result: "?|")],
        .moveToBeginning: [Example(line: "ab c|d", result: "|ab cd")],
        .moveToEnd: [Example(line: "a|b cd", result: "ab cd|")],
        .deleteBackward: [
            Example(line: "ab|c", result: "a|c"), Example(line: "👩‍👩‍👧|c", result: "|c"),
            Example(line: "|c", result: "|c", outcome: .unchanged),
        ],
        .deleteForward: [
            Example(line: "a|bc", result: "a|c"), Example(line: "a|e\u{301}c", result: "a|c"),
            Example(line: "|", result: "|", outcome: .unchanged),
        ],
        .deleteForwardOrEnd: [
            Example(line: "a|bc", result: "a|c"), Example(line: "a|", result: "a|", outcome: .unchanged),
            Example(line: "|", result: "|", outcome: .endOfInput),
        ],
        .killToBeginning: [Example(line: "one t|wo", result: "|wo")],
        .killToEnd: [Example(line: "one t|wo", result: "one t|")],
        .killWordBackward: [Example(line: "one a-b |", result: "one a-|")],
        .killBackToWhitespace: [Example(line: "one a-b |", result: "one |")],
        .killWordForward: [Example(line: "one|, two three", result: "one| three")],
        .yank: [
            Example(line: "ab|c", before: [.control("u"), .end], result: "cab|"),
            Example(line: "a|", result: "a|", outcome: .refused),
        ],
        .yankPop: [
            Example(line: "one two|", before: [.control("w"), .home, .control("k"), .control("y")], result: "two|"),
            Example(line: "one two|", before: [.control("w")], result: "one |", outcome: .refused),
        ],
        .transpose: [
            Example(line: "ab|cd", result: "acb|d"), Example(line: "abc|", result: "acb|"),
            Example(line: "|ab", result: "|ab", outcome: .unchanged), Example(line: "a|", result: "a|", outcome: .unchanged),
        ],
        .uppercaseWord: [Example(line: "a|b, straße", before: [.wordRight], result: "ab, STRASSE|")],
        .lowercaseWord: [Example(line: "|ÀBC D", result: "àbc| D")],
        .capitalizeWord: [Example(line: "one| élAN x", result: "one Élan| x")],
        .undo: [
            Example(line: "ab|c", before: [.text("xy")], result: "ab|c"),
            Example(line: "a|", result: "a|", outcome: .unchanged),
        ],
        .olderEntry: [Example(line: "dra|ft", result: "two|"), Example(line: "|", before: [.up], result: "one|")],
        .newerEntry: [
            Example(line: "|", before: [.up, .up], result: "two|"),
            Example(line: "draft|", result: "draft|", outcome: .unchanged),
        ],
        .searchOlder: [Example(line: "|", after: [.text("ne")], result: "o|ne", searches: true)],
        .searchNewer: [Example(line: "|", before: [.up, .up], after: [.text("w")], result: "t|wo", searches: true)],
        .acceptSearch: [
            Example(line: "|", before: [.control("r"), .text("ne")], result: "o|ne"),
            Example(line: "a|", result: "a|", outcome: .unchanged),
        ],
        .cancelSearch: [Example(line: "a|b", before: [.control("r"), .text("ne")], result: "a|b")],
        .complete: [Example(line: "an|", result: "an|", outcome: .complete)],
        .insertNewline: [Example(line: "a|b", result: "a\n|b")],
        .submit: [
            Example(line: "a|b", result: "|", outcome: .submitted("ab")),
            Example(line: "|", result: "|", outcome: .submitted("")),
        ],
        .clearScreen: [Example(line: "a|b", result: "a|b", outcome: .clearScreen)],
    ]

    @Test(arguments: KeyBindings.all.map(\.name))
    func doesWhatTheTableSays(_ name: String) throws {
        let binding = try #require(KeyBindings.all.first { $0.name == name })
        let examples = try #require(Self.examples[binding.action], "\(name) has no example")
        for key in binding.keys {
            for example in examples {
                var editor = LineEditor(example.line, history: ["one", "two"])
                editor.press(example.before)
                let outcome = editor.handle(key)
                editor.press(example.after)
                #expect(outcome == example.outcome, "\(key) in \(example.line)")
                #expect(editor.marked == example.result, "\(key) in \(example.line)")
                #expect((editor.searchPrompt != nil) == example.searches, "\(key) in \(example.line)")
            }
        }
    }

    @Test func everyActionHasItsBinding() {
        #expect(Set(KeyBindings.all.map(\.action)) == Set(EditingAction.allCases))
        #expect(KeyBindings.all.count == EditingAction.allCases.count)
    }

    @Test func aKeyIsBoundOnce() {
        let keys = KeyBindings.all.flatMap(\.keys)
        #expect(Set(keys).count == keys.count)
        for binding in KeyBindings.all {
            #expect(binding.help.hasSuffix(".") && !binding.name.isEmpty)
            for key in binding.keys { #expect(KeyBindings.action(for: key) == binding.action) }
        }
    }

    @Test(arguments: [.unknown, .pageUp, .pageDown, .backTab, .control("z"), .alt("ü"), .text(""), .paste("\n")] as [Key])
    func otherKeysDoNothing(_ key: Key) {
        var editor = LineEditor("a|b")
        #expect(editor.handle(key) == .unchanged)
        #expect(editor.marked == "a|b")
    }
}
