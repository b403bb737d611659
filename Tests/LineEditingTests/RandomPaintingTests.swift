import ChatLineEditing
import TestSupport
import Testing

/// Whatever is typed, and at whatever width: what was written bit by bit is on the row as if it had been written at once.
struct RandomPaintingTests {
    @Test func changesAddUpToTheWhole() {
        let base = SeededGenerator()
        for offset in 0..<100 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            var scenario = Scenario(using: &random)
            for _ in 0..<40 {
                if let problem = scenario.step(using: &random) {
                    Issue.record("\(problem); CHATREACTOR_SEED=\(random.seed) has it again at once")
                    return
                }
            }
        }
    }

    private struct Scenario {
        var editor: LineEditor
        var painter: LinePainter
        var rows: [TerminalRow]
        let prompt: Prompt

        init(using random: inout SeededGenerator) {
            // Half of them are narrow.
            let columns = Int.random(in: 1...(Bool.random(using: &random) ? 120 : 16), using: &random)
            let entries = (0..<5).map { _ in RandomKeys.text(upTo: 20, using: &random) }
            editor = LineEditor(history: CommandHistory(entries: entries))
            painter = LinePainter(columns: columns)
            rows = TerminalRow.Placing.allCases.map { TerminalRow(columns: columns, placing: $0) }
            prompt =
                [Prompt("> "), Prompt("", style: "1"), Prompt("ana@漢字> ", style: "36"), Prompt("👍\u{1F3FD}: ")]
                .randomElement(using: &random) ?? ""
        }

        /// Does something, and says what is wrong then.
        mutating func step(using random: inout SeededGenerator) -> String? {
            switch Int.random(in: 0..<20, using: &random) {
            case 0:
                var output: [UInt8] = []
                painter.erase(to: &output)
                write(output)
                for row in rows where row.column != 0 || row.cells.contains(where: { $0 != " " }) {
                    return "\(row) is not erased"
                }
            case 1:
                let columns = Int.random(in: 1...120, using: &random)
                painter.resize(columns: columns)
                for index in rows.indices { rows[index].resize(columns: columns) }
            default:
                let key = RandomKeys.key(using: &random)
                if editor.handle(key) == .complete { editor.complete(with: [Completion("Ana"), Completion("漢字")]) }
            }

            write(painted(by: &painter))
            if !painted(by: &painter).isEmpty { return "painted twice" }

            // A painter that goes on from an empty row, since the window is where the editing has moved it.
            var fresh = painter
            var ignored: [UInt8] = []
            fresh.erase(to: &ignored)
            let whole = painted(by: &fresh)
            for row in rows {
                var expected = TerminalRow(columns: painter.columns, placing: row.placing)
                expected.write(whole)
                if let problem = (row.problems + expected.problems).first { return problem }
                if row.cells != expected.cells || row.column != expected.column {
                    return "\(editor.text.debugDescription) at \(editor.cursor) is \(row), not \(expected)"
                }
                if row.column >= row.columns { return "the cursor is beyond the row" }
            }
            return isAWindow(rows[0]) ? nil : "\(editor.text.debugDescription) at \(editor.cursor) is shown as \(rows[0])"
        }

        private mutating func write(_ output: [UInt8]) {
            for index in rows.indices { rows[index].write(output) }
        }

        private func painted(by painter: inout LinePainter) -> [UInt8] {
            var output: [UInt8] = []
            painter.paint(editor, prompt: prompt, to: &output)
            return output
        }

        /// Whether the row is the end of the prompt and some part of the line, with the cursor at its place and what it is on in sight.
        private func isAWindow(_ row: TerminalRow) -> Bool {
            let room = row.columns - 1
            let characters = Array(editor.text)
            let names = Array(editor.searchPrompt ?? prompt.text)
            let promptStart = (0...names.count).first { start in
                names[start...].reduce(0) { $0 + glyph($1, limit: room / 2, at: 0, room: .max).count } <= room / 2
            }
            var prefix: [String] = []
            for character in names[(promptStart ?? names.count)...] {
                prefix += glyph(character, limit: room / 2, at: prefix.count, room: room)
            }
            let available = room - prefix.count
            let hasMarks = available >= 4
            for start in 0...characters.count {
                var cells = prefix + (start > 0 && hasMarks ? ["<"] : [])
                var cursor: Int?
                for index in start...characters.count {
                    if index == editor.cursor { cursor = cells.count }
                    let isWhole = index == characters.count
                    // What follows may be cut off here, if the cursor and what it is on are seen, or nothing has place.
                    let seesCursor = index > editor.cursor || isWhole || available < 2
                    let shown = cells + (isWhole || !hasMarks ? [] : [">"])
                    if seesCursor, shown.count <= room, row.column == cursor, row.cells == padded(shown, row.columns) {
                        return true
                    }
                    if isWhole { break }
                    cells += glyph(characters[index], limit: hasMarks ? available - 2 : available, at: cells.count, room: room)
                    if cells.count > room { break }
                }
            }
            return false
        }

        /// The cells of a character where it has `limit` at most, and the row ends at `room`.
        private func glyph(_ character: Character, limit: Int, at column: Int, room: Int) -> [String] {
            if character == "\n" { return ["⏎"] }
            let width = DisplayWidth(character)
            if width.cells < 1 || width.cells > max(limit, 1) || isMark(character) { return ["▯"] }
            let isHidden = width.reach > room - column
            return [isHidden ? "▯" : String(character)] + Array(repeating: isHidden ? " " : "", count: width.cells - 1)
        }

        /// Whether a character would be drawn over one that is beside it.
        private func isMark(_ character: Character) -> Bool {
            let first = character.unicodeScalars.prefix(1).map { DisplayWidth(Character($0)).cells }
            return first == [0] || "x\(character)x".count < 3
        }

        private func padded(_ cells: [String], _ columns: Int) -> [String] {
            cells + Array(repeating: " ", count: columns - cells.count)
        }
    }
}
