import ChatReactor
import Glibc
import TestSupport
import Testing

/// What `Console` promises. In processes of their own, since standard input and output are the process's.
struct ConsoleTests {
    @Test("What is typed goes to every client, and every message is printed")
    func speaksAndPrints() async {
        await #expect(processExitsWith: .success) {
            let streams = try StandardStreams()
            let room = try ChatRoom(2)
            let console = try Console(of: room.server, reads: true, prints: true) { _ in }
            try streams.input.send("operator\n")
            try room.run(until: "the operator's line") { room.clients.allSatisfy { $0.text == "operator\n" } }
            try room.clients[0].send("hello \u{1B}[2J\n")
            try room.run(until: "the printed line") { streams.output.text.hasSuffix("\n") }
            try #require(streams.output.text == "hello ^[[2J\n")
            withExtendedLifetime(console) {}
        }
    }

    @Test("The end of standard input ends the console's speaking and nothing else")
    func endOfInput() async {
        await #expect(processExitsWith: .success) {
            let streams = try StandardStreams()
            let room = try ChatRoom(2)
            let console = try Console(of: room.server, reads: true, prints: true) { _ in }
            try streams.input.send("bye\n")
            streams.input.close()
            try room.run(until: "the operator's line") { room.clients.allSatisfy { $0.text == "bye\n" } }
            try room.loop.run(for: .milliseconds(20))
            try room.clients[0].send("hello\n")
            try room.run(until: "the message") { room.clients[1].text == "bye\nhello\n" && streams.output.text == "hello\n" }
            withExtendedLifetime(console) {}
        }
    }

    @Test("A console that is not to read, or not to print, does only the other")
    func oneOfTheTwo() async {
        await #expect(processExitsWith: .success) {
            let streams = try StandardStreams()
            let (reading, printing) = (try ChatRoom(2), try ChatRoom(2))
            let consoles = [
                try Console(of: reading.server, reads: true, prints: false) { _ in },
                try Console(of: printing.server, reads: false, prints: true) { _ in },
            ]
            try streams.input.send("operator\n")
            try reading.clients[0].send("not printed\n")
            try printing.clients[0].send("printed\n")
            try reading.run(until: "the reading one's lines") { reading.clients[1].lines.count == 2 }
            try printing.run(until: "the printing one's lines") { streams.output.text.hasSuffix("\n") }
            try #require(reading.clients[0].text == "operator\n")
            try #require(printing.clients[1].text == "printed\n")
            try #require(streams.output.text == "printed\n")
            withExtendedLifetime(consoles) {}
        }
    }

    @Test("An output that nobody reads never slows the relay")
    func slowOutput() async {
        await #expect(processExitsWith: .success) {
            let streams = try StandardStreams()
            let room = try ChatRoom(2)
            let console = try Console(of: room.server, reads: false, prints: true) { _ in }
            let line = String(repeating: "a", count: 999) + "\n"
            // Much more than a pipe and a buffer take.
            for count in 1...5_000 {
                try room.clients[0].send(line)
                try room.run(until: "the line") { room.clients[1].bytes.count == count * 1_000 }
            }
            // What there was no room for is counted, and the count is printed.
            try room.clients[0].send("end\n")
            try room.run(until: "a line that says how many") {
                streams.output.lines.contains { !$0.hasPrefix("aaa") && $0 != "end" && $0.contains { $0.isNumber } }
            }
            withExtendedLifetime(console) {}
        }
    }
}
