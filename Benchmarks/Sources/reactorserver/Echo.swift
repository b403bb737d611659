import Reactor

/// Each line goes back to where it came from: with callbacks.
final class Echo: ConnectionHandler {
    func connection(_ connection: Connection, didReceive lines: borrowing MessageBatch) {
        lines.withWireBytes(in: 0..<lines.count) { bytes in _ = connection.send(bytes) }
    }
}

/// The same with a task for each connection.
func serveEcho(on address: SocketAddress) async throws {
    let background = try EventLoop.runInBackground()
    try await background.remote.serve(on: address) { connection in
        for try await message in connection.messages { try await connection.send(message) }
    }
}
