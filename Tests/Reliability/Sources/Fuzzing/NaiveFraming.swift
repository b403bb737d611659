import Reactor

/// Framing as one would write it down: split the whole stream, then look at each line.
enum NaiveFraming: Equatable {
    case lines
    case automatic(idle: Duration)
    case chunks

    /// What it is to be compared with.
    var framing: any Framing {
        switch self {
        case .lines: .lines
        case .automatic(let idle): .automatic(idle: idle)
        case .chunks: .chunks
        }
    }

    enum Event: Equatable {
        case message([UInt8])
        case tooLong
    }

    /// What a connection makes of a stream, up to its end.
    ///
    /// - Parameter reads: The stream as the connection reads it.
    func events(of reads: [[UInt8]], limit: Int) -> [Event] {
        switch self {
        case .chunks: return reads.map { .message($0) }
        case .lines: return Self.lines(of: reads.flatMap { $0 }, limit: limit)
        case .automatic(let idle):
            // With no idle time, what a read leaves unfinished is a line at once, until the first newline has come.
            let isAtOnce = idle <= .zero
            let first = isAtOnce ? reads.firstIndex { $0.contains(10) } ?? reads.endIndex : 0
            let rest = reads[first...].flatMap { $0 }
            return reads[..<first].map { Self.judge($0[...], limit) } + Self.lines(of: rest, limit: limit)
        }
    }

    static func lines(of stream: [UInt8], limit: Int) -> [Event] {
        var lines = stream.split(separator: 10, omittingEmptySubsequences: false)
        let tail = lines.removeLast()
        var events = lines.map { judge($0.last == 13 ? $0.dropLast() : $0, limit) }
        // Behind the last newline there is a line only if there is something of it; its carriage return is no terminator's.
        if !tail.isEmpty { events.append(judge(tail, limit)) }
        return events
    }

    private static func judge(_ line: ArraySlice<UInt8>, _ limit: Int) -> Event {
        line.count > limit ? .tooLong : .message(Array(line))
    }
}
