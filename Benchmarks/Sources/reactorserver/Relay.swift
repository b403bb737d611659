import Broadcast
import Reactor

/// A topic, and who publishes what to it. It lives on the loop's thread, as the connections do.
actor Room {
    private let remote: EventLoop.Remote
    private var topic: Topic?

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe remote.asUnownedSerialExecutor() }

    init(on remote: EventLoop.Remote) async throws {
        self.remote = remote
        try remote.assumeIsolated { loop in topic = try Topic(on: loop) }
    }

    func join(_ id: Connection.ID) {
        remote.assumeIsolated { loop in
            if let connection = loop.connection(id) { topic?.subscribe(connection) }
        }
    }

    func publish(_ message: Message, from id: Connection.ID) {
        remote.assumeIsolated { loop in
            _ = topic?.publish(message.wireBytes.span, from: loop.connection(id))
        }
    }
}

/// Each line goes to everybody but its sender: with a task for each connection, and a topic.
func serveRelay(on address: SocketAddress) async throws {
    let background = try BackgroundLoop()
    let room = try await Room(on: background.remote)
    try await background.remote.serve(on: address) { connection in
        await room.join(connection.id)
        for try await message in connection.messages { await room.publish(message, from: connection.id) }
    }
}

/// Each line goes back to where it came from: with callbacks.
final class Echo: ConnectionHandler {
    func connection(_ connection: Connection, didReceive lines: borrowing MessageBatch) {
        lines.withWireBytes { bytes in _ = connection.send(bytes) }
    }
}

/// The same with a task for each connection.
func serveEcho(on address: SocketAddress) async throws {
    let background = try BackgroundLoop()
    try await background.remote.serve(on: address) { connection in
        for try await message in connection.messages { try await connection.send(message) }
    }
}
