import Glibc

/// How long something has taken, many times: how often it took at most 10 µs, 25 µs, 50 µs and so on, up to a second, and how long in
/// all. The bounds are the same for all histograms, so that those of several loops can be added.
///
/// To record a duration costs at most sixteen comparisons, and allocates nothing. It belongs to one thread.
public final class DurationHistogram {
    private typealias Bounds = [16 of UInt64]

    // Kept in each object: a global constant would be asked whether it is made, each time.
    private let bounds: Bounds = DurationHistogram.bounds
    /// How many durations were above the bound before, and at most this one. The last is above all of them.
    private var counts: [17 of UInt64] = .init(repeating: 0)
    private var nanoseconds: UInt64 = 0

    private static var bounds: Bounds {
        [
            10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000,
            50_000_000,
            100_000_000, 250_000_000, 500_000_000, 1_000_000_000,
        ]
    }

    /// A histogram without any duration.
    public init() {}

    /// The bounds, in ascending order.
    public static var upperBounds: [Duration] {
        let bounds = bounds
        return bounds.indices.map { .nanoseconds(Int64(bounds[$0])) }
    }

    /// How many durations were recorded.
    public var count: Int { cumulativeCounts(upTo: counts.count).last ?? 0 }

    /// How many durations were at most as long as each of ``upperBounds``. ``count`` has the longer ones, too.
    public var cumulativeCounts: [Int] { cumulativeCounts(upTo: bounds.count) }

    /// All durations together.
    public var sum: Duration { .nanoseconds(Int64(clamping: nanoseconds)) }

    /// Records a duration. A negative one counts as zero, and what is beyond 2³² seconds as so many.
    ///
    /// - Complexity: O(1).
    public func record(_ duration: Duration) {
        let (seconds, attoseconds) = min(max(duration, .zero), .seconds(1 << 32)).components
        record(nanoseconds: UInt64(seconds) &* 1_000_000_000 &+ UInt64(attoseconds) / 1_000_000_000)
    }

    func record(nanoseconds duration: UInt64) {
        var index = 0
        while index < bounds.count, duration > bounds[index] { index &+= 1 }
        counts[index] &+= 1
        nanoseconds &+= duration
    }

    private func cumulativeCounts(upTo end: Int) -> [Int] {
        var sum: UInt64 = 0
        return (0..<end).map { index in
            sum &+= counts[index]
            return Int(clamping: sum)
        }
    }

    /// The time of the monotonic clock, in nanoseconds. `ContinuousClock` would take it apart into seconds and attoseconds.
    ///
    /// The corresponding C function is `clock_gettime`.
    static var now: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(truncatingIfNeeded: time.tv_sec) &* 1_000_000_000 &+ UInt64(truncatingIfNeeded: time.tv_nsec)
    }
}
