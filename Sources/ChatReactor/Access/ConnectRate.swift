import Reactor

/// How often one origin may connect: so often at once, and then evenly spread over a minute.
///
/// Each origin has a token bucket, kept as the one instant at which it would be full again (the generic cell rate algorithm of ATM). A
/// bucket that is full need not be kept. Origins are kept in two generations: those that have connected since a minute ago at most, and
/// those of the minute before, which are dropped together. So nothing is ever searched for what is over.
///
/// Memory is bounded: a generation has room for `capacity` origins, and when more connect within a minute, it ends early, and the one
/// before is dropped. So at the bound, the origins that have not connected for longest are forgotten, and may connect as if for the first
/// time. No origin is refused for lack of memory: a limit for each does not stop somebody who has so many addresses.
struct ConnectRate {
    /// How many origins a generation has room for. There are two.
    static let capacity = 32_768
    private static let period = Duration.seconds(60)

    private let spacing: Duration
    /// When the bucket of an origin is full.
    private var recent: [AddressOrigin: ContinuousClock.Instant] = [:]
    private var older: [AddressOrigin: ContinuousClock.Instant] = [:]
    private var end: ContinuousClock.Instant

    /// - Parameter limit: How many connections a minute, from 1.
    init(limit: Int, now: ContinuousClock.Instant = .now) {
        spacing = Self.period / limit
        end = now + Self.period
    }

    /// Whether an origin may connect now. If so, that is counted.
    mutating func admits(_ origin: AddressOrigin, at now: ContinuousClock.Instant) -> Bool {
        if now >= end || recent.count >= Self.capacity { beginGeneration(at: now) }
        let full = max(recent[origin] ?? older[origin] ?? now, now)
        if now.duration(to: full) > Self.period - spacing { return false }
        recent[origin] = full + spacing
        return true
    }

    /// An instant that is dropped has passed, unless the generation has ended early: it is at most a minute after what was counted last.
    private mutating func beginGeneration(at now: ContinuousClock.Instant) {
        older = recent
        recent = [:]
        end = now + Self.period
    }

    /// How many origins are kept.
    var count: Int { recent.count + older.count }
}
