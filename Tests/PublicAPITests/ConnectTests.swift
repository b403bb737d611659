import ChatReactor
import Glibc
import TestSupport
import Testing

/// What `EventLoop.connect` promises, and what a connection knows of its two ends.
struct ConnectTests {
    @Test("Two ends of one connection on one loop: both open, and talk", arguments: [true, false])
    func bothEnds(isTCP: Bool) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let path = TemporaryPath()
        let (server, client) = (RecordingHandler(), RecordingHandler())
        server.onMessage = { connection, text in connection.send("re: \(text)\n") }
        let listener = try loop.listen(on: isTCP ? .loopback(port: 0) : .unix(path: path.path), handler: server)
        client.onOpen = { $0.send("hello\n") }
        let connection = try loop.connect(to: listener.address, handler: client)
        try loop.run(until: "the reply") { !client.texts.isEmpty }
        #expect(client.connections.first === connection)
        #expect(client.texts == ["re: hello"])
        #expect(server.texts == ["hello"])
    }

    @Test("A connection is not open while it is connecting, and is when its handler is told")
    func isOpen() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let deaf = try DeafAddress(listens: true)
        let connecting = try loop.connect(to: deaf.address, handler: RecordingHandler())
        #expect(!connecting.isOpen)
        let handler = RecordingHandler()
        var wasOpen: Bool?
        handler.onOpen = { wasOpen = $0.isOpen }
        let listener = try loop.listen(on: .loopback(port: 0), handler: RecordingHandler())
        try loop.connect(to: listener.address, handler: handler)
        try loop.run(until: "the connection") { wasOpen != nil }
        #expect(wasOpen == true)
        #expect(!connecting.isOpen)
    }

    @Test("Connecting that has not come about by its deadline is given up for that reason")
    func deadline() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let deaf = try DeafAddress(listens: true)
        let handler = RecordingHandler()
        let deadline = ContinuousClock.now.advanced(by: .milliseconds(50))
        let connection = try loop.connect(to: deaf.address, deadline: deadline, handler: handler)
        connection.send("hello\n")
        try loop.run(until: "the end") { !handler.events.isEmpty }
        #expect(ContinuousClock.now >= deadline)
        #expect(!connection.isOpen)
        #expect(handler.events == [.closed(.connectTimedOut)])
    }

    @Test("A deadline does nothing to a connection that has come about")
    func deadlineThatWasMet() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        let listener = try loop.listen(on: .loopback(port: 0), handler: RecordingHandler())
        // A turn looks at sockets before it looks at deadlines.
        let deadline = ContinuousClock.now.advanced(by: .milliseconds(100))
        try loop.connect(to: listener.address, deadline: deadline, handler: handler)
        try loop.run(until: "the connection") { !handler.events.isEmpty }
        try loop.run(until: "the deadline and more") { .now > deadline.advanced(by: .milliseconds(50)) }
        #expect(handler.events == [.opened])
    }

    @Test("What the kernel says at once is thrown, and then the handler is told nothing")
    func nobodyAtAPath() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        let (nowhere, tooLong) = (TemporaryPath().path, "/tmp/" + String(repeating: "a", count: 103))
        #expect(throws: Errno(rawValue: ENOENT)) { try loop.connect(to: .unix(path: nowhere), handler: handler) }
        #expect(throws: Errno.fileNameTooLong) { try loop.connect(to: .unix(path: tooLong), handler: handler) }
        try loop.run(for: .milliseconds(10))
        #expect(handler.events == [])
    }

    @Test(
        "A Unix-domain socket connects at once, and an adopted descriptor is open at once: the handler is told before the call returns"
    )
    func openAtOnce() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let path = TemporaryPath()
        let handlers = (0..<3).map { _ in RecordingHandler() }
        try loop.listen(on: .unix(path: path.path), handler: RecordingHandler())
        try loop.connect(to: .unix(path: path.path), handler: handlers[0])
        #expect(handlers[0].events == [.opened])
        let (near, peer) = try socketPair()
        try loop.adopt(socket: OwnedDescriptor(takingOver: near), handler: handlers[1])
        #expect(handlers[1].events == [.opened])
        let pipe = try makePipe()
        let writer = Peer(takingOver: pipe.writer)
        try loop.adopt(OwnedDescriptor(takingOver: pipe.reader), for: .input, handler: handlers[2])
        #expect(handlers[2].events == [.opened])
        #expect(!peer.hasEnded)
        writer.close()
    }

    @Test("Each side's own address is the other's remote one")
    func addresses() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (server, client) = (RecordingHandler(), RecordingHandler())
        let listener = try loop.listen(on: .loopback(port: 0), handler: server)
        try loop.connect(to: listener.address, handler: client)
        try loop.run(until: "both ends") { server.connections.count == 1 && client.connections.count == 1 }
        let (accepted, connected) = (server.connections[0], client.connections[0])
        #expect(connected.remoteAddress == listener.address)
        #expect(accepted.localAddress == listener.address)
        #expect(connected.localAddress != nil)
        #expect(accepted.remoteAddress == connected.localAddress)
    }

    @Test("The socket of a path has that path as its address, and one without a name has an empty path")
    func unixAddresses() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let path = TemporaryPath()
        let (server, client) = (RecordingHandler(), RecordingHandler())
        try loop.listen(on: .unix(path: path.path), handler: server)
        try loop.connect(to: .unix(path: path.path), handler: client)
        try loop.run(until: "both ends") { server.connections.count == 1 && client.connections.count == 1 }
        #expect(client.connections[0].remoteAddress == .unix(path: path.path))
        #expect(server.connections[0].localAddress == .unix(path: path.path))
        #expect(server.connections[0].remoteAddress == .unix(path: ""))
    }

    @Test("What a connection is set to, it is set to from its first byte on")
    func options() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (server, client) = (RecordingHandler(), RecordingHandler())
        server.onOpen = { $0.send("one\0two\0") }
        let listener = try loop.listen(on: .loopback(port: 0), handler: server)
        try loop.connect(to: listener.address, options: .framed(.nulTerminated), handler: client)
        try loop.run(until: "two messages") { client.texts.count >= 2 }
        #expect(client.texts == ["one", "two"])
    }

    @Test("What is sent while connecting is accepted, and leaves once the connection is open")
    func whatIsSentBeforeConnectingIsDoneArrives() throws {
        let loop = try EventLoop()
        let (server, handler) = (RecordingHandler(), RecordingHandler())
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: server)
        let connection = try loop.connect(to: listener.address, handler: handler)
        #expect(!connection.isOpen)
        #expect(connection.send("hello\n"))
        #expect(handler.events.isEmpty)
        try loop.run(until: "received") { server.texts == ["hello"] }
        #expect(connection.isOpen)
        #expect(handler.events == [.opened, .drained])
    }

    @Test("Finishing while connecting still delivers what was sent")
    func finishingBeforeConnectingIsDoneStillDeliversWhatWasSent() throws {
        let loop = try EventLoop()
        let (server, handler) = (RecordingHandler(), RecordingHandler())
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: server)
        let connection = try loop.connect(to: listener.address, handler: handler)
        connection.send("hello\n")
        connection.finish()
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty && !server.closeReasons.isEmpty }
        #expect(server.texts == ["hello"])
        #expect(server.closeReasons == [.endOfInput])
        #expect(handler.events == [.opened, .drained, .closed(.requested)])
    }

    @Test("A connection that is closed in the turn in which it has connected does not open")
    func whoIsClosedInTheTurnInWhichItHasConnectedDoesNotOpen() throws {
        let loop = try EventLoop()
        let (server, handler) = (RecordingHandler(), RecordingHandler())
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: server)
        let connections = try (0..<2).map { _ in try loop.connect(to: listener.address, handler: handler) }
        handler.onOpen = { opened in connections.first { $0 !== opened }?.close() }
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(handler.events == [.opened, .closed(.requested)])
    }

    @Test("The deadline holds for a connection that is finishing, too")
    func theDeadlineHoldsForAConnectionThatIsFinishing() throws {
        let (loop, handler) = (try EventLoop(), RecordingHandler())
        defer { loop.close() }
        let deaf = try DeafAddress(listens: true)
        let connection = try loop.connect(
            to: deaf.address, deadline: .now.advanced(by: .milliseconds(60)), handler: handler)
        connection.send("hello\n")
        connection.finish()
        try loop.run(until: "given up", within: .seconds(5)) { !handler.closeReasons.isEmpty }
        #expect(handler.events == [.closed(.connectTimedOut)])
    }

    @Test("Waiting for an answer costs no turns")
    func waitingForAnAnswerDoesNotSpin() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let deaf = try DeafAddress(listens: true)
        try loop.connect(to: deaf.address, handler: RecordingHandler()).send("hello\n")
        #expect(try loop.turns(during: .milliseconds(80)) <= 3)
    }
}
