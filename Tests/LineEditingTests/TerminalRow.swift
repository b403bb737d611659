import ChatLineEditing

/// A row of a terminal that knows no more than what a painter may use. What else comes is a problem.
struct TerminalRow {
    enum Placing: CaseIterable {
        /// As terminals do that know grapheme clusters, with the widths that the painter believes.
        case clusters
        /// Each scalar in cells of its own, as xterm and the Linux console do.
        case scalars
        /// The same, with two cells for a regional indicator and for what is newer than the C library.
        case wideScalars
    }

    private(set) var columns: Int
    let placing: Placing
    /// What is in each cell. The cells behind a wide character have nothing.
    private(set) var cells: [String]
    private(set) var column = 0
    private(set) var problems: [String] = []
    private var isStyled = false

    init(columns: Int, placing: Placing) {
        self.columns = columns
        self.placing = placing
        cells = Array(repeating: " ", count: columns)
    }

    /// What is read on the row before the cursor.
    var textBeforeCursor: String { cells[..<column].joined() }

    /// As a terminal without reflow: what is beyond the new width is lost.
    mutating func resize(columns: Int) {
        cells = Array(cells.prefix(columns)) + Array(repeating: " ", count: max(columns - self.columns, 0))
        self.columns = columns
        column = min(column, columns - 1)
    }

    mutating func write(_ bytes: [UInt8]) {
        guard let string = String(validating: bytes, as: UTF8.self) else {
            problems.append("not UTF-8")
            return
        }
        var rest = string.unicodeScalars[...]
        var run = String.UnicodeScalarView()
        func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) }
        while let scalar = rest.popFirst() {
            if !isControl(scalar) {
                run.append(scalar)
                if let next = rest.first, !isControl(next) { continue }
                place(String(run))
                run = String.UnicodeScalarView()
                continue
            }
            switch scalar {
            case "\r": column = 0
            case "\u{1B}":
                let end = rest.firstIndex { ("@"..."~").contains($0) && $0 != "[" } ?? rest.endIndex
                let sequence = String(rest[..<end]) + (end < rest.endIndex ? String(rest[end]) : "")
                rest = end < rest.endIndex ? rest[rest.index(after: end)...] : rest[end...]
                obey(sequence)
            default: problems.append("control character \(scalar.value)")
            }
        }
        if isStyled { problems.append("the style is left on") }
    }

    private mutating func obey(_ sequence: String) {
        switch (sequence.first, sequence.last, sequence.dropFirst().dropLast()) {
        case ("[", "K", ""), ("[", "J", ""):
            breakWide(at: column)
            for cell in column..<columns { cells[cell] = " " }
        case ("[", "G", let number):
            guard let place = Int(number), (1...columns).contains(place) else { return problems.append("CHA \(number)") }
            column = place - 1
        case ("[", "m", let style): isStyled = style != "0"
        default: problems.append("sequence \(sequence)")
        }
    }

    private mutating func place(_ text: String) {
        switch placing {
        case .clusters:
            for character in text { place(String(character), width: DisplayWidth(character).cells) }
        case .scalars:
            for scalar in text.unicodeScalars { place(String(scalar), width: DisplayWidth(Character(scalar)).cells) }
        case .wideScalars:
            for scalar in text.unicodeScalars { place(String(scalar), width: DisplayWidth(Character(scalar)).reach) }
        }
    }

    private mutating func place(_ text: String, width: Int) {
        if width == 0 {
            // It is drawn over what is before it.
            let owner = cells[..<column].lastIndex { !$0.isEmpty }
            if let owner { cells[owner] += text } else { problems.append("nothing is before \(text)") }
            return
        }
        guard column + width < columns else {
            // The last column is never used, and nothing wraps.
            return problems.append("\(text) at column \(column) of \(columns)")
        }
        breakWide(at: column)
        breakWide(at: column + width)
        cells[column] = text
        for cell in column + 1..<column + width { cells[cell] = "" }
        column += width
    }

    /// Whoever writes over a part of a wide character blanks all of it.
    private mutating func breakWide(at place: Int) {
        guard place < columns, cells[place].isEmpty, let begin = cells[..<place].lastIndex(where: { !$0.isEmpty }) else { return }
        var cell = begin
        repeat {
            cells[cell] = " "
            cell += 1
        } while cell < columns && cells[cell].isEmpty
    }
}
