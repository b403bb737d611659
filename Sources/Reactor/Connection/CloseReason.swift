/// Why a connection was closed. What a `ConnectionHandler` is told at its end, and what a log may print.
///
/// A later version may have more reasons, so a `switch` over them in another package has an `@unknown default`.
@nonexhaustive
public enum CloseReason: Hashable, Sendable {
    /// The peer said that it has nothing more to send. What was still due to it has been sent.
    case endOfInput
    /// This side asked for it.
    case requested
    /// This side is shutting down.
    case shutdown
    /// A message was longer than the connection allows.
    case messageTooLong
    /// What came cannot be a message, as the framing has it. What was still due to the peer has been sent.
    case malformedMessage
    /// The input ended within a message, which is dropped. What was still due to the peer has been sent.
    case incompleteMessage
    /// The peer took its output too slowly.
    case tooSlow
    /// More output of its own waited than the connection allows.
    case outputOverflow
    /// No connection came about within its deadline.
    case connectTimedOut
    /// The input ended although the transport, TLS perhaps, was not told that it would: something may be missing. What was unfinished is
    /// dropped.
    case truncated
    /// The transport gave up: its handshake failed, or what came was not sealed by the peer.
    indirect case transportFailed(TransportFailure)
    /// The handshake of the transport was not complete by its deadline.
    case handshakeTimedOut
    /// A system call failed: the peer reset the connection, or could not be reached.
    case failed(Errno)
}

extension CloseReason: CustomStringConvertible {
    /// A few words in lower case, as in `end of input`; for a failure the system's sentence, as in `Connection reset by peer`.
    public var description: String {
        switch self {
        case .endOfInput: "end of input"
        case .requested: "closed on request"
        case .shutdown: "shutting down"
        case .messageTooLong: "message too long"
        case .malformedMessage: "malformed message"
        case .incompleteMessage: "incomplete message at the end of input"
        case .tooSlow: "too slow"
        case .outputOverflow: "too much output waiting"
        case .connectTimedOut: "connecting took too long"
        case .truncated: "input cut off"
        case .transportFailed(let failure): failure.description
        case .handshakeTimedOut: "the handshake took too long"
        case .failed(let error): error.description
        }
    }
}

/// What the asynchronous interface throws when a connection has ended, or cannot come about.
extension CloseReason: Error {}
