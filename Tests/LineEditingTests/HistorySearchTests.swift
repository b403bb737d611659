import ChatLineEditing
import Testing

/// Ctrl-R finds what was sent before, as it is typed.
struct HistorySearchTests {
    private static let search = Key.control("r")
    private static let entries = ["make tea", "Make coffee", "drink tea", "sleep"]

    private func searching(_ keys: Key...) -> LineEditor {
        var editor = LineEditor("dra|ft", history: Self.entries)
        editor.press([Self.search] + keys)
        return editor
    }

    @Test func findsTheNewestAndGoesOn() {
        var editor = searching(.text("e"), .text("a"))
        #expect(editor.marked == "drink t|ea")
        #expect(editor.searchPrompt == "search 'ea': ")
        editor.press(Self.search)
        #expect(editor.marked == "make t|ea")
        #expect(editor.press(Self.search) == .refused)
        #expect(editor.marked == "make t|ea")
        #expect(editor.searchPrompt == "no match 'ea': ")
        editor.press(.control("s"))
        #expect(editor.marked == "drink t|ea")
    }

    @Test func textNarrowsAndBackspaceWidens() {
        var editor = searching(.text("m"), .text("ake t"))
        #expect(editor.marked == "|make tea")
        editor.press(.backspace)
        #expect(editor.marked == "|Make coffee")
        #expect(editor.press(.text("zz")) == .refused)
        #expect(editor.marked == "|Make coffee")
        editor.press(.backspace, .backspace)
        #expect(editor.searchPrompt == "search 'make ': ")
        for _ in 0..<5 { editor.press(.backspace) }
        #expect(editor.marked == "dra|ft")
        #expect(editor.press(.backspace) == .unchanged)
        #expect(editor.searchPrompt == "search '': ")
    }

    @Test func enterSendsWhatWasFound() {
        var editor = searching(.text("coff"))
        #expect(editor.press(.enter) == .submitted("Make coffee"))
        #expect(editor.searchPrompt == nil)
        #expect(editor.marked == "|")
    }

    @Test func escapeAcceptsIt() {
        var editor = searching(.text("coff"))
        #expect(editor.press(.escape) == .changed)
        #expect(editor.marked == "Make |coffee")
        #expect(editor.searchPrompt == nil)
        // The history goes on from there, and the draft is still the newest.
        editor.press(.up)
        #expect(editor.marked == "make tea|")
        editor.press(.down, .down, .down, .down)
        #expect(editor.marked == "draft|")
    }

    @Test func anEditingKeyAcceptsItAndEdits() {
        var editor = searching(.text("coff"))
        #expect(editor.press(.control("k")) == .changed)
        #expect(editor.marked == "Make |")
        #expect(editor.searchPrompt == nil)
    }

    @Test func aKeyThatOnlyEndsTheSearchHasChangedWhatIsSeen() {
        var editor = searching(.text("make t"))
        #expect(editor.press(.home) == .changed)
        #expect(editor.searchPrompt == nil)
    }

    @Test func cancellingGivesBackTheLineAndItsUndo() {
        var editor = LineEditor("dra|", history: Self.entries)
        editor.press(.text("ft"), Self.search, .text("tea"), .control("g"))
        #expect(editor.marked == "draft|")
        editor.press(.control("_"))
        #expect(editor.marked == "dra|")
    }

    @Test func otherKeysLeaveItAlone() {
        var editor = searching(.text("coff"))
        #expect(editor.press(.unknown) == .unchanged)
        #expect(editor.searchPrompt == "search 'coff': ")
    }

    @Test func nothingIsFoundInAnEmptyHistory() {
        var editor = LineEditor("a|")
        #expect(editor.press(Self.search, .text("x")) == .refused)
        #expect(editor.press(Self.search) == .refused)
        #expect(editor.press(.control("s")) == .refused)
        #expect(editor.press(.enter) == .submitted("a"))
    }

    @Test func lettersMatchInEitherCaseAndHoweverTheyAreEncoded() {
        var editor = LineEditor("", history: ["Caf\u{E9}"])
        editor.press(Self.search, .text("FE\u{301}"))
        #expect(editor.marked == "Ca|fé")
    }
}
