import Glibc
import TestSupport
import Testing

/// At a terminal without its editor, chat sends and receives line by line, and shows nothing that could harm the terminal.
@Suite struct TerminalClientTests {
    @Test func `what is typed is sent, and what comes is shown, at once`() throws {
        try withTalk { chat, peer in
            for (typed, answer) in [("hello", "hi there"), ("grüße \u{1F44B}", "你好"), ("bye?", "bye")] {
                try chat.write(typed + "\n")
                #expect(try peer.receiveLine() == typed)
                try peer.send(answer + "\n")
                try chat.output.text(through: answer + "\r\n")
            }
        }
    }

    @Test func `what comes without a newline is shown, too`() throws {
        try withTalk(server: ["--framing", "chunk"]) { chat, peer in
            try peer.send("no newline")
            try chat.output.text(through: "no newline\r\n")
        }
    }

    @Test(arguments: [
        (["gr\u{C3}", "\u{BC}\u{C3}\u{9F}e"], "\n"), (["gr\u{C3}\u{BC}\u{C3}\u{9F}e\r"], "\n"),
        (["gr\u{C3}\u{BC}\u{C3}\u{9F}e"], "\r\n"),
    ])
    func `a pause cuts no character, and a newline after it makes no empty line`(pieces: [String], newline: String) throws {
        let server = try PlayedServer()
        let chat = try startChat(
            ["\(server.address)", "--plain", "--no-reconnect"], input: .terminal, output: .terminal, error: .terminal)
        let client = try server.accept()
        for piece in pieces {
            // Each character stands for the byte of its number.
            try client.send(piece.unicodeScalars.map { UInt8($0.value) })
            // Longer than any pause that ends a line. Where none does, nothing can be waited for.
            usleep(200_000)
        }
        #expect(try chat.output.text(through: "\r\n") == "grüße\r\n")
        try client.send(newline + "next\n")
        #expect(try chat.output.text(through: "next\r\n") == "next\r\n")
    }

    @Test func `a line that has begun is shown after a pause, and goes on where it was`() throws {
        let server = try PlayedServer()
        let chat = try startChat(
            ["\(server.address)", "--plain", "--no-reconnect"], input: .terminal, output: .terminal, error: .terminal)
        let client = try server.accept()
        try client.send("a line\nname> ")
        try chat.output.text(through: "a line\r\n")
        #expect(try chat.output.text(through: "name> ") == "name> ")
        try client.send("nobody\r\nbye> ")
        #expect(try chat.output.text(through: "bye> ") == "nobody\r\nbye> ")
        client.close()
        // What chat itself says begins a line.
        try chat.output.text(through: "\r\nchat: the server has closed the connection\r\n")
    }

    @Test func `what could harm the terminal is made visible`() throws {
        try withTalk { chat, peer in
            let hostile: [UInt8] = Array("\u{1B}]0;title\u{7} \u{1B}[2J \u{202E}gnp.exe ".utf8) + [0xFF, 10]
            try peer.send(hostile)
            let shown = try chat.output.text(through: "\\xFF\r\n")
            #expect(shown.hasSuffix("^[]0;title^G ^[[2J \\u{202E}gnp.exe \\xFF\r\n"))
        }
    }

    @Test(arguments: ["x\n", "last words\nx\n", "\u{4}", "last words\n\u{4}"])
    func `x and Ctrl-D end it`(typed: String) throws {
        try withTalk { chat, peer in
            try chat.write(typed)
            let end = try chat.waitForEnd()
            #expect(end == .exit(0))
            if typed.hasPrefix("last") { #expect(try peer.receiveLine() == "last words") }
            // Nothing more came from it.
            let reader = StreamReader(takingOver: dup(peer.descriptor))
            #expect(try reader.isSilent())
        }
    }

    @Test func `a line of any length is shown, and ends nothing`() throws {
        let server = try PlayedServer()
        let chat = try startChat(
            ["\(server.address)", "--plain", "--no-reconnect"], input: .terminal, output: .terminal, error: .terminal)
        let client = try server.accept()
        // Characters of three bytes, so that a piece could end within one.
        let line = String(repeating: "€", count: 100_000)
        try client.send("before\n\(line)\r\nafter\n")
        try chat.output.text(through: "before\r\n")
        #expect(try chat.output.text(through: "\r\nafter\r\n") == line + "\r\nafter\r\n")
        #expect(chat.currentEnd == nil)
    }

    @Test func `a line that the server has not ended is shown at its end`() throws {
        let server = try PlayedServer()
        let chat = try startChat(
            ["\(server.address)", "--plain", "--no-reconnect"], input: .terminal, output: .terminal, error: .terminal)
        let client = try server.accept()
        try client.send("a line\nthe rest")
        client.close()
        try chat.output.text(through: "the rest\r\n")
        #expect(try chat.waitForEnd() == .exit(EX_TEMPFAIL))
    }

    @Test func `the quit word is sent, so that the server knows, and nothing after it`() throws {
        let server = try PlayedServer()
        let chat = try startChat(
            ["\(server.address)", "--plain", "--no-reconnect"], input: .terminal, output: .terminal, error: .terminal)
        let client = try server.accept()
        try chat.write("hello\nyou\nx\nnever sent\n")
        #expect(try client.receiveAll() == Array("hello\nyou\nx\n".utf8))
        client.close()
        #expect(try chat.waitForEnd() == .exit(0))
    }

    @Test(arguments: [
        (["--quit-word", "bye"], "x\nbye\nlost\n", "x\nbye\n"), (["--quit-word", "tschüß"], "tschüß\n", "tschüß\n"),
        (["--no-quit-word"], "x\n\u{4}", "x\n"),
    ])
    func `which line leaves can be chosen`(options: [String], typed: String, sent: String) throws {
        let server = try PlayedServer()
        let chat = try startChat(
            ["\(server.address)", "--plain", "--no-reconnect"] + options, input: .terminal, output: .terminal, error: .terminal)
        let client = try server.accept()
        try chat.write(typed)
        #expect(try client.receiveAll() == Array(sent.utf8))
        client.close()
        #expect(try chat.waitForEnd() == .exit(0))
    }

    /// Has a chat at a terminal, and a peer of it.
    private func withTalk(server: [String] = [], _ body: (ChildProcess, Peer) throws -> Void) throws {
        try withDaemon(server) { daemon in
            let peer = try daemon.join(1)[0]
            let chat = try startChat([daemon.address, "--plain"], input: .terminal, output: .terminal, error: .terminal)
            try chat.write("ready\n")
            #expect(try peer.receiveLine() == "ready")
            try body(chat, peer)
        }
    }
}
