/// The handler of an asynchronous connection: it keeps what has happened to the connection, and the tasks that wait for more.
/// Belongs to the loop's thread.
final class AsyncConnectionHandler: ConnectionHandler {
    /// Tasks that wait for the connection to open, for messages, or for the end.
    let input: WaitQueue
    /// Tasks that wait until all output was sent, or for the end.
    let output: WaitQueue
    private(set) var closeReason: CloseReason?
    /// Whether the peer has nothing more to send.
    private(set) var hasReadToEnd = false

    /// Where a connection waits for a task, if a listener has accepted it.
    private let accepted: AcceptQueue?
    private var received = ReceivedMessages()
    private var isReading = false
    private var closing: CheckedContinuation<Void, Never>?
    /// Tickets of tasks that wait to send, first in, first out. A task takes one before it suspends, since other tasks may run
    /// before it reaches `output`.
    private var queue: [UInt64] = []
    private var lastTicket: UInt64 = 0

    init(on remote: EventLoop.Remote, accepted: AcceptQueue? = nil) {
        input = WaitQueue(on: remote)
        output = WaitQueue(on: remote)
        self.accepted = accepted
    }

    func makeActor(of connection: Connection) -> AsyncConnection {
        // The actor lives on the loop's thread, on which this is called: so neither leaves that thread.
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

    // MARK: - The queue of senders

    func joinQueue() -> UInt64 {
        lastTicket &+= 1
        queue.append(lastTicket)
        return lastTicket
    }

    /// Returns whether others are in the queue.
    func leaveQueue(_ ticket: UInt64) -> Bool {
        queue.removeAll { $0 == ticket }
        return !queue.isEmpty
    }

    /// Whether the ticket is the first of the queue; for nil, which is no ticket, whether the queue is empty.
    func isNext(_ ticket: UInt64?) -> Bool { queue.first == ticket }

    // MARK: - ConnectionHandler

    func connectionDidOpen(_ connection: Connection) {
        connection.pauseReading()
        input.wakeAll()
        guard let accepted else { return }
        if !accepted.append(makeActor(of: connection)) { connection.close(reason: .shutdown) }
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

    /// All was sent, or nothing can be any more.
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
