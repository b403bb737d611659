/// How much a peer may send: a number a second in the long run, and a number at once after a time in which it has sent less.
///
/// ```swift
/// options.messageRate = RateLimit(perSecond: 10, burst: 30)
/// ```
public struct RateLimit: Hashable, Sendable {
    /// How many a second, of messages or of bytes. From 1 to 1,000,000,000.
    public let perSecond: Int
    /// How many at once. From 1 to 1,000,000,000.
    public let burst: Int

    /// Values that are out of range are clamped.
    ///
    /// - Parameters:
    ///   - perSecond: How many a second.
    ///   - burst: How many at once; nil for as many as a second allows.
    public init(perSecond: Int, burst: Int? = nil) {
        self.perSecond = min(max(perSecond, 1), 1_000_000_000)
        self.burst = min(max(burst ?? perSecond, 1), 1_000_000_000)
    }
}
