// A chat in which nobody speaks or hears before a login, and whose names nobody else can take.
//
//     swift run login                     # or: swift run login unix:/tmp/login.sock
//     nc localhost 3001                   # and type /login ana tea
import ChatReactor

final class Directory: ChatAuthenticator {
    let passwords = ["ana": "tea", "ben": "coffee"]

    func isKnown(_ name: ChatName) -> Bool { passwords[name.text.lowercased()] != nil }
    func isOperator(_ name: ChatName) -> Bool { false }
    func judge(_ password: String, of name: ChatName, then completion: @escaping (Bool) -> Void) {
        completion(passwords[name.text.lowercased()] == password)
    }
}

let loop = try EventLoop()
var configuration = ChatServer.Configuration()
configuration.chat = Chat.Configuration(name: "club")
configuration.chat?.loginRules.isRequired = true
let server = try ChatServer(on: loop, configuration: configuration)
server.chat?.authenticator = Directory()
try server.listen(on: Endpoint(CommandLine.arguments.dropFirst().first ?? "127.0.0.1:3001").resolve()[0])
try loop.run()
