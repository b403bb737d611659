public import ArgumentParser
import ChatReactorText

/// A value that many options have. It is declared as any other: `@Option(help: …) var limit: ByteCount = 1_024`.
///
/// Unlike those of `ExpressibleByArgument`, whose initializer can only fail, it says what it takes when it is given something else.
public protocol OptionValue: CustomStringConvertible, Sendable {
    init(_ text: String) throws(InvalidOptionValue)
}

extension Option where Value: OptionValue {
    public init(wrappedValue: Value, help: ArgumentHelp, completion: CompletionKind? = nil) {
        var help = help
        // The parser knows how to describe what is expressible by an argument, and that alone.
        help.abstract += " (default: \(wrappedValue))"
        self.init(wrappedValue: wrappedValue, help: help, completion: completion, transform: { try Value($0) })
    }
}

extension Option {
    public init<Wrapped: OptionValue>(help: ArgumentHelp) where Value == Wrapped? {
        self.init(help: help, transform: { try Wrapped($0) })
    }
}

/// A span of time in an option: `500ms`, `30s`, `5m`, `2h` or `7d`, at most ten years; a number alone is seconds.
public struct TimeLimit: OptionValue, ExpressibleByIntegerLiteral {
    public let duration: Duration

    /// - Parameter value: In seconds, less than ten years.
    public init(integerLiteral value: Int32) {
        duration = .seconds(value)
    }

    public init(_ text: String) throws(InvalidOptionValue) {
        guard let duration = TimeSpan.parse(text) ?? TimeSpan.parse(text + "s") else {
            throw InvalidOptionValue("write \(TimeSpan.forms); a number alone is seconds")
        }
        self.duration = duration
    }

    /// As it is read.
    public var description: String { TimeSpan.format(duration) }
}

/// A number of bytes in an option: `64k`, `4m` or `1g`, which are powers of 1024, or a number alone.
public struct ByteCount: OptionValue, ExpressibleByIntegerLiteral {
    private static let scale = UnitScale([("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10), ("", 1)])

    public let value: Int

    public init(integerLiteral value: Int) {
        self.value = value
    }

    /// From one byte to 1 GiB.
    public init(_ text: String) throws(InvalidOptionValue) {
        try self.init(text, in: 1...1_073_741_824)
    }

    /// For an option with another range: `transform: { try ByteCount($0, in: 0...1 << 40) }`.
    public init(_ text: String, in range: ClosedRange<Int>) throws(InvalidOptionValue) {
        guard let value = Self.scale.parse(text).flatMap(Int.init(exactly:)), range.contains(value) else {
            let (least, most) = (ByteCount(integerLiteral: range.lowerBound), ByteCount(integerLiteral: range.upperBound))
            throw InvalidOptionValue("write a number of bytes, 64k, 4m or 1g, from \(least) to \(most)")
        }
        self.value = value
    }

    /// As it is read, in the largest unit that has no rest.
    public var description: String { Self.scale.format(Int64(value)) }
}

/// What an option takes, of which it was given something else.
public struct InvalidOptionValue: Error, CustomStringConvertible {
    public let description: String

    /// - Parameter description: What to write instead, as in `write a number`.
    public init(_ description: String) {
        self.description = description
    }
}
