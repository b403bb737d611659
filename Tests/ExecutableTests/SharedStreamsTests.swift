import Glibc
import TestSupport
import Testing

/// The standard streams of a program are shared with others, which find them as they were: while the program runs, and however it ends.
@Suite struct SharedStreamsTests {
    /// How a program ends.
    enum End: CaseIterable {
        case ordinary, terminated, killed, serverGone
    }

    @Test(.enabled(if: Unprivileged.isPossible), arguments: [false, true], End.allCases)
    func `a terminal that chat may not open anew`(isControlling: Bool, end: End) throws {
        let terminal = try SharedTerminal()
        let server = try PlayedServer()
        let chat = try terminal.start("chat", ["--plain", "--no-reconnect", "\(server.address)"], isControlling: isControlling)
        let client = try server.accept()
        for round in 0..<3 {
            try terminal.type("typed \(round)\n")
            #expect(try client.receiveLine() == "typed \(round)")
            try client.send("sent \(round)\n")
            try terminal.screen.text(through: "sent \(round)\r\n")
        }
        #expect(!terminal.isNonblocking)
        switch end {
        case .ordinary:
            try terminal.type("x\n")
            #expect(try client.receiveAll() == Array("x\n".utf8))
        case .terminated: chat.send(signal: SIGTERM)
        case .killed: chat.kill()
        case .serverGone:
            // What comes last is shown, too.
            try client.send(String(repeating: "last words ", count: 20_000) + "\n")
        }
        client.close()
        if end == .serverGone {
            try terminal.screen.text(through: "last words \r\n")
            try terminal.screen.text(through: "chat: the server has closed the connection\r\n")
        }
        let expected: ChildProcess.End =
            switch end {
            case .ordinary: .exit(0)
            case .terminated: .signal(SIGTERM)
            case .killed: .signal(SIGKILL)
            case .serverGone: .exit(EX_TEMPFAIL)
            }
        #expect(try chat.waitForEnd() == expected)
        #expect(!terminal.isNonblocking)
    }

    @Test(.enabled(if: Unprivileged.isPossible), arguments: [false, true], [SIGTERM, SIGKILL])
    func `a terminal that chatd may not open anew`(isControlling: Bool, signal: Int32) throws {
        let terminal = try SharedTerminal()
        let chatd = try terminal.start("chatd", ["--listen", "127.0.0.1:0"], isControlling: isControlling)
        try terminal.screen.text(through: "listening on 127.0.0.1:")
        let port = try #require(try terminal.screen.line()?.split(separator: "\r").first.flatMap { UInt16($0) })
        let client = try Peer(port: port)
        for round in 0..<3 {
            try client.send("sent \(round)\n")
            try terminal.screen.text(through: "sent \(round)\r\n")
            try terminal.type("typed \(round)\n")
            #expect(try client.receiveLine() == "typed \(round)")
        }
        #expect(!terminal.isNonblocking)
        if signal == SIGKILL { chatd.kill() } else { chatd.send(signal: signal) }
        if signal == SIGTERM {
            #expect(try client.receiveLine() == "! goodbye: the server is shutting down")
            client.close()
            #expect(try chatd.waitForEnd() == .exit(0))
        }
        #expect(!terminal.isNonblocking)
    }

    @Test func `a terminal that chat may open anew`() throws {
        let terminal = try SharedTerminal()
        let server = try PlayedServer()
        let chat = try startChat(
            ["--plain", "\(server.address)"], input: .descriptor(terminal.descriptor), output: .descriptor(terminal.descriptor))
        let client = try server.accept()
        try terminal.type("typed\n")
        #expect(try client.receiveLine() == "typed")
        #expect(!terminal.isNonblocking)
        chat.kill()
        #expect(!terminal.isNonblocking)
    }

    @Test func `what is typed after the server has gone is left to others, however long the output takes`() throws {
        let terminal = try SharedTerminal()
        let server = try PlayedServer()
        let (reader, writer) = try makePipe()
        let screen = Peer(takingOver: reader)
        let chat = try startChat(
            ["\(server.address)"], input: .descriptor(terminal.descriptor), output: .descriptor(writer))
        close(writer)
        let client = try server.accept()
        // More than a pipe takes, so that chat waits for the test.
        let content = pattern(200_000)
        try client.send(content)
        client.shutDownSending()
        #expect(try client.receiveAll() == [])
        try terminal.type("for others\n")
        let others = StreamReader(takingOver: dup(terminal.descriptor))
        #expect(try others.line() == "for others")
        #expect(try screen.receive(content.count) == content)
        #expect(try chat.waitForEnd() == .exit(EX_TEMPFAIL))
    }

