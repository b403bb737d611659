import Glibc
import TestSupport
import Testing

/// With standard input not a terminal, chat sends all of it, stays for a while, and prints what it receives and nothing else.
@Suite struct PipeClientTests {
    @Test func `sends every line, and ends once its time is over`() throws {
        try withDaemon { daemon in
            let peer = try daemon.join(1)[0]
            let lines = (0..<1_000).map { "line \($0)" }
            let chat = try startChat([daemon.address, "--linger", "100ms"])
            try chat.write(lines.joined(separator: "\n"))
            chat.closeInput()
            #expect(try peer.receiveLines(lines.count) == lines)
            #expect(try chat.output.all() == [])
            #expect(try chat.error.all() == [])
            #expect(try chat.waitForEnd() == .exit(0))
        }
    }

    @Test func `stays for what is still coming after the end of its input`() throws {
        try withDaemon { daemon in
            let peer = try daemon.join(1)[0]
            let chat = try startChat([daemon.address, "--linger", "86400"])
            try chat.write("question")
            chat.closeInput()
            // The server takes it for a line, since it has never had a newline from this client.
            #expect(try peer.receiveLine() == "question")
            try peer.send("answer\n")
            #expect(try chat.output.line() == "answer")
            #expect(chat.currentEnd == nil)
        }
    }

    @Test func `x is sent like any other line, and nothing after it is lost`() throws {
        try withDaemon(["--no-quit-word"]) { daemon in
            let peer = try daemon.join(1)[0]
            let chat = try startChat([daemon.address])
            try chat.write("before\nx\nafter\n")
            chat.closeInput()
            #expect(try peer.receiveLines(3) == ["before", "x", "after"])
            #expect(try chat.waitForEnd() == .exit(0))
        }
    }

