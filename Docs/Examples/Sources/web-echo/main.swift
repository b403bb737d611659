// An echo for browsers and for lines: the handler does not know which of them its peer speaks.
//
//     swift run web-echo                  # or: swift run web-echo unix:/tmp/lines.sock unix:/tmp/web.sock
//     nc localhost 3001                   # and type
//     python3 -m websockets ws://localhost:3080/ws
import Reactor
import ReactorWeb

final class Echo: ConnectionHandler {
    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        messages.forEach { connection.sendMessage($0) }
    }
}

let loop = try EventLoop()
let places = CommandLine.arguments.count == 3 ? CommandLine.arguments[1...] : ["", "localhost:3001", "localhost:3080"][1...]
for address in try Endpoint(places[1]).resolve() { try loop.listen(on: address) { Echo() } }
for address in try Endpoint(places[2]).resolve() {
    try loop.listen(on: address, options: HTTPHandler.connectionOptions) {
        HTTPHandler { request in
            // A page of another site gets nothing.
            guard request.path == "/ws", request.isFromSameOrigin else { return HTTPResponse(.notFound) }
            return .webSocket(for: request) { _ in Echo() }
        }
    }
}
try loop.run()
