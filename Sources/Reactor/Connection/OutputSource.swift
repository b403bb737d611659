/// Output for a connection besides what is passed to its `send`: a cursor into a log that many connections share.
package protocol OutputSource: AnyObject {
    /// Whether the source has output for the connection that has not been sent.
    func hasOutput(for connection: Connection) -> Bool

    /// One of `isOpen`, `isBlocked`, `isFinishing`, `hasFailedOutput` and `hasWaitingOutput` has changed. May be called at any time, even
    /// while the source is sending.
    func connectionStateDidChange(_ connection: Connection)

    /// The connection was blocked, and takes output again.
    func connectionCanSend(_ connection: Connection)

    /// The connection is gone. Called at the end of a turn, never while the source is sending.
    func connectionDidClose(_ connection: Connection)
}
