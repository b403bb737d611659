/// Keeps one row of a terminal as a line is to be seen on it, and writes only what changes.
///
/// The row scrolls sideways: where text is cut off, `<` or `>` says so. It never uses its last column, so the terminal never wraps, and
/// erasing the row is always the same two steps. A newline is shown as `⏎`, and as `▯` what has no width, would be
/// drawn over another character that is not its own, or has dozens of marks.
///
/// Where terminals disagree on a width, the cursor is put where we believe it is, and what the terminal may have drawn too far is erased.
/// What could reach beyond the row in some terminal is shown as `▯`.
///
/// When it starts, the cursor is at the beginning of an empty row. All methods append bytes to be written, in their order, with nothing
/// in between that moves the cursor. It never moves up, and needs CR, CHA, EL, ED and SGR of the terminal.
public struct LinePainter: Sendable {
    /// The width of the terminal.
    public private(set) var columns: Int
    /// What is on the row, from its beginning.
    private var shown: [Glyph] = []
    /// Where the cursor is.
    private var column = 0
    /// The first character that is on the row.
    private var start = 0
    /// Whether the terminal has another size than when the row was painted, and may have broken it into several.
    private var isReflowed = false

    /// Something on the row that is written whole.
    private struct Glyph: Equatable {
        var text: String
        var width: Int
        var reach: Int
        var isDisputed = false
        var style = ""

        init(_ text: String) {
            self.text = text
            width = 1
            reach = 1
        }

        /// How a character is shown where it has `limit` cells at most.
        init(_ character: Character, limit: Int) {
            self.init(character == "\n" ? "⏎" : "▯")
            // A character may have any number of marks. A terminal does not show so many, and a paint is not to write them.
            guard character.utf8.count <= 128 else { return }
            let display = DisplayWidth(character)
            guard character != "\n", (1...max(limit, 1)).contains(display.cells), Self.standsAlone(character) else { return }
            (text, width, reach, isDisputed) = (String(character), display.cells, display.reach, display.isDisputed)
        }

        /// Whether a character is drawn in its own cells. A mark with nothing to be drawn over would be drawn over what happens to be beside
        /// it on the row, and would stay there.
        private static func standsAlone(_ character: Character) -> Bool {
            if character.isASCII { return true }
            guard let first = character.unicodeScalars.first, DisplayWidth(Character(first)).cells > 0 else { return false }
            return "▯\(character)▯".count == 3
        }

        /// Takes the place of a glyph that could reach too far, at the same width.
        mutating func hide() {
            text = "▯" + String(repeating: " ", count: width &- 1)
            (reach, isDisputed) = (width, false)
        }
    }

    /// A painter of a terminal with so many columns. Fewer than one are one.
    public init(columns: Int) {
        self.columns = max(columns, 1)
    }

    /// Changes what is on the row to an editor's line, or its search, with a prompt before it, and puts the cursor where it belongs.
    /// A prompt has half of the row at most: of a longer one the end is shown.
    ///
    /// - Complexity: O(`columns`), and O(*n*) for the prompt.
    public mutating func paint(_ editor: LineEditor, prompt: Prompt, to output: inout [UInt8]) {
        if isReflowed { clear(with: "\u{1B}[J", to: &output) }
        let (row, cursorColumn) = layOut(editor.line, prompt: editor.searchPrompt.map { Prompt($0) } ?? prompt)
        replaceRow(by: row, to: &output)
        move(to: cursorColumn, &output)
    }

    /// Takes the row off, so that something else can be written there. Then all is painted anew.
    public mutating func erase(to output: inout [UInt8]) {
        if isReflowed {
            clear(with: "\u{1B}[J", to: &output)
        } else if !shown.isEmpty || column != 0 {
            clear(with: "\u{1B}[K", to: &output)
        }
    }

    /// Takes note of the terminal's new width. What is painted next erases what the terminal has made of the row, from the cursor's row
    /// down. It does not look above it, where a conversation is.
    public mutating func resize(columns: Int) {
        guard max(columns, 1) != self.columns else { return }
        self.columns = max(columns, 1)
        isReflowed = true
    }

    private mutating func clear(with sequence: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\r"))
        output.append(contentsOf: sequence.utf8)
        shown = []
        column = 0
        isReflowed = false
    }

    // MARK: What is to be seen

    private mutating func layOut(_ line: EditedLine, prompt: Prompt) -> (row: [Glyph], cursorColumn: Int) {
        // The last column is for the cursor alone.
        let room = columns &- 1
        var row: [Glyph] = []
        var end = 0
        func append(_ glyph: Glyph) {
            var glyph = glyph
            if end &+ glyph.reach > room { glyph.hide() }
            row.append(glyph)
            end &+= glyph.width
        }
        for glyph in Self.promptGlyphs(prompt, limit: room / 2) { append(glyph) }

        let characters = line.characters
        let window = Window(characters: characters, cursor: line.cursor, cells: room &- end)
        start = window.start(near: start)
        if start > 0, window.hasMarks { append(Glyph("<")) }
        var cursorColumn = end
        var index = start
        while index < characters.count {
            let glyph = window.glyph(index)
            if end &+ glyph.width &+ window.markCells(behind: index) > room {
                if window.hasMarks { append(Glyph(">")) }
                break
            }
            append(glyph)
            index &+= 1
            if index == line.cursor { cursorColumn = end }
        }
        return (row, cursorColumn)
    }

