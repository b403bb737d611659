import ChatReactorText

/// Who is muted in a chat, by names. Nothing depends on when it is asked, but on the times that it is asked about: so several servers of a chat have the same.
struct Mutes {
    /// When each ends, in milliseconds; nil of one that does not.
    private var ends: [ChatName: Int64?] = [:]

    /// Somebody is muted.
    struct Mute {
        /// Nil for good.
        let remaining: Duration?

        /// What somebody is told who is muted.
        var notice: String { "you are muted" + (remaining.map { " for \(TimeSpan.describe($0 + .milliseconds(999)))" } ?? "") }
    }

    /// Whether somebody may be muted.
    var isEmpty: Bool { ends.isEmpty }

    /// How long a name is muted from a time on; nil if it is not.
    func mute(of name: ChatName, at time: Int64) -> Mute? {
        guard let end = ends[name] else { return nil }
        guard let end else { return Mute(remaining: nil) }
        return end > time ? Mute(remaining: .milliseconds(end &- time)) : nil
    }

    /// The names that are muted at a time, and until when.
    func all(at time: Int64) -> [(name: ChatName, end: Int64?)] {
        ends.filter { mute(of: $0.key, at: time) != nil }.map { ($0.key, $0.value) }.sorted { $0.name.folded < $1.name.folded }
    }

    /// - Parameter end: Nil for good.
    mutating func add(_ name: ChatName, until end: Int64?, at time: Int64) {
        // So no more are kept than there are.
        ends = ends.filter { mute(of: $0.key, at: time) != nil }
        ends.updateValue(end, forKey: name)
    }

    /// Returns whether the name was muted.
    mutating func remove(_ name: ChatName, at time: Int64) -> Bool {
        let wasMuted = mute(of: name, at: time) != nil
        ends.removeValue(forKey: name)
        return wasMuted
    }

    /// Who is muted stays so under another name, which a login may have given.
    mutating func move(from old: ChatName, to new: ChatName, at time: Int64) {
        if ends.isEmpty || old == new || mute(of: old, at: time) == nil { return }
        if let end = ends.removeValue(forKey: old) { ends.updateValue(end, forKey: new) }
    }

    /// How long something lasts, rounded up; a century at most.
    static func milliseconds(_ duration: Duration) -> Int64 {
        let century = Duration.seconds(100 * 366 * 86_400)
        return Int64((min(max(duration, .zero), century) + .microseconds(999)) / .milliseconds(1))
    }

    mutating func removeAll() { ends = [:] }
}
