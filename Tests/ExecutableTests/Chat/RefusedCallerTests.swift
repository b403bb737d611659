import Glibc
import TestSupport
import Testing

/// A server that does not let the client in says why, and that is told; one that lets it go again is something else.
struct RefusedCallerTests {
    @Test(arguments: [[], ["--json"], ["--send", "hello"], ["--receive", "1"], ["--name", "ana"]] as [[String]])
    func `one that is turned away`(arguments: [String]) throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)"] + arguments)
        let client = try server.accept()
        try client.send("! the server is full, try again later\n")
        client.shutDownSending()
        _ = try client.receiveAll()
        client.close()
        #expect(try chat.error.lines(9) == ["chat: the server has refused: the server is full, try again later"])
        #expect(try chat.waitForEnd() == .exit(EX_NOPERM))
    }

    @Test(arguments: [["--plain"], []] as [[String]]) func `one that is turned away at a terminal`(arguments: [String]) throws {
        let server = try PlayedServer()
        let chat = try startAtTerminal(server, arguments)
        let client = try server.accept()
        try client.send("! the server is full, try again later\n")
        client.close()
        try chat.output.text(through: "chat: the server has refused: the server is full, try again later\r\n")
        #expect(try chat.waitForEnd() == .exit(EX_NOPERM))
    }

    @Test func `a relay whose first line looks like a refusal and who stays is a relay`() throws {
        let server = try PlayedServer()
        let chat = try startAtTerminal(server, ["--plain"])
        let client = try server.accept()
        try client.send("! attention please\n")
        try chat.write("hello\n")
        #expect(try client.receiveLine() == "hello")
        try client.send("more\n")
        try chat.output.text(through: "more\r\n")
    }

    @Test(arguments: ["kicked", "kicked: too loud", "banned", "banned: spam"], [false, true])
    func `one that is thrown out does not come back`(reason: String, isChat: Bool) throws {
        let server = try PlayedServer()
        let chat = try startAtTerminal(server, ["--plain"])
        if isChat {
            let played = try PlayedChat(accepting: server)
            #expect(try played.commands(1) == ["/json"])
            try played.enter(sequence: 10)
            try played.tell("'type':'error','text':'goodbye: \(reason)'")
            try played.end()
        } else {
            let client = try server.accept()
            try client.send("hello\n! goodbye: \(reason)\n")
            client.close()
        }
        try chat.output.text(through: "chat: the server has closed the connection: \(reason)\r\n")
        #expect(try chat.waitForEnd() == .exit(EX_TEMPFAIL))
    }

    @Test func `a real server that kicks somebody`() throws {
        let daemon = try ChildProcess(
            ChildProcess.pathOfExecutable("chatd"), ["--chat", "--port", "0"], input: .terminal, output: .terminal, error: .pipe)
        let line = try #require(try daemon.error.line())
        let address = String(line.dropFirst("chatd: listening on ".count))
        let chat = try ChildProcess(
            ChildProcess.pathOfExecutable("chat"), ["--plain", address], input: .terminal, output: .terminal, error: .terminal)
        try chat.write("/nick ana\n")
        try chat.output.text(through: "you are now ana")
        try daemon.write("/kick ana too loud\n")
        try chat.output.text(through: "chat: the server has closed the connection: kicked: too loud\r\n")
        #expect(try chat.waitForEnd() == .exit(EX_TEMPFAIL))
    }

    @Test func `a server that is full when the client comes back is asked again, less and less often`() throws {
        let server = try PlayedServer()
        let chat = try startAtTerminal(server, ["--plain"])
        let client = try server.accept()
        try client.send("hello\n")
        try chat.output.text(through: "hello\r\n")
        client.close()
        for _ in 0..<2 {
            let again = try server.accept()
            try again.send("! the server is full, try again later\n")
            again.close()
        }
        let start = ContinuousClock.now
        let last = try server.accept()
        // The third delay is between one and two seconds; that of one who begins anew each time is half a second at most.
        #expect(start.duration(to: .now) > .milliseconds(800))
        try last.send("welcome back\n")
        let shown = try chat.output.text(through: "welcome back\r\n")
        #expect(shown.matches(of: #/connected again/#).count == 1)
        #expect(shown.matches(of: #/connection lost/#).count == 1)
    }

    private func startAtTerminal(_ server: PlayedServer, _ arguments: [String]) throws -> ChildProcess {
        try ChildProcess(
            ChildProcess.pathOfExecutable("chat"), ["\(server.address)"] + arguments,
            environment: ["TERM=xterm", "XDG_STATE_HOME=/dev/null"], input: .terminal, output: .terminal, error: .terminal)
    }
}
