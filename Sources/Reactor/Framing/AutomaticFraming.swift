/// Lines from people, whatever they type into: `LineFraming`, and what telnet and clients that send no newline need.
///
/// - Until a connection has sent its first newline, a pause ends a line, too: nothing has come for `idle`, or for `letterIdle` if the
///   first letter of the line came alone. A pause in the middle of a letter of UTF-8 ends nothing. A newline that follows such a line
///   directly belongs to it. From the first newline on, newlines alone end lines.
/// - `\r\0` ends a line as `\r\n` does: telnet sends it for the return key when it sends each key at once.
/// - Commands of telnet are taken out, wherever they are. What a peer offers or requests is refused, so that a telnet client does not
///   wait for an answer; a refusal is not answered, and all other commands are ignored. A command is the byte 255 and one from 236 to
///   254, with what belongs to it; 255 255 is one byte 255. UTF-8 never contains the byte 255. Once something would be taken out of
///   what is no UTF-8, nothing is taken out any more; `lines` and `chunks` never take out anything.
///
/// All of this is done by the connection: inside another framing, this one is the same as `LineFraming`.
public struct AutomaticFraming: Framing, Hashable {
    /// How long nothing must have come. A negative time counts as none.
    public var idle: Duration
    /// How long nothing must have come if the first letter of the line came alone: then others may follow, one by one. At least
    /// `idle`.
    public var letterIdle: Duration

    /// Makes what `automatic(idle:letterIdle:)` does, which reads better where the type is known.
    public init(idle: Duration = .milliseconds(50), letterIdle: Duration = .seconds(1)) {
        self.idle = idle
        self.letterIdle = letterIdle
    }

    public func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
        LineFraming().messageExtent(in: bytes, seen: seen)
    }

    public func content(of message: Span<UInt8>) -> Range<Int> {
        LineFraming().content(of: message)
    }

    /// The content and a newline.
    public func appendMessage(_ content: Span<UInt8>, to output: inout [UInt8]) -> Bool {
        LineFraming().appendMessage(content, to: &output)
    }

    public var maximumEnvelopeLength: Int { LineFraming().maximumEnvelopeLength }
}

extension Framing where Self == AutomaticFraming {
    /// Lines from people: until a connection has sent its first newline, a pause ends a line, too, and telnet's commands are taken out.
    public static func automatic(
        idle: Duration = .milliseconds(50), letterIdle: Duration = .seconds(1)
    ) -> AutomaticFraming {
        AutomaticFraming(idle: idle, letterIdle: letterIdle)
    }
}
