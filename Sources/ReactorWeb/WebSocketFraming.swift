public import Reactor

/// Frames of WebSocket (RFC 6455) as messages of a connection: where one ends, and how one is made of a text.
///
/// A connection that has become a WebSocket reads frames by it. What is sent by `Connection.sendMessage` becomes a frame of text; to
/// publish frames in a topic, make them by ``appendMessage(_:to:)``:
///
/// ```swift
/// var frame: [UInt8] = []
/// _ = WebSocketFraming.server.appendMessage("tea is ready".utf8.span, to: &frame)
/// topic.publish(frame.span)
/// ```
public struct WebSocketFraming: Framing, Hashable {
    /// The side of the connection: what a client sends is masked, what a server sends is not.
    let role: TransportRole

    /// The framing of a server.
    public static var server: Self { Self(role: .server) }
    /// The framing of a client.
    public static var client: Self { Self(role: .client) }

    /// A frame that is malformed is handed on, as far as its first two bytes: a handler can then say so to the peer.
    public func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
        switch WebSocketFrameHeader.parse(bytes) {
        case .header(let header, let length): .length(length + header.payloadLength)
        case .incomplete: .unknown
        case .malformed: .length(2)
        }
    }

    /// The payload, as it is on the wire: masked, if it comes from a client.
    public func content(of message: Span<UInt8>) -> Range<Int> {
        guard case .header(let header, let length) = WebSocketFrameHeader.parse(message) else { return 0..<0 }
        return length..<length + header.payloadLength
    }

    /// A frame of text. What is no UTF-8 in the content becomes U+FFFD, since a peer would close the connection for it.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    public func appendMessage(_ content: Span<UInt8>, to output: inout [UInt8]) -> Bool {
        if (try? UTF8Span(validating: content)) != nil {
            append(content, as: .text, to: &output)
        } else {
            append(
                unsafe content.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }.utf8.span, as: .text,
                to: &output)
        }
        return true
    }

    /// Makes a server's frame of text of the one line that lies behind a place in some memory. It must be UTF-8, and end with a newline.
    package func frameLine(of output: inout [UInt8], from start: Int) {
        output.removeLast()
        var header: [UInt8] = []
        WebSocketFrameHeader(opcode: .text, payloadLength: output.count - start).append(to: &header)
        output.insert(contentsOf: header, at: start)
    }

    func append(_ payload: Span<UInt8>, as opcode: WebSocketFrameHeader.Opcode, to output: inout [UInt8]) {
        let mask: UInt32? = role == .client ? .random(in: 0...UInt32.max) : nil
        WebSocketFrameHeader(opcode: opcode, mask: mask, payloadLength: payload.count).append(to: &output)
        let start = output.count
        output.append(payload)
        guard let mask else { return }
        unsafe output.withUnsafeMutableBufferPointer { output in
            if let base = output.baseAddress { unsafe exclusiveOr(payload, with: mask, into: base + start) }
        }
    }

    /// One frame alone.
    func frame(_ payload: Span<UInt8>, as opcode: WebSocketFrameHeader.Opcode) -> [UInt8] {
        var frame: [UInt8] = []
        append(payload, as: opcode, to: &frame)
        return frame
    }

    public var maximumEnvelopeLength: Int { WebSocketFrameHeader.maximumLength }
}
