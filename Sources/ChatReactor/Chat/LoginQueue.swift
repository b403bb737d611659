import Reactor

/// Those who have sent a password and wait for its judgement: for each address one at a time, and for each name. So somebody who tries many
/// passwords, or one whose judgement takes long, holds up nobody else.
final class LoginQueue {
    /// How many may wait.
    static let capacity = 1_000
    /// How many may wait of one address.
    static let originCapacity = 100

    /// What attempts are counted by.
    struct Key: Sendable {
        let name: ChatName
        let origin: AddressOrigin
        /// Whether it comes from this machine.
        let isLocal: Bool
    }

    /// An attempt to log in.
    struct Attempt {
        let person: Person
        let password: String
        let key: Key

        var name: ChatName { key.name }
        var origin: AddressOrigin { key.origin }
        var isLocal: Bool { key.isLocal }
    }

    private var waiting: [Attempt] = []
    private var activeOrigins: Set<AddressOrigin> = []
    private var activeNames: Set<ChatName> = []
    private let rates: AttemptRates
    private var isStarting = false

    init(_ rates: AttemptRates) {
        self.rates = rates
    }

    var isEmpty: Bool { waiting.isEmpty && activeOrigins.isEmpty }

    /// Why an attempt is refused at once; nil if it waits from now on.
    func refusal(ofAdding attempt: Attempt, at now: ContinuousClock.Instant = .now) -> LoginRefusal? {
        if !rates.mayAttempt(attempt.key, at: now) { return .tooOften }
        if waiting.count >= Self.capacity { return .busy }
        // They keep the places of nobody else. All of this machine have one origin, which has as many as there are.
        if !attempt.isLocal, waiting.count(where: { $0.origin == attempt.origin }) >= Self.originCapacity { return .busy }
        waiting.append(attempt)
        return nil
    }

    /// Begins with those whose turn it is.
    ///
    /// - Parameters:
    ///   - judge: Called for each of them; `finish` has to be called for it later.
    ///   - refuse: Called for those who have tried too often meanwhile.
    ///
    /// - Complexity: O(*n*) for *n* who wait.
    func start(judge: (Attempt) -> Void, refuse: (Attempt, LoginRefusal) -> Void) {
        // Either may have more of them wait, who are found in the same loop.
        if isStarting { return }
        isStarting = true
        defer { isStarting = false }
        while let index = waiting.firstIndex(where: { !activeOrigins.contains($0.origin) && !activeNames.contains($0.name) }) {
            let attempt = waiting.remove(at: index)
            // Nobody waits for the answer any more.
            if attempt.person.connection?.isFinishing != false { continue }
            if rates.admits(attempt.key) {
                activeOrigins.insert(attempt.origin)
                activeNames.insert(attempt.name)
                judge(attempt)
            } else {
                refuse(attempt, .tooOften)
            }
        }
    }

    /// An attempt was judged.
    func finish(_ attempt: Attempt, isRight: Bool) {
        activeOrigins.remove(attempt.origin)
        activeNames.remove(attempt.name)
        if isRight { rates.succeeded(attempt.key) }
    }
}
