/// Why a connection was closed: for `ConnectionHandler.connectionDidClose`, and for logs.
///
/// A later version may add reasons, so a `switch` over them in another package needs an `@unknown default`.
@nonexhaustive
public enum CloseReason: Hashable, Sendable {
    /// The peer has shut down its side. Everything that waited for it was sent first.
    case endOfInput
    /// This side called `Connection.finish` or `close`.
    case requested
    /// The loop is shutting down or closing.
    case shutdown
    /// A message was longer than `Connection.Options.maximumMessageLength`.
    case messageTooLong
    /// The framing says that what came is no message. Everything that waited for the peer was sent first.
    case malformedMessage
    /// The input ended within a message, which is dropped. Everything that waited for the peer was sent first.
    case incompleteMessage
    /// The peer read too slowly: see `Connection.Options.flushTimeout`, and the policies of topics.
    case tooSlow
    /// More than `Connection.Options.maximumPendingOutput` would have waited for the peer.
    case outputOverflow
    /// The connections held more memory for their peers than `EventLoop.Configuration.memoryLimit`, and this one the most.
    case memoryLimit
    /// The connection was not made by its deadline.
    case connectTimedOut
    /// The input ended, and the peer's transport, TLS perhaps, had not said that it would. Somebody may have cut it off. An
    /// unfinished message is dropped.
    case truncated
    /// The transport gave up: its handshake failed, or the peer has not sealed what came.
    indirect case transportFailed(TransportFailure)
    /// The handshake of the transport was not complete by its deadline.
    case handshakeTimedOut
    /// The peer has sent nothing for `Connection.Options.idleTimeout`.
    case idleTimedOut
    /// Neither side has sent anything for `Connection.Options.firstMessageTimeout` after the connection opened.
    case firstMessageTimedOut
    /// A system call failed, because the peer reset the connection or could not be reached, for example.
    case failed(Errno)
}

extension CloseReason: CustomStringConvertible {
    /// A few words in lower case, as in `end of input`; for `failed`, the system's sentence, as in `Connection reset by peer`.
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
        case .memoryLimit: "too much memory in use"
        case .connectTimedOut: "connecting took too long"
        case .truncated: "input cut off"
        case .transportFailed(let failure): failure.description
        case .handshakeTimedOut: "the handshake took too long"
        case .idleTimedOut: "idle for too long"
        case .firstMessageTimedOut: "no first message"
        case .failed(let error): error.description
        }
    }
}

/// The connections of tasks throw a `CloseReason` when they have ended, or cannot be made.
extension CloseReason: Error {}
