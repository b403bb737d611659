// A broadcast feed: what is appended to a file goes to all subscribers, line by line, as `tail -f` would show it to each of them.
// It shows how a descriptor of one's own, that of inotify, is put on the loop: see Tail.swift.
//
//     swift run feed /var/log/syslog      # or: swift run feed FILE ADDRESS
//     nc localhost 3001
import ChatReactor
import Glibc

final class Subscribers: ConnectionHandler {
    let topic: Topic
    let greeting: String

    init(of topic: Topic, greeting: String) {
        self.topic = topic
        self.greeting = greeting
    }

    func connectionDidOpen(_ connection: Connection) {
        connection.send(greeting)
        topic.subscribe(connection)
    }

    func connection(_ connection: Connection, didReceive lines: borrowing MessageBatch) {
        // Subscribers have nothing to say.
    }
}

let arguments = CommandLine.arguments.dropFirst()
guard let path = arguments.first else {
    print("usage: feed FILE [ADDRESS]")
    exit(EX_USAGE)
}
let loop = try EventLoop()
let topic = try Topic(on: loop)
_ = try Tail(of: path, to: topic)
for address in try Endpoint(arguments.dropFirst().first ?? "localhost:3001").resolve() {
    let listener = try loop.listen(on: address, handler: Subscribers(of: topic, greeting: "# following \(path)\n"))
    print("feed: listening on \(listener.address)")
}
try loop.run()
