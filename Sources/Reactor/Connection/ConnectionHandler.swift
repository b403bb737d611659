/// An object that a connection tells what happens to it. The connection calls these on the loop's thread, in this order:
///
///     connectionDidOpen → (connection(_:didReceive:) | connectionDidDiscardMessage)* → connectionDidReadToEnd
///         → connectionDidClose
///
/// `connectionDidDrain` and `connectionDidTimeOut` come at any time between the first and the last. `connectionDidReadToEnd` comes only if
/// the connection allows a half-close, and the peer shuts down its side first. If connecting fails, `connectionDidClose` comes alone. None of
/// these is called from within `send`, `finish` or `close`.
///
/// One handler may serve any number of connections. A handler that is made for each connection has room for its state:
///
/// ```swift
/// final class Counter: ConnectionHandler {
///     private var lineCount = 0
///
///     func connection(_ connection: Connection, didReceive lines: borrowing MessageBatch) {
///         lineCount += lines.count
///         connection.send("\(lineCount) lines until now\n")
///     }
/// }
/// ```
///
/// A connection retains its handler. A handler that refers to its connection must drop the reference in `connectionDidClose`, or
/// hold it weakly; otherwise the two retain each other for ever.
public protocol ConnectionHandler: AnyObject {
    /// The connection has opened: its messages come, and it sends.
    func connectionDidOpen(_ connection: Connection)

    /// Messages have come. They are valid during this call only.
    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch)

    /// A message was longer than `Connection.Options.maximumMessageLength`. The connection discards it up to its end; the
    /// messages around it are whole.
    ///
    /// The default closes the connection, with the reason `messageTooLong`. A handler that does otherwise keeps it open,
    /// unless the framing cannot tell where the message ends: then the connection finishes. Lines, and messages that say
    /// their length, can always be passed over.
    func connectionDidDiscardMessage(_ connection: Connection)

    /// The kernel has taken all bytes that were passed to `Connection.send`; the peer may not have read them yet. This comes once
    /// for each turn that has sent the last of them. A handler with much to send can send the next part here.
    ///
    /// If sending fails while some of them wait, this comes as well, since nothing waits then: `send` accepts nothing from then
    /// on. What the peer has said before is still delivered, so a handler that has paused reading until now resumes it as always.
    func connectionDidDrain(_ connection: Connection)

    /// The peer has shut down its side, and all of its messages have come. Called only with `Connection.Options.allowsHalfClose`.
    ///
    /// The connection stays open for sending until the handler ends it, by `Connection.finish` as a rule, or until the peer
    /// is gone altogether. The default finishes the connection, with the reason `endOfInput`.
    func connectionDidReadToEnd(_ connection: Connection)

    /// The peer has sent nothing for too long: the reason is `idleTimedOut` or `firstMessageTimedOut`. Called only if
    /// `Connection.Options.idleTimeout` or `firstMessageTimeout` is set.
    ///
    /// The default finishes the connection for that reason. A handler may tell the peer first. One that does not finish the connection,
    /// and asks the peer perhaps whether it is there, is called again after another `idleTimeout` of silence; for the first message
    /// this comes only once.
    func connectionDidTimeOut(_ connection: Connection, reason: CloseReason)

    /// The connection is closed. This is the last call for it, and comes exactly once, at the end of the turn.
    func connectionDidClose(_ connection: Connection, reason: CloseReason)
}

extension ConnectionHandler {
    /// Does nothing.
    public func connectionDidOpen(_ connection: Connection) {}

    /// Closes the connection, with the reason `messageTooLong`.
    public func connectionDidDiscardMessage(_ connection: Connection) {
        connection.close(reason: .messageTooLong)
    }

    /// Does nothing.
    public func connectionDidDrain(_ connection: Connection) {}

    /// Finishes the connection, with the reason `endOfInput`.
    public func connectionDidReadToEnd(_ connection: Connection) {
        connection.finish(reason: .endOfInput)
    }

    /// Finishes the connection, with the reason given.
    public func connectionDidTimeOut(_ connection: Connection, reason: CloseReason) {
        connection.finish(reason: reason)
    }

    /// Does nothing.
    public func connectionDidClose(_ connection: Connection, reason: CloseReason) {}
}

/// A handler that speaks a protocol for another one, as WebSocket is spoken for a handler of lines.
package protocol ProtocolHandler: ConnectionHandler {
    /// The other one.
    var handler: any ConnectionHandler { get }

    /// How many bytes of memory it holds of what the peer has sent. It has to tell the connection when that changes.
    var heldByteCount: Int { get }

    /// The connection finishes, and all else is sent. Returns with what the protocol ends; the next time nil.
    func takeEnd(of connection: Connection, reason: CloseReason) -> [UInt8]?
}
