// A server of WebSocket that sends back each message, for the conformance tests: prints its port, and goes on until it is killed.

import Glibc
import Reactor
import ReactorWeb

final class Echo: WebSocketMessageHandler {
    func connection(_ connection: Connection, didReceive message: Span<UInt8>, as kind: WebSocketMessageKind) {
        if kind == .text { connection.sendMessage(message) } else { connection.sendBinaryMessage(message) }
    }
}

var options = Connection.Options()
// The longest of the tests' messages, and one that waits while another is sent.
options.maximumMessageLength = 16 << 20
options.maximumPendingOutput = 64 << 20
let webSocketOptions = options
let loop = try EventLoop()
let echo = Echo()
let listener = try loop.listen(on: .loopback(port: 0), options: HTTPHandler.connectionOptions) {
    HTTPHandler { request in .webSocket(for: request, options: webSocketOptions) { _ in echo } }
}
// Not by `print`, which keeps what goes to a file until there is more.
let port = Array("\(listener.address.port ?? 0)\n".utf8)
_ = unsafe write(STDOUT_FILENO, port, port.count)
try loop.run()
