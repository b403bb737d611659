import Reactor

/// Who is called what. A name that somebody has left is kept a minute for whoever comes from the same address: nobody else can take the
/// place of one whose connection has just broken.
struct NameRegistry {
    static let keepTime = Duration.seconds(60)
    /// How many names are kept: one more drops those that are kept longest.
    static let keptLimit = 10_000

    private var people: [ChatName: Person] = [:]
    private var kept: [ChatName: (owner: String, until: ContinuousClock.Instant)] = [:]
    private var reserved: Set<ChatName> = []
    /// The kept names, in the order in which their time ends.
    private var keptInOrder: [(name: ChatName, until: ContinuousClock.Instant)] = []

    subscript(name: ChatName) -> Person? { people[name] }

    var count: Int { people.count }
    var all: [Person] { Array(people.values) }

    enum Refusal: Error, CustomStringConvertible {
        case taken
        case kept
        case banned
        case reserved

        var description: String {
            switch self {
            case .taken: "somebody else has that name"
            case .kept: "that name is kept for the one who has just left"
            case .banned: "that name is banned"
            case .reserved: "\(ChatName.Invalid.reserved)"
            }
        }
    }

    /// Gives a name to a person in place of the one before.
    ///
    /// - Parameter isGranted: Whether it is given although it is reserved, or kept for somebody else.
    /// - Complexity: Amortized O(1).
    mutating func rename(_ person: Person, to name: ChatName, isGranted: Bool = false) throws(Refusal) {
        if let other = people[name], other !== person { throw .taken }
        if !isGranted {
            if reserved.contains(name) { throw .reserved }
            if let owner = kept[name], owner.until > .now, owner.owner != person.owner { throw .kept }
        }
        remove(person)
        kept[name] = nil
        people[name] = person
    }

    /// Has nobody take a name from now on.
    mutating func reserve(_ name: ChatName) {
        reserved.insert(name)
    }

    mutating func remove(_ person: Person) {
        guard people[person.name] === person else { return }
        people[person.name] = nil
        // A guest's number is never used again anyway.
        if !person.isGuest { keep(person.name, for: person.owner) }
    }

    private mutating func keep(_ name: ChatName, for owner: String) {
        let now = ContinuousClock.now
        let until = now.advanced(by: Self.keepTime)
        kept[name] = (owner, until)
        keptInOrder.append((name, until))
        // Two at a time: there are never more than were kept within a minute.
        var past = 0
        while past < keptInOrder.count, keptInOrder[past].until <= now || keptInOrder.count - past > Self.keptLimit {
            let (name, until) = keptInOrder[past]
            if kept[name]?.until == until { kept[name] = nil }
            past += 1
        }
        keptInOrder.removeFirst(past)
    }
}
