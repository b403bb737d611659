/// The names of those who are in the rooms, as far as the client has heard of them: for completion.
struct KnownPeople {
    /// A room may have more; those who speak last are kept.
    private static let limit = 5_000

    private var names: [String: [String]] = [:]
    /// How many answers to `/who` are to come to the client itself, and not to the user.
    private var questions: [String: Int] = [:]

    /// Those in a room, the one who spoke last first.
    func names(in room: String) -> [String] { names[room] ?? [] }

    mutating func set(_ names: [String], in room: String) {
        self.names[room] = Array(names.prefix(Self.limit))
    }

    /// Whether to ask who is in a room: not while the answer to that is still to come.
    mutating func isToAsk(about room: String) -> Bool {
        if questions[room, default: 0] > 0 { return false }
        questions[room] = 1
        return true
    }

    /// No answer comes any more: the connection is another one.
    mutating func forgetQuestions() {
        questions = [:]
    }

    /// Forgets all rooms but some: a server may name as many as it likes.
    mutating func forgetAll(but rooms: [String]) {
        names = names.filter { rooms.contains($0.key) }
        questions = questions.filter { rooms.contains($0.key) }
    }

    /// Whether an answer is one to the client itself.
    mutating func hasAsked(about room: String) -> Bool {
        guard let count = questions[room], count > 0 else { return false }
        questions[room] = count - 1
        return true
    }

    mutating func learn(from event: ChatEvent) {
        guard let room = event.room, let from = event.from, !event.isReplayed else { return }
        var list = names[room] ?? []
        if list.first == from, event.isMessage { return }
        list.removeAll { $0 == from }
        switch event.kind {
        case .leave: break
        case .rename: if let to = event.to { list.insert(to, at: 0) }
        default: list.insert(from, at: 0)
        }
        names[room] = Array(list.prefix(Self.limit))
    }
}
