import Reactor
import Synchronization

/// One end of a proxied connection. The two live on loops of their own, each on its own thread: all that crosses are bytes, wishes
/// and a connection's name.
///
/// An end that has read something reads no more until the other end has passed it on. So what is under way is one read in each
/// direction, however slow one side is. The end of what one side has to say ends the connection of the other, too.
final class End: ConnectionHandler, Sendable {
    private struct State {
        var connection: Connection.ID?
        var isClosed = false
    }

    private let loop: EventLoop.Remote
    /// Where the other end connects to, once this one is open. Nil for the end that connects.
    private let server: SocketAddress?
    private let state = Mutex(State())
    private let other = Mutex<End?>(nil)

    private init(on loop: EventLoop.Remote, server: SocketAddress? = nil) {
        self.loop = loop
        self.server = server
    }

    /// The end for a client that is accepted on one loop; once it is open, the other loop connects to the server.
    static func accepting(on front: EventLoop.Remote, connectingTo server: SocketAddress, on back: EventLoop.Remote) -> End {
        let client = End(on: front, server: server)
        let upstream = End(on: back)
        client.other.withLock { $0 = upstream }
        upstream.other.withLock { $0 = client }
        return client
    }

    /// Does something with the other end's connection, on the thread of its loop.
    private func ask(_ action: @escaping @Sendable (Connection) -> Void) {
        guard let other = other.withLock({ $0 }), let name = other.state.withLock({ $0.connection }) else { return }
        other.loop.execute { loop in
            if let connection = loop.connection(name) { action(connection) }
        }
    }

    private func didClose() {
        state.withLock { $0.isClosed = true }
        ask { $0.finish() }
        other.withLock { $0 = nil }
    }

    func connectionDidOpen(_ connection: Connection) {
        state.withLock { $0.connection = connection.id }
        guard let other = other.withLock({ $0 }) else { return }
        if let server {
            // Until the server can take it.
            connection.pauseReading()
            other.loop.execute { loop in other.connect(to: server, on: loop) }
        } else if other.state.withLock({ $0.isClosed }) {
            connection.close()
        } else {
            ask { $0.resumeReading() }
        }
    }

    private func connect(to server: SocketAddress, on loop: EventLoop) {
        do {
            try loop.connect(to: server, deadline: .now.advanced(by: .seconds(10)), options: .chunks, handler: self)
        } catch {
            didClose()
        }
    }

    func connection(_ connection: Connection, didReceive chunks: borrowing MessageBatch) {
        connection.pauseReading()
        let bytes = chunks.withWireBytes { bytes in bytes.indices.map { bytes[$0] } }
        ask { $0.send(bytes.span) }
    }

    func connectionDidDrain(_ connection: Connection) {
        ask { $0.resumeReading() }
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        didClose()
    }
}

extension Connection.Options {
    /// Bytes as they come, since a proxy need not know what they mean.
    static var chunks: Self {
        var options = Self()
        options.framing = .chunks
        return options
    }
}
