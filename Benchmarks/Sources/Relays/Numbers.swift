import Foundation

extension Collection<Double> {
    /// The middle of the values, or the mean of the two that are in the middle; nil if there are none.
    public var median: Double? {
        if isEmpty { return nil }
        let sorted = sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}

extension Double {
    /// Three significant digits or all of the whole number, in groups of three.
    public var short: String {
        let digits = magnitude >= 100 || self == rounded() ? 0 : magnitude >= 10 ? 1 : magnitude >= 0.1 ? 2 : 4
        return formatted(.number.precision(.fractionLength(digits)).locale(Locale(identifier: "en_US")))
    }
}
