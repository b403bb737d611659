/// A message is whatever one read brought, byte for byte: `EventLoop.Configuration.readSize` bytes at most. No chunk is too long.
public struct ChunkFraming: Framing, Hashable {
    /// As `chunks`, which reads better where the type is known.
    public init() {}

    public func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent { .length(bytes.count) }

    public var maximumEnvelopeLength: Int { 0 }
}

extension Framing where Self == ChunkFraming {
    /// A message is whatever one read brought, byte for byte. No chunk is too long.
    public static var chunks: ChunkFraming { ChunkFraming() }
}
