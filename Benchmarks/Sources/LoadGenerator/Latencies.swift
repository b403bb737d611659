import Histogram

/// How long lines took, from all connections that check, in an interval and over all.
///
/// One for the whole load: a histogram is large, and to grow and to add up a hundred of them would hold up the load itself.
final class Latencies {
    /// Ten minutes. It grows beyond that, but then takes its time.
    private static let longest: UInt64 = 600_000_000_000

    /// Whether latencies are taken.
    var isMeasuring = false
    private(set) var total = Latencies.makeHistogram()
    private var current = Latencies.makeHistogram()

    private static func makeHistogram() -> Histogram<UInt64> {
        var histogram = Histogram<UInt64>(highestTrackableValue: longest, numberOfSignificantValueDigits: .three)
        histogram.autoResize = true
        return histogram
    }

    func record(_ nanoseconds: Nanoseconds, count: UInt64) {
        if isMeasuring { current.record(nanoseconds, count: count) }
    }

    /// What was taken since the last call, which is part of the total from now on.
    func takeInterval() -> LoadReport.Latency? {
        let latency = LoadReport.Latency(current)
        total.add(current)
        current.reset()
        return latency
    }
}
