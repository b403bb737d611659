import ChatReactor
import Glibc
import TestSupport
import Testing

/// What `EventLoop.adopt` promises of descriptors that were opened elsewhere.
struct AdoptTests {
    @Test("What is written into a pipe comes as messages, and its end as the end of input")
    func inputPipe() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (input, output) = try makePipe()
        let writer = Peer(takingOver: output)
        let handler = RecordingHandler()
        try loop.adopt(OwnedDescriptor(takingOver: input), for: .input, handler: handler)
        try writer.send("one\ntwo\nrest")
        writer.close()
        try loop.run(until: "the end") { !handler.closeReasons.isEmpty }
        #expect(handler.events == [.opened, .received("one"), .received("two"), .received("rest"), .closed(.endOfInput)])
    }

    @Test("What is sent to a pipe comes out of it, and its end after that")
    func outputPipe() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (input, output) = try makePipe()
        let reader = Peer(takingOver: input)
        let handler = RecordingHandler()
        let connection = try loop.adopt(OwnedDescriptor(takingOver: output), for: .output, handler: handler)
        let sent = [UInt8](repeating: 65, count: 1_000_000)
        #expect(connection.send(sent))
        connection.finish()
        try loop.run(until: "the end") { reader.hasEnded && !handler.closeReasons.isEmpty }
        #expect(reader.bytes == sent)
        #expect(handler.closeReasons == [.requested])
    }

    @Test("A pipe that nobody reads any more ends the connection")
    func brokenPipe() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (input, output) = try makePipe()
        let reader = Peer(takingOver: input)
        let handler = RecordingHandler()
        let connection = try loop.adopt(OwnedDescriptor(takingOver: output), for: .output, handler: handler)
        try loop.run(until: "the connection") { handler.events == [.opened] }
        reader.close()
        connection.send("hello")
        try loop.run(until: "the end") { !handler.closeReasons.isEmpty }
        #expect(handler.closeReasons == [.failed(.brokenPipe)])
    }

    @Test("A regular file can be read, though epoll refuses it")
    func inputFile() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let path = TemporaryPath()
        let lines = (0..<50_000).map { "line \($0)" }
        try path.write(lines.map { $0 + "\n" }.joined())
        let handler = RecordingHandler()
        try loop.adopt(OwnedDescriptor(takingOver: path.open(O_RDONLY)), for: .input, handler: handler)
        try loop.run(until: "the end") { !handler.closeReasons.isEmpty }
        #expect(handler.texts == lines)
        #expect(handler.closeReasons == [.endOfInput])
    }

    @Test("A regular file can be written")
    func outputFile() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let path = TemporaryPath()
        let handler = RecordingHandler()
        let connection = try loop.adopt(OwnedDescriptor(takingOver: path.open(O_WRONLY)), for: .output, handler: handler)
        connection.send("one\n")
        connection.send("two\n")
        connection.finish()
        try loop.run(until: "the end") { !handler.closeReasons.isEmpty }
        #expect(try path.text == "one\ntwo\n")
    }

    @Test("An adopted descriptor is closed with its connection")
    func closes() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (input, output) = try makePipe()
        let writer = Peer(takingOver: output)
        let handler = RecordingHandler()
        let connection = try loop.adopt(OwnedDescriptor(takingOver: input), for: .input, handler: handler)
        try writer.send("a")
        connection.close()
        try loop.run(until: "the end") { !handler.closeReasons.isEmpty }
        // Its only reader is gone.
        #expect(writer.sendAvailable([65]) == 0)
    }

    @Test("A descriptor that is no socket has no addresses")
    func noAddresses() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (input, output) = try makePipe()
        let writer = Peer(takingOver: output)
        let connection = try loop.adopt(OwnedDescriptor(takingOver: input), for: .input, handler: RecordingHandler())
        #expect(connection.localAddress == nil)
        #expect(connection.remoteAddress == nil)
        writer.close()
    }

    @Test("A connected socket can be adopted, and is used in both directions")
    func socket() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (near, peer) = try socketPair()
        let handler = RecordingHandler()
        handler.onMessage = { connection, text in connection.send("re: \(text)\n") }
        let connection = try loop.adopt(socket: OwnedDescriptor(takingOver: near), handler: handler)
        try peer.send("hello\n")
        try loop.run(until: "the reply") { peer.text == "re: hello\n" }
        // Both are sockets without a name.
        #expect(connection.localAddress == .unix(path: ""))
        #expect(connection.remoteAddress == .unix(path: ""))
    }
}
