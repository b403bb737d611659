/// Who may come into a room without its key, as long as there is the room.
struct Invitations {
    static let limit = 1_000

    /// By name who has logged in: nobody else can take that.
    private var names: Set<ChatName> = []
    /// By number all others, who are somebody else when they come back.
    private var numbers: Set<Int> = []

    func contains(_ person: Person) -> Bool {
        numbers.contains(person.number) || person.isLoggedIn && names.contains(person.name)
    }

    mutating func remove(_ person: Person) {
        names.remove(person.name)
        numbers.remove(person.number)
    }

    /// Returns false if there are too many already.
    mutating func add(_ person: Person) -> Bool {
        if names.count + numbers.count >= Self.limit { return contains(person) }
        if person.isLoggedIn { names.insert(person.name) } else { numbers.insert(person.number) }
        return true
    }
}
