import Reactor

/// Those who have sent a password and wait for its judgement: for each address one at a time, and for each name. So somebody who tries many
/// passwords, or one whose judgement takes long, holds up nobody else.
final class LoginQueue {
    /// How many may wait.
    static let capacity = 1_000
    /// How many may wait of one address.
    static let originCapacity = 100

    /// An attempt to log in.
    struct Attempt {
        let person: Person
        let name: ChatName
        let password: String
        let origin: AddressOrigin
        let isLocal: Bool
    }

    private var waiting: [Attempt] = []
    private var activeOrigins: Set<AddressOrigin> = []
    private var activeNames: Set<ChatName> = []
    private var originRate: AttemptRate<AddressOrigin>
    private var nameRate: AttemptRate<ChatName>
    /// From where somebody has last logged in under a name. Names that nobody can log in under do not get here.
    private var lastOrigins: [ChatName: AddressOrigin] = [:]
    private var isStarting = false

    init(rate: Int) {
        originRate = AttemptRate(limit: rate)
        nameRate = AttemptRate(limit: rate)
    }

    /// Sets how many attempts a minute there may be from now on.
    func setRate(_ rate: Int) {
        originRate = AttemptRate(limit: rate)
        nameRate = AttemptRate(limit: rate)
    }

    var isEmpty: Bool { waiting.isEmpty && activeOrigins.isEmpty }

    /// Why an attempt is refused at once; nil if it waits from now on.
    func refusal(ofAdding attempt: Attempt, at now: ContinuousClock.Instant = .now) -> LoginRefusal? {
        if !attempt.isLocal, !originRate.mayAttempt(attempt.origin, at: now) { return .tooOften }
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
            if admits(attempt) {
                activeOrigins.insert(attempt.origin)
                activeNames.insert(attempt.name)
                judge(attempt)
            } else {
                refuse(attempt, .tooOften)
            }
        }
    }

    private func admits(_ attempt: Attempt) -> Bool {
        let now = ContinuousClock.now
        if !attempt.isLocal, !originRate.mayAttempt(attempt.origin, at: now) { return false }
        if !isOwner(attempt), !nameRate.admits(attempt.name, at: now) { return false }
        return attempt.isLocal || originRate.admits(attempt.origin, at: now)
    }

    /// Whether it comes from where the owner of the name was last. Everybody may be on this machine: behind a proxy, or in a shell.
    private func isOwner(_ attempt: Attempt) -> Bool { !attempt.isLocal && lastOrigins[attempt.name] == attempt.origin }

    /// An attempt was judged.
    func finish(_ attempt: Attempt, isRight: Bool) {
        activeOrigins.remove(attempt.origin)
        activeNames.remove(attempt.name)
        guard isRight else { return }
        if !isOwner(attempt) { nameRate.takeBack(attempt.name) }
        if !attempt.isLocal { originRate.takeBack(attempt.origin) }
        lastOrigins[attempt.name] = attempt.origin
    }
}
