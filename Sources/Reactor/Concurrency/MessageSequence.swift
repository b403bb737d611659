/// The messages of a connection, as they come, for `for try await`: as messages, or as what is made of each.
///
/// It ends when the peer has nothing more to send, or when this side has closed the connection. Anything else that ends the
/// connection is thrown, as a `CloseReason`. Cancelling the task that waits throws `CancellationError`, and loses no message.
///
/// Nothing is read from the socket while there is a message that nobody has asked for. A consumer that is slow thus slows
/// down its peer, through TCP, and at most what one read brings waits in memory. A loop that was left can be followed by another,
/// which goes on where it stopped; of several tasks that ask, each message goes to one.
public struct MessageSequence<Element: Sendable>: AsyncSequence, Sendable {
    let connection: AsyncConnection
    let transform: @Sendable (Message) -> Element

    public func makeAsyncIterator() -> Iterator {
        Iterator(connection: connection, transform: transform)
    }

    /// Asks the connection for one message after the other. It keeps none itself.
    public struct Iterator: AsyncIteratorProtocol {
        let connection: AsyncConnection
        let transform: @Sendable (Message) -> Element

        public func next(isolation actor: isolated (any Actor)? = #isolation) async throws(any Error) -> Element? {
            try await connection.nextMessage().map(transform)
        }
    }
}
