import TestSupport
import Testing

@testable import Reactor

/// A bucket agrees with one that has numbers large enough for anything.
struct TokenBucketTests {
    /// Does the same in 128 bits, where nothing can overflow.
    private struct Oracle {
        let rate: Int128
        let capacity: Int128
        var level: Int128
        var time: Int128

        init(_ limit: RateLimit, at time: Int64) {
            rate = Int128(limit.perSecond)
            capacity = Int128(limit.burst) * 1_000_000_000
            level = capacity
            self.time = Int128(time)
        }

        mutating func advance(to now: Int64) {
            guard Int128(now) > time else { return }
            level = min(level + (Int128(now) - time) * rate, capacity)
            time = Int128(now)
        }

        mutating func take(_ count: Int, at now: Int64) {
            advance(to: now)
            level = max(level - Int128(max(count, 0)) * 1_000_000_000, -4_000_000_000_000_000_000)
        }

        mutating func wait(at now: Int64) -> Int64 {
            advance(to: now)
            var low: Int128 = 0
            var high: Int128 = 1 << 64
            // The first nanosecond at which there is a whole token, found by trying.
            while low < high {
                let middle = (low + high) / 2
                if min(level + middle * rate, capacity) >= 1_000_000_000 { high = middle } else { low = middle + 1 }
            }
            return Int64(low)
        }
    }

    private static let extremes: [Int] = [.min, -1, 0, 1, 2, 1_000_000_000, 4_000_000_000, .max - 1, .max]

    @Test func agreesWithAnOracleOfLargerNumbers() {
        let seed = SeededGenerator().seed
        var random = SeededGenerator(seed: seed)
        for round in 0..<500 {
            let isExtreme = round % 5 == 0
            let limit =
                isExtreme
                ? RateLimit(
                    perSecond: Self.extremes.randomElement(using: &random)!, burst: Self.extremes.randomElement(using: &random)!)
                : RateLimit(perSecond: .random(in: 1...2_000, using: &random), burst: .random(in: 1...50, using: &random))
            var now = isExtreme ? Int64(Self.extremes.randomElement(using: &random)!) : 0
            var bucket = TokenBucket(limit, at: now)
            var oracle = Oracle(limit, at: now)
            for step in 0..<100 {
                if isExtreme, Bool.random(using: &random) {
                    now = Int64(Self.extremes.randomElement(using: &random)!)
                } else {
                    // Now and then the clock stands still, or goes back a little.
                    now = now.addingReportingOverflow(.random(in: -1_000...20_000_000, using: &random)).partialValue
                }
                let count =
                    isExtreme && Bool.random(using: &random)
                    ? Self.extremes.randomElement(using: &random)! : Int.random(in: 0...20, using: &random)
                bucket.take(count, at: now)
                oracle.take(count, at: now)
                #expect(bucket.wait(at: now) == oracle.wait(at: now), "seed \(seed), round \(round), step \(step)")
            }
        }
    }

    @Test("Whoever takes only what is there gets the burst and the rate, and not one more")
    func noMoreThanIsAllowed() {
        var random = SeededGenerator()
        for _ in 0..<50 {
            // With room for one token alone, the part of a nanosecond for which a wait was too long is lost each time.
            let limit = RateLimit(perSecond: .random(in: 1...3_000, using: &random), burst: .random(in: 2...20, using: &random))
            var bucket = TokenBucket(limit, at: 0)
            var now: Int64 = 0
            for taken in 0..<1_000 {
                // Token number n, counted from 0, is there after the time of (n + 1 - burst) tokens, rounded up.
                let due = max((taken + 1 - limit.burst) * 1_000_000_000, 0)
                now += bucket.wait(at: now)
                let expected = Int64((due + limit.perSecond - 1) / limit.perSecond)
                // A bucket for one token is full when it has it, and has no room for what grows up to the next whole nanosecond.
                #expect(limit.burst == 1 ? (expected...expected + Int64(taken)).contains(now) : now == expected)
                bucket.take(1, at: now)
            }
        }
    }

    @Test("A million looks at the clock are as exact as one")
    func noDrift() {
        let limit = RateLimit(perSecond: 3, burst: 1_000_000)
        var often = TokenBucket(limit, at: 0)
        var once = often
        often.take(1_000_000, at: 0)
        once.take(1_000_000, at: 0)
        for step in 1...1_000_000 as ClosedRange<Int64> { _ = often.wait(at: step * 7) }
        #expect(often.wait(at: 7_000_001) == once.wait(at: 7_000_001))
    }

    @Test func whatIsOutOfRangeIsClamped() {
        #expect(RateLimit(perSecond: 0, burst: -5) == RateLimit(perSecond: 1, burst: 1))
        #expect(RateLimit(perSecond: .max, burst: .max) == RateLimit(perSecond: 1_000_000_000, burst: 1_000_000_000))
        #expect(RateLimit(perSecond: 7) == RateLimit(perSecond: 7, burst: 7))
    }
}
