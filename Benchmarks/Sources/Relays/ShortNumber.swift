import Foundation

extension Double {
    /// Three significant digits or all of the whole number, in groups of three.
    public var short: String {
        let digits = magnitude >= 100 || self == rounded() ? 0 : magnitude >= 10 ? 1 : magnitude >= 0.1 ? 2 : 4
        return formatted(.number.precision(.fractionLength(digits)).locale(Locale(identifier: "en_US")))
    }
}
