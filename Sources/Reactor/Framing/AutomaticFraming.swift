/// As `LineFraming`; but until a connection has sent its first newline, what has been unfinished for `idle` counts as a line, too.
///
/// It serves clients that send no newline at all, and costs those that do nothing after their first line. The idle time is the
/// connection's doing: inside another framing, this one is the same as `LineFraming`.
public struct AutomaticFraming: Framing, Hashable {
    /// How long nothing must have come. Less than none counts as none.
    public var idle: Duration

    /// As `automatic(idle:)`, which reads better where the type is known.
    public init(idle: Duration = .milliseconds(50)) {
        self.idle = idle
    }

    public func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
        LineFraming().messageExtent(in: bytes, seen: seen)
    }

    public func content(of message: Span<UInt8>) -> Range<Int> {
        LineFraming().content(of: message)
    }

    public var maximumEnvelopeLength: Int { LineFraming().maximumEnvelopeLength }
}

extension Framing where Self == AutomaticFraming {
    /// As `lines`; but until a connection has sent its first newline, what has been unfinished for `idle` counts as a line, too.
    public static func automatic(idle: Duration = .milliseconds(50)) -> AutomaticFraming { AutomaticFraming(idle: idle) }
}
