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
}

/// A whole number of which there may be at least `least` and at most `most`.
struct Count<let least: Int, let most: Int>: ExpressibleByArgument {
    let value: Int

    init?(argument: String) {
        guard let value = Int(argument), value >= least, value <= most else { return nil }
        self.value = value
    }
}

/// A log level of swift-log. The help has no room for a list of all its values, which an enumeration would get.
struct LogLevel: ExpressibleByArgument, CustomStringConvertible {
    static let notice = LogLevel(value: .notice)
    // What shells complete; the parser knows of no others if the help has no list.
    static var defaultCompletionKind: CompletionKind { .list(Logger.Level.allCases.map(\.rawValue)) }

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
