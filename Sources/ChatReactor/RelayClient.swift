import Broadcast
import Reactor

/// A client of the relay: what it sends reaches every other client in its room, byte for byte.
final class RelayClient: ChatServer.Client, ConnectionHandler {
    func connectionDidOpen(_ connection: Connection) {
        server?.room.topic?.subscribe(connection)
        opened(connection)
    }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        guard let server else { return }
        server.tally.receivedMessages &+= messages.count
        var relayed = 0..<messages.count
        for quitMessage in server.quitMessages {
            guard let quit = messages.firstIndex(of: quitMessage) else { continue }
            relayed = 0..<quit
            connection.finish()
        }
        server.room.topic?.publish(messages, in: relayed, from: connection)
        server.didRelay(messages, in: relayed, from: self)
    }

    /// Tells the client that a line of it was dropped. The third time within a minute closes its connection.
    func connectionDidDiscardMessage(_ connection: Connection) {
        guard let limit = server?.configuration.maximumMessageLength else { return }
        connection.send("! line too long: the limit is \(limit) bytes\n")
        guard isOneTooManyLongLines() else { return }
        connection.finish(sending: "! goodbye: three lines were too long within a minute\n", reason: .messageTooLong)
    }

    func connectionDidTimeOut(_ connection: Connection, reason: CloseReason) {
        connection.finish(sending: "! \(farewellAfterSilence)\n", reason: reason)
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        closed(reason: reason)
    }
}
