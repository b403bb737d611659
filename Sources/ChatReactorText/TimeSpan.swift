/// Spans of time as people write and read them, in options and in commands: `500ms`, `90s`, `5m`, `2h`, `7d`.
public enum TimeSpan {
    /// In milliseconds.
    private static let scale = UnitScale([("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)])
    /// Ten years.
    private static let maximum: Int64 = 3_650 * 86_400_000

    /// What `parse` takes, for a sentence that says so.
    public static let forms = "500ms, 90s, 5m, 2h or 7d, up to ten years"

    /// A whole number with its unit, at most ten years; nil if the text is not that.
    public static func parse(_ text: String) -> Duration? {
        guard let milliseconds = scale.parse(text), milliseconds <= maximum else { return nil }
        return .milliseconds(milliseconds)
    }

    /// The text from which `parse` reads a duration of whole milliseconds, in the largest unit that has no rest: `90s`, `5m`. What is below a
    /// millisecond is left out.
    public static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds &* 1_000 &+ attoseconds / 1_000_000_000_000_000
        return milliseconds == 0 ? "0s" : scale.format(milliseconds)
    }

    /// Whether somebody who writes this word probably means a time, if not in the form that is read: `5min`, `+5`, `-2h`, or a number that is
    /// all there is.
    public static func isMeant(by word: String, alone isAlone: Bool) -> Bool {
        let unsigned = word.drop { $0 == "+" || $0 == "-" }
        let unit = unsigned.drop { $0.isNumber }.lowercased()
        guard unit.count < unsigned.count, unit.allSatisfy(\.isLetter) else { return false }
        if unit.isEmpty { return isAlone || unsigned.count < word.count }
        // A first warning is none.
        return unit != "st" && scale.units.contains { $0.name.first == unit.first }
    }

    /// The whole seconds of a duration, in its two largest units: `2d 3h`, `5m`, `0s`.
    public static func describe(_ duration: Duration) -> String {
        var rest = max(duration.components.seconds, 0)
        var parts: [String] = []
        for (name, milliseconds) in scale.units where milliseconds >= 1_000 {
            let seconds = milliseconds / 1_000
            let number = rest / seconds
            rest %= seconds
            // After the largest unit comes the next smaller one alone: nobody needs the seconds of a day.
            if number > 0 { parts.append("\(number)\(name)") }
            if !parts.isEmpty, parts.count == 2 || number == 0 { break }
        }
        return parts.isEmpty ? "0s" : parts.joined(separator: " ")
    }
}
