import ChatReactor

final class Room: ConnectionHandler {
    let topic: Topic
    init(on loop: EventLoop) throws { topic = try Topic(on: loop) }
    func connectionDidOpen(_ connection: Connection) { topic.subscribe(connection) }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        topic.publish(messages, from: connection)
    }
}

let loop = try EventLoop()
try loop.listen(on: .loopback(port: 3001), handler: Room(on: loop))
try loop.run()
