/// Framing as one would write it down: split the whole stream, then look at each line.
enum FramingOracle {
    enum Event: Equatable {
        case message([UInt8])
        case tooLong
    }

    static func events(of stream: [UInt8], limit: Int) -> [Event] {
        var lines = stream.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // What comes behind the last newline is a line only if there is something of it, and its carriage return is no terminator's.
        let tail = lines.removeLast()
        var events = lines.map { line in judge(line.last == UInt8(ascii: "\r") ? line.dropLast() : line, limit) }
        if !tail.isEmpty { events.append(judge(tail, limit)) }
        return events
    }

    private static func judge(_ line: ArraySlice<UInt8>, _ limit: Int) -> Event {
        line.count > limit ? .tooLong : .message(Array(line))
    }
}