    private static func promptGlyphs(_ prompt: Prompt, limit: Int) -> [Glyph] {
        var glyphs: [Glyph] = []
        var width = 0
        for character in EditedLine.harmless(prompt.text).reversed() {
            var glyph = Glyph(character, limit: limit)
            width &+= glyph.width
            if width > limit { break }
            glyph.style = prompt.style
            glyphs.append(glyph)
        }
        return glyphs.reversed()
    }

    /// Which part of a line has place in some cells.
    private struct Window {
        let characters: [Character]
        let cursor: Int
        let cells: Int

        /// Whether `<` and `>` have place beside a wide character.
        var hasMarks: Bool { cells >= 4 }

        func glyph(_ index: Int) -> Glyph { Glyph(characters[index], limit: hasMarks ? cells &- 2 : cells) }

        /// What must stay free behind a character, for the mark that others follow.
        func markCells(behind index: Int) -> Int { hasMarks && index &+ 1 < characters.count ? 1 : 0 }

        /// The first character to show, so that the cursor and what it is on are seen. It stays the same as long as that is so: a row that
        /// moves is written anew. Then the cursor comes to the middle.
        func start(near previous: Int) -> Int {
            if fits(from: 0, through: characters.count &- 1) { return 0 }
            if previous <= cursor, showsCursor(from: previous) { return previous }
            var start = cursor
            var width = 0
            while start > 0 {
                width &+= glyph(start &- 1).width
                if width > cells / 2 { break }
                start &-= 1
            }
            while start < cursor, !showsCursor(from: start) { start &+= 1 }
            return start
        }

        private func showsCursor(from start: Int) -> Bool {
            fits(from: start, through: min(cursor, characters.count &- 1))
        }

        /// - Complexity: O(`cells`), since a glyph takes one at least.
        private func fits(from start: Int, through last: Int) -> Bool {
            var width = hasMarks && start > 0 ? 1 : 0
            var index = start
            while index <= last {
                width &+= glyph(index).width
                if width > cells { return false }
                index &+= 1
            }
            return last < 0 || width &+ markCells(behind: last) <= cells
        }
    }

    // MARK: Getting there

    private mutating func replaceRow(by row: [Glyph], to output: inout [UInt8]) {
        let same = zip(shown, row).prefix { $0 == $1 }.count
        var old = shown[same...]
        var new = row[same...]
        shown = row
        guard !old.isEmpty || !new.isEmpty else { return }
        // Nobody knows which cells a disputed glyph has taken. So all behind it is written anew, on cells that were erased.
        let isDisputed = old.contains(where: \.isDisputed) || new.contains(where: \.isDisputed)
        let oldWidth = Self.width(of: old)
        let newWidth = Self.width(of: new)
        if !isDisputed, oldWidth == newWidth {
            while let last = new.last, last == old.last {
                new.removeLast()
                old.removeLast()
            }
        }
        move(to: Self.width(of: row[..<same]), &output)
        if isDisputed, !old.isEmpty { output.append(contentsOf: "\u{1B}[K".utf8) }
        var style = ""
        // tmux 3.3 joins to a cluster that ends in a joiner, or that it has cut short, whatever is written behind it.
        var mayBeJoined = same > 0 && row[same &- 1].isDisputed
        for glyph in new {
            if glyph.style != style {
                style = glyph.style
                output.append(contentsOf: (style.isEmpty ? "\u{1B}[0m" : "\u{1B}[0;\(style)m").utf8)
            }
            output.append(contentsOf: glyph.text.utf8)
            column &+= glyph.width
            if glyph.isDisputed || mayBeJoined {
                output.append(contentsOf: "\u{1B}[\(column &+ 1)G".utf8)
                if glyph.reach > glyph.width { output.append(contentsOf: "\u{1B}[K".utf8) }
            }
            mayBeJoined = glyph.isDisputed
        }
        if !style.isEmpty { output.append(contentsOf: "\u{1B}[0m".utf8) }
        if !isDisputed, newWidth < oldWidth { output.append(contentsOf: "\u{1B}[K".utf8) }
    }

    /// Always to an absolute place: if a terminal had another column than we believe, it no longer has.
    private mutating func move(to target: Int, _ output: inout [UInt8]) {
        guard target != column else { return }
        column = target
        output.append(contentsOf: "\u{1B}[\(target &+ 1)G".utf8)
    }

    private static func width(of glyphs: ArraySlice<Glyph>) -> Int {
        glyphs.reduce(0) { $0 &+ $1.width }
    }
}
