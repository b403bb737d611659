/// A message is a line. `\n` ends it, and `\r\n` is taken as `\n`. At the end of input the rest counts as a line.
///
/// A connection knows this framing and has a faster way for it, which also relays a line without its carriage return.
public struct LineFraming: Framing, Hashable {
    /// As `lines`, which reads better where the type is known.
    public init() {}

    public func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
        bytes.firstIndex(of: UInt8(ascii: "\n"), from: seen).map { .length($0 + 1) } ?? .unknown
    }

    public func content(of message: Span<UInt8>) -> Range<Int> {
        let end = message.count - 1
        return 0..<(end > 0 && message[end - 1] == UInt8(ascii: "\r") ? end - 1 : end)
    }

    public var maximumEnvelopeLength: Int { 2 }
}

extension Framing where Self == LineFraming {
    /// A message is a line. `\n` ends it, and `\r\n` is taken as `\n`. At the end of input the rest counts as a line.
    public static var lines: LineFraming { LineFraming() }
}
