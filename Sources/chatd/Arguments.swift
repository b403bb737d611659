import ArgumentParser
import ChatReactor

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
