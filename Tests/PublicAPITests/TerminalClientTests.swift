import ChatReactor
import Glibc
import TestSupport
import Testing

/// The far ends of this process's standard streams, which are pipes from now on. For a process that a test has to itself.
struct StandardStreams {
    let input: Peer
    let output: Peer

    init() throws {
        let (input, output) = (try makePipe(), try makePipe())
        guard dup2(input.reader, STDIN_FILENO) >= 0, dup2(output.writer, STDOUT_FILENO) >= 0 else { throw Errno(rawValue: errno) }
        close(input.reader)
        close(output.writer)
        (self.input, self.output) = (Peer(takingOver: input.writer), Peer(takingOver: output.reader))
    }
}

/// What `ChatClient` promises. In processes of their own, since standard input and output are the process's.
struct TerminalClientTests {
    @Test("What is typed goes to the server line by line, the quit word too, and ends the client")
    func quitWord() async {
        await #expect(processExitsWith: .success) {
            let streams = try StandardStreams()
            let loop = try EventLoop()
            let handler = RecordingHandler()
            let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
            let client = try ChatClient(to: [listener.address], on: loop)
            try streams.input.send("hello\nyou\nx\nnever sent\n")
            try #require(try client.run() == .finished)
            try loop.run(until: "the end") { !handler.closeReasons.isEmpty }
            try #require(handler.texts == ["hello", "you", "x"])
        }
    }

    @Test("The end of the input ends it, and without lingering at once; what was typed has been sent")
    func endOfInput() async {
        await #expect(processExitsWith: .success) {
            let streams = try StandardStreams()
            let loop = try EventLoop()
            let handler = RecordingHandler()
            let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
            let client = try ChatClient(to: [listener.address], on: loop)
            try streams.input.send("one\ntwo\n")
            streams.input.close()
            try #require(try client.run() == .finished)
            try loop.run(until: "the end") { !handler.closeReasons.isEmpty }
            try #require(handler.texts == ["one", "two"])
        }
    }

    @Test("It stays after the end of the input for what is still coming, as long as it is told to linger")
    func linger() async {
        await #expect(processExitsWith: .success) {
            let streams = try StandardStreams()
            let loop = try EventLoop()
            let handler = RecordingHandler()
            handler.onMessage = { connection, _ in
                connection.loop.schedule(after: .milliseconds(50)) { connection.send("late\u{1B}[2J\n") }
            }
            let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
            var configuration = ChatClient.Configuration()
            configuration.linger = .seconds(2)
            configuration.isTerminal = false
            let client = try ChatClient(to: [listener.address], on: loop, configuration: configuration)
            try streams.input.send("question\n")
            streams.input.close()
            let start = ContinuousClock.now
            try #require(try client.run() == .finished)
            try #require(start.duration(to: .now) >= .seconds(2))
            // Byte for byte, since it is no terminal.
            try #require(streams.output.text == "late\u{1B}[2J\n")
        }
    }

    @Test("What comes is printed for a terminal with nothing in it that could harm one")
    func harmless() async {
        await #expect(processExitsWith: .success) {
            let streams = try StandardStreams()
            let loop = try EventLoop()
            let handler = RecordingHandler()
            handler.onOpen = { connection in
                connection.send(Array("gr\u{FC}\u{DF}e \u{1B}[2J \u{202E}".utf8) + [0xFF, 10])
                connection.finish()
            }
            let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
            let client = try ChatClient(to: [listener.address], on: loop)
            try #require(try client.run() == .serverGone(.endOfInput))
            try #require(streams.output.text.hasPrefix("gr\u{FC}\u{DF}e ^[[2J \\u{202E}\\xFF\n"))
        }
    }

    @Test("The server's addresses are tried in their order; if none can be connected to, the last one and the reason are told")
    func addresses() async {
        await #expect(processExitsWith: .success) {
            let streams = try StandardStreams()
            let deaf = try (0..<2).map { _ in try DeafAddress() }
            do {
                let client = try ChatClient(to: deaf.map(\.address), on: EventLoop())
                try #require(try client.run() == .couldNotConnect(deaf[1].address, .failed(.connectionRefused)))
            }
            let loop = try EventLoop()
            let handler = RecordingHandler()
            let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
            let client = try ChatClient(to: [deaf[0].address, listener.address], on: loop)
            try streams.input.send("hello\n")
            streams.input.close()
            try #require(try client.run() == .finished)
            try loop.run(until: "the end") { !handler.closeReasons.isEmpty }
            try #require(handler.texts == ["hello"])
        }
    }

    @Test("Each address has as long as the connect timeout")
    func connectTimeout() async {
        await #expect(processExitsWith: .success) {
            _ = try StandardStreams()
            let deaf = try DeafAddress(listens: true)
            var configuration = ChatClient.Configuration()
            configuration.connectTimeout = .milliseconds(50)
            let client = try ChatClient(to: [deaf.address], on: EventLoop(), configuration: configuration)
            let start = ContinuousClock.now
            try #require(try client.run() == .couldNotConnect(deaf.address, .connectTimedOut))
            try #require(start.duration(to: .now) >= .milliseconds(50))
        }
    }

    @Test("A server that closes the connection is gone, and so is an output that nobody reads")
    func gone() async {
        await #expect(processExitsWith: .success) {
            let streams = try StandardStreams()
            let loop = try EventLoop()
            let handler = RecordingHandler()
            handler.onOpen = { $0.finish() }
            let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
            try #require(try ChatClient(to: [listener.address], on: loop).run() == .serverGone(.endOfInput))
            handler.onOpen = { $0.send("hello\n") }
            streams.output.close()
            try #require(try ChatClient(to: [listener.address], on: loop).run() == .outputGone)
        }
    }
}