    @Test func `a server that has a quit word of its own closes the connection, and that is told`() throws {
        try withDaemon { daemon in
            let peer = try daemon.join(1)[0]
            let chat = try startChat([daemon.address, "--linger", "86400"])
            try chat.write("before\nx\nafter\n")
            #expect(try peer.receiveLine() == "before")
            #expect(try chat.waitForEnd() == .exit(EX_TEMPFAIL))
            #expect(
                try chat.error.all()
                    == Array("chat: the server has closed the connection without a word; if it speaks TLS, use --tls\n".utf8))
        }
    }

    @Test func `prints what it receives byte for byte`() throws {
        try withDaemon { daemon in
            let peer = try daemon.join(1)[0]
            let chat = try startChat([daemon.address])
            try chat.write("ready\n")
            #expect(try peer.receiveLine() == "ready")
            var generator = SeededGenerator(seed: 2)
            let bytes = Array("\u{1B}[31m\0\n".utf8) + generator.bytes(100_000).map { $0 == 13 ? 10 : $0 } + [10]
            try peer.send(bytes)
            #expect(try chat.output.bytes(bytes.count) == bytes)
            chat.closeInput()
            #expect(try chat.output.all() == [])
            #expect(try chat.error.all() == [])
        }
    }

    @Test(arguments: [false, true]) func `many MiB from one chat to another lose nothing`(throughFiles: Bool) throws {
        try withDaemon { daemon in
            let peer = try daemon.join(1)[0]
            var generator = SeededGenerator(seed: 3)
            let block = generator.bytes(65_535, from: 32...126) + [10]
            var content: [UInt8] = []
            for _ in 0..<160 { content += block }
            let directory = try TemporaryDirectory()
            let source = try File(at: "\(directory.path)/source", containing: throughFiles ? content : [])
            let target = try File(at: "\(directory.path)/target")

            let output = throughFiles ? ChildProcess.Stream.descriptor(target.descriptor) : .pipe
            let receiver = try startChat([daemon.address], output: output)
            try receiver.write("ready\n")
            #expect(try peer.receiveLine() == "ready")
            // A client that does not read would make the server wait.
            peer.close()
            let input = throughFiles ? ChildProcess.Stream.descriptor(source.descriptor) : .pipe
            let sender = try startChat([daemon.address, "--linger", "0"], input: input)
            if throughFiles {
                #expect(try sender.waitForEnd() == .exit(0))
                let late = try daemon.connect()
                try late.send("x marks the end\n")
                try wait(for: "the whole file") { target.size >= content.count + 16 }
                #expect(try target.content() == content + Array("x marks the end\n".utf8))
            } else {
                for _ in 0..<160 {
                    try sender.write(block)
                    #expect(try receiver.output.bytes(block.count) == block)
                }
                sender.closeInput()
                #expect(try sender.waitForEnd() == .exit(0))
            }
        }
    }

    @Test(arguments: [">", ">>"]) func `a file that it shares with a shell keeps what both have written`(redirection: String)
        throws
    {
        try withDaemon { daemon in
            let peer = try daemon.join(1)[0]
            let directory = try TemporaryDirectory()
            let script = "{ echo begin; \"$0\" \"$@\"; echo end; } \(redirection) \(directory.path)/file"
            let arguments = ["-c", script, ChildProcess.pathOfExecutable("chat"), daemon.address]
            let shell = try ChildProcess("sh", arguments, input: .pipe)
            try shell.write("ready\n")
            #expect(try peer.receiveLine() == "ready")
            try peer.send("from the chat\n")
            // Printed in order: once the client has left, both are in the file.
            try peer.send("and more\nx\n")
            #expect(try peer.receiveAll() == [])
            let file = try File(at: "\(directory.path)/file", truncates: false)
            try wait(for: "what the chat prints") { file.size >= "begin\nfrom the chat\nand more\n".utf8.count }
            shell.closeInput()
            #expect(try shell.waitForEnd() == .exit(0))
            #expect(try String(decoding: file.content(), as: UTF8.self) == "begin\nfrom the chat\nand more\nend\n")
        }
    }

    @Test func `without standard input it prints for as long as it lingers`() throws {
        try withDaemon(["--log-level", "debug"]) { daemon in
            let chat = try startChat([daemon.address, "--linger", "86400"], input: .closed)
            try daemon.process.error.text(through: "accepted")
            let peer = try daemon.connect()
            try peer.send("hello\n")
            #expect(try chat.output.line() == "hello")
        }
    }

    @Test func `without a reader of its output it ends, and says why`() throws {
        try withDaemon(["--log-level", "debug"]) { daemon in
            let chat = try startChat([daemon.address])
            chat.closeOutput()
            try daemon.process.error.text(through: "accepted")
            let peer = try daemon.connect()
            try peer.send("hello\n")
            #expect(try chat.waitForEnd() == .exit(EX_IOERR))
            #expect(try chat.error.lines(2) == ["chat: nobody reads what is printed"])
        }
    }

    @Test func `an output that takes no more is told by its reason`() throws {
        let server = try PlayedServer()
        let path = TemporaryPath()
        let tooLarge = "File too large"
        for (redirection, reason) in [
            ("> /dev/full", "No space left on device"), ("> \(path.path)", tooLarge), (">> \(path.path)", tooLarge),
        ] {
            let script = "trap '' XFSZ; exec \"$0\" \"$@\" \(redirection)"
            let arguments = ["-c", script, ChildProcess.pathOfExecutable("chat"), "\(server.address)"]
            let chat = try ChildProcess("sh", arguments, input: .pipe)
            let client = try server.accept()
            // Not before it runs: the thread sanitizer has files of its own, and they are longer. The file takes a part of the line.
            let limit = try ChildProcess("prlimit", ["--pid", "\(chat.pid)", "--fsize=4096"])
            try #require(limit.waitForEnd() == .exit(0))
            try client.send(String(repeating: "a", count: 10_000) + "\n")
            #expect(try chat.error.all() == Array("chat: cannot write standard output: \(reason)\n".utf8))
            #expect(try chat.waitForEnd() == .exit(EX_IOERR))
        }
    }

    @Test(arguments: [ChildProcess.Stream.null, .closed]) func `without standard output it still sends`(
        output: ChildProcess.Stream
    ) throws {
        try withDaemon { daemon in
            let peer = try daemon.join(1)[0]
            let chat = try startChat([daemon.address, "--linger", "0"], output: output)
            try chat.write("hello\n")
            #expect(try peer.receiveLine() == "hello")
            try peer.send("answer\n")
            chat.closeInput()
            #expect(try chat.waitForEnd() == .exit(0))
        }
    }

    /// A file that a test reads and programs write.
    private final class File {
        let descriptor: Int32
        private let path: String

        init(at path: String, containing content: [UInt8] = [], truncates: Bool = true) throws {
            self.path = path
            descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | (truncates ? O_TRUNC : 0), 0o600)
            try #require(descriptor >= 0)
            try #require(unsafe write(descriptor, content, content.count) == content.count)
            lseek(descriptor, 0, SEEK_SET)
        }

        deinit {
            close(descriptor)
        }

        var size: Int {
            var status = stat()
            _ = unsafe fstat(descriptor, &status)
            return Int(status.st_size)
        }

        func content() throws -> [UInt8] {
            try StreamReader(takingOver: unsafe open(path, O_RDONLY | O_CLOEXEC)).all()
        }
    }
}
