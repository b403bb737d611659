import ChatLineEditing
import Testing

/// What can be taken back, and how much at once.
struct UndoTests {
    private static let undo = Key.control("_")

    @Test func typingIsUndoneWordByWord() {
        var editor = LineEditor("")
        for character in "one two" { editor.press(.text(String(character))) }
        #expect(editor.press(Self.undo) == .changed)
        #expect(editor.marked == "one |")
        editor.press(Self.undo)
        #expect(editor.marked == "|")
        #expect(editor.press(Self.undo) == .unchanged)
    }

    @Test func aMoveEndsARun() {
        var editor = LineEditor("")
        editor.press(.text("a"), .text("b"), .left, .right, .text("c"), Self.undo)
        #expect(editor.marked == "ab|")
    }

    @Test(arguments: [Key.control("u"), .control("w"), .backspace, .control("t"), .alt("\u{7F}"), .paste("x\ny"), .alt("\r")])
    func anEditIsUndoneWithItsCursor(_ key: Key) {
        var editor = LineEditor("one tw|o")
        #expect(editor.press(key) == .changed)
        #expect(editor.marked != "one tw|o")
        editor.press(.end, Self.undo)
        #expect(editor.marked == "one tw|o")
    }

    @Test func whatWasJoinedIsParted() {
        var editor = LineEditor("|🇨🇭x")
        editor.press(.text("🇩"))
        #expect(editor.marked == "🇩🇨|🇭x")
        editor.press(Self.undo)
        #expect(editor.marked == "|🇨🇭x")
        editor.press(.right, .left, .delete, Self.undo)
        #expect(editor.marked == "|🇨🇭x")
    }

    @Test func aRunMayJoinWhatIsAroundIt() {
        var editor = LineEditor("👩|👧")
        editor.press(.text("a"), .backspace, .text("\u{200D}"))
        #expect(editor.marked == "👩\u{200D}👧|")
        editor.press(Self.undo)
        #expect(editor.marked == "👩|👧")
    }

    @Test func twoHundredStepsAreKept() {
        var editor = LineEditor("")
        for _ in 0..<250 { editor.press(.text("x"), .left, .right) }
        for _ in 0..<200 { #expect(editor.press(Self.undo) == .changed) }
        #expect(editor.press(Self.undo) == .unchanged)
        #expect(editor.text.count == 50)
    }

    @Test func aTextThatIsSetCannotBeUndone() {
        var editor = LineEditor("")
        editor.press(.text("a"))
        editor.text = "new"
        #expect(editor.press(Self.undo) == .unchanged)
        #expect(editor.marked == "new|")
    }
}
