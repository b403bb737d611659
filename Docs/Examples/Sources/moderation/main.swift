// A chat with two rules: whoever shouts is heard in a normal voice, and links are for the room "links".
//
//     swift run moderation                # or: swift run moderation unix:/tmp/moderation.sock
//     nc localhost 3001                   # and type HELLO EVERYBODY, or a link
import ChatReactor

let loop = try EventLoop()
var configuration = ChatServer.Configuration()
configuration.chat = Chat.Configuration(name: "library")
let server = try ChatServer(on: loop, configuration: configuration)
let links = try ChatName("links")
server.chat?.onSay { person, room, text in
    if text.contains("://"), room.name != links { return .refuse("links belong to the room links: /join links") }
    let isShouting = text.count > 3 && text == text.uppercased() && text != text.lowercased()
    return isShouting ? .rewrite(text.lowercased()) : .pass
}
try server.listen(on: Endpoint(CommandLine.arguments.dropFirst().first ?? "127.0.0.1:3001").resolve()[0])
try loop.run()
