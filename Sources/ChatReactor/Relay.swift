import Broadcast
import Reactor

/// The relay profile: every message of a client goes to every other client, byte for byte.
final class Relay: ConnectionHandler {
    private let server: ChatServer
    /// What a client may say to leave. A chunk is whatever one read brings, so the newline of the one who types is part of it.
    private let quitMessages: [[UInt8]]
    /// When a client has lately sent a line that was too long. Only offenders are here.
    private var offences: [Connection.ID: [ContinuousClock.Instant]] = [:]

    init(server: ChatServer) {
        self.server = server
        let ends = server.configuration.framing is ChunkFraming ? ["", "\n", "\r\n"] : [""]
        quitMessages = server.configuration.quitWord.map { word in ends.map { Array((word + $0).utf8) } } ?? []
    }

    func connectionDidOpen(_ connection: Connection) {
        server.topic.subscribe(connection)
        server.clientDidJoin(connection)
    }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        var relayed = 0..<messages.count
        for quitMessage in quitMessages {
            guard let quit = messages.firstIndex(of: quitMessage) else { continue }
            relayed = 0..<quit
            connection.finish()
        }
        server.topic.publish(messages, in: relayed, from: connection)
        for observer in server.observers {
            observer.server(server, didRelay: messages, in: relayed, from: connection)
        }
    }

    func connectionDidDiscardMessage(_ connection: Connection) {
        connection.send("! line too long: the limit is \(server.configuration.maximumMessageLength) bytes\n")
        let now = ContinuousClock.now
        var recent = offences[connection.id, default: []].filter { $0.duration(to: now) < .seconds(60) }
        recent.append(now)
        if recent.count < 3 {
            offences[connection.id] = recent
        } else {
            connection.finish(reason: .messageTooLong)
        }
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        offences[connection.id] = nil
        server.clientDidLeave(connection, reason: reason)
    }
}
