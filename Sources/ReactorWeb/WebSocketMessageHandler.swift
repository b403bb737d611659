public import Reactor

/// What a message of WebSocket is.
public enum WebSocketMessageKind: Hashable, Sendable {
    /// UTF-8.
    case text
    /// Any bytes.
    case binary
}

/// A handler that is for WebSocket, and gets its messages as they are: bytes as well as text, and text with line ends in it.
///
/// Any other `ConnectionHandler` may serve a WebSocket, too: see ``HTTPResponse/webSocket(for:options:subprotocols:pingInterval:makeHandler:)``.
public protocol WebSocketMessageHandler: ConnectionHandler {
    /// A message has come. It is valid during this call only, and if it is text, it is UTF-8. `connection(_:didReceive:)` is not called.
    func connection(_ connection: Connection, didReceive message: Span<UInt8>, as kind: WebSocketMessageKind)
}

extension WebSocketMessageHandler {
    /// Does nothing: it is not called.
    public func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}
}

extension Connection {
    /// Whether what goes over the connection are frames of WebSocket.
    package var isWebSocket: Bool { options.framing is WebSocketFraming }

    /// Sends a message of bytes over a WebSocket, at the end of the turn. A text is sent by `sendMessage`.
    ///
    /// - Returns: Whether it was accepted: not if the connection is no WebSocket, and in the cases of `send`.
    /// - Complexity: O(*n*) for *n* bytes, which are copied.
    @discardableResult
    public func sendBinaryMessage(_ bytes: Span<UInt8>) -> Bool {
        guard let framing = options.framing as? WebSocketFraming else { return false }
        return send(framing.frame(bytes, as: .binary).span)
    }
}
