/// A straight line through points, by least squares.
struct Trend: Codable, Equatable {
    /// How much it rises for each unit of time.
    var slope: Double

    /// Nil with fewer than two moments.
    init?(_ points: [(time: Double, value: Double)]) {
        let count = Double(points.count)
        let meanTime = points.reduce(0) { $0 + $1.time } / max(count, 1)
        let meanValue = points.reduce(0) { $0 + $1.value } / max(count, 1)
        var together = 0.0
        var spread = 0.0
        for point in points {
            together += (point.time - meanTime) * (point.value - meanValue)
            spread += (point.time - meanTime) * (point.time - meanTime)
        }
        if spread == 0 { return nil }
        slope = together / spread
    }
}
