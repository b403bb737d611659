import TestSupport

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

    /// A stream that is likely to hold what framing can get wrong: terminators of all kinds, and lines about as long as is allowed.
    static func stream(limit: Int, using random: inout SeededGenerator) -> [UInt8] {
        var stream: [UInt8] = []
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            let isShort = Bool.random(using: &random)
            let length: Int = isShort ? .random(in: 0...3, using: &random) : max(0, limit + .random(in: -2...2, using: &random))
            for _ in 0..<length {
                stream.append(Int.random(in: 0..<12, using: &random) == 0 ? 13 : .random(in: 97...122, using: &random))
            }
            switch Int.random(in: 0..<8, using: &random) {
            case 0..<4: stream.append(10)
            case 4..<7: stream += [13, 10]
            default: stream.append(13)
            }
        }
        return stream
    }
}
