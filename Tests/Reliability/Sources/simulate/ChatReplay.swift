/// What a person is told of a room's past, line by line.
///
/// What lines for people tell does not always name one record. So this follows every record that the last line may have been.
struct ChatReplay {
    enum Extent {
        case last(Int)
        /// Everything after the record with this number.
        case after(Int)
        /// Everything that is kept.
        case all
    }

    let history: ChatRoomHistory
    private let onlySaid: Bool
    /// Before which record it ends: at the least and at the most.
    let lowerEnd: Int
    private let upperEnd: Int
    /// The first record that is told, unless it has made way for others, at the least and at the most.
    private let lowerStart: Int
    private let upperStart: Int
    /// Whether records at its beginning may have made way without a word of it.
    private let mayBeShort: Bool
    private let ignored: Set<String>
    /// The records after which it may go on.
    private var places: Set<Int>
    private(set) var count = 0
    private(set) var hasEnded = false
    var gap: ChatStay.Gap?
    /// Whether its end is told even if there is nothing.
    private let alwaysEnds: Bool
    /// Whether it is known where it begins.
    let isAnchored: Bool
    /// Whether it has been told that something is missing, and nobody knows how much.
    var hasToldGap = false
    /// Whether what is live is not told before its end.
    let precedesLive: Bool
    /// Whether an operator may have ended it.
    var isLoose = false

    init(
        _ extent: Extent, of history: ChatRoomHistory, ends range: ClosedRange<Int>, ignored: Set<String>, precedesLive: Bool
    ) {
        self.history = history
        (lowerEnd, upperEnd) = (range.lowerBound, range.upperBound)
        self.ignored = ignored
        self.precedesLive = precedesLive
        alwaysEnds = if case .last = extent { !precedesLive } else { true }
        isAnchored = if case .all = extent { false } else { true }
        switch extent {
        case .last(let count):
            onlySaid = true
            lowerStart = history.start(ofLast: count, before: lowerEnd)
            upperStart = history.start(ofLast: count, before: upperEnd)
            mayBeShort = true
        case .after(let sequence):
            onlySaid = false
            (lowerStart, upperStart) = (min(sequence, lowerEnd), min(sequence, lowerEnd))
            mayBeShort = false
        case .all:
            onlySaid = false
            (lowerStart, upperStart) = (0, 0)
            mayBeShort = true
        }
        places = [lowerStart]
    }

    private enum Duty {
        case due
        case possible
        case wrong
    }

    private func duty(of index: Int, _ member: ChatMember) -> Duty {
        let content = history.records[index].content
        guard content.kind.isSaid else { return onlySaid ? .wrong : .due }
        let name = ChatMember.key(content.name)
        if member.changedNames.contains(name) { return .possible }
        return ignored.contains(name) ? .wrong : .due
    }

    /// Whether records may be left out, of which so many were due.
    private func mayPass(_ range: Range<Int>, due: Int, newestDue: Int?) -> Bool {
        if due == 0, gap == nil { return true }
        if count == 0, mayBeShort, newestDue.map({ $0 < upperStart || history.mayBeOverwritten($0) }) ?? true { return true }
        guard let gap else { return false }
        return due <= gap.missed && gap.missed <= range.count
    }

    /// The record that may come next.
    var place: Int { places.max() ?? lowerStart }
    /// How many records are still to come, at the most.
    var rest: Int { max(upperEnd - (places.min() ?? lowerStart), 0) }

    /// Takes a line. Returns false if it is not what comes next.
    mutating func take(_ member: ChatMember, _ isMatch: (Int) -> Bool) -> Bool {
        if hasEnded { return false }
        var following: Set<Int> = []
        for place in places {
            var due = 0
            var newestDue: Int?
            for index in place..<max(upperEnd, place) {
                let duty = duty(of: index, member)
                if duty != .wrong, isMatch(index), mayPass(place..<index, due: due, newestDue: newestDue) {
                    following.insert(index + 1)
                }
                if duty == .due {
                    due += 1
                    newestDue = index
                }
            }
        }
        if following.isEmpty { return false }
        places = following
        count += 1
        gap = nil
        return true
    }

    /// Takes its end. Returns what is wrong with that.
    mutating func end(_ member: ChatMember, told: Int?) -> String? {
        hasEnded = true
        if isLoose { return nil }
        if alwaysEnds, told == nil { return "its end is not told" }
        if let told, told != count { return "\(told) are counted, and \(count) have come" }
        if told == nil, count > 0 { return "its end is not told" }
        if !isAnchored, !hasToldGap { return "nothing says that something may be missing" }
        if told == 0, !alwaysEnds { return "an empty history has an end" }
        let isWhole = places.contains { place in
            let rest = place..<max(lowerEnd, place)
            let due = rest.filter { duty(of: $0, member) == .due }
            // What is told as missing may be live as well.
            if let gap, due.count <= gap.missed { return true }
            return mayPass(rest, due: due.count, newestDue: due.last)
        }
        return isWhole ? nil : "something is missing at its end"
    }
}
