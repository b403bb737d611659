import LoadGenerator
import Relays

/// What a soak showed: one point an interval.
struct SoakSeries: Codable {
    struct Point: Codable {
        /// In hours from the beginning.
        var time: Double
        var residentBytes: Int
        var descriptors: Int
        var lines: Int
        var deliveries: Int
        var p50Microseconds: Double?
        var p99Microseconds: Double?
        var maximumMicroseconds: Double?
    }

    /// Something that is followed.
    struct Quantity: Sendable {
        var name: String
        var unit: String
        var value: @Sendable (Point) -> Double?

        static let all = [
            Quantity(name: "memory", unit: "KiB") { Double($0.residentBytes) / 1_024 },
            Quantity(name: "descriptors", unit: "") { Double($0.descriptors) },
            Quantity(name: "p50 latency", unit: "µs") { $0.p50Microseconds },
            Quantity(name: "p99 latency", unit: "µs") { $0.p99Microseconds },
        ]
    }

    /// The first of ten parts warms up.
    private static let warmUpShare = 0.1

    var points: [Point] = []

    /// The points after the warm-up.
    private var settled: ArraySlice<Point> {
        let end = (points.last?.time ?? 0) * Self.warmUpShare
        return points.drop { $0.time < end }
    }

    private func values(_ quantity: Quantity) -> [(time: Double, value: Double)] {
        settled.compactMap { point in quantity.value(point).map { (point.time, $0) } }
    }

    /// How much it rises in an hour.
    func slope(_ quantity: Quantity) -> Double? {
        Trend(values(quantity))?.slope
    }

    func median(_ quantity: Quantity) -> Double? {
        values(quantity).map(\.value).median
    }

    func extremes(_ quantity: Quantity) -> (least: Double, greatest: Double)? {
        let values = values(quantity).map(\.value)
        guard let least = values.min(), let greatest = values.max() else { return nil }
        return (least, greatest)
    }

    mutating func append(_ report: IntervalReport, residentBytes: Int, descriptors: Int) {
        points.append(
            Point(
                time: (report.start + report.seconds) / 3_600, residentBytes: residentBytes, descriptors: descriptors,
                lines: report.lines, deliveries: report.deliveries, p50Microseconds: report.latency?.p50Microseconds,
                p99Microseconds: report.latency?.p99Microseconds, maximumMicroseconds: report.latency?.maximumMicroseconds))
    }
}
