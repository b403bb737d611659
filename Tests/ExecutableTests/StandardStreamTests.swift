import ChatCommandLine
import Glibc
import Reactor
import TestSupport
import Testing

/// What `EventLoop.adoptStandardStream` promises, tried on descriptors that are not those of the process.
@Suite struct StandardStreamTests {
    let loop: EventLoop
    let handler = RecordingHandler()

    init() throws { loop = try EventLoop() }

    @Test func `a pipe is read without blocking, and stays as it was`() throws {
        defer { loop.close() }
        let (reader, writer) = try makePipe()
        defer { close(reader) }
        _ = fcntl(reader, F_SETFL, 0)
        let peer = Peer(takingOver: writer)
        let connection = try loop.adoptStandardStream(reader, for: .input, handler: handler)
        try peer.send("one\n")
        try loop.run(until: "the line") { handler.texts == ["one"] }
        connection.close()
        try loop.run(until: "the end") { !handler.closeReasons.isEmpty }
        #expect(fcntl(reader, F_GETFL) == O_RDONLY)
    }

    @Test func `a pipe is written without blocking, and stays as it was`() throws {
        defer { loop.close() }
        let (reader, writer) = try makePipe()
        defer { close(writer) }
        _ = fcntl(writer, F_SETFL, 0)
        let peer = Peer(takingOver: reader)
        var options = Connection.Options()
        options.flushTimeout = nil
        let connection = try loop.adoptStandardStream(writer, for: .output, options: options, handler: handler)
        // More than the pipe takes at once.
        let sent = pattern(1_000_000)
        connection.send(sent)
        connection.finish()
        try loop.run(until: "the end") { peer.bytes.count == sent.count && !handler.closeReasons.isEmpty }
        #expect(peer.bytes == sent)
        #expect(fcntl(writer, F_GETFL) == O_WRONLY)
    }

    @Test func `a socket is read and written by a thread, and stays as it was`() throws {
        defer { loop.close() }
        let (number, peer) = try socketPair()
        defer { close(number) }
        _ = fcntl(number, F_SETFL, 0)
        let output = try loop.adoptStandardStream(number, for: .output, handler: RecordingHandler())
        _ = try loop.adoptStandardStream(number, for: .input, handler: handler)
        try peer.send("one\n")
        output.send("two\n")
        try loop.run(until: "both lines") { handler.texts == ["one"] && peer.text == "two\n" }
        peer.shutDownSending()
        try loop.run(until: "the end") { handler.closeReasons == [.endOfInput] }
        #expect(fcntl(number, F_GETFL) == O_RDWR)
    }

    @Test func `why a thread cannot read or write is told`() throws {
        defer { loop.close() }
        let (number, peer) = try socketPair()
        defer { close(number) }
        _ = fcntl(number, F_SETFL, 0)
        // A peer that closes with something unread resets the connection.
        #expect(unsafe write(number, "unread", 6) == 6)
        _ = try loop.adoptStandardStream(number, for: .input, handler: handler)
        peer.close()
        try loop.run(until: "the end") { !handler.closeReasons.isEmpty }
        #expect(handler.closeReasons == [.failed(.connectionReset)])

        let output = try loop.adoptStandardStream(number, for: .output, handler: handler)
        output.send("lost")
        try loop.run(until: "the end") { handler.closeReasons.count == 2 }
        #expect(handler.closeReasons.last == .failed(.brokenPipe))
    }

    @Test func `a regular file shares its position with others`() throws {
        defer { loop.close() }
        let path = TemporaryPath()
        try path.write("one\ntwo\n")
        let file = try path.open(O_RDWR)
        defer { close(file) }
        lseek(file, 4, SEEK_SET)
        _ = try loop.adoptStandardStream(file, for: .input, handler: handler)
        try loop.run(until: "the end") { !handler.closeReasons.isEmpty }
        #expect(handler.texts == ["two"])
        let output = try loop.adoptStandardStream(file, for: .output, handler: handler)
        output.send("three\n")
        output.finish()
        try loop.run(until: "the end") { handler.closeReasons.count == 2 }
        #expect(unsafe write(file, "four\n", 5) == 5)
        #expect(try path.text == "one\ntwo\nthree\nfour\n")
    }

    @Test func `a stream that is closed, or not open for that direction`() throws {
        defer { loop.close() }
        let (reader, writer) = try makePipe()
        defer { for end in [reader, writer] { close(end) } }
        for (number, direction) in [(-1, .input), (-1, .output), (writer, .input), (reader, .output)]
            as [(Int32, OwnedDescriptor.Direction)]
        {
            #expect(throws: Errno(rawValue: EBADF)) {
                try loop.adoptStandardStream(number, for: direction, handler: handler)
            }
        }
    }
}