    @Test func `sockets, which cannot be opened anew`() throws {
        let server = try PlayedServer()
        let (input, keys) = try socketPair()
        let (output, screen) = try socketPair()
        for descriptor in [input, output] { _ = fcntl(descriptor, F_SETFL, 0) }
        defer { for descriptor in [input, output] { close(descriptor) } }
        let chat = try startChat(
            ["\(server.address)", "--linger", "86400"], input: .descriptor(input), output: .descriptor(output))
        let client = try server.accept()
        let content = PipeBytesTests.contents[6]
        try keys.send(content)
        #expect(try client.receive(content.count) == content)
        try client.send(content)
        #expect(try screen.receive(content.count) == content)
        for descriptor in [input, output] { #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK == 0) }
        // All that has come is written before it ends.
        let rest = [UInt8](repeating: 100, count: 2_000_000)
        try client.send(rest)
        client.close()
        #expect(try screen.receive(rest.count) == rest)
        #expect(try chat.waitForEnd() == .exit(EX_TEMPFAIL))
    }

    @Test func `a socket that nobody reads any more is an output that is gone`() throws {
        let server = try PlayedServer()
        let (output, screen) = try socketPair()
        let chat = try startChat(["\(server.address)"], output: .descriptor(output))
        close(output)
        let client = try server.accept()
        screen.close()
        try client.send("lost\n")
        #expect(try chat.error.all() == Array("chat: nobody reads what is printed\n".utf8))
        #expect(try chat.waitForEnd() == .exit(EX_IOERR))
    }

    @Test func `an input that is the write end of a pipe takes nothing from its readers`() throws {
        let server = try PlayedServer()
        let (reader, writer) = try makePipe()
        defer { for end in [reader, writer] { close(end) } }
        #expect(unsafe write(writer, "theirs", 6) == 6)
        let chat = try startChat(["\(server.address)"], input: .descriptor(writer))
        #expect(try server.accept().receiveAll() == [])
        #expect(try chat.error.all() == Array("chat: cannot read standard input: Bad file descriptor\n".utf8))
        #expect(try chat.waitForEnd() == .exit(EX_IOERR))
        var bytes = [UInt8](repeating: 0, count: 10)
        #expect(unsafe read(reader, &bytes, bytes.count) == 6)
    }

    @Test func `an input that is the master of a terminal is that master, and not another one`() throws {
        let server = try PlayedServer()
        let terminal = try SharedTerminal()
        let chat = try startChat(["\(server.address)", "--linger", "0"], input: .descriptor(terminal.screen.descriptor))
        let client = try server.accept()
        // What is printed at the terminal is what is read from its master.
        #expect(unsafe write(terminal.descriptor, "printed\n", 8) == 8)
        #expect(try client.receiveLine() == "printed")
        chat.kill()
    }

    /// A terminal whose open file the test shares with a program.
    private final class SharedTerminal {
        let screen: StreamReader
        let descriptor: Int32
        private let path: String

        init() throws {
            (screen, path) = try ChildProcess.openTerminal()
            descriptor = unsafe open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
            try #require(descriptor >= 0)
        }

        deinit { close(descriptor) }

        var isNonblocking: Bool { fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0 }

        func type(_ text: String) throws {
            #expect(unsafe write(screen.descriptor, text, text.utf8.count) == text.utf8.count)
        }

        /// Starts a program on the terminal, and takes away the permission to open it.
        func start(_ program: String, _ arguments: [String], isControlling: Bool) throws -> ChildProcess {
            // The leader of a session gets the first terminal that it opens for its controlling one.
            let take = isControlling ? "exec 3<>$0; exec 3>&-; " : ""
            let command = Unprivileged.launcher + [ChildProcess.pathOfExecutable(program)] + arguments
            let stream = ChildProcess.Stream.descriptor(descriptor)
            let shell = ["-c", "\(take)chmod 000 $0; exec \"$@\"", path] + command
            return try ChildProcess("sh", shell, input: stream, output: stream, error: stream)
        }
    }
}
