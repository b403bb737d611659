/// A message is a length and that many bytes, of which there may be none. The length is unsigned, in network byte order (big-endian),
/// and does not count itself.
///
/// A message whose length is beyond `Connection.Options.maximumMessageLength` is too long. The handler is told as soon as the length has come,
/// and if it does not close the connection, that many bytes are skipped.
public struct LengthPrefixedFraming: Framing, Hashable {
    /// How many bytes the length itself has.
    public enum Width: Int, Sendable, CaseIterable {
        /// Contents of up to 255 bytes.
        case oneByte = 1
        /// Contents of up to 65,535 bytes.
        case twoBytes = 2
        /// Contents of up to 4 GiB, less one byte; a connection allows 1 GiB at most.
        case fourBytes = 4
    }

    /// How many bytes the length itself has.
    public var width: Width

    /// Makes what `lengthPrefixed(_:)` is, which reads better where the type is known.
    public init(_ width: Width) {
        self.width = width
    }

    public func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
        if bytes.count < width.rawValue { return .unknown }
        var length = 0
        for index in 0..<width.rawValue { length = length << 8 | Int(bytes[index]) }
        return .length(width.rawValue + length)
    }

    public func content(of message: Span<UInt8>) -> Range<Int> { width.rawValue..<message.count }

    public var maximumEnvelopeLength: Int { width.rawValue }

    /// Makes a message of its content, to be sent or published: the length and then the content. Returns nil if the length does not fit into
    /// its bytes.
    ///
    /// ```swift
    /// if let message = LengthPrefixedFraming(.twoBytes).frame("hello".utf8.span) { connection.send(message.span) }
    /// ```
    ///
    /// - Complexity: O(*n*) for *n* bytes of content.
    public func frame(_ content: Span<UInt8>) -> [UInt8]? {
        var message: [UInt8] = []
        message.reserveCapacity(width.rawValue + content.count)
        return appendMessage(content, to: &message) ? message : nil
    }

    /// The length and the content, if the length fits into its bytes.
    public func appendMessage(_ content: Span<UInt8>, to output: inout [UInt8]) -> Bool {
        let bits = 8 * width.rawValue
        if content.count >> bits != 0 { return false }
        for shift in stride(from: bits - 8, through: 0, by: -8) {
            output.append(UInt8(truncatingIfNeeded: content.count >> shift))
        }
        output.append(content)
        return true
    }
}

extension Framing where Self == LengthPrefixedFraming {
    /// A message is a length of 1, 2 or 4 bytes, in network byte order, and as many bytes as it says.
    public static func lengthPrefixed(_ width: LengthPrefixedFraming.Width) -> LengthPrefixedFraming {
        LengthPrefixedFraming(width)
    }
}
