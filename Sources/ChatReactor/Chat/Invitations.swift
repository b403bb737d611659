/// Who may come into a room without its key, as long as there is the room.
struct Invitations {
    static let limit = 1_000

    /// By name who has logged in: nobody else can take that. Whether one who keeps the room in order has invited it.
    private(set) var names: [ChatName: Bool] = [:]
    /// By number all others, who are somebody else when they come back.
    private(set) var numbers: [Int: Bool] = [:]

    func contains(_ person: Person) -> Bool { isByOperator(of: person) != nil }

    /// Whether one who keeps the room in order has invited a person; nil if nobody has.
    func isByOperator(of person: Person) -> Bool? {
        numbers[person.number] ?? (person.isLoggedIn ? names[person.name] : nil)
    }

    mutating func remove(_ person: Person) {
        names[person.name] = nil
        numbers[person.number] = nil
    }

    /// Forgets those who are known by a number, but for some.
    mutating func keepOnly(_ kept: Set<Int>) { numbers = numbers.filter { kept.contains($0.key) } }

    /// Is what another server knows.
    mutating func restore(_ name: ChatName) { names[name] = false }

    mutating func restore(number: Int) { numbers[number] = false }

    /// Returns false if there are too many already.
    mutating func add(_ person: Person, isByOperator: Bool) -> Bool {
        let before = self.isByOperator(of: person)
        if before == nil, names.count + numbers.count >= Self.limit { return false }
        let now = isByOperator || before == true
        if person.isLoggedIn { names[person.name] = now } else { numbers[person.number] = now }
        return true
    }
}
