/// What a connection knows of how much its peer has sent, and since when it is silent. A connection without limits has no such object.
///
/// Times are nanoseconds since the object was made: numbers that a `TokenBucket` can work with, and that take eight bytes.
final class InputLimits {
    private let origin: ContinuousClock.Instant
    private var messages: TokenBucket?
    private var bytes: TokenBucket?
    var silence = Silence()
    /// Limits the delay while there is one, and the silence otherwise: time in which reading is paused is none.
    var timer: EventLoop.Timer?
    /// Whether reading is paused because of a rate. It is one of the connection's pauses, so it goes with those of others.
    var isDelayed = false
    /// Whether the peer has sent a message, or has been sent anything.
    var hasHadMessage = false
    /// Where the topics stood when the connection opened.
    var topicPosition = 0

    init(at origin: ContinuousClock.Instant) {
        self.origin = origin
    }

    func time(of instant: ContinuousClock.Instant) -> Int64 { origin.duration(to: instant).clampedNanoseconds }

    func instant(at time: Int64) -> ContinuousClock.Instant { origin.advanced(clamping: .nanoseconds(time)) }

    /// Sets the rates. A bucket whose rate stays keeps what it has: or each upgrade would be worth a burst.
    func setRates(messages messageRate: RateLimit?, bytes byteRate: RateLimit?, at now: Int64) {
        if messages?.limit != messageRate { messages = messageRate.map { TokenBucket($0, at: now) } }
        if bytes?.limit != byteRate { bytes = byteRate.map { TokenBucket($0, at: now) } }
    }

    func takeMessages(_ count: Int, at now: Int64) { messages?.take(count, at: now) }

    func takeBytes(_ count: Int, at now: Int64) { bytes?.take(count, at: now) }

    /// How many nanoseconds it takes until another message and another byte are allowed: 0 if they are.
    func wait(at now: Int64) -> Int64 { max(messages?.wait(at: now) ?? 0, bytes?.wait(at: now) ?? 0) }
}

/// Since when a peer is silent. While reading is paused, it may have spoken, so that time does not count.
struct Silence {
    /// When the connection has opened, or would have opened without its pauses.
    private(set) var opened: Int64 = 0
    /// When the peer was last heard, in the same sense.
    private(set) var heard: Int64 = 0
    private var paused: Int64?

    mutating func end(at now: Int64) { heard = max(heard, now) }

    mutating func pause(at now: Int64) { paused = now }

    mutating func resume(at now: Int64) {
        guard let paused = paused.take() else { return }
        let time = max(now &- paused, 0)
        opened &+= time
        heard &+= time
    }
}

extension Duration {
    /// The whole nanoseconds, from 0 to 2^61, which is 73 years: two of them can be added.
    var clampedNanoseconds: Int64 {
        let clamped = min(max(self, .zero), .nanoseconds(1 << 61))
        let (seconds, attoseconds) = clamped.components
        return seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
    }
}
