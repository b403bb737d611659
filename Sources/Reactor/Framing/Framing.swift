/// How a connection's bytes become messages.
///
/// Lines, chunks, messages that end with a NUL and messages that begin with their length come with the library:
///
/// ```swift
/// var options = Connection.Options()
/// options.framing = .lengthPrefixed(.fourBytes)
/// ```
///
/// To write another takes a few lines, because a framing only says where a message ends. The messages of this one have sixteen bytes
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
    ///   - seen: How many of the bytes the framing has already seen, and has answered `unknown`: a search for a terminator may begin
    ///     there. 0 otherwise.
    /// - Returns: The length of the first message. A length below one byte counts as malformed.
    func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent

    /// Says which bytes of a message are its content, which a handler gets: the message without its header and its terminator. By
    /// default all bytes are. A topic relays the message as it came.
    ///
    /// - Parameter message: One whole message, as long as `messageExtent` has said.
    /// - Returns: A range of indices of `message`. A range that goes beyond them is clamped to them.
    func content(of message: Span<UInt8>) -> Range<Int>

    /// Appends a message of a content, as `Connection.sendMessage` sends it: with its header and its terminator. By default the content is
    /// all of it.
    ///
    /// A content that no message can have, such as one that is longer than a length can say, must append nothing: then false is returned.
    func appendMessage(_ content: Span<UInt8>, to output: inout [UInt8]) -> Bool

    /// How many bytes of a message at most are not its content, from 0 to 65,536; by default 64.
    ///
    /// A message that is longer than `Connection.Options.maximumMessageLength` plus this is too long as soon as its length is
    /// known. Of a shorter message, the content is measured once all of it is there. The value is read once, when a listener or
    /// a connection is made or a connection is upgraded.
    var maximumEnvelopeLength: Int { get }
}

extension Framing {
    /// All bytes of the message.
    public func content(of message: Span<UInt8>) -> Range<Int> { 0..<message.count }

    /// The content, and nothing else.
    public func appendMessage(_ content: Span<UInt8>, to output: inout [UInt8]) -> Bool {
        output.append(content)
        return true
    }

    /// 64 bytes.
    public var maximumEnvelopeLength: Int { 64 }
}

/// What the bytes that have come say about the length of a message.
public enum MessageExtent: Hashable, Sendable {
    /// The message has this many bytes, header and terminator included: at least one. If they are not all there yet, the framing is
    /// asked again when they are, and not before.
    case length(Int)
    /// The length is not known yet. The framing is asked again when more bytes have come.
    case unknown
    /// The bytes cannot be a message. The messages before them are delivered, the output that waits is sent, and the connection closes
    /// with the reason `malformedMessage`.
    case malformed
}

extension Framing {
    /// `maximumEnvelopeLength`, clamped to its range. `Connection.SharedOptions` reads it once: a framing may answer differently the
    /// next time.
    var envelopeLimit: Int { min(max(maximumEnvelopeLength, 0), 65_536) }
}

extension [UInt8] {
    package mutating func append(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
