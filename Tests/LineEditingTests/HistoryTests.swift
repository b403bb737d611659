import ChatLineEditing
import Testing

/// What was sent before is at hand, and stays as it was sent.
struct HistoryTests {
    @Test func theUnsentLineIsTheNewest() {
        var editor = LineEditor("draft|", history: ["one", "two"])
        editor.press(.up, .up)
        #expect(editor.marked == "one|")
        #expect(editor.press(.up) == .unchanged)
        editor.press(.down, .down)
        #expect(editor.marked == "draft|")
        #expect(editor.press(.down) == .unchanged)
    }

    @Test func editsOfEntriesChangeNothing() {
        var editor = LineEditor("draft|", history: ["one", "two"])
        editor.press(.up, .text("!"), .up, .text("?"), .down)
        #expect(editor.marked == "two|")
        #expect(editor.history.entries == ["one", "two"])
        editor.press(.down)
        #expect(editor.marked == "draft|")
    }

    @Test func anEditedEntryThatIsSentIsANewOne() {
        var editor = LineEditor("", history: ["one", "two"])
        #expect(editor.press(.up, .up, .text("!"), .enter) == .submitted("one!"))
        #expect(editor.history.entries == ["one", "two", "one!"])
        editor.press(.up)
        #expect(editor.marked == "one!|")
        #expect(editor.press(.down) == .changed)
        #expect(editor.marked == "|")
    }

    @Test func blanksAndRepetitionsAreLeftOut() {
        var history = CommandHistory()
        #expect(history.append("a") == true)
        #expect(history.append("a") == false)
        #expect(history.append("") == false)
        #expect(history.append(" \n\t") == false)
        #expect(history.append("b") == true)
        #expect(history.append("a") == true)
        #expect(history.entries == ["a", "b", "a"])
    }

    @Test func theOldestMakeRoom() {
        var history = CommandHistory(entries: ["a", "b", "c"], limit: 2)
        #expect(history.entries == ["b", "c"])
        history.append("d")
        #expect(history.entries == ["c", "d"])
        #expect(CommandHistory().limit == 1_000)
    }

    @Test(arguments: [0, -1, Int.min])
    func aHistoryMayKeepNothing(_ limit: Int) {
        var editor = LineEditor(history: CommandHistory(entries: ["a"], limit: limit))
        #expect(editor.press(.up) == .unchanged)
        #expect(editor.press(.text("b"), .enter) == .submitted("b"))
        #expect(editor.press(.up) == .unchanged)
        #expect(editor.history.entries == [])
    }

    @Test func anEntryMayHaveSeveralLines() {
        var editor = LineEditor("")
        #expect(editor.press(.paste("one\ntwo\n"), .enter) == .submitted("one\ntwo"))
        editor.press(.up)
        #expect(editor.marked == "one\ntwo|")
    }
}
