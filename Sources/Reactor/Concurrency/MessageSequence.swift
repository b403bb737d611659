/// The messages of a connection, as they come, for `for try await`: as messages, or as texts.
///
/// It ends when the peer has nothing more to send, or when this side has closed the connection. Anything else that ends the
/// connection is thrown, as a `CloseReason`. Cancelling the task that waits throws `CancellationError`, and loses no message.
///
/// Nothing is read from the socket while a message waits for a task. A slow consumer thus slows down its peer, through TCP, and
/// at most the messages of one read wait in memory. After a `for` loop was left, another one goes on where it stopped; if several
/// tasks iterate, each message goes to one of them.
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
