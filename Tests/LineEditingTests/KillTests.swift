import ChatLineEditing
import Testing

/// What was killed comes back, and consecutive kills are one.
struct KillTests {
    private static let yank = Key.control("y")

    @Test func killsBackwardJoin() {
        var editor = LineEditor("one two three|")
        editor.press(.control("w"), .control("w"))
        #expect(editor.marked == "one |")
        editor.press(Self.yank)
        #expect(editor.marked == "one two three|")
    }

    @Test func killsForwardJoin() {
        var editor = LineEditor("|one two three")
        editor.press(.alt("d"), .alt("d"), .end, Self.yank)
        #expect(editor.marked == " threeone two|")
    }

    @Test func killsInTwoDirectionsAreTwo() {
        var editor = LineEditor("one |two")
        editor.press(.control("k"), .control("u"), Self.yank)
        #expect(editor.marked == "one |")
        editor.press(.alt("y"))
        #expect(editor.marked == "two|")
    }

    @Test func anotherKeyPartsThem() {
        var editor = LineEditor("one two|")
        editor.press(.control("w"), .left, .right, .control("w"), Self.yank)
        #expect(editor.marked == "one |")
    }

    @Test func yankPopGoesRound() {
        var editor = LineEditor("a b c|")
        editor.press(.control("w"), .end, .control("w"), .end, .control("w"), Self.yank)
        #expect(editor.text == "a ")
        let texts = (0..<3).map { _ in
            editor.press(.alt("y"))
            return editor.text
        }
        #expect(texts == ["b ", "c", "a "])
    }

    @Test func whatIsDeletedIsNotKilled() {
        var editor = LineEditor("ab|")
        editor.press(.control("w"), .text("xyz"), .backspace, .left, .delete, .end, Self.yank)
        #expect(editor.marked == "xab|")
    }

    @Test func onlySixteenAreKept() {
        var editor = LineEditor("")
        for number in 0..<20 { editor.press(.text("\(number)"), .control("u")) }
        editor.press(Self.yank)
        var seen = [editor.text]
        for _ in 0..<16 {
            editor.press(.alt("y"))
            seen.append(editor.text)
        }
        #expect(seen == (4...19).reversed().map(String.init) + ["19"])
    }
}
