import ArgumentParser
import ChatCommandLine
import Logging

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
