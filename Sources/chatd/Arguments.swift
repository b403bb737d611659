import ArgumentParser
import ChatReactor
import CommandLineSupport
import Logging

// The types of the options' values.

enum FramingName: String, ExpressibleByArgument, CaseIterable {
    case auto, line, chunk

    var framing: any Framing {
        switch self {
        case .auto: .automatic()
        case .line: .lines
        case .chunk: .chunks
        }
    }
}

enum SlowName: String, ExpressibleByArgument, CaseIterable {
    case backpressure, skip, disconnect
}

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

/// A log level of swift-log in an option. The help has no room for a list of all its values, which an enumeration would get.
struct LogLevel: OptionValue {
    static let notice = LogLevel(value: .notice)
    static let completion = CompletionKind.list(Logger.Level.allCases.map(\.rawValue))

    let value: Logger.Level

    init(value: Logger.Level) {
        self.value = value
    }

    init(_ text: String) throws(InvalidOptionValue) {
        guard let value = Logger.Level(rawValue: text) else {
            throw InvalidOptionValue("write one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.value = value
    }

    var description: String { value.rawValue }
}
