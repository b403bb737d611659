import ChatLineEditing
import Testing

/// What is pasted stays whole until it is sent, and cannot grow without bound.
struct PasteTests {
    @Test(arguments: ["one\ntwo", "one\r\ntwo\r\n", "one\rtwo\r", "one\ntwo\n"])
    func linesAreKeptAndSentTogether(_ pasted: String) {
        var editor = LineEditor("<|>")
        #expect(editor.press(.paste(pasted)) == .changed)
        #expect(editor.marked == "<one\ntwo|>")
        #expect(editor.press(.enter) == .submitted("<one\ntwo>"))
    }

    @Test func onlyOneNewlineAtTheEndIsDropped() {
        var editor = LineEditor("")
        editor.press(.paste("a\n\n"))
        #expect(editor.marked == "a\n|")
    }

    @Test func itIsOneStep() {
        var editor = LineEditor("a|")
        editor.press(.text("b"), .paste("one\ntwo three"), .control("_"))
        #expect(editor.marked == "ab|")
    }

    @Test func moreThanTheCapacityIsRefused() {
        var editor = LineEditor("")
        #expect(editor.press(.paste(String(repeating: "x", count: LineEditor.capacity + 1))) == .refused)
        #expect(editor.text.isEmpty)
        #expect(editor.press(.paste(String(repeating: "x", count: LineEditor.capacity))) == .changed)
        for key in [.text("y"), .paste("y"), .alt("\r")] as [Key] { #expect(editor.press(key) == .refused) }
        #expect(editor.text.utf8.count == LineEditor.capacity)
        #expect(editor.press(.backspace, .text("y")) == .changed)
        #expect(editor.press(.control("_"), .control("_"), .control("a"), .text("y")) == .refused)
    }

    /// Made harmless, it would not fit.
    @Test func whatGrowsBeyondTheCapacityIsRefused() {
        var editor = LineEditor("")
        #expect(editor.press(.paste(String(repeating: "\u{1}", count: LineEditor.capacity / 2 + 1))) == .refused)
        #expect(editor.press(.paste(String(repeating: "\u{1}", count: LineEditor.capacity / 2))) == .changed)
    }

    @Test func aTextThatIsSetIsCutAtTheCapacity() {
        var editor = LineEditor("")
        editor.text = String(repeating: "é", count: LineEditor.capacity)
        #expect(editor.text.utf8.count == LineEditor.capacity)
    }
}
