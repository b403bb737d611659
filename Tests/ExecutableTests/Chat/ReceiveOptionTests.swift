import Glibc
import TestSupport
import Testing

/// `--receive` leaves after as many messages as were asked for, whatever else comes.
struct ReceiveOptionTests {
    @Test(arguments: [1, 2, 5]) func `of a relay, each line is a message, and no more are printed`(count: Int) throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--receive", "\(count)"])
        let client = try server.accept()
        // In one piece: the client has all of it when it has what was asked for.
        try client.send((0..<9).map { "line \($0)\n" }.joined())
        #expect(try String(decoding: chat.output.all(), as: UTF8.self) == (0..<count).map { "line \($0)\n" }.joined())
        #expect(try client.receiveAll() == [])
        client.close()
        #expect(try chat.waitForEnd() == .exit(0))
    }

    @Test func `of a chat, only what somebody says is a message`() throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--json", "--receive", "2"])
        let played = try PlayedChat(accepting: server)
        #expect(try played.commands(1) == ["/json"])
        try played.enter(sequence: 10)
        try played.tell("'type':'join','seq':11,'time':'2026-11-27T19:03:09.000Z','room':'lobby','from':'ben','online':4")
        for number in 12..<20 { try played.say(number, "\(number)") }
        let lines = try chat.output.all().split(separator: 10).map { try JSONValue(String(decoding: $0, as: UTF8.self)) }
        #expect(lines.map { $0["type"]?.string } == ["welcome", "join", "message", "message"])
        try played.end()
        #expect(try chat.waitForEnd() == .exit(0))
    }

    @Test func `an end of the input does not end it`() throws {
        try withDaemon { daemon in
            let peer = try daemon.join(1)[0]
            let chat = try startChat([daemon.address, "--receive", "1", "--linger", "0"])
            try chat.write("question\n")
            chat.closeInput()
            #expect(try peer.receiveLine() == "question")
            try peer.send("answer\n")
            #expect(try chat.output.all() == Array("answer\n".utf8))
            #expect(try chat.waitForEnd() == .exit(0))
        }
    }

    @Test func `with a text to send, it is an answer that is waited for`() throws {
        try withDaemon(["--chat", "--history", "0"]) { daemon in
            let ana = try daemon.connect()
            _ = try ana.receiveLine()
            let chat = try startChat([daemon.address, "--json", "--send", "question", "--receive", "1"])
            while let line = try ana.receiveLine(), line != "guest2: question" {}
            try ana.send("answer\n")
            let last = try #require(try chat.output.all().split(separator: 10).last)
            #expect(try JSONValue(String(decoding: last, as: UTF8.self))["text"]?.string == "answer")
            #expect(try chat.waitForEnd() == .exit(0))
        }
    }

    @Test func `a server that goes before is told`() throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--receive", "2"])
        let client = try server.accept()
        try client.send("one\n")
        #expect(try chat.output.line() == "one")
        client.close()
        #expect(try chat.waitForEnd() == .exit(EX_TEMPFAIL))
    }

    @Test(arguments: [
        ["--receive", "0"], ["--receive", "-1"], ["--receive", "many"], ["--send", "two\nlines"], ["--timeout", "soon"],
    ])
    func `what cannot be is a wrong usage`(arguments: [String]) throws {
        let chat = try startChat(["localhost"] + arguments)
        #expect(try chat.waitForEnd() == .exit(EX_USAGE))
        #expect(try chat.error.all().count { $0 == 10 } == 1)
    }
}
