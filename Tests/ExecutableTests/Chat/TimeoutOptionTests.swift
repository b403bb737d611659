import TestSupport
import Testing

/// `--timeout` ends the client with the exit code of timeout(1), whatever it waits for.
struct TimeoutOptionTests {
    private static let sentence = Array("chat: it took too long\n".utf8)
    private static let silence = Array(
        "chat: it took too long, and the server has said nothing; if it speaks TLS, use --tls\n".utf8)

    @Test(arguments: [[], ["--json"], ["--receive", "1"], ["--name", "ana"]] as [[String]])
    func `a server that says nothing`(arguments: [String]) throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--timeout", "200ms"] + arguments)
        let client = try server.accept()
        #expect(try chat.error.all() == Self.silence)
        #expect(try chat.waitForEnd() == .exit(124))
        withExtendedLifetime(client) {}
    }

    @Test func `a chat that never answers what was sent`() throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--timeout", "1s", "--send", "hello"])
        let played = try PlayedChat(accepting: server)
        #expect(try chat.error.all() == Self.sentence)
        #expect(try chat.waitForEnd() == .exit(124))
        withExtendedLifetime(played) {}
    }

    @Test(arguments: [[], ["--json"], ["--receive", "1"]] as [[String]])
    func `a server that does not accept`(arguments: [String]) throws {
        let deaf = try DeafAddress(listens: true)
        let chat = try startChat(["\(deaf.address)", "--timeout", "200ms"] + arguments)
        #expect(try chat.error.all() == Self.sentence)
        #expect(try chat.waitForEnd() == .exit(124))
    }

    @Test(arguments: [[], ["--json"]] as [[String]]) func `an output that nobody reads`(arguments: [String]) throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--timeout", "1s"] + arguments)
        let client = try server.accept()
        // More than a pipe takes.
        let block = Array((String(repeating: "a", count: 1_000) + "\n").utf8)
        for _ in 0..<300 { try client.send(block) }
        #expect(try chat.waitForEnd() == .exit(124))
        #expect(try chat.error.all() == Self.sentence)
    }

    @Test func `what is done in time is done`() throws {
        try withDaemon(["--chat"]) { daemon in
            let chat = try startChat([daemon.address, "--timeout", "600", "--send", "hello"])
            #expect(try chat.waitForEnd() == .exit(0))
        }
    }
}
