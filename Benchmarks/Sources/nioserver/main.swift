// Servers as SwiftNIO's documentation and its examples suggest them: with channel handlers, and with tasks.
//
//     nioserver relay PORT [THREADS]
//     nioserver web-relay PORT
//     nioserver async-relay|async-echo PORT [loop]
//
// With `loop`, tasks run on the event loop's thread rather than on Swift's own pool.

import Glibc
import NIOCore
import NIOPosix

let arguments = Array(CommandLine.arguments.dropFirst())
guard (2...3).contains(arguments.count), let port = Int(arguments[1]) else {
    fatalError("usage: nioserver relay PORT [THREADS] | web-relay PORT | async-relay|async-echo PORT [loop]")
}
// Of the group that all use who do not make one: as many threads as the other servers have.
NIOSingletons.groupLoopCountSuggestion = 1
let extra = arguments.dropFirst(2).first
switch arguments[0] {
case "relay":
    try serveRelay(onPort: port, threads: extra.flatMap { Int($0) } ?? 1)
case "web-relay":
    try serveWebRelay(onPort: port)
case "async-relay":
    if extra == "loop" { runTasksOnTheLoop() }
    try await serveAsyncRelay(onPort: port)
case "async-echo":
    if extra == "loop" { runTasksOnTheLoop() }
    try await serveAsyncEcho(onPort: port)
default:
    fatalError("there is no server of that name")
}
