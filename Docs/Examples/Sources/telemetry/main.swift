// A 1:N relay of telemetry: sensors send lines to one address, screens get them from another. A screen that comes late gets the last
// twenty first; one that is too slow misses some, is told how many, and holds up nobody.
//
//     swift run telemetry                 # or: swift run telemetry SENSORS SCREENS
//     nc localhost 3002                   # a screen
//     vmstat 1 | nc localhost 3001        # a sensor
import Broadcast
import Reactor

final class Sensors: ConnectionHandler {
    let topic: Topic
    init(of topic: Topic) { self.topic = topic }

    func connection(_ connection: Connection, didReceive lines: borrowing MessageBatch) {
        topic.publish(lines)
    }
}

final class Screens: ConnectionHandler {
    let topic: Topic
    init(of topic: Topic) { self.topic = topic }

    func connectionDidOpen(_ connection: Connection) {
        topic.subscribe(connection, history: 20)
    }

    func connection(_ connection: Connection, didReceive lines: borrowing MessageBatch) {
        // Screens have nothing to say.
    }
}

let arguments = CommandLine.arguments.dropFirst()
let loop = try EventLoop()
var configuration = Topic.Configuration()
configuration.policy = .skip
configuration.skipNotice = { missed in Array("# \(missed) lines missed\n".utf8) }
let topic = try Topic(on: loop, configuration: configuration)
for address in try Endpoint(arguments.first ?? "localhost:3001").resolve() {
    print("telemetry: sensors at \(try loop.listen(on: address, handler: Sensors(of: topic)).address)")
}
for address in try Endpoint(arguments.dropFirst().first ?? "localhost:3002").resolve() {
    print("telemetry: screens at \(try loop.listen(on: address, handler: Screens(of: topic)).address)")
}
try loop.run()
