/// A line that somebody edits: a state that takes keys.
///
/// It knows no terminal, no file and no clock. Hand it each key, do what the outcome says, and have a `LinePainter` paint it after every
/// key, whatever the outcome: that writes nothing if nothing is to be seen.
///
///     var editor = LineEditor(history: CommandHistory(entries: earlier))
///     switch editor.handle(key) {
///     case .submitted(let text): send(text)
///     case .complete: show(editor.complete(with: candidates(for: editor.completionContext)))
///     …
///     }
///     painter.paint(editor, prompt: "> ", to: &output)
///
/// A character is a grapheme cluster, and is edited as one. Text is made harmless as it comes in, and is shown and sent as it then is:
/// `\r\n` and `\r` become `\n`, a tab a space, and a control character, or one that reorders text, what `VisibleText` shows for it.
///
/// It is a value, and belongs to whoever holds it.
public struct LineEditor: Sendable {
    /// What the host has to do.
    public enum Outcome: Hashable, Sendable {
        /// The text, the cursor or the search is another one.
        case changed
        /// The key did nothing.
        case unchanged
        /// The key asked for what cannot be: the text does not fit, or nothing is found or was killed. Ring a bell.
        case refused
        /// Send this. It may be empty or have several lines. The line is empty now, and the text is in the history.
        case submitted(String)
        /// There is no more to come.
        case endOfInput
        /// Call `complete(with:)`.
        case complete
        /// Clear the screen.
        case clearScreen
    }

    /// The most bytes of UTF-8 that a line may have: 1 MiB. More is refused.
    public static let capacity = EditedLine.capacity

    /// What was sent before.
    public private(set) var history: CommandHistory
    private(set) var line = EditedLine()
    private var kills = KillRing()
    private var search: HistorySearch?
    private var lastKey = LastKey.other
    private var isSecondTab = false

    /// What the key before did, for those that do more when they follow their like.
    private enum LastKey { case text, killForward, killBackward, yank, complete, other }

    public init(history: CommandHistory = CommandHistory()) {
        self.history = history
    }

    /// Takes what was just sent out of the history: a password, which nobody is to recall.
    public mutating func forget(_ text: String) {
        history.forget(text)
    }

    /// The text of the line: during a search, what was found. What is set cannot be undone, and ends a search; the cursor is at its end.
    ///
    /// - Complexity: O(*n*).
    public var text: String {
        get { line.text }
        set {
            line = EditedLine(newValue)
            search = nil
            lastKey = .other
        }
    }

    /// How many characters of the text are before the cursor.
    public var cursor: Int { line.cursor }

    /// What is shown in place of the prompt while the history is searched.
    public var searchPrompt: String? { search?.prompt }

    /// Does what a key asks for: `KeyBindings` has which key does what.
    ///
    /// - Complexity: O(*n*) for the line's characters behind the cursor; of a search, for those of all the history.
    public mutating func handle(_ key: Key) -> Outcome {
        if search != nil {
            if let outcome = searchOn(with: key) { return outcome }
            // The key ended the search, which was seen, and now does what it always does.
            let outcome = edit(with: key)
            return outcome == .unchanged ? .changed : outcome
        }
        return edit(with: key)
    }

    private mutating func edit(with key: Key) -> Outcome {
        let previous = lastKey
        lastKey = .other
        switch key {
        case .text(let text):
            let outcome = insert(text, continuesRun: previous == .text)
            if outcome == .changed { lastKey = .text }
            return outcome
        case .paste(var text):
            // One newline at the end is that of the last line that was copied. `\r\n` is one character.
            if text.last == "\n" || text.last == "\r" || text.last == "\r\n" { text.removeLast() }
            return insert(text)
        default:
            return KeyBindings.action(for: key).map { perform($0, after: previous) } ?? .unchanged
        }
    }

    private mutating func perform(_ action: EditingAction, after previous: LastKey) -> Outcome {
        switch action {
        case .moveLeft: return outcome(line.move(to: cursor &- 1))
        case .moveRight: return outcome(line.move(to: cursor &+ 1))
        case .moveWordLeft: return outcome(line.move(to: line.wordStart))
        case .moveWordRight: return outcome(line.move(to: line.wordEnd))
        case .moveToBeginning: return outcome(line.move(to: 0))
        case .moveToEnd: return outcome(line.move(to: line.characters.count))

        case .deleteForwardOrEnd where line.characters.isEmpty: return .endOfInput
        case .deleteBackward: return outcome(line.remove(max(cursor &- 1, 0)..<cursor) != nil)
        case .deleteForward, .deleteForwardOrEnd:
            return outcome(line.remove(cursor..<min(cursor &+ 1, line.characters.count)) != nil)

        case .killToBeginning: return kill(0..<cursor, after: previous)
        case .killToEnd: return kill(cursor..<line.characters.count, after: previous)
        case .killWordBackward: return kill(line.wordStart..<cursor, after: previous)
        case .killBackToWhitespace: return kill(line.nonWhitespaceStart..<cursor, after: previous)
        case .killWordForward: return kill(cursor..<line.wordEnd, after: previous)

        case .yankPop where previous != .yank: return .refused
        case .yank, .yankPop:
            if action == .yankPop {
                _ = line.undo()
                kills.rotate()
            }
            guard let text = kills.current, line.insert(text) else { return .refused }
            lastKey = .yank
            return .changed

        case .transpose: return outcome(line.transpose())
        case .uppercaseWord: return changeWord { $0.uppercased() }
        case .lowercaseWord: return changeWord { $0.lowercased() }
        case .capitalizeWord:
            return changeWord { word in
                let first = word.firstIndex(where: EditedLine.isWordCharacter) ?? word.endIndex
                let rest = word[first...]
                return word[..<first] + rest.prefix(1).uppercased() + rest.dropFirst().lowercased()
            }
        case .undo: return outcome(line.undo())

        case .olderEntry: return recall(history.position &- 1)
        case .newerEntry: return recall(history.position &+ 1)
        case .searchOlder, .searchNewer:
            search = HistorySearch(action == .searchOlder ? .older : .newer, from: history.position, before: line)
            return .changed
        case .cancelSearch, .acceptSearch: return .unchanged

        case .complete:
            isSecondTab = previous == .complete
            lastKey = .complete
            return .complete
        case .insertNewline: return insert("\n")
        case .submit:
            let text = line.text
            history.append(text)
            line = EditedLine()
            return .submitted(text)
        case .clearScreen: return .clearScreen
        }
    }

