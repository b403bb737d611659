import Broadcast
import Reactor

/// A client of the relay: what it sends reaches every other client in its room, byte for byte.
final class RelayClient: ChatServer.Client, ConnectionHandler {
    func connectionDidOpen(_ connection: Connection) {
        do throws(Errno) {
            try server?.room.relay?.subscribe(connection)
        } catch {
            finish(connection, telling: "! goodbye: you cannot be served now: \(error)", reason: .memoryLimit)
        }
        opened(connection)
        if let notice = server?.room.relay?.order?.notice { connection.send(Relay.encode(notice, for: connection).span) }
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
        _ = server.room.relay?.publish(messages, in: relayed, from: connection)
        server.didRelay(messages, in: relayed, from: self)
    }

    /// Tells the client that a line of it was dropped. The third time within a minute closes its connection.
    func connectionDidDiscardMessage(_ connection: Connection) {
        guard let limit = server?.configuration.maximumMessageLength else { return }
        connection.send(Relay.encode("! line too long: the limit is \(limit) bytes", for: connection).span)
        guard isOneTooManyLongLines() else { return }
        finish(connection, telling: "! goodbye: three lines were too long within a minute", reason: .messageTooLong)
    }

    func connectionDidTimeOut(_ connection: Connection, reason: CloseReason) {
        finish(connection, telling: "! \(farewellAfterSilence)", reason: reason)
    }

    private func finish(_ connection: Connection, telling line: String, reason: CloseReason) {
        connection.finish(sending: Relay.encode(line, for: connection), reason: reason)
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        server?.room.relay?.removeUnusedFrames()
        closed(reason: reason)
    }
}
