// A whole server with a state for each client, in fifteen lines: it adds up the numbers that the client sends.
//
//     swift run adder                     # or: swift run adder unix:/tmp/adder.sock
//     nc localhost 3001                   # and type numbers
import Reactor

final class Adder: ConnectionHandler {
    var sum = 0
    func connection(_ connection: Connection, didReceive lines: borrowing MessageBatch) {
        lines.forEach { line in
            if let number = Int(text(line)), !sum.addingReportingOverflow(number).overflow { sum += number }
            connection.send("\(sum)\n")
        }
    }
    func text(_ line: Span<UInt8>) -> String { String(decoding: line.indices.map { line[$0] }, as: UTF8.self) }
}
let loop = try EventLoop()
let address = try Endpoint(CommandLine.arguments.dropFirst().first ?? "127.0.0.1:3001").resolve()[0]
try loop.listen(on: address) { Adder() }
try loop.run()