    private func outcome(_ hasChanged: Bool) -> Outcome { hasChanged ? .changed : .unchanged }

    private mutating func insert(_ text: String, continuesRun: Bool = false) -> Outcome {
        guard !text.isEmpty else { return .unchanged }
        // Making it harmless may take four times its memory, so it is not tried with what cannot fit.
        guard text.utf8.count <= Self.capacity, line.insert(EditedLine.harmless(text), continuesRun: continuesRun) else {
            return .refused
        }
        return .changed
    }

    private mutating func kill(_ range: Range<Int>, after previous: LastKey) -> Outcome {
        let isForward = range.lowerBound == cursor
        guard let killed = line.remove(range) else { return .unchanged }
        let kind = isForward ? LastKey.killForward : .killBackward
        if previous == kind { kills.extend(with: killed, isForward: isForward) } else { kills.append(killed) }
        lastKey = kind
        return .changed
    }

    private mutating func changeWord(_ change: (String) -> String) -> Outcome {
        let range = cursor..<line.wordEnd
        guard !range.isEmpty else { return .unchanged }
        return line.replace(range, with: change(String(line.characters[range]))) ? .changed : .refused
    }

    private mutating func recall(_ index: Int) -> Outcome {
        guard let text = history.recall(index, leaving: line.text) else { return .unchanged }
        line = EditedLine(text)
        return .changed
    }

    // MARK: Searching

    /// Does what a key means during a search. Nil if it has ended the search, and is still to do what it always does.
    private mutating func searchOn(with key: Key) -> Outcome? {
        guard var search else { return nil }
        switch key {
        case .text(let text), .paste(let text):
            guard text.utf8.count <= 1_000 else { return .refused }
            search.narrow(by: EditedLine.harmless(text), in: history.entries)
        default:
            switch KeyBindings.action(for: key) {
            case nil: return .unchanged
            case .searchOlder: search.next(.older, in: history.entries)
            case .searchNewer: search.next(.newer, in: history.entries)
            case .deleteBackward:
                guard search.widen(in: history.entries) else { return .unchanged }
            case .cancelSearch:
                line = search.before
                self.search = nil
                return .changed
            case let action:
                if let match = search.match { _ = history.recall(match.index, leaving: search.before.text) }
                self.search = nil
                return action == .acceptSearch ? .changed : nil
            }
        }
        self.search = search
        line = search.before
        if let match = search.match {
            line = EditedLine(history.entries[match.index])
            _ = line.move(to: match.offset)
        }
        return search.isFailing ? .refused : .changed
    }

    // MARK: Completing

    /// What is to be completed: the word before the cursor.
    public var completionContext: CompletionContext {
        let start = completedWord.lowerBound
        return CompletionContext(word: String(line.characters[completedWord]), beginsLine: start == 0)
    }

    private var completedWord: Range<Int> {
        let start = line.characters[..<cursor].lastIndex(where: \.isWhitespace).map { $0 &+ 1 } ?? 0
        return start..<cursor
    }

    /// Completes the word before the cursor, after the outcome `complete`.
    ///
    /// Candidates that do not begin with the word, in either case, do not count. The only one that is left takes the word's place, with
    /// its suffix. Of several, as much as they have in common does.
    ///
    /// - Returns: The choices, if this was the second Tab in a row and there are several: to be shown.
    @discardableResult public mutating func complete(with candidates: [Completion]) -> [String] {
        let word = Array(line.characters[completedWord])
        var seen: Set<String> = []
        let choices = candidates.filter { $0.begins(with: word) && seen.insert($0.text).inserted }
        guard let first = choices.first else { return [] }
        let replacement = choices.count == 1 ? first.text + first.suffix : Completion.commonPrefix(of: choices)
        if !replacement.utf8.elementsEqual(String(word).utf8) {
            _ = line.replace(completedWord, with: EditedLine.harmless(replacement))
        }
        return choices.count > 1 && isSecondTab ? choices.map(\.text) : []
    }
}
