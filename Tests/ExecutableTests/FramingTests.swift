import Glibc
import TestSupport
import Testing

/// What counts as a message, as `--framing` has it.
@Suite struct FramingTests {
    @Test func `auto: from a client that sends no newline, what is idle is a message`() throws {
        try withDaemon { daemon in
            let clients = try daemon.join(2)
            for message in ["first", "zweite Nachricht", "\u{1F980}"] {
                try clients[0].send(message)
                #expect(try clients[1].receiveLine() == message)
            }
        }
    }

    @Test func `auto: from the first newline on, messages are strict lines`() throws {
        try withDaemon { daemon in
            let clients = try daemon.join(3)
            try clients[0].send("line\nunfinished")
            #expect(try clients[1].receiveLine() == "line")
            // Begins to be idle later than what is unfinished, and is relayed.
            try clients[2].send("idle")
            #expect(try clients[1].receiveLine() == "idle")
            try clients[0].send(" business\n")
            #expect(try clients[1].receiveLine() == "unfinished business")
        }
    }

    @Test func `line: nothing but a newline ends a message`() throws {
        try withDaemon(["--framing", "line"]) { daemon in
            let clients = try daemon.join(2)
            let reader = StreamReader(takingOver: dup(clients[1].descriptor))
            try clients[0].send("un")
            #expect(try reader.isSilent())
            try clients[0].send("finished\r\n\r\n\n")
            #expect(try reader.lines(3) == ["unfinished", "", ""])
        }
    }

    @Test func `chunk: what was sent at once arrives as it is`() throws {
        try withDaemon(["--framing", "chunk"]) { daemon in
            let clients = try daemon.join(2)
            let reader = StreamReader(takingOver: dup(clients[1].descriptor))
            var everything = ""
            for chunk in ["one", "two\r\nthr", "\n", "xx\n", "\0"] {
                try clients[0].send(chunk)
                #expect(try reader.bytes(chunk.utf8.count) == Array(chunk.utf8))
                everything += chunk
            }
            try clients[0].send("end")
            clients[0].shutDownSending()
            #expect(try reader.bytes(3) == Array("end".utf8))
            #expect(try reader.isSilent())
        }
    }

    @Test(arguments: ["auto", "line"])
    func `at the end of the input the rest is a message`(framing: String) throws {
        try withDaemon(["--framing", framing]) { daemon in
            let clients = try daemon.join(2)
            try clients[0].send("a line\nno newline")
            clients[0].shutDownSending()
            #expect(try clients[1].receiveLines(2) == ["a line", "no newline"])
            #expect(try clients[0].receiveAll() == [])
        }
    }

    @Test func `a client that shuts down its sending side gets what was published before`() throws {
        try withDaemon { daemon in
            let clients = try daemon.join(2)
            try clients[1].send("for you\n")
            try clients[0].send("mine\n")
            #expect(try clients[1].receiveLine() == "mine")
            clients[0].shutDownSending()
            #expect(try clients[0].receiveAll() == Array("for you\n".utf8))
        }
    }
}
