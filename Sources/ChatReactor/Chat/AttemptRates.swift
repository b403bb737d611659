import Reactor
import Synchronization

/// How often somebody may try passwords and keys, and where those come from who have logged in: of a chat, or of those of all loops that are one.
///
/// An attempt over a connection of another loop counts as well.
final class AttemptRates: Sendable {
    private struct State: Sendable {
        var limit: Int
        var origins: AttemptRate<AddressOrigin>
        var names: AttemptRate<ChatName>
        /// From where somebody has last logged in under a name. Names that nobody can log in under do not get here.
        var lastOrigins: [ChatName: AddressOrigin] = [:]
        /// How often somebody may give a wrong key, by who it is and the room.
        var keys = AttemptRate<String>(limit: 10)

        init(limit: Int) {
            self.limit = limit
            (origins, names) = (AttemptRate(limit: limit), AttemptRate(limit: limit))
        }

        /// Whether it comes from where the owner of the name was last. Everybody may be on this machine: behind a proxy, or in a shell.
        func isOwner(_ attempt: LoginQueue.Key) -> Bool { !attempt.isLocal && lastOrigins[attempt.name] == attempt.origin }
    }

    private let state: Mutex<State>

    /// - Parameter limit: How many passwords a minute may be tried of a name, and by an origin.
    init(limit: Int) {
        state = Mutex(State(limit: limit))
    }

    /// Sets how many attempts a minute there may be from now on. Each of several loops does.
    func setLimit(_ limit: Int) {
        state.withLock { state in
            if state.limit == limit { return }
            state.limit = limit
            (state.origins, state.names) = (AttemptRate(limit: limit), AttemptRate(limit: limit))
        }
    }

    // MARK: - Passwords

    /// Whether an attempt may be made now, as far as where it comes from is concerned. It is not counted.
    func mayAttempt(_ attempt: LoginQueue.Key, at now: ContinuousClock.Instant) -> Bool {
        attempt.isLocal || state.withLock { $0.origins.mayAttempt(attempt.origin, at: now) }
    }

    /// Whether a password may be judged now. If so, it is counted.
    func admits(_ attempt: LoginQueue.Key) -> Bool {
        let now = ContinuousClock.now
        return state.withLock { state in
            if !attempt.isLocal, !state.origins.mayAttempt(attempt.origin, at: now) { return false }
            if !state.isOwner(attempt), !state.names.admits(attempt.name, at: now) { return false }
            return attempt.isLocal || state.origins.admits(attempt.origin, at: now)
        }
    }

    /// A password was right.
    func succeeded(_ attempt: LoginQueue.Key) {
        state.withLock { state in
            if !state.isOwner(attempt) { state.names.takeBack(attempt.name) }
            if !attempt.isLocal { state.origins.takeBack(attempt.origin) }
            state.lastOrigins[attempt.name] = attempt.origin
        }
    }

    // MARK: - Keys of rooms

    /// Whether somebody may give a key of a room.
    func mayGiveKey(_ origin: String) -> Bool { state.withLock { $0.keys.mayAttempt(origin, at: .now) } }

    func gaveWrongKey(_ origin: String) { state.withLock { _ = $0.keys.admits(origin, at: .now) } }
}
