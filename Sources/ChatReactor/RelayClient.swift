import Broadcast
import Reactor

/// A client of the relay: what it sends reaches every other client in its room, byte for byte.
final class RelayClient: ChatServer.Client, ConnectionHandler {
    func connectionDidOpen(_ connection: Connection) {
        join(on: connection)
    }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        guard let server = room.server else { return }
        var relayed = 0..<messages.count
        for quitMessage in server.quitMessages {
            guard let quit = messages.firstIndex(of: quitMessage) else { continue }
            relayed = 0..<quit
            connection.finish()
        }
        room.topic.publish(messages, in: relayed, from: connection)
        server.didRelay(messages, in: relayed, from: self)
    }

    func connectionDidDiscardMessage(_ connection: Connection) {
        didSendLongLine(on: connection)
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        leave(reason: reason)
    }
}
