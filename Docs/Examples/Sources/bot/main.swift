// A bot that sits in a chat, and answers the lines that begin with a word of its own. It ends with its server.
//
//     swift run --package-path ../.. chatd
//     swift run bot                       # or: swift run bot SERVER WORD
//     nc localhost 3001                   # and type: bot how are you
import Glibc
import Reactor

final class Bot: ConnectionHandler {
    private let word: String
    private var questions = 0

    init(answeringTo word: String) {
        self.word = word
    }

    func connectionDidOpen(_ connection: Connection) {
        connection.send("\(word) is here\n")
    }

    func connection(_ connection: Connection, didReceive lines: borrowing MessageBatch) {
        for index in 0..<lines.count {
            let text = lines.text(at: index)
            guard text.hasPrefix(word + " ") else { continue }
            questions += 1
            connection.send("question \(questions) was: \(text.dropFirst(word.count + 1))\n")
        }
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        print("bot: the connection has ended: \(reason)")
        exit(reason == .endOfInput ? EXIT_SUCCESS : EXIT_FAILURE)
    }
}

let arguments = CommandLine.arguments.dropFirst()
let server = try Endpoint(arguments.first ?? "127.0.0.1:3001").resolve()[0]
let loop = try EventLoop()
try loop.connect(
    to: server, deadline: .now.advanced(by: .seconds(10)), handler: Bot(answeringTo: arguments.dropFirst().first ?? "bot"))
try loop.run()
