/// How a connection's bytes become messages.
///
/// Lines, chunks, messages that NUL ends and messages behind their length come with the library:
///
/// ```swift
/// var options = Connection.Options()
/// options.framing = .lengthPrefixed(.fourBytes)
/// ```
///
/// Another is written in a few lines, since all that it has to say is where a message ends. This one's messages are sixteen bytes
/// each:
///
/// ```swift
/// struct Records: Framing {
///     func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent { .length(16) }
/// }
/// ```
///
/// Framings are stateless: one value serves all connections of a listener, and the connection keeps what has come of an
/// unfinished message. A framing must be deterministic, because the connection may ask about the same bytes again; one that is
/// not gets malformed or discarded messages, and does no other harm. Its functions are called on the loop's thread while bytes
/// are being received, and must not call back into the connection.
///
/// With `lines` and `automatic`, the rest at the end of input is a message. With all other framings, a message that lacks its end
/// is dropped, and the connection closes with the reason `incompleteMessage`.
public protocol Framing: Sendable {
    /// Says how long the first message is.
    ///
    /// - Parameters:
    ///   - bytes: At least one byte, of which the first begins a message. Other messages may follow.
    ///   - seen: In how many of the bytes this has already been asked about the same message, and the answer was `unknown`: a search for
    ///     a terminator may begin there. 0 otherwise.
    /// - Returns: The length of the first message; less than one byte counts as malformed.
    func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent

    /// Which bytes of a message are its content: what a handler gets, less the header and the terminator that only its peer and
    /// the framing care about. All of them unless a framing says otherwise. What a topic relays is the message as it came.
    ///
    /// - Parameter message: One whole message, as long as `messageExtent` has said.
    /// - Returns: A range of indices of `message`; what is beyond them is cut off.
    func content(of message: Span<UInt8>) -> Range<Int>

    /// How many bytes of a message at most are not its content, from 0 to 65,536; 64 unless a framing says otherwise.
    ///
    /// A message that is longer than `Connection.Options.maximumMessageLength` plus this is too long as soon as its length is
    /// known; a shorter one is judged by its content, once it is there. The value is read once, when a listener or a connection
    /// is made.
    var maximumEnvelopeLength: Int { get }
}

extension Framing {
    /// All bytes of the message.
    public func content(of message: Span<UInt8>) -> Range<Int> { 0..<message.count }

    /// 64 bytes.
    public var maximumEnvelopeLength: Int { 64 }
}

/// How long a message is, as far as the bytes tell that have come.
public enum MessageExtent: Hashable, Sendable {
    /// The message has this many bytes, header and terminator included: at least one. They need not all be there yet; if they are
    /// not, the framing is asked again when they are, and not before.
    case length(Int)
    /// That cannot be told yet. The framing is asked again when more bytes have come.
    case unknown
    /// The bytes cannot be a message. What precedes them is handed on, what waits for the peer is sent, and the connection closes
    /// with the reason `malformedMessage`.
    case malformed
}

extension Framing {
    /// `maximumEnvelopeLength`, clamped to its range. `Connection.SharedOptions` reads it once: a framing may answer differently the
    /// next time.
    var envelopeLimit: Int { min(max(maximumEnvelopeLength, 0), 65_536) }
}
