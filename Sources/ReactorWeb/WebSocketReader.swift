import Reactor

/// Makes messages of the frames of one peer, and refuses what is not as RFC 6455 has it. It is a value and knows nothing of connections.
struct WebSocketReader {
    /// Why the WebSocket cannot go on.
    struct Failure: Error {
        let code: WebSocketCloseCode
        let description: String

        init(_ code: WebSocketCloseCode, _ description: String) {
            self.code = code
            self.description = description
        }
    }

    enum Event {
        /// A message is whole: it is the payload of this frame, or what `takeMessage` returns if it has come in parts.
        case message(WebSocketMessageKind, isInParts: Bool)
        case ping
        case pong
        /// The peer closes, and says why; nil if it does not.
        case close(WebSocketCloseCode?)
        /// The message goes on in the next frame.
        case part
    }

    private let isServer: Bool
    private let limit: Int
    /// What has come of a message in parts.
    private var parts: [UInt8] = []
    private var kind: WebSocketMessageKind?
    /// Whether the last message, or a part of it, was passed over for its length: then its other parts may come.
    private var hasPassedOver = false
    private var validator = UTF8Validator()

    /// - Parameter limit: How long a message may be.
    init(isServer: Bool, limit: Int) {
        self.isServer = isServer
        self.limit = limit
    }

    /// Whether the next part of a message is to come.
    var isInMessage: Bool { kind != nil }

    /// How much memory the parts of a message take.
    var capacity: Int { parts.capacity }

    /// A frame was passed over for its length.
    mutating func passOver() { hasPassedOver = true }

    /// Checks a frame before its payload is looked at.
    func check(_ header: WebSocketFrameHeader) throws(Failure) {
        if (header.mask != nil) != isServer {
            throw Failure(.protocolError, isServer ? "a frame without a mask" : "a masked frame from a server")
        }
        switch header.opcode {
        case .continuation where kind == nil && hasPassedOver:
            throw Failure(.messageTooBig, "a message that is too long")
        case .continuation where kind == nil: throw Failure(.protocolError, "a continuation of nothing")
        case .text where kind != nil, .binary where kind != nil: throw Failure(.protocolError, "a message within another")
        default: break
        }
        if !header.opcode.isControl, parts.count + header.payloadLength > limit {
            throw Failure(.messageTooBig, "a message that is too long")
        }
    }

    /// Takes a frame that was checked, with its payload unmasked.
    mutating func receive(_ header: WebSocketFrameHeader, _ payload: Span<UInt8>) throws(Failure) -> Event {
        switch header.opcode {
        case .ping: return .ping
        case .pong: return .pong
        case .close: return .close(try Self.closeCode(of: payload))
        case .text: kind = .text
        case .binary: kind = .binary
        case .continuation: break
        }
        hasPassedOver = false
        guard let kind else { throw Failure(.protocolError, "a continuation of nothing") }
        if kind == .text, !validator.accept(payload) { throw Failure(.invalidText, "a text that is no UTF-8") }
        guard header.isFinal else {
            parts.append(payload)
            return .part
        }
        if kind == .text, !validator.isComplete { throw Failure(.invalidText, "a text that ends within a character") }
        self.kind = nil
        if header.opcode != .continuation { return .message(kind, isInParts: false) }
        parts.append(payload)
        return .message(kind, isInParts: true)
    }

    /// Removes and returns what the parts of a message make.
    mutating func takeMessage() -> [UInt8] {
        var message: [UInt8] = []
        swap(&message, &parts)
        return message
    }

    private static func closeCode(of payload: Span<UInt8>) throws(Failure) -> WebSocketCloseCode? {
        if payload.isEmpty { return nil }
        guard payload.count >= 2 else { throw Failure(.protocolError, "half a close code") }
        let code = WebSocketCloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
        guard code.isValid else { throw Failure(.protocolError, "a close code that nobody may send") }
        var validator = UTF8Validator()
        guard validator.accept(payload.extracting(droppingFirst: 2)), validator.isComplete else {
            throw Failure(.invalidText, "a reason that is no UTF-8")
        }
        return code
    }
}
