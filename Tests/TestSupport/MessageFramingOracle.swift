public import Reactor

/// Framings other than lines in the simplest way: with the whole stream at hand, and one message at a time.
public enum MessageFramingOracle: CaseIterable, Sendable {
    case nulTerminated, oneByteLength, twoByteLength, fourByteLength, netstrings

    /// The messages of a stream, and the reason for which the connection closes after them.
    public struct Expectation: Equatable, Sendable {
        public var events: [FramingOracle.Event]
        public var reason: CloseReason

        public init(events: [FramingOracle.Event] = [], reason: CloseReason = .endOfInput) {
            self.events = events
            self.reason = reason
        }
    }

    public var framing: any Framing {
        switch self {
        case .nulTerminated: .nulTerminated
        case .oneByteLength: .lengthPrefixed(.oneByte)
        case .twoByteLength: .lengthPrefixed(.twoBytes)
        case .fourByteLength: .lengthPrefixed(.fourBytes)
        case .netstrings: Netstrings()
        }
    }

    /// How many bytes a length has.
    var width: Int {
        switch self {
        case .oneByteLength: 1
        case .twoByteLength: 2
        default: 4
        }
    }

    /// What a connection makes of a stream if its handler does not close it for messages that are too long.
    public func expectation(of stream: [UInt8], limit: Int) -> Expectation {
        var expectation = Expectation()
        var rest = stream[...]
        while !rest.isEmpty, expectation.reason == .endOfInput {
            switch self {
            case .nulTerminated: takeTerminated(from: &rest, limit, &expectation)
            case .netstrings: takeNetstring(from: &rest, limit, &expectation)
            default: takePrefixed(from: &rest, limit, &expectation)
            }
        }
        return expectation
    }

    private func takeTerminated(from rest: inout ArraySlice<UInt8>, _ limit: Int, _ expectation: inout Expectation) {
        let content = rest.prefix { $0 != 0 }
        let isWhole = content.count < rest.count
        if content.count > limit, isWhole || content.count > limit + 1 {
            expectation.events.append(.tooLong)
            expectation.reason = .messageTooLong
        } else if isWhole {
            expectation.events.append(.message(Array(content)))
            rest = rest.dropFirst(content.count + 1)
        } else {
            expectation.reason = .incompleteMessage
        }
    }

    private func takePrefixed(from rest: inout ArraySlice<UInt8>, _ limit: Int, _ expectation: inout Expectation) {
        guard rest.count >= width else { return expectation.reason = .incompleteMessage }
        let length = rest.prefix(width).reduce(0) { $0 * 256 + Int($1) }
        let content = rest.dropFirst(width).prefix(length)
        if length > limit {
            expectation.events.append(.tooLong)
        } else if content.count == length {
            expectation.events.append(.message(Array(content)))
        }
        if content.count < length { expectation.reason = .incompleteMessage }
        rest = rest.dropFirst(width + length)
    }

    private func takeNetstring(from rest: inout ArraySlice<UInt8>, _ limit: Int, _ expectation: inout Expectation) {
        let digits = rest.prefix { (48...57).contains($0) }
        if digits.count > 9 || (digits.count > 1 && digits.first == 48) { return expectation.reason = .malformedMessage }
        let following = rest.dropFirst(digits.count)
        if following.isEmpty { return expectation.reason = .incompleteMessage }
        guard following.first == UInt8(ascii: ":"), !digits.isEmpty else { return expectation.reason = .malformedMessage }
        let length = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
        let content = following.dropFirst().prefix(length)
        let wireLength = digits.count + 1 + length + 1
        // It is longer than a message and an envelope may be: that is known at once, and its last byte is not looked at.
        if wireLength > limit + 64 {
            expectation.events.append(.tooLong)
            if wireLength > rest.count { expectation.reason = .incompleteMessage }
        } else if wireLength > rest.count {
            expectation.reason = .incompleteMessage
        } else if following.dropFirst(1 + length).first != UInt8(ascii: ",") {
            expectation.reason = .malformedMessage
        } else {
            expectation.events.append(length > limit ? .tooLong : .message(Array(content)))
        }
        rest = rest.dropFirst(wireLength)
    }
}
