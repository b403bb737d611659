public import ArgumentParser

/// The value of an option: a number of seconds from 0 to 86,400, which is a day. It may have decimals.
public struct Seconds: ExpressibleByArgument, ExpressibleByIntegerLiteral, CustomStringConvertible {
    let value: Double

    public init(integerLiteral value: Int) {
        self.value = Double(value)
    }

    public init?(argument: String) {
        guard let value = Double(argument), (0...86_400).contains(value) else { return nil }
        self.value = value
    }

    public var duration: Duration { .seconds(value) }
    public var description: String { value == value.rounded() ? String(Int(value)) : String(value) }
}
