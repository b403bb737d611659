// A line echo: every line goes back to who sent it. The lines of one read go back together, in one system call.
//
//     swift run echo                      # or: swift run echo unix:/tmp/echo.sock
//     nc localhost 3001                   # and type
import Reactor

final class Echo: ConnectionHandler {
    func connection(_ connection: Connection, didReceive lines: borrowing MessageBatch) {
        lines.withWireBytes { bytes in _ = connection.send(bytes) }
    }
}

let loop = try EventLoop()
for address in try Endpoint(CommandLine.arguments.dropFirst().first ?? "localhost:3001").resolve() {
    let listener = try loop.listen(on: address, handler: Echo())
    print("echo: listening on \(listener.address)")
}
try loop.run()
