// Servers as a program writes them that embeds the library: with callbacks, and with tasks.
//
//     reactorserver echo|async-echo|async-relay PORT

import Glibc
import Reactor

let arguments = CommandLine.arguments.dropFirst()
guard arguments.count == 2, let port = arguments.last.flatMap({ UInt16($0) }) else {
    fatalError("usage: reactorserver echo|async-echo|async-relay PORT")
}
let address = SocketAddress.ipv4(address: INADDR_LOOPBACK, port: port)
switch arguments.first {
case "echo":
    let loop = try EventLoop()
    try loop.listen(on: address, handler: Echo())
    try loop.run()
case "async-echo":
    try await serveEcho(on: address)
case "async-relay":
    try await serveRelay(on: address)
default:
    fatalError("there is no server of that name")
}
