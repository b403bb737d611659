import Testing

@testable import soak

/// The slope is that of the line from which the squares of the distances are least.
struct TrendTests {
    @Test func ofPointsOnALine() throws {
        let trend = try #require(Trend((0..<10).map { (time: Double($0), value: 5 - 3 * Double($0)) }))
        #expect(abs(trend.slope + 3) < 1e-12)
    }

    @Test func ofPointsAroundALine() throws {
        // By hand: means 1.5 and 2.25; sums of products 5.5 and of squares 5.
        let trend = try #require(Trend([(0, 1), (1, 1), (2, 3), (3, 4)]))
        #expect(abs(trend.slope - 1.1) < 1e-12)
    }

    @Test func noneOfASingleMoment() {
        #expect(Trend([]) == nil)
        #expect(Trend([(1, 1), (1, 2)]) == nil)
    }
}
