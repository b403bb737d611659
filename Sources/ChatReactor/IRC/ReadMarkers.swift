/// Up to when somebody has read what is said in a room, or by somebody alone: what clients of one account tell each other by the server.
///
/// They are in memory, and forgotten with the server.
struct ReadMarkers {
    /// How many places one account may have read something of, and how many there may be at all.
    static let limitOfAccount = 200
    static let limit = 100_000

    /// A room or a person.
    struct Target: Hashable {
        let isRoom: Bool
        let name: ChatName
    }

    /// By account: in milliseconds since the beginning of 1970.
    private var times: [ChatName: [Target: Int64]] = [:]
    private var count = 0

    func time(of target: Target, by account: ChatName) -> Int64? { times[account]?[target] }

    /// Moves a marker on; never back. Returns false if there are too many.
    mutating func set(_ target: Target, by account: ChatName, to time: Int64) -> Bool {
        var own = times[account] ?? [:]
        if let before = own[target] {
            if before >= time { return true }
        } else {
            if count >= Self.limit { return false }
            count += 1
            if own.count >= Self.limitOfAccount, let oldest = own.min(by: { $0.value < $1.value }) {
                own[oldest.key] = nil
                count -= 1
            }
        }
        own[target] = time
        times[account] = own
        return true
    }

    /// Forgets those of all other accounts: a name may be another's one day.
    mutating func keep(_ isKept: (ChatName) -> Bool) {
        times = times.filter { isKept($0.key) }
        count = times.values.reduce(0) { $0 + $1.count }
    }
}
