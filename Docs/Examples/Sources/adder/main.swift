// A whole server with a state for each client, in fifteen lines: it adds up the numbers that the client sends.
//
//     swift run adder                     # or: swift run adder unix:/tmp/adder.sock
//     nc localhost 3001                   # and type numbers
import Reactor

final class Adder: ConnectionHandler {
    var sum = 0
    func connection(_ connection: Connection, didReceive lines: borrowing MessageBatch) {
        for index in 0..<lines.count {
            if let number = Int(lines.text(at: index)), !sum.addingReportingOverflow(number).overflow { sum += number }
            connection.send("\(sum)\n")
        }
    }
}
let loop = try EventLoop()
let address = try Endpoint(CommandLine.arguments.dropFirst().first ?? "127.0.0.1:3001").resolve()[0]
try loop.listen(on: address) { Adder() }
try loop.run()
