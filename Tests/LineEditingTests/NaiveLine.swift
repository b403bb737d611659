import ChatLineEditing

/// A line that is a string and a number, and is changed as one would with pencil and paper. It keeps a copy of all for each step.
struct NaiveLine {
    private(set) var text = ""
    /// How many characters are before the cursor.
    private(set) var cursor = 0
    private var copies: [(String, Int)] = []
    private var kills: [String] = []
    private var last = ""

    private var before: String { String(text.prefix(cursor)) }
    private var after: String { String(text.dropFirst(cursor)) }

    /// Does what an editing key asks for, and nothing for others.
    mutating func press(_ key: Key) {
        let previous = last
        last = ""
        switch key {
        case .text(let typed):
            let beginsWord = before.last?.isWhitespace == true && typed.first?.isWhitespace == false
            change(to: before + typed, after, isNew: previous != "text" || beginsWord)
            last = "text"
        case .paste(let pasted): change(to: before + pasted, after)
        default:
            guard let action = KeyBindings.action(for: key) else { return }
            press(action, previous)
        }
    }

    private mutating func press(_ action: EditingAction, _ previous: String) {
        switch action {
        case .moveLeft: if cursor > 0 { cursor -= 1 }
        case .moveRight: if cursor < text.count { cursor += 1 }
        case .moveWordLeft: cursor = wordStart
        case .moveWordRight: cursor = wordEnd
        case .moveToBeginning: cursor = 0
        case .moveToEnd: cursor = text.count
        case .deleteBackward: if cursor > 0 { change(to: String(before.dropLast()), after) }
        case .deleteForward, .deleteForwardOrEnd: if cursor < text.count { change(to: before, String(after.dropFirst())) }
        case .killToBeginning: kill(back: cursor, previous)
        case .killToEnd: kill(forward: text.count - cursor, previous)
        case .killWordBackward: kill(back: cursor - wordStart, previous)
        case .killWordForward: kill(forward: wordEnd - cursor, previous)
        case .killBackToWhitespace:
            var kept = before
            while kept.last?.isWhitespace == true { kept.removeLast() }
            while kept.last?.isWhitespace == false { kept.removeLast() }
            kill(back: cursor - kept.count, previous)
        case .yank: yank()
        case .yankPop:
            guard previous == "yank" else { return }
            undo()
            kills = kills.suffix(1) + kills.dropLast()
            yank()
        case .transpose:
            let place = min(cursor, text.count - 1)
            guard cursor > 0, place > 0 else { return }
            let characters = Array(text)
            change(
                to: String(characters[..<(place - 1)]) + String(characters[place]) + String(characters[place - 1]),
                String(characters[(place + 1)...]))
        case .uppercaseWord: changeWord { $0.uppercased() }
        case .lowercaseWord: changeWord { $0.lowercased() }
        case .capitalizeWord:
            changeWord { word in
                var begun = false
                return word.map { character in
                    if begun { return character.lowercased() }
                    begun = Self.isWord(character)
                    return begun ? character.uppercased() : String(character)
                }.joined()
            }
        case .undo: undo()
        case .insertNewline: change(to: before + "\n", after)
        default: break
        }
    }

    private static func isWord(_ character: Character) -> Bool { character.isLetter || character.isNumber }

    private var wordStart: Int {
        var kept = before
        while let last = kept.last, !Self.isWord(last) { kept.removeLast() }
        while let last = kept.last, Self.isWord(last) { kept.removeLast() }
        return kept.count
    }

    private var wordEnd: Int {
        var place = cursor
        let characters = Array(text)
        while place < characters.count, !Self.isWord(characters[place]) { place += 1 }
        while place < characters.count, Self.isWord(characters[place]) { place += 1 }
        return place
    }

    /// The cursor is behind what is before it, or behind the character that what is before it ends in.
    private mutating func change(to before: String, _ after: String, isNew: Bool = true) {
        if isNew { copies = (copies + [(text, cursor)]).suffix(200) }
        text = before + after
        cursor = 0
        var scalars = 0
        for character in text where scalars < before.unicodeScalars.count {
            scalars += character.unicodeScalars.count
            cursor += 1
        }
    }

    private mutating func undo() {
        guard let copy = copies.popLast() else { return }
        (text, cursor) = copy
    }

    private mutating func kill(back: Int = 0, forward: Int = 0, _ previous: String) {
        guard back + forward > 0 else { return }
        let killed = back > 0 ? String(before.suffix(back)) : String(after.prefix(forward))
        let kind = back > 0 ? "kill back" : "kill forward"
        if previous == kind, let joined = kills.popLast() {
            kills.append(back > 0 ? killed + joined : joined + killed)
        } else {
            kills = (kills + [killed]).suffix(16)
        }
        change(to: String(before.dropLast(back)), String(after.dropFirst(forward)))
        last = kind
    }

    private mutating func yank() {
        guard let killed = kills.last else { return }
        change(to: before + killed, after)
        last = "yank"
    }

    private mutating func changeWord(_ change: (String) -> String) {
        let count = wordEnd - cursor
        guard count > 0 else { return }
        self.change(to: before + change(String(after.prefix(count))), String(after.dropFirst(count)))
    }
}
