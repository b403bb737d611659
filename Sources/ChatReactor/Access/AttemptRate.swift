import Reactor

/// How often something may be attempted with one key, such as by one origin: so often at once, and then evenly spread over a minute.
///
/// Each key has a token bucket, kept as the one instant at which it would be full again (the generic cell rate algorithm of ATM). A
/// bucket that is full need not be kept. Keys are kept in two generations: those that were used since a minute ago at most, and
/// those of the minute before, which are dropped together. So nothing is ever searched for what is over.
///
/// Memory is bounded: a generation has room for `capacity` keys, and when more come within a minute, it ends early, and the one
/// before is dropped. So at the bound, the keys that were not used for longest are forgotten, and may be used as if for the first
/// time. No key is refused for lack of memory: a limit for each does not stop somebody who has so many addresses.
struct AttemptRate<Key: Hashable & Sendable>: Sendable {
    /// How many keys a generation has room for. There are two.
    static var capacity: Int { 32_768 }
    private static var period: Duration { .seconds(60) }

    private let spacing: Duration
    /// When the bucket of a key is full.
    private var recent: [Key: ContinuousClock.Instant] = [:]
    private var older: [Key: ContinuousClock.Instant] = [:]
    private var end: ContinuousClock.Instant

    /// - Parameter limit: How many attempts a minute, from 1.
    init(limit: Int, now: ContinuousClock.Instant = .now) {
        spacing = Self.period / limit
        end = now + Self.period
    }

    /// Whether there may be an attempt now. If so, it is counted.
    mutating func admits(_ key: Key, at now: ContinuousClock.Instant) -> Bool {
        if now >= end || recent.count >= Self.capacity { beginGeneration(at: now) }
        if !mayAttempt(key, at: now) { return false }
        recent[key] = max(recent[key] ?? older[key] ?? now, now) + spacing
        return true
    }

    /// Whether there may be an attempt now, which is not counted.
    func mayAttempt(_ key: Key, at now: ContinuousClock.Instant) -> Bool {
        let full = max(recent[key] ?? older[key] ?? now, now)
        return now.duration(to: full) <= Self.period - spacing
    }

    /// Takes back the counting of one attempt.
    mutating func takeBack(_ key: Key) {
        if let full = recent[key] ?? older[key] { recent[key] = full - spacing }
    }

    /// An instant that is dropped has passed, unless the generation has ended early: it is at most a minute after what was counted last.
    private mutating func beginGeneration(at now: ContinuousClock.Instant) {
        older = recent
        recent = [:]
        end = now + Self.period
    }

    /// How many keys are kept.
    var count: Int { recent.count + older.count }
}

/// How often one origin may connect.
typealias ConnectRate = AttemptRate<AddressOrigin>
