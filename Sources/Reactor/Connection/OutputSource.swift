/// A second source of a connection's output, beside its `send`: a cursor into a log that many connections share.
package protocol OutputSource: AnyObject {
    /// Whether the source has output for the connection that was not sent yet.
    func hasOutput(for connection: Connection) -> Bool

    /// A number that changes when the source has sent something to the connection.
    func outputPosition(for connection: Connection) -> Int

    /// One of `isOpen`, `isBlocked`, `isFinishing`, `hasFailedOutput` and `hasWaitingOutput` has changed. The connection may call
    /// this at any time, even while the source is sending.
    func connectionStateDidChange(_ connection: Connection)

    /// The connection was blocked, and accepts output again.
    func connectionCanSend(_ connection: Connection)

    /// The connection is closed. It calls this at the end of a turn, never while the source is sending.
    func connectionDidClose(_ connection: Connection)
}
