import ChatReactorText

/// A text, and a cursor between two of its characters.
///
/// The characters are always those that Swift sees in the text, `Array(text)`. An edit may join its neighbours (an accent after `e`, a
/// regional indicator after another), so what is around it is segmented anew. A cursor that would come to be inside such a character is
/// put behind it.
struct EditedLine: Sendable {
    /// The most bytes of UTF-8 that a line may have.
    static let capacity = 1 << 20
    /// The most steps that can be undone.
    static let undoLimit = 200

    private(set) var characters: [Character] = []
    /// How many characters are before the cursor.
    private(set) var cursor = 0
    private var byteCount = 0
    private var steps: [Step] = []

    /// What an edit did, so that it can be undone.
    private struct Step {
        let start: Int
        let removed: String
        let insertedCount: Int
        let cursor: Int
    }

    init() {}

    /// A line with a text that can not be undone, and the cursor behind it. Of a text that is too long, the beginning is taken.
    init(_ text: String) {
        for character in Self.harmless(text) {
            let count = character.utf8.count
            if byteCount &+ count > Self.capacity { break }
            characters.append(character)
            byteCount &+= count
        }
        cursor = characters.count
    }

    var text: String { String(characters) }

    /// A text as it may be in a line, which is then shown and sent as it is: `\r\n` and `\r` become `\n`, a tab a space, and all that
    /// `VisibleText` holds for dangerous becomes what it shows for it, as `^[` for Escape.
    static func harmless(_ text: String) -> String {
        var output: [UInt8] = []
        var run: [UInt8] = []
        var previous: UInt8 = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\r"), UInt8(ascii: "\n"):
                if byte == UInt8(ascii: "\n"), previous == UInt8(ascii: "\r") { break }
                VisibleText.append(run.span, to: &output, invalidUTF8: .replacementCharacter)
                output.append(UInt8(ascii: "\n"))
                run.removeAll(keepingCapacity: true)
            case UInt8(ascii: "\t"): run.append(UInt8(ascii: " "))
            default: run.append(byte)
            }
            previous = byte
        }
        VisibleText.append(run.span, to: &output, invalidUTF8: .replacementCharacter)
        return String(decoding: output, as: UTF8.self)
    }

    // MARK: Changing the text

    /// Puts a harmless text in the place of some characters, and the cursor behind it.
    ///
    /// - Parameter continuesStep: Whether it is undone together with the edit before it.
    /// - Returns: False, and nothing has changed, if the text would be too long.
    /// - Complexity: O(*n* + *m*) for *n* characters behind it, which are moved, and *m* inserted ones.
    mutating func replace(_ range: Range<Int>, with inserted: String, continuesStep: Bool = false) -> Bool {
        let removedBytes = characters[range].reduce(0) { $0 &+ $1.utf8.count }
        let newByteCount = byteCount &- removedBytes &+ inserted.utf8.count
        guard newByteCount <= Self.capacity else { return false }

        // Boundaries before the edit stay. The one at its beginning may go, so the character before it is segmented again. So is what
        // follows, until a boundary is where it was: from there on nothing can differ. In a row of flags that is only at their end.
        var lower = max(range.lowerBound &- 1, 0)
        let head = String(characters[lower..<range.lowerBound]) + inserted
        var upper = range.upperBound
        var segments: [Character]
        var followers = 1
        repeat {
            upper = min(range.upperBound &+ followers, characters.count)
            segments = Array(head + String(characters[range.upperBound..<upper]))
            followers &*= 2
        } while upper < characters.count && segments.last?.utf8.count != characters[upper &- 1].utf8.count

        var newCursor = lower
        var bytes = 0
        for segment in segments {
            if bytes >= head.utf8.count { break }
            bytes &+= segment.utf8.count
            newCursor &+= 1
        }

        // What has been segmented as before is no part of the step.
        while upper > range.upperBound, let last = segments.last, last.utf8.count == characters[upper &- 1].utf8.count {
            segments.removeLast()
            upper &-= 1
        }
        if lower < range.lowerBound, let first = segments.first, first.utf8.count == characters[lower].utf8.count {
            segments.removeFirst()
            lower &+= 1
        }
        var step = Step(start: lower, removed: String(characters[lower..<upper]), insertedCount: segments.count, cursor: cursor)
        if continuesStep, let last = steps.popLast() { step = joined(last, step) }
        steps.append(step)
        if steps.count > Self.undoLimit { steps.removeFirst() }
        characters.replaceSubrange(lower..<upper, with: segments)
        byteCount = newByteCount
        cursor = newCursor
        return true
    }

    /// One step for two, of which the second is yet to be done: what both change is taken back as a whole.
    private func joined(_ first: Step, _ second: Step) -> Step {
        let firstEnd = first.start &+ first.insertedCount
        let secondEnd = second.start &+ second.removed.count
        let start = min(first.start, second.start)
        let end = max(firstEnd, secondEnd)
        return Step(
            start: start,
            removed: String(characters[start..<first.start]) + first.removed + String(characters[firstEnd..<end]),
            insertedCount: end &- start &+ second.insertedCount &- (secondEnd &- second.start), cursor: first.cursor)
    }

    /// Inserts a harmless text at the cursor. A run of typed text is undone word by word.
    mutating func insert(_ text: String, continuesRun: Bool = false) -> Bool {
        let beginsWord = cursor > 0 && characters[cursor &- 1].isWhitespace && text.first?.isWhitespace == false
        return replace(cursor..<cursor, with: text, continuesStep: continuesRun && !beginsWord)
    }

    /// Removes some characters.
    ///
    /// - Returns: What they were, or nil if there are none.
    mutating func remove(_ range: Range<Int>) -> String? {
        guard !range.isEmpty else { return nil }
        let removed = String(characters[range])
        return replace(range, with: "") ? removed : nil
    }

    /// Exchanges the characters before and after the cursor, at the end the last two, and goes behind them.
    mutating func transpose() -> Bool {
        let second = min(cursor, characters.count &- 1)
        guard cursor > 0, second > 0 else { return false }
        return replace((second &- 1)..<(second &+ 1), with: String(characters[second]) + String(characters[second &- 1]))
    }

    /// Takes back the last step.
    mutating func undo() -> Bool {
        guard let step = steps.popLast() else { return false }
        let undone = step.start..<(step.start &+ step.insertedCount)
        byteCount &-= characters[undone].reduce(0) { $0 &+ $1.utf8.count }
        byteCount &+= step.removed.utf8.count
        characters.replaceSubrange(undone, with: step.removed)
        cursor = step.cursor
        return true
    }

    // MARK: Moving

    /// Moves the cursor, to the beginning or the end if the place is beyond them. False if it is there already.
    mutating func move(to place: Int) -> Bool {
        let place = min(max(place, 0), characters.count)
        defer { cursor = place }
        return place != cursor
    }

    /// The beginning of the word before the cursor. A word is of letters and digits.
    var wordStart: Int { start(ofRunOf: Self.isWordCharacter) }
    /// The beginning of what is before the cursor without whitespace.
    var nonWhitespaceStart: Int { start(ofRunOf: { !$0.isWhitespace }) }

    /// The end of the word at or after the cursor.
    var wordEnd: Int {
        let begin = characters[cursor...].firstIndex(where: Self.isWordCharacter) ?? characters.count
        return characters[begin...].firstIndex { !Self.isWordCharacter($0) } ?? characters.count
    }

    private func start(ofRunOf belongs: (Character) -> Bool) -> Int {
        guard let last = characters[..<cursor].lastIndex(where: belongs) else { return 0 }
        return characters[..<last].lastIndex { !belongs($0) }.map { $0 &+ 1 } ?? 0
    }

    static func isWordCharacter(_ character: Character) -> Bool { character.isLetter || character.isNumber }
}
