/// Framing of lines in the simplest way: splits the whole stream, then looks at each line.
public enum FramingOracle {
    public enum Event: Equatable, Sendable {
        case message([UInt8])
        case tooLong
    }

    public static func events(of stream: [UInt8], limit: Int) -> [Event] {
        var lines = stream.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // What comes after the last newline is a line only if it is not empty. Without a newline, a carriage return is a part of the line.
        let tail = lines.removeLast()
        var events = lines.map { line in event(line.last == UInt8(ascii: "\r") ? line.dropLast() : line, limit) }
        if !tail.isEmpty { events.append(event(tail, limit)) }
        return events
    }

    private static func event(_ line: ArraySlice<UInt8>, _ limit: Int) -> Event {
        line.count > limit ? .tooLong : .message(Array(line))
    }
}
