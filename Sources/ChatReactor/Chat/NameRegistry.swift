import Reactor

/// Who is called what. A name that somebody has left is kept a minute for whoever comes from the same address: nobody else can take the
/// place of one whose connection has just broken.
struct NameRegistry {
    static let keepTime = Duration.seconds(60)
    /// How many names are kept for one address. One more drops the one that is kept longest: somebody who takes one name after the other
    /// must neither drop those that are kept for others, nor keep the names of everybody else.
    static let keptLimit = 100
    /// How many names are kept for all addresses. No more are.
    static let totalKeptLimit = 10_000

    private var people: [ChatName: Person] = [:]
    private var kept: [ChatName: (owner: String, until: ContinuousClock.Instant)] = [:]
    private var reserved: Set<ChatName> = []
    /// The kept names of each address, in the order in which their time ends.
    private var keptByOwner: [String: [ChatName]] = [:]
    private var nextSweep = ContinuousClock.now

    subscript(name: ChatName) -> Person? { people[name] }

    var count: Int { people.count }
    var all: [Person] { Array(people.values) }

    enum Refusal: Error, CustomStringConvertible {
        case taken
        case kept
        case banned
        case reserved
        case needsLogin(ChatName)

        var description: String {
            switch self {
            case .taken: "somebody else has that name"
            case .kept: "that name is kept for the one who has just left"
            case .banned: "that name is banned"
            case .reserved: "\(ChatName.Invalid.reserved)"
            case .needsLogin(let name): "that name is somebody's, who takes it by /login \(name) PASSWORD"
            }
        }
    }

    /// Gives a name to a person in place of the one before.
    ///
    /// - Parameter isGranted: Whether it is given although it is reserved, or kept for somebody else.
    /// - Complexity: Amortized O(1).
    mutating func rename(_ person: Person, to name: ChatName, isGranted: Bool = false) throws(Refusal) {
        try check(name, for: person, isGranted: isGranted)
        remove(person)
        keepNoMore(name)
        people[name] = person
    }

    /// Whether a person can have a name.
    func check(_ name: ChatName, for person: Person, isGranted: Bool = false) throws(Refusal) {
        if let other = people[name], other !== person { throw .taken }
        if isGranted { return }
        if reserved.contains(name) { throw .reserved }
        if let owner = kept[name], owner.until > .now, owner.owner != person.owner { throw .kept }
    }

    /// Nobody has a name any more, or is kept one.
    mutating func removeAll() {
        people = [:]
        kept = [:]
        keptByOwner = [:]
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
        if now >= nextSweep {
            nextSweep = now.advanced(by: Self.keepTime / 4)
            for (name, keeping) in kept where keeping.until <= now { keepNoMore(name) }
        }
        let names = keptByOwner[owner] ?? []
        if names.count >= Self.keptLimit { keepNoMore(names[0]) } else if kept.count >= Self.totalKeptLimit { return }
        kept[name] = (owner, now.advanced(by: Self.keepTime))
        keptByOwner[owner, default: []].append(name)
    }

    /// - Complexity: O(1), since few names are kept for an address.
    private mutating func keepNoMore(_ name: ChatName) {
        guard let owner = kept.removeValue(forKey: name)?.owner, var names = keptByOwner.removeValue(forKey: owner) else {
            return
        }
        names.removeAll { $0 == name }
        if !names.isEmpty { keptByOwner[owner] = names }
    }
}
