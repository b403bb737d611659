/// What was killed last, to be yanked.
struct KillRing: Sendable {
    /// The newest is the last one.
    private var entries: [String] = []
    private static let limit = 16

    /// What is yanked next.
    var current: String? { entries.last }

    mutating func append(_ text: String) {
        entries.append(text)
        if entries.count > Self.limit { entries.removeFirst() }
    }

    /// Adds to what was killed right before, at the side where it was.
    mutating func extend(with text: String, isForward: Bool) {
        guard let last = entries.popLast() else { return append(text) }
        entries.append(isForward ? last + text : text + last)
    }

    /// Makes the one before the current one the current one.
    mutating func rotate() {
        guard let last = entries.popLast() else { return }
        entries.insert(last, at: 0)
    }
}
