/// A number of tokens that grows at a steady rate up to a limit, and from which is taken what is used. More may be taken than there are:
/// the debt has to grow back before there is a token again.
///
/// All is whole numbers: times in nanoseconds, tokens in billionths. A rate is then a number of billionths a nanosecond, so nothing is
/// rounded, and a bucket that is asked a billion times is as exact as one that is asked once. Results that are too large for a number
/// become the largest.
struct TokenBucket {
    let limit: RateLimit
    /// In billionths of a token; negative while more was taken than there was.
    private var level: Int64
    /// The time as of which `level` is right.
    private var time: Int64

    private static let token: Int64 = 1_000_000_000
    /// A debt of four billion tokens. No limit of a read gets there; below it, sums of levels could overflow.
    private static let lowest = -4 * token * token

    private var capacity: Int64 { Int64(limit.burst) &* Self.token }

    /// A full bucket.
    init(_ limit: RateLimit, at time: Int64) {
        self.limit = limit
        self.time = time
        level = Int64(limit.burst) &* Self.token
    }

    /// Takes tokens, whether they are there or not. A number below zero counts as zero, and a time before an earlier one as that one.
    mutating func take(_ count: Int, at now: Int64) {
        refill(at: now)
        let (cost, isTooLarge) = Int64(max(count, 0)).multipliedReportingOverflow(by: Self.token)
        let (left, isTooLow) = level.subtractingReportingOverflow(cost)
        level = isTooLarge || isTooLow ? Self.lowest : max(left, Self.lowest)
    }

    /// How many nanoseconds it takes until there is a whole token: 0 if there is one.
    mutating func wait(at now: Int64) -> Int64 {
        refill(at: now)
        if level >= Self.token { return 0 }
        let rate = Int64(limit.perSecond)
        return (Self.token &- level &+ rate &- 1) / rate
    }

    private mutating func refill(at now: Int64) {
        if now <= time { return }
        let (elapsed, isTooLong) = now.subtractingReportingOverflow(time)
        let (grown, isTooMuch) = elapsed.multipliedReportingOverflow(by: Int64(limit.perSecond))
        let (sum, isTooHigh) = level.addingReportingOverflow(grown)
        level = isTooLong || isTooMuch || isTooHigh ? capacity : min(sum, capacity)
        time = now
    }
}
