// A bot in a chat: it rolls dice by a command, and answers those who speak to it. Nobody else can have its name.
//
//     swift run dice                      # or: swift run dice unix:/tmp/dice.sock
//     nc localhost 3001                   # and type /roll, or: dice, are you there?
import ChatReactor

final class Bot: ChatServerObserver {
    func server(_ server: ChatServer, didPublish event: ChatServer.Event) {
        guard event.kind == .message, event.person != nil, event.text.hasPrefix("dice,") else { return }
        event.room.say("yes, \(event.name): /roll rolls me", as: dice)
    }
}
let dice = try ChatName("dice")
let loop = try EventLoop()
var configuration = ChatServer.Configuration()
configuration.chat = Chat.Configuration(name: "casino")
let server = try ChatServer(on: loop, configuration: configuration)
server.addObserver(Bot())
server.chat?.reserve(dice)
server.chat?.addCommand(
    .init("roll", help: "Roll a die.") { person, _ in person.room?.say("\(person.name) has a \(Int.random(in: 1...6))", as: dice)
    })
try server.listen(on: Endpoint(CommandLine.arguments.dropFirst().first ?? "127.0.0.1:3001").resolve()[0])
try loop.run()
