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
        case .automatic(let idle): .automatic(idle: idle, letterIdle: idle)
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
            // With no idle time, each read is followed by a pause.
            let input = reads.flatMap { idle <= .zero ? [.read($0), .pause(isLong: true)] : [AutomaticOracle.Input.read($0)] }
            return .init(events: AutomaticOracle.events(of: input, limit: limit))
        case .messages(let oracle): return oracle.expectation(of: stream, limit: limit)
        }
    }
}
