/// What has happened to an asynchronous connection, and who waits for more to happen. Belongs to the loop's thread.
final class AsyncConnectionHandler: ConnectionHandler {
    /// Tasks that wait for the connection to open, for messages, or for the end.
    let input: Waiters
    /// Tasks that wait until all output was sent, or for the end.
    let output: Waiters
    private(set) var closeReason: CloseReason?
    /// Whether the peer has nothing more to send.
    private(set) var hasReadToEnd = false

    /// Where a connection goes that a listener has accepted.
    private let accepted: AsyncStream<AsyncConnection>.Continuation?
    private var received = ReceivedMessages()
    private var isReading = false
    private var closing: CheckedContinuation<Void, Never>?
    /// Who waits to send, in the order in which they came. One is in it from the moment at which it finds that it must wait: on the way to
    /// `output`, others may come first.
    private var queue: [UInt64] = []
    private var lastTicket: UInt64 = 0

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

    // MARK: - The queue of those who send

    func joinQueue() -> UInt64 {
        lastTicket &+= 1
        queue.append(lastTicket)
        return lastTicket
    }

    /// Says whether others are in the queue.
    func leaveQueue(_ ticket: UInt64) -> Bool {
        queue.removeAll { $0 == ticket }
        return !queue.isEmpty
    }

    /// Whether it is the turn of one who is in the queue; or of one who is not, for nil.
    func isNext(_ ticket: UInt64?) -> Bool { queue.first == ticket }

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

    func connectionDidReadToEnd(_ connection: Connection) {
        hasReadToEnd = true
        input.wakeAll()
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        closeReason = reason
        input.wakeAll()
        output.wakeAll()
        closing?.resume()
        closing = nil
    }
}

extension Connection.Options {
    /// For tasks: a task answers what came last after it has read to the end, and ends the connection itself.
    var allowingHalfClose: Connection.Options {
        var options = self
        options.allowsHalfClose = true
        return options
    }
}
