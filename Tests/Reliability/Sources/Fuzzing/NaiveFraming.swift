import Reactor

/// Framing in the simplest way, with the whole stream at hand.
enum NaiveFraming {
    case lines
    case automatic(idle: Duration)
    case chunks
    case messages(MessageFramingOracle)

    /// What it is to be compared with.
    var framing: any Framing {
        switch self {
        case .lines: .lines
        case .automatic(let idle): .automatic(idle: idle)
        case .chunks: .chunks
        case .messages(let oracle): oracle.framing
        }
    }

    /// What a connection makes of a stream, up to its end.
    ///
    /// - Parameter reads: The stream as the connection reads it.
    func expectation(of reads: [[UInt8]], limit: Int) -> MessageFramingOracle.Expectation {
        let stream = reads.flatMap { $0 }
        switch self {
        case .chunks: return .init(events: reads.map { .message($0) })
        case .lines: return .init(events: FramingOracle.events(of: stream, limit: limit))
        case .automatic(let idle):
            // With no idle time, what a read leaves unfinished is a line at once, until the first newline has come.
            let isAtOnce = idle <= .zero
            let first = isAtOnce ? reads.firstIndex { $0.contains(10) } ?? reads.endIndex : 0
            let lines = reads[..<first].flatMap { FramingOracle.events(of: $0, limit: limit) }
            return .init(events: lines + FramingOracle.events(of: reads[first...].flatMap { $0 }, limit: limit))
        case .messages(let oracle): return oracle.expectation(of: stream, limit: limit)
        }
    }
}
