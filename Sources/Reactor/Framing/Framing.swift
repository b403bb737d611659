/// How a connection's bytes become messages.
///
/// Lines, chunks, messages that NUL ends and messages behind their length come with the library:
///
/// ```swift
/// var options = Connection.Options()
/// options.framing = .lengthPrefixed(.fourBytes)
/// ```
///
/// Another is written in a few lines, since all that it has to say is where a message ends. This one's messages are sixteen bytes each:
///
/// ```swift
/// struct Records: Framing {
///     func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent { .length(16) }
/// }
/// ```
///
/// A framing has no state: one value serves all connections of a listener, and what a connection keeps of an unfinished message is
/// the connection's affair. It may be asked about the same bytes more than once, and answers the same then. Its functions are called on the loop's thread while bytes are being received, and must not call back into the
/// connection.
///
/// At the end of input the rest is a message for `lines` and `automatic` alone. With all other framings, a message that lacks its end is
/// dropped, and the connection closes with the reason `incompleteMessage`.
public protocol Framing: Sendable {
    /// Says how long the first message is.
    ///
    /// - Parameters:
    ///   - bytes: At least one byte, of which the first begins a message. Other messages may follow.
    ///   - seen: In how many of the bytes this has already been asked about the same message, and the answer was `unknown`: a search for
    ///     a terminator may begin there. 0 otherwise.
    /// - Returns: The length of the first message; less than one byte counts as malformed.
    func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent

    /// Which bytes of a message are its content: what a handler gets, less the header and the terminator that only its peer and the
    /// framing care about. All of them unless a framing says otherwise. What a topic relays is the message as it came.
    ///
    /// - Parameter message: One whole message, as long as `messageExtent` has said.
    /// - Returns: A range of indices of `message`; what is beyond them is cut off.
    func content(of message: Span<UInt8>) -> Range<Int>

    /// How many bytes of a message at most are not its content, from 0 to 65,536; 64 unless a framing says otherwise.
    ///
    /// A message whose length is by more than this beyond `Connection.Options.maximumMessageLength` is too long as soon as that is
    /// known, and not only once it has come and its content can be told.
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
    /// The message has this many bytes, header and terminator included: at least one. They need not all be there yet; if they are not,
    /// the framing is asked again when they are, and not before.
    case length(Int)
    /// That cannot be told yet. The framing is asked again when more bytes have come.
    case unknown
    /// The bytes cannot be a message. What precedes them is handed on, what waits for the peer is sent, and the connection closes with the
    /// reason `malformedMessage`.
    case malformed
}
