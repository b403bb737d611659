/// Spans of time as operators write and read them: `90s`, `5m`, `2h`, `7d`.
enum TimeSpan {
    private static let units: [(letter: Character, seconds: Int64)] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)]
    /// Ten years.
    private static let maximum: Int64 = 3_650 * 86_400

    /// A number with its unit, more than nothing and at most ten years; nil if the text is not that.
    static func parse(_ text: String) -> Duration? {
        let digits = text.utf8.dropLast()
        guard let unit = units.first(where: { $0.letter == text.last }), (1...12).contains(digits.count),
            digits.allSatisfy({ (48...57).contains($0) }), let number = Int64(Substring(digits))
        else { return nil }
        guard number > 0, number <= maximum / unit.seconds else { return nil }
        return .seconds(number * unit.seconds)
    }

    /// Whether somebody who writes this word probably means a time, if not in the form that is read: `5min`, `+5`, `-2h`, or a number that is
    /// all there is.
    static func isMeant(by word: String, alone isAlone: Bool) -> Bool {
        let unsigned = word.drop { $0 == "+" || $0 == "-" }
        let unit = unsigned.drop { $0.isNumber }.lowercased()
        guard unit.count < unsigned.count, unit.allSatisfy(\.isLetter) else { return false }
        if unit.isEmpty { return isAlone || unsigned.count < word.count }
        // A first warning is none.
        return unit != "st" && units.contains { $0.letter == unit.first }
    }

    /// The whole seconds of a duration, in its two largest units: `2d 3h`, `5m`, `0s`.
    static func describe(_ duration: Duration) -> String {
        var rest = max(duration.components.seconds, 0)
        var parts: [String] = []
        for (letter, seconds) in units {
            let number = rest / seconds
            rest %= seconds
            // After the largest unit comes the next smaller one alone: nobody needs the seconds of a day.
            if number > 0 { parts.append("\(number)\(letter)") }
            if !parts.isEmpty, parts.count == 2 || number == 0 { break }
        }
        return parts.isEmpty ? "0s" : parts.joined(separator: " ")
    }
}
