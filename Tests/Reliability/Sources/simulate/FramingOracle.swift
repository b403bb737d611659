import Reactor

/// Checks each message that a connection delivers against all that its peer wrote: it must be the next one.
struct FramingOracle {
    /// The framings that it knows.
    enum Kind: Equatable {
        case lines
        case automatic(idle: Duration)
        case chunks

        var framing: any Framing {
            switch self {
            case .lines: .lines
            case .automatic(let idle): .automatic(idle: idle, letterIdle: idle)
            case .chunks: .chunks
            }
        }
    }

    private let kind: Kind
    private let limit: Int
    /// All that the peer has written.
    private(set) var written: [UInt8] = []
    /// How much of it has become messages.
    private var position = 0
    private var hasSeenNewline = false
    /// Whether a pause has ended a line.
    private var hasEndedLineAtPause = false
    /// Whether a line that is too long has been reported, and not ended yet.
    private var isDiscarding = false

    init(_ kind: Kind, limit: Int) {
        self.kind = kind
        self.limit = limit
    }

    mutating func write(_ bytes: some Sequence<UInt8>) { written += bytes }

    /// - Parameters:
    ///   - received: How many bytes the program has received.
    ///   - hasEnded: Whether it has seen the end.
    ///   - quiet: How many nanoseconds ago it received the last of them.
    mutating func check(_ message: Span<UInt8>, received: Int, hasEnded: Bool, quiet: Int64) throws(Finding) {
        dropRestOfLongLine(received)
        skipTerminator(received)
        var expected = written[position..<received]
        if kind == .chunks {
            position = received
        } else if let newline = expected.firstIndex(of: 10) {
            hasSeenNewline = true
            expected = expected[..<newline]
            if expected.last == 13 { expected.removeLast() }
            position = newline + 1
            if expected.count > limit { throw Finding("a line that is too long was delivered") }
        } else {
            guard hasEnded || isIdle(after: quiet) else { throw Finding("an unfinished line was delivered") }
            position = received
            if !hasEnded {
                hasEndedLineAtPause = true
                if expected.last == 13 { expected.removeLast() }
            }
        }
        if message.count != expected.count || !Self.isEqual(message, expected) {
            throw Finding("a message is not what the peer wrote", "\(message.count) bytes instead of \(expected.count)")
        }
    }

    /// Whether an unfinished line counts as a whole one by now.
    func isIdle(after quiet: Int64) -> Bool {
        guard case .automatic(let idle) = kind else { return false }
        return !hasSeenNewline && .nanoseconds(quiet) >= idle
    }

    mutating func checkDiscarded(received: Int) throws(Finding) {
        dropRestOfLongLine(received)
        skipTerminator(received)
        let line = written[position..<received]
        if let newline = line.firstIndex(of: 10) {
            let content = line[..<newline].last == 13 ? line[..<newline].dropLast() : line[..<newline]
            if content.count <= limit { throw Finding("a line that is not too long was discarded") }
            position = newline + 1
        } else {
            if line.count <= limit { throw Finding("a line that is not too long was discarded") }
            isDiscarding = true
        }
    }

    /// At the end of a turn, all that was received has been delivered, except an unfinished line.
    mutating func checkNothingIsKept(received: Int) throws(Finding) {
        dropRestOfLongLine(received)
        if isDiscarding { return }
        skipTerminator(received)
        if kind == .chunks ? position < received : written[position..<received].contains(10) {
            throw Finding("a message was received and not delivered")
        }
    }

    private mutating func dropRestOfLongLine(_ received: Int) {
        guard isDiscarding, let newline = written[position..<received].firstIndex(of: 10) else { return }
        isDiscarding = false
        position = newline + 1
    }

    /// A first newline that follows a line that a pause has ended belongs to that line.
    private mutating func skipTerminator(_ received: Int) {
        guard hasEndedLineAtPause, !hasSeenNewline else { return }
        let rest = written[position..<received]
        for terminator in [[10], [13, 10]] as [[UInt8]] where rest.starts(with: terminator) {
            hasSeenNewline = true
            position += terminator.count
            return
        }
    }

    private static func isEqual(_ message: Span<UInt8>, _ expected: ArraySlice<UInt8>) -> Bool {
        for index in 0..<message.count where message[index] != expected[expected.startIndex + index] { return false }
        return true
    }
}
