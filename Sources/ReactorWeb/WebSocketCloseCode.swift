import Reactor

/// Why a WebSocket is closed, as the number that one side tells the other (RFC 6455, 7.4).
struct WebSocketCloseCode: Hashable {
    let rawValue: UInt16

    /// All is done.
    static var normal: Self { Self(rawValue: 1000) }
    /// The server shuts down, or the page is left.
    static var goingAway: Self { Self(rawValue: 1001) }
    /// What has come is no WebSocket.
    static var protocolError: Self { Self(rawValue: 1002) }
    /// Bytes have come where only text is taken.
    static var unsupportedData: Self { Self(rawValue: 1003) }
    /// A text has come that is no UTF-8.
    static var invalidText: Self { Self(rawValue: 1007) }
    /// The peer has done what it may not do.
    static var policyViolation: Self { Self(rawValue: 1008) }
    /// A message has come that is longer than what is taken.
    static var messageTooBig: Self { Self(rawValue: 1009) }
    /// The server has too much to do for now.
    static var tryAgainLater: Self { Self(rawValue: 1013) }

    /// Whether a peer may send it: those that are defined for that, and those that are for libraries and programs.
    var isValid: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

extension WebSocketCloseCode {
    /// What a peer is told whose connection finishes for a reason.
    init(for reason: CloseReason) {
        self =
            switch reason {
            case .shutdown: .goingAway
            case .messageTooLong: .messageTooBig
            case .malformedMessage: .protocolError
            case .idleTimedOut, .firstMessageTimedOut: .policyViolation
            case .tooSlow, .outputOverflow, .memoryLimit: .tryAgainLater
            default: .normal
            }
    }
}
