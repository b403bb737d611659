/// Connections that a listener has accepted, and that no task serves yet, first in, first out. Belongs to the loop's thread.
final class AcceptQueue {
    /// Tasks that wait for a connection, or for the listener's end.
    let arrivals: WaitQueue
    private(set) var isClosed = false
    private var connections: [AsyncConnection] = []
    private var next = 0

    init(on remote: EventLoop.Remote) {
        arrivals = WaitQueue(on: remote)
    }

    /// Returns false if nobody will serve the connection, since the listener is closed.
    func append(_ connection: AsyncConnection) -> Bool {
        if isClosed { return false }
        connections.append(connection)
        arrivals.wakeAll()
        return true
    }

    func popFirst() -> AsyncConnection? {
        guard next < connections.count else { return nil }
        let connection = connections[next]
        next += 1
        if next == connections.count { (connections, next) = ([], 0) }
        return connection
    }

    func close() {
        isClosed = true
        arrivals.wakeAll()
    }
}
