/// A message is what precedes a NUL, a byte that is 0; it may have no bytes at all. What comes behind the last NUL is none.
///
/// Of a message that is too long the end is not known, so the connection is closed over it, whatever its handler decides.
public struct NULTerminatedFraming: Framing, Hashable {
    /// As `nulTerminated`, which reads better where the type is known.
    public init() {}

    public func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
        bytes.firstIndex(of: 0, from: seen).map { .length($0 + 1) } ?? .unknown
    }

    public func content(of message: Span<UInt8>) -> Range<Int> { 0..<message.count - 1 }

    public var maximumEnvelopeLength: Int { 1 }
}

extension Framing where Self == NULTerminatedFraming {
    /// A message is what precedes a NUL, a byte that is 0.
    public static var nulTerminated: NULTerminatedFraming { NULTerminatedFraming() }
}
