import Glibc
import TestSupport
import Testing

/// Without a terminal, chat is a pipe in both directions: every byte passes, at once, and none is added.
@Suite struct PipeBytesTests {
    static let contents: [[UInt8]] = [
        Array("one\ntwo".utf8),
        Array("no newline".utf8),
        Array("\n".utf8),
        Array("\r\n\r\n\rcarriage returns\r\n\r".utf8),
        Array("before\nx\nafter\n".utf8),
        [0, 0, 10, 0, 255, 254, 10, 0],
        // Longer than any line that the programs take, with and without an end.
        Array("a\n".utf8) + [UInt8](repeating: 98, count: 65_537) + Array("\nc\n".utf8),
        [UInt8](repeating: 99, count: 3_000_000),
    ]

    @Test(arguments: contents, ["exec \"$@\" < $0", "cat $0 | \"$@\""])
    func `what is piped in is what the server gets`(content: [UInt8], script: String) throws {
        let server = try PlayedServer()
        let source = TemporaryPath()
        try source.write(content)
        let shell = try startShell(script, source, ["\(server.address)", "--linger", "0"])
        let client = try server.accept()
        #expect(try client.receiveAll() == content)
        client.close()
        #expect(try shell.error.all() == [])
        #expect(try shell.waitForEnd() == .exit(0))
    }

    @Test(arguments: contents, ["exec \"$@\" > $0", "\"$@\" | cat > $0"])
    func `what the server sends is what is piped out`(content: [UInt8], script: String) throws {
        let server = try PlayedServer()
        let target = TemporaryPath()
        let shell = try startShell(script, target, ["\(server.address)", "--linger", "86400"])
        let client = try server.accept()
        try client.send(content)
        client.shutDownSending()
        #expect(try shell.error.all() == Array("chat: the server has closed the connection\n".utf8))
        _ = try shell.waitForEnd()
        #expect(try target.bytes == content)
    }

    @Test func `a pause changes nothing, wherever it is`() throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)"])
        let client = try server.accept()
        for piece in ["a", "b\n", "c", "\r", "\n", "\0"] {
            // Each piece passes before the next one is there, and then nothing else comes for a while.
            try chat.write(piece)
            #expect(try client.receiveSome() == Array(piece.utf8))
            try client.send(piece)
            #expect(try chat.output.bytes(piece.utf8.count) == Array(piece.utf8))
            #expect(try chat.output.isSilent(for: .milliseconds(100)))
            #expect(client.bytes == [])
        }
    }

    @Test func `through a relay of chunks`() throws {
        try withDaemon(["--framing", "chunk"]) { daemon in
            let receiver = try startChat([daemon.address])
            let peer = try daemon.connect()
            try receiver.write("ready")
            #expect(try peer.receiveSome() == Array("ready".utf8))
            // A client that does not read would make the server wait.
            peer.close()
            for content in Self.contents {
                let source = TemporaryPath()
                try source.write(content)
                let sender = try startShell("cat $0 | \"$@\"", source, [daemon.address, "--linger", "0"])
                #expect(try receiver.output.bytes(content.count) == content)
                #expect(try sender.waitForEnd() == .exit(0))
            }
        }
    }

    @Test func `through a relay of lines, one after the other, whatever their length`() throws {
        try withDaemon(["--max-line", "1000000", "--no-quit-word"]) { daemon in
            let receiver = try startChat([daemon.address])
            let peer = try daemon.connect()
            try receiver.write("ready\n")
            #expect(try peer.receiveLine() == "ready")
            peer.close()
            let lengths = [1, 65_535, 65_536, 65_537, 900_000, 0, 3]
            let lines = lengths.map { String(repeating: "a", count: $0) + "\n" } + ["x\n", "y\n"]
            let source = TemporaryPath()
            try source.write(lines.joined())
            let sender = try startShell("cat $0 | \"$@\"", source, [daemon.address, "--linger", "0"])
            for line in lines { #expect(try receiver.output.bytes(line.utf8.count) == Array(line.utf8)) }
            #expect(try sender.waitForEnd() == .exit(0))
        }
    }

    @Test func `an input that cannot be read is no end of input`() throws {
        let server = try PlayedServer()
        let directory = unsafe open("/", O_RDONLY | O_CLOEXEC)
        defer { close(directory) }
        let chat = try startChat(["\(server.address)"], input: .descriptor(directory))
        #expect(try server.accept().receiveAll() == [])
        #expect(try chat.error.all() == Array("chat: cannot read standard input: Is a directory\n".utf8))
        #expect(try chat.waitForEnd() == .exit(EX_IOERR))
    }

    /// Starts chat by a shell's script, which finds a file's path in `$0` and chat's command line in `$@`.
    private func startShell(_ script: String, _ file: TemporaryPath, _ arguments: [String]) throws -> ChildProcess {
        let input: ChildProcess.Stream = script.contains(">") ? .pipe : .null
        return try ChildProcess("sh", ["-c", script, file.path, ChildProcess.pathOfExecutable("chat")] + arguments, input: input)
    }
}
