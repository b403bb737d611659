import ChatReactor
import TestSupport
import Testing

/// What the README shows and says.
struct ReadmeTests {
    final class Room: ConnectionHandler {
        let topic: Topic
        init(on loop: EventLoop) throws { topic = try Topic(on: loop) }
        func connectionDidOpen(_ connection: Connection) { topic.subscribe(connection) }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            topic.publish(messages, from: connection)
        }
    }

    @Test("What one client sends reaches every other client: byte for byte, once, in one order for all")
    func room() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: Room(on: loop))
        let witness = try Peer(to: listener.address)
        let clients = try (0..<10).map { _ in try Peer(to: listener.address) }
        // A client that is not accepted yet would miss what the others say.
        var isReady = Set<Int>()
        try loop.run(until: "everybody is there") {
            for (index, client) in clients.enumerated() where !isReady.contains(index) && client.text.contains("?") {
                isReady.insert(index)
            }
            try witness.send("?\n")
            return isReady.count == clients.count
        }
        for round in 0..<20 {
            for (index, client) in clients.enumerated() { try client.send("\(index) says \(round)\n") }
            try loop.runOnce(waitingAtMost: .zero)
        }
        let heard = { (peer: Peer) in peer.lines.filter { $0 != "?" } }
        try loop.run(until: "all deliveries") { heard(witness).count == 200 && clients.allSatisfy { heard($0).count == 180 } }
        for (index, client) in clients.enumerated() {
            #expect(heard(client) == heard(witness).filter { !$0.hasPrefix("\(index) ") })
        }
        #expect(Set(heard(witness)).count == 200)
    }
}
