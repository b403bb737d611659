import ChatReactor
import Glibc
import TestSupport
import Testing

/// What `EventLoop.listen` and `Listener` promise.
struct ListenerTests {
    @Test("A path that is too long is refused")
    func refusedPaths() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (longest, tooLong) = (TemporaryPath(length: 107), TemporaryPath(length: 108))
        try loop.listen(on: .unix(path: longest.path), handler: RecordingHandler())
        #expect(longest.exists)
        #expect(throws: Errno.fileNameTooLong) { try loop.listen(on: .unix(path: tooLong.path), handler: RecordingHandler()) }
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
        try waitUntilRefused(at: address)
        try peer.send("hello\n")
        try loop.run(until: "the reply") { peer.text == "re: hello\n" }
        #expect(handler.events.first == .opened)
        #expect(handler.closeReasons == [])
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
            // One each 100 ms: on a busy machine that may be more than one by now.
            let refused = callers.filter(\.hasEnded)
            try #require(refused.allSatisfy { $0.text == "full\n" })
            try #require(errors.count >= refused.count && errors.allSatisfy { $0 == .tooManyOpenFiles })
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

    @Test("Port 0 has the kernel pick one; a port in use is refused, and free once its listener is closed")
    func port0GivesTheRealPort() throws {
        let (loop, handler) = (try EventLoop(), RecordingHandler())
        defer { loop.close() }
        let first = try loop.listen(on: .loopback(port: 0), handler: handler)
        let second = try loop.listen(on: .loopback(port: 0), handler: handler)
        let port = try #require(first.address.port)
        #expect(port != 0)
        #expect(port != second.address.port)
        #expect(throws: Errno.addressInUse) { try loop.listen(on: first.address, handler: handler) }
        first.close()
        try waitForFree { try loop.listen(on: .loopback(port: port), handler: handler) }
    }

    @Test("What a server leaves behind in TIME_WAIT does not keep the next one from its port")
    func aPortCanBeListenedOnAgainAtOnce() throws {
        let (loop, handler) = (try EventLoop(), RecordingHandler())
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let client = try Peer(port: try #require(listener.address.port))
        try loop.run(until: "accepted") { !handler.connections.isEmpty }
        handler.connections.first?.close()
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(try client.receiveSome().isEmpty)
        client.close()
        listener.close()
        try waitForFree { try loop.listen(on: listener.address, handler: handler) }
    }

    @Test("A listener that a handler closes accepts no further")
    func aListenerThatIsClosedByACallerAcceptsNoFurther() throws {
        let (loop, handler) = (try EventLoop(), RecordingHandler())
        defer { loop.close() }
        var listener: Listener?
        handler.onOpen = { _ in listener?.close() }
        listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let port = try #require(listener?.address.port)
        let clients = try (0..<3).map { _ in try Peer(port: port) }
        try loop.settle()
        #expect(handler.connections.count == 1)
        #expect(clients.count { $0.receiveAvailable() == nil } == 2)
        listener = nil
    }

    private static let addresses: [SocketAddress] = [
        .loopback(port: 0), .ipv6(high: 0, low: 1, port: 0, scope: 0), .temporaryPath(),
    ]

    @Test("Callers on any kind of address are served", arguments: addresses)
    func callersOnAnyKindOfAddressAreServed(_ address: SocketAddress) throws {
        let (loop, handler) = (try EventLoop(), RecordingHandler())
        defer { loop.close() }
        handler.onMessage = { connection, text in connection.send(text + "\n") }
        let listener = try loop.listen(on: address, handler: handler)
        let client = RecordingHandler()
        let connection = try loop.connect(to: listener.address, handler: client)
        connection.send("hello\n")
        try loop.run(until: "answered") { client.texts == ["hello"] }
        let accepted = try #require(handler.connections.first)
        #expect(accepted.localAddress == listener.address)
        #expect(connection.remoteAddress == listener.address)
        if let port = address.port { #expect(accepted.remoteAddress?.port != port) }
    }
}

/// Tries again while a child process that another test is starting has a copy of the listener that was closed.
private func waitForFree(_ listen: () throws -> Listener) throws {
    try wait(for: "the address to be free") {
        do {
            _ = try listen()
            return true
        } catch let error as Errno where error == .addressInUse {
            return false
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
