/// What happens to a connection. All of it is called on the loop's thread, in this order:
///
///     connectionDidOpen → (connection(_:didReceive:) | connectionDidDiscardMessage | connectionDidDrain)* → connectionDidClose
///
/// A connection that never opened, because connecting failed, has `connectionDidClose` alone. None of these is called from
/// within `send`, `finish` or `close`. One handler may serve any number of connections.
///
/// A connection keeps its handler. A handler that keeps its connection, too, lets go of it in `connectionDidClose`, or both stay for ever.
public protocol ConnectionHandler: AnyObject {
    /// The connection can be used from now on.
    func connectionDidOpen(_ connection: Connection)

    /// Messages have come. They can be used during this call only.
    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch)

    /// A message was longer than the connection allows, and has been or will be thrown away up to its end; the messages around it
    /// are whole. Closes the connection unless the handler decides otherwise; it closes in any case if the framing cannot tell where the
    /// message ends, once what waits for the peer is sent. Lines, and messages that say their length, can always be passed over.
    func connectionDidDiscardMessage(_ connection: Connection)

    /// All that was waiting to be sent has been taken by the kernel.
    func connectionDidDrain(_ connection: Connection)

    /// The connection is closed; nothing more is called for it. Comes exactly once, at the end of the turn.
    func connectionDidClose(_ connection: Connection, reason: CloseReason)
}

extension ConnectionHandler {
    public func connectionDidOpen(_ connection: Connection) {}

    public func connectionDidDiscardMessage(_ connection: Connection) {
        connection.close(reason: .messageTooLong)
    }

    public func connectionDidDrain(_ connection: Connection) {}

    public func connectionDidClose(_ connection: Connection, reason: CloseReason) {}
}
