/// What happens to a connection. All of it is called on the loop's thread, in this order:
///
///     connectionDidOpen → (connection(_:didReceive:) | connectionDidDiscardMessage | connectionDidDrain)* → connectionDidClose
///
/// A connection that never opened, because connecting failed, has `connectionDidClose` alone. None of these is called from
/// within `send`, `finish` or `close`.
///
/// One handler may serve any number of connections. One that is made for each connection has room for its state:
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
/// A connection keeps its handler. A handler that keeps its connection lets go of it in `connectionDidClose`, or keeps it weakly;
/// otherwise the two keep each other for ever.
public protocol ConnectionHandler: AnyObject {
    /// The connection can be used from now on.
    func connectionDidOpen(_ connection: Connection)

    /// Messages have come. They can be used during this call only.
    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch)

    /// A message was longer than the connection allows, and has been or will be thrown away up to its end; the messages around it
    /// are whole. Closes the connection unless the handler decides otherwise; it closes in any case if the framing cannot tell where the
    /// message ends, once what waits for the peer is sent. Lines, and messages that say their length, can always be passed over.
    func connectionDidDiscardMessage(_ connection: Connection)

    /// All that was passed to `Connection.send` has been taken by the kernel; which is not to say that the peer has read it.
    /// Comes once for each turn that has sent the last of it, and is the place to send more of what is long.
    func connectionDidDrain(_ connection: Connection)

    /// The peer has nothing more to send; all of its messages have come. Called only with `Connection.Options.allowsHalfClose`. The connection can
    /// still be sent to, as long as the peer reads, and it is the handler that ends it, by `Connection.finish`. Finishes it unless the handler
    /// decides otherwise.
    func connectionDidReadToEnd(_ connection: Connection)

    /// The connection is closed; nothing more is called for it. Comes exactly once, at the end of the turn.
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

    /// Does nothing.
    public func connectionDidClose(_ connection: Connection, reason: CloseReason) {}
}
