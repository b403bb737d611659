// A chat in whose rooms only those may speak who have logged in, and under their own names, which nobody else can take.
//
//     swift run login                     # or: swift run login unix:/tmp/login.sock
//     nc localhost 3001                   # and type /login ana tea
import ChatReactor

let passwords = ["ana": "tea", "ben": "coffee"]
let loop = try EventLoop()
var configuration = ChatServer.Configuration()
configuration.chat = Chat.Configuration(name: "club")
let server = try ChatServer(on: loop, configuration: configuration)
guard let chat = server.chat else { fatalError("this is a chat") }
let names = try passwords.keys.map { try ChatName($0) }
for name in names { chat.reserve(name) }
chat.onSay { person, _, _ in names.contains(person.name) ? .pass : .refuse("please /login first") }
chat.addCommand(
    .init("login", arguments: "NAME PASSWORD", help: "Log in.") { person, argument in
        let words = argument.split(separator: " ").map(String.init)
        guard words.count == 2, passwords[words[0]] == words[1], let name = try? ChatName(words[0]), chat.rename(person, to: name)
        else { return person.notify("that is not right, or you are here already") }
        person.notify("welcome back, \(name)")
    })
try server.listen(on: Endpoint(CommandLine.arguments.dropFirst().first ?? "127.0.0.1:3001").resolve()[0])
try loop.run()
