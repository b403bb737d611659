import ArgumentParser

/// A time from 0 to a day.
package struct Seconds: ExpressibleByArgument, ExpressibleByIntegerLiteral, CustomStringConvertible {
    let value: Double

    package init(integerLiteral value: Int) {
        self.value = Double(value)
    }

    package init?(argument: String) {
        guard let value = Double(argument), (0...86_400).contains(value) else { return nil }
        self.value = value
    }

    package var duration: Duration { .seconds(value) }
    package var description: String { value == value.rounded() ? String(Int(value)) : String(value) }
}
