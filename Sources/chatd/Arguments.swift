import ArgumentParser
import ChatReactor
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

    var policy: SlowSubscriberPolicy {
        switch self {
        case .backpressure: .backpressure()
        case .skip: .skip
        case .disconnect: .disconnect
        }
    }
}

/// A number of bytes from 1 to 1 GiB.
struct ByteCount: ExpressibleByArgument, ExpressibleByIntegerLiteral, CustomStringConvertible {
    let value: Int

    init(integerLiteral value: Int) {
        self.value = value
    }

    init?(argument: String) {
        guard let value = Int(argument), (1...1_073_741_824).contains(value) else { return nil }
        self.value = value
    }

    var description: String { String(value) }
}

/// A log level of swift-log. The help has no room for a list of all its values, which an enumeration would get.
struct LogLevel: ExpressibleByArgument, CustomStringConvertible {
    static let notice = LogLevel(value: .notice)

    let value: Logger.Level

    init(value: Logger.Level) {
        self.value = value
    }

    init?(argument: String) {
        guard let value = Logger.Level(rawValue: argument) else { return nil }
        self.value = value
    }

    var description: String { value.rawValue }
}
