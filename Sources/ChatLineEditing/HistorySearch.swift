/// An incremental search in a history: what is searched for, and what was found.
///
/// Letters match in either case. Each key searches the entries once: O(*n*) for all their characters.
struct HistorySearch: Sendable {
    enum Direction: Sendable { case older, newer }

    private(set) var pattern: [Character] = []
    /// The entry that was found last, and where in it the pattern begins.
    private(set) var match: (index: Int, offset: Int)?
    private(set) var isFailing = false
    private var direction: Direction
    /// Where the search begins.
    private let origin: Int
    /// The line as it was, which cancelling gives back.
    let before: EditedLine

    init(_ direction: Direction, from origin: Int, before: EditedLine) {
        self.direction = direction
        self.origin = origin
        self.before = before
    }

    /// What is shown in place of the prompt.
    var prompt: String { "\(isFailing ? "no match" : "search") '\(String(pattern))': " }

    /// Narrows the search by more text. The entry that is found may stay the same.
    mutating func narrow(by text: String, in entries: [String]) {
        pattern = Array(String(pattern) + text)
        find(from: match?.index ?? origin, in: entries)
    }

    /// Takes back the last character of the pattern, and searches from the beginning. False if there is none.
    mutating func widen(in entries: [String]) -> Bool {
        guard pattern.popLast() != nil else { return false }
        match = nil
        find(from: origin, in: entries)
        return true
    }

    /// Goes on to the next match.
    mutating func next(_ direction: Direction, in entries: [String]) {
        self.direction = direction
        let from = match?.index ?? origin
        find(from: match == nil ? from : direction == .older ? from &- 1 : from &+ 1, in: entries)
    }

    private mutating func find(from start: Int, in entries: [String]) {
        isFailing = false
        guard !pattern.isEmpty else { return }
        let wanted = Array(String(pattern).lowercased())
        var index = direction == .older ? min(start, entries.count &- 1) : start
        while entries.indices.contains(index) {
            if let offset = Self.lastOffset(of: wanted, in: Array(entries[index].lowercased())) {
                match = (index, offset)
                return
            }
            index = direction == .older ? index &- 1 : index &+ 1
        }
        isFailing = true
    }

    private static func lastOffset(of wanted: [Character], in characters: [Character]) -> Int? {
        guard wanted.count <= characters.count else { return nil }
        return (0...(characters.count &- wanted.count)).last { characters[$0...].starts(with: wanted) }
    }
}
