/// What has happened to an asynchronous connection, and who waits for more to happen. Belongs to the loop's thread.
final class AsyncConnectionHandler: ConnectionHandler {
    /// Tasks that wait for the connection to open, for messages, or for the end.
    let input: Waiters
    /// Tasks that wait until all output was sent, or for the end.
    let output: Waiters
    private(set) var closeReason: CloseReason?

    /// Where a connection goes that a listener has accepted.
    private let accepted: AsyncStream<AsyncConnection>.Continuation?
    private var received = ReceivedMessages()
    private var isReading = false
    private var closing: CheckedContinuation<Void, Never>?

    init(on remote: EventLoop.Remote, accepted: AsyncStream<AsyncConnection>.Continuation? = nil) {
        input = Waiters(on: remote)
        output = Waiters(on: remote)
        self.accepted = accepted
    }

    func makeActor(of connection: Connection) -> AsyncConnection {
        // It is one of the loop's, on whose thread this is called, and stays there.
        nonisolated(unsafe) let (connection, handler) = (connection, self)
        return unsafe AsyncConnection(connection, handler: handler)
    }

    func popMessage() -> Message? {
        received.popFirst()
    }

    /// Reads until there are messages.
    func read(_ connection: Connection) {
        if isReading { return }
        isReading = true
        connection.resumeReading()
    }

    func waitForClose() async {
        await withCheckedContinuation { continuation in
            if closeReason == nil { closing = continuation } else { continuation.resume() }
        }
    }

    // MARK: - ConnectionHandler

    func connectionDidOpen(_ connection: Connection) {
        connection.pauseReading()
        input.wakeAll()
        guard let accepted else { return }
        if case .enqueued = accepted.yield(makeActor(of: connection)) { return }
        connection.close(reason: .shutdown)
    }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        received.append(messages)
        if isReading {
            // In the same turn, as a rule, the reader comes back for more: then the kernel never hears of this.
            isReading = false
            connection.pauseReading()
        }
        input.wakeAll()
    }

    func connectionDidDrain(_ connection: Connection) {
        output.wakeAll()
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        closeReason = reason
        input.wakeAll()
        output.wakeAll()
        closing?.resume()
        closing = nil
    }
}
