import ChatReactor
import Glibc
import TestSupport
import Testing

/// What `EventLoop.listen` and `Listener` promise.
struct ListenerTests {
    @Test("Port 0 has the kernel pick one, and the listener's address says which")
    func portZero() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        let (one, two) = (
            try loop.listen(on: .loopback(port: 0), handler: handler), try loop.listen(on: .loopback(port: 0), handler: handler)
        )
        let ports = try [one, two].map { try #require($0.address.port) }
        #expect(!ports.contains(0))
        #expect(ports[0] != ports[1])
        #expect(one.address == .loopback(port: ports[0]))
        let peers = [try Peer(to: one.address), try Peer(to: two.address)]
        try loop.run(until: "two connections") { handler.connections.count == peers.count }
    }

    @Test("An address at which somebody listens already is refused, with the error that says so")
    func inUse() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: RecordingHandler())
        #expect(throws: Errno.addressInUse) { try loop.listen(on: listener.address, handler: RecordingHandler()) }
    }

    @Test("A path at which somebody has left a socket behind is taken over")
    func leftBehind() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let path = TemporaryPath()
        let abandoned = try makeSocket(for: .unix(path: path.path))
        try #require(
            unsafe withSystemAddress(.unix(path: path.path)) { pointer, size in unsafe bind(abandoned, pointer, size) } == 0)
        Glibc.close(abandoned)
        try #require(path.exists)
        let handler = RecordingHandler()
        try loop.listen(on: .unix(path: path.path), handler: handler)
        let peer = try Peer(to: .unix(path: path.path))
        try loop.run(until: "the connection") { handler.connections.count == 1 }
        #expect(!peer.hasEnded)
    }

    @Test("A path at which there is anything else is refused and left alone, and so is one that is too long")
    func refusedPaths() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let path = TemporaryPath()
        try path.write("precious")
        #expect(throws: Errno.addressInUse) { try loop.listen(on: .unix(path: path.path), handler: RecordingHandler()) }
        #expect(try path.text == "precious")
        let (longest, tooLong) = (TemporaryPath(length: 107), TemporaryPath(length: 108))
        try loop.listen(on: .unix(path: longest.path), handler: RecordingHandler())
        #expect(longest.exists)
        #expect(throws: Errno.fileNameTooLong) { try loop.listen(on: .unix(path: tooLong.path), handler: RecordingHandler()) }
        let (handler, other) = (RecordingHandler(), TemporaryPath())
        try loop.listen(on: .unix(path: other.path), handler: handler)
        #expect(throws: Errno.addressInUse) { try loop.listen(on: .unix(path: other.path), handler: RecordingHandler()) }
    }

    @Test("A handler is made for each connection")
    func handlerForEach() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var handlers: [RecordingHandler] = []
        let listener = try loop.listen(on: .loopback(port: 0)) {
            handlers.append(RecordingHandler())
            return handlers.last!
        }
        let peers = try (0..<5).map { _ in try Peer(to: listener.address) }
        for (number, peer) in peers.enumerated() { try peer.send("\(number)\n") }
        try loop.run(until: "five messages") { handlers.count { !$0.texts.isEmpty } == 5 }
        #expect(handlers.allSatisfy { $0.events.first == .opened && $0.texts.count == 1 })
        #expect(Set(handlers.map { $0.texts[0] }) == ["0", "1", "2", "3", "4"])
    }

    @Test("All connections of a listener are set to its options")
    func options() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        let listener = try loop.listen(on: .loopback(port: 0), options: .framed(.nulTerminated, longest: 3), handler: handler)
        let peers = try (0..<3).map { _ in try Peer(to: listener.address) }
        for peer in peers { try peer.send("a\nb\0") }
        try loop.run(until: "three messages") { handler.texts.count >= 3 }
        #expect(handler.texts == ["a\nb", "a\nb", "a\nb"])
    }

    @Test("A listener that is closed accepts nobody; those whom it has accepted live on", arguments: [true, false])
    func close(isTCP: Bool) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let path = TemporaryPath()
        let handler = RecordingHandler()
        handler.onMessage = { connection, text in connection.send("re: \(text)\n") }
        let listener = try loop.listen(on: isTCP ? .loopback(port: 0) : .unix(path: path.path), handler: handler)
        let address = listener.address
        let peer = try Peer(to: address)
        try loop.run(until: "the connection") { handler.connections.count == 1 }
        listener.close()
        try loop.run(for: .milliseconds(5))
        #expect(throws: Errno.self) { _ = try Peer(to: address) }
        try peer.send("hello\n")
        try loop.run(until: "the reply") { peer.text == "re: hello\n" }
        #expect(handler.events.first == .opened)
        #expect(handler.closeReasons == [])
    }

    @Test("The path of a Unix-domain socket is there while somebody listens, and removed with the listener")
    func path() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let path = TemporaryPath()
        let listener = try loop.listen(on: .unix(path: path.path), handler: RecordingHandler())
        #expect(listener.address == .unix(path: path.path))
        #expect(path.exists)
        listener.close()
        try loop.run(for: .milliseconds(5))
        #expect(!path.exists)
    }

    @Test("A listener that nobody keeps goes on listening")
    func notKept() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        let address = try loop.listen(on: .loopback(port: 0), handler: handler).address
        let peer = try Peer(to: address)
        try peer.send("hello\n")
        try loop.run(until: "the message") { handler.texts == ["hello"] }
    }

    @Test("Messages may come with the connection itself")
    func messageWithTheConnection() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let peer = try Peer(to: listener.address)
        try peer.send("one\n")
        peer.close()
        try loop.run(until: "the end") { !handler.closeReasons.isEmpty }
        #expect(handler.events == [.opened, .received("one"), .closed(.endOfInput)])
    }

    @Test(
        "Out of descriptors, a caller is turned away with the refusal while the others wait, and all is well once there are some")
    func outOfDescriptors() async {
        // In a process of its own, since the limit is the process's.
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            let handler = RecordingHandler()
            let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
            listener.rejectionMessage = "full\n"
            var errors: [Errno] = []
            listener.onAcceptFailure = { errors.append($0) }
            // The callers have their descriptors already.
            let (callers, late) = (try (0..<3).map { _ in try Peer(to: listener.address) }, try makeSocket(for: listener.address))
            let fillers = useUpDescriptors()
            try loop.run(until: "the refusal") { callers.contains { $0.hasEnded } }
            try #require(callers.count { $0.hasEnded } == 1)
            try #require(callers.filter(\.hasEnded).map(\.text) == ["full\n"])
            try #require(errors == [.tooManyOpenFiles])
            try #require(handler.connections.isEmpty)
            for filler in fillers { Glibc.close(filler) }
            try #require(connectSocket(late, to: listener.address) == 0)
            let peer = Peer(takingOver: late)
            handler.onOpen = { $0.send("welcome\n") }
            try loop.run(until: "the service of the late caller") { peer.text == "welcome\n" }
            loop.close()
        }
    }

    @Test("Out of descriptors, the loop does not spin")
    func noSpinning() async {
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            let listener = try loop.listen(on: .loopback(port: 0), handler: RecordingHandler())
            var count = 0
            listener.onAcceptFailure = { _ in count += 1 }
            let callers = try (0..<20).map { _ in try Peer(to: listener.address) }
            _ = useUpDescriptors()
            loop.schedule(after: .milliseconds(300)) { loop.stop() }
            try loop.run()
            try #require((1...10).contains(count))
            try #require(loop.turnCount < 50)
            try #require(callers.contains { !$0.hasEnded })
            loop.close()
        }
    }
}

/// Has this process be out of descriptors. The result are those that may be closed again.
private func useUpDescriptors() -> [Int32] {
    var limit = rlimit()
    _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = 256
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    var fillers: [Int32] = []
    while case let filler = dup(STDERR_FILENO), filler >= 0 { fillers.append(filler) }
    return fillers
}
