// A proxy between two loops on two threads: one serves the clients, the other the connections to a server. Nothing of a loop leaves
// its thread; what one side reads it hands to the other's `remote`: see End.swift.
//
//     swift run echo localhost:3001
//     swift run proxy localhost:3002 localhost:3001      # or: swift run proxy ADDRESS SERVER
//     nc localhost 3002                                  # and type
import Foundation
import Reactor

let arguments = CommandLine.arguments.dropFirst()
let address = try Endpoint(arguments.first ?? "127.0.0.1:3002").resolve()[0]
let server = try Endpoint(arguments.dropFirst().first ?? "127.0.0.1:3001").resolve()[0]
// Handed to its thread, which is the only one to use it from then on; the others have its remote.
nonisolated(unsafe) let back = try EventLoop()
let backRemote = unsafe back.remote
Thread.detachNewThread {
    do {
        try unsafe back.run()
    } catch {
        fatalError("proxy: the loop of the server's side has failed: \(error)")
    }
}

let loop = try EventLoop()
let front = loop.remote
let listener = try loop.listen(on: address, options: .chunks) {
    End.accepting(on: front, connectingTo: server, on: backRemote)
}
print("proxy: listening on \(listener.address)")
try loop.run()
