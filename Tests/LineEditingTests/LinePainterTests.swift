import ChatLineEditing
import Testing

/// What is written for a change, and no more.
struct LinePainterTests {
    /// What is written when a line is painted, some keys are pressed, and it is painted again.
    private func change(_ line: String, columns: Int = 20, prompt: Prompt = "> ", _ keys: Key...) -> String {
        var editor = LineEditor(line)
        var painter = LinePainter(columns: columns)
        var output: [UInt8] = []
        painter.paint(editor, prompt: prompt, to: &output)
        output = []
        editor.press(keys)
        painter.paint(editor, prompt: prompt, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// What is on the row, and the cursor as `|`.
    private func row(_ line: String, columns: Int, prompt: Prompt = "> ", _ keys: Key...) -> String {
        var editor = LineEditor(line)
        var painter = LinePainter(columns: columns)
        var row = TerminalRow(columns: columns, placing: .clusters)
        func paint() {
            var output: [UInt8] = []
            painter.paint(editor, prompt: prompt, to: &output)
            row.write(output)
        }
        paint()
        for key in keys {
            editor.press(key)
            paint()
        }
        #expect(row.problems == [])
        return row.cells[..<row.column].joined() + "|" + row.cells[row.column...].joined()
    }

    @Test func onlyWhatChangesIsWritten() {
        #expect(change("ab|", .text("c")) == "c")
        #expect(change("ab|", .text("漢")) == "漢")
        #expect(change("ab|", .unknown) == "")
        #expect(change("abc|", .backspace) == "\u{1B}[5G\u{1B}[K")
        #expect(change("abc|", .left) == "\u{1B}[5G")
        #expect(change("a漢|", .left) == "\u{1B}[4G")
        #expect(change("abcd|", .home) == "\u{1B}[3G")
        #expect(change("abcd|", prompt: "", .home) == "\u{1B}[1G")
        #expect(change("|ab", .right) == "\u{1B}[4G")
        #expect(change("a|bc", .text("x")) == "xbc\u{1B}[5G")
        #expect(change("ab|cd ef", .control("t")) == "\u{1B}[4Gcb")
        #expect(change("e|", .text("\u{301}")) == "\u{1B}[3Ge\u{301}")
        #expect(change("abc|", .control("u")) == "\u{1B}[3G\u{1B}[K")
        #expect(change("|one two three", .alt("u")) == "ONE")
    }

    @Test func aDisputedCharacterIsFollowedByThePlaceOfTheCursor() {
        #expect(change("a|", .text("❤\u{FE0F}")) == "❤\u{FE0F}\u{1B}[6G")
        #expect(change("a|", .text("👍\u{1F3FD}")) == "👍\u{1F3FD}\u{1B}[6G\u{1B}[K")
        // So is the next one, which a terminal may join to it.
        #expect(change("👍\u{1F3FD}|", .text("a")) == "a\u{1B}[6G")
        #expect(change("|a", .text("🇩🇪")) == "\u{1B}[K🇩🇪\u{1B}[5G\u{1B}[Ka\u{1B}[6G\u{1B}[5G")
    }

    @Test func aPromptMayHaveAColour() {
        var painter = LinePainter(columns: 20)
        var output: [UInt8] = []
        painter.paint(LineEditor("a|b"), prompt: Prompt("ana> ", style: "1;36"), to: &output)
        #expect(String(decoding: output, as: UTF8.self) == "\u{1B}[0;1;36mana> \u{1B}[0mab\u{1B}[7G")
    }

    @Test func theSearchTakesThePromptsPlace() {
        #expect(row("ab|", columns: 40, .control("r"), .text("x")).hasPrefix("no match 'x': ab|"))
        #expect(row("ab|", columns: 40, .control("r"), .control("g")).hasPrefix("> ab| "))
    }

    @Test func whatIsCutOffIsMarked() {
        #expect(row("abcdefg|", columns: 10) == "> abcdefg| ")
        #expect(row("abcdefgh|", columns: 10) == "> <fgh|    ")
        #expect(row("|abcdefgh", columns: 10) == "> |abcdef> ")
        #expect(row("abcdefgh|", columns: 10, .home) == "> |abcdef> ")
        #expect(row("abcd|efghijklmn", columns: 10) == "> abcd|ef> ")
        #expect(row("abcdefghi|jklmnopqrstuv", columns: 10) == "> <ghi|jk> ")
    }

    /// The window moves only when it must: a row that moves is written anew, and read aloud.
    @Test func theRowStaysUntilTheCursorLeavesIt() {
        #expect(row("abcdefgh|", columns: 10, .text("i")) == "> <fghi|   ")
        #expect(row("abcdefgh|", columns: 10, .text("i"), .text("j"), .text("k")) == "> <fghijk| ")
        #expect(row("abcdefgh|", columns: 10, .text("i"), .text("j"), .text("k"), .text("l")) == "> <jkl|    ")
        #expect(row("abcdefgh|", columns: 10, .left, .left, .left) == "> <|fgh    ")
        #expect(row("abcdefgh|", columns: 10, .backspace) == "> abcdefg| ")
    }

    @Test func aWideCharacterIsNeverCut() {
        #expect(row("漢字漢|", columns: 9) == "> 漢字漢| ")
        #expect(row("漢字漢字|", columns: 9) == "> <字|    ")
        #expect(row("|漢字漢字", columns: 9) == "> |漢字>  ")
        #expect(row("a|漢字漢字", columns: 9) == "> a|漢字> ")
    }

    @Test func newlinesAndWhatHasNoWidthAreSeen() {
        #expect(row("a\nb\u{200B}|", columns: 10) == "> a⏎b▯|    ")
        for mark in ["\u{301}", "\u{93F}", "\u{1F3FD}", "\u{200D}", "\u{600}"] {
            #expect(row("|", columns: 10, .text(mark)) == "> ▯|       ")
        }
    }

    @Test func aCharacterOfAnyLengthWritesFewBytes() {
        let written = change("a|", .text("e" + String(repeating: "\u{301}", count: 10_000)))
        #expect(written == "▯")
    }

    @Test func whatMayReachBeyondTheRowIsNotShown() {
        let family = "👨\u{200D}👩\u{200D}👧\u{200D}👦"
        #expect(row(family + "|", columns: 11) == "> \(family)|       ")
        #expect(row(family + "|", columns: 10) == "> ▯ |      ")
    }

    @Test func aLongPromptHasHalfOfTheRow() {
        #expect(row("abcd|", columns: 9, prompt: "ana@lobby> ") == "by> abcd| ")
        #expect(row("ab|", columns: 2, prompt: "> ") == "|  " || row("ab|", columns: 2, prompt: "> ") == "b| ")
    }

    @Test(arguments: 1...6)
    func aNarrowRowStillShowsWhatItCan(_ columns: Int) {
        for line in ["|", "ab|", "|ab", "漢|字", "abcdef|ghijkl", "👍\u{1F3FD}|", "\n|\n"] {
            #expect(row(line, columns: columns, .left, .text("x"), .text("漢"), .end, .home).contains("|"))
        }
    }

    @Test func anErasedRowIsPaintedAnew() {
        var painter = LinePainter(columns: 20)
        var output: [UInt8] = []
        painter.erase(to: &output)
        #expect(output == [])
        painter.paint(LineEditor("a|b"), prompt: "> ", to: &output)
        output = []
        painter.erase(to: &output)
        #expect(String(decoding: output, as: UTF8.self) == "\r\u{1B}[K")
        output = []
        painter.erase(to: &output)
        #expect(output == [])
        painter.paint(LineEditor("a|b"), prompt: "> ", to: &output)
        #expect(String(decoding: output, as: UTF8.self) == "> ab\u{1B}[4G")
    }

    @Test func aResizedRowIsErasedDownwards() {
        var painter = LinePainter(columns: 20)
        var output: [UInt8] = []
        painter.paint(LineEditor("a|b"), prompt: "> ", to: &output)
        output = []
        painter.resize(columns: 20)
        painter.paint(LineEditor("a|b"), prompt: "> ", to: &output)
        #expect(output == [])
        painter.resize(columns: 10)
        painter.paint(LineEditor("a|b"), prompt: "> ", to: &output)
        #expect(String(decoding: output, as: UTF8.self) == "\r\u{1B}[J> ab\u{1B}[4G")
        output = []
        painter.resize(columns: 30)
        painter.erase(to: &output)
        #expect(String(decoding: output, as: UTF8.self) == "\r\u{1B}[J")
    }

    @Test(arguments: [0, -1, Int.min])
    func aWidthThatCannotBeIsOne(_ columns: Int) {
        var painter = LinePainter(columns: columns)
        painter.resize(columns: columns)
        #expect(painter.columns == 1)
    }
}
