extension CloseReason {
    /// A reason without what belongs to it, so that there are few of them: for counters. The raw values are in snake case, as labels of
    /// metrics are.
    ///
    /// A later version may add some, so a `switch` over them in another package needs an `@unknown default`.
    @nonexhaustive
    public enum Kind: String, CaseIterable, Sendable {
        case endOfInput = "end_of_input"
        case requested
        case shutdown
        case messageTooLong = "message_too_long"
        case malformedMessage = "malformed_message"
        case incompleteMessage = "incomplete_message"
        case tooSlow = "too_slow"
        case outputOverflow = "output_overflow"
        case memoryLimit = "memory_limit"
        case connectTimedOut = "connect_timed_out"
        case truncated
        case transportFailed = "transport_failed"
        case handshakeTimedOut = "handshake_timed_out"
        case idleTimedOut = "idle_timed_out"
        case firstMessageTimedOut = "first_message_timed_out"
        case failed
    }

    /// Which of the cases it is.
    public var kind: Kind {
        switch self {
        case .endOfInput: .endOfInput
        case .requested: .requested
        case .shutdown: .shutdown
        case .messageTooLong: .messageTooLong
        case .malformedMessage: .malformedMessage
        case .incompleteMessage: .incompleteMessage
        case .tooSlow: .tooSlow
        case .outputOverflow: .outputOverflow
        case .memoryLimit: .memoryLimit
        case .connectTimedOut: .connectTimedOut
        case .truncated: .truncated
        case .transportFailed: .transportFailed
        case .handshakeTimedOut: .handshakeTimedOut
        case .idleTimedOut: .idleTimedOut
        case .firstMessageTimedOut: .firstMessageTimedOut
        case .failed: .failed
        }
    }
}
