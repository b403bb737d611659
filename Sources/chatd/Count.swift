import ChatCommandLine

/// A whole number in an option, of which there may be at least `least` and at most `most`.
struct Count<let least: Int, let most: Int>: OptionValue, ExpressibleByIntegerLiteral {
    let value: Int

    init(integerLiteral value: Int) {
        self.value = value
    }

    init(_ text: String) throws(InvalidOptionValue) {
        guard let value = Int(text), value >= least, value <= most else {
            throw InvalidOptionValue("write a number from \(least) to \(most)")
        }
        self.value = value
    }

    var description: String { "\(value)" }
}
