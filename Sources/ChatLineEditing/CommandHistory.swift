/// What was sent before, the oldest first, and which of it is in the line.
///
/// The line that was not sent yet counts as the newest. An entry may have several lines.
public struct CommandHistory: Sendable {
    /// What was sent, the oldest first.
    public private(set) var entries: [String]
    /// The most entries that are kept.
    public let limit: Int
    /// The index of the entry that was recalled. `entries.count` stands for the unsent line.
    private(set) var position: Int
    private var unsent = ""

    /// A history of the last `limit` of some entries. A negative limit is none.
    public init(entries: [String] = [], limit: Int = 1_000) {
        self.limit = max(limit, 0)
        self.entries = entries.suffix(self.limit)
        position = self.entries.count
    }

    /// Adds what was sent, unless it is blank or the newest entry already. The oldest entry makes room. The unsent line is empty then.
    ///
    /// - Returns: Whether it was added.
    /// - Complexity: O(`limit`).
    @discardableResult public mutating func append(_ text: String) -> Bool {
        let isNew = limit > 0 && entries.last != text && !text.allSatisfy(\.isWhitespace)
        if isNew {
            if entries.count == limit { entries.removeFirst() }
            entries.append(text)
        }
        position = entries.count
        unsent = ""
        return isNew
    }

    /// Removes the newest entry, if it is this text: what nobody is to read later.
    mutating func forget(_ text: String) {
        guard entries.last == text else { return }
        entries.removeLast()
        position = min(position, entries.count)
    }

    /// Recalls an entry, and keeps `line` if it is the unsent one. What was edited in another entry is forgotten.
    ///
    /// - Returns: What is to be in the line, or nil if there is no such entry.
    mutating func recall(_ index: Int, leaving line: String) -> String? {
        guard entries.indices.contains(index) || index == entries.count, index != position else { return nil }
        if position == entries.count { unsent = line }
        position = index
        return index == entries.count ? unsent : entries[index]
    }
}
