import ChatReactor
import TestSupport
import Testing

/// What `ChatServer.shutDown` promises.
struct ServerShutdownTests {
    private final class Reasons: ChatServerObserver {
        var reasons: [CloseReason] = []
        func server(_ server: ChatServer, didClose client: ChatServer.Client, reason: CloseReason) { reasons.append(reason) }
    }

    @Test("What waits is sent, every client is closed because of the shutdown, and then the completion is called")
    func inOrder() throws {
        let room = try ChatRoom(3)
        let observer = Reasons()
        room.server.addObserver(observer)
        var (isComplete, countAtCompletion) = (false, -1)
        room.server.announce("the last words")
        room.server.shutDown(timeout: .seconds(3_600)) {
            isComplete = true
            countAtCompletion = room.server.clientCount
        }
        #expect(!isComplete)
        try room.run(until: "the completion") {
            for client in room.clients where client.hasEnded { client.close() }
            return isComplete
        }
        #expect(countAtCompletion == 0)
        #expect(
            room.clients.map(\.text) == Array(repeating: "the last words\n! goodbye: the server is shutting down\n", count: 3))
        #expect(observer.reasons == [.shutdown, .shutdown, .shutdown])
    }

    @Test("Nobody is accepted any more")
    func notAccepting() throws {
        let room = try ChatRoom(1)
        var isComplete = false
        room.server.shutDown(timeout: .seconds(3_600)) { isComplete = true }
        #expect(throws: Errno.self) { _ = try Peer(to: room.address) }
        room.clients[0].close()
        try room.run(until: "the completion") { isComplete }
        #expect(throws: Errno.self) { _ = try Peer(to: room.address) }
    }

    @Test("A client that does not take its output in time is closed without it")
    func inTime() throws {
        let room = try ChatRoom(2) {
            $0.slowClients = .backpressure(stall: .seconds(3_600), grace: .seconds(3_600))
            $0.logCapacity = 16 * 1_048_576
        }
        // More than the kernel takes for a client that does not read, and less than half of the log.
        let line = String(repeating: "a", count: 99_999)
        for _ in 0..<75 {
            room.server.announce(line)
            try room.loop.runOnce(waitingAtMost: .zero)
            room.clients[0].read()
        }
        let observer = Reasons()
        room.server.addObserver(observer)
        var isComplete = false
        room.server.shutDown(timeout: .milliseconds(200)) { isComplete = true }
        try room.run(until: "the completion") {
            if room.clients[0].hasEnded { room.clients[0].close() }
            return isComplete
        }
        #expect(room.clients[0].text.hasSuffix("\n! goodbye: the server is shutting down\n"))
        #expect(room.clients[0].lines.filter { $0 == line }.count == 75)
        #expect(room.clients[1].bytes.count < 7_500_000)
        #expect(observer.reasons.count == 2)
        #expect(room.server.clientCount == 0)
    }

    @Test("A server without clients is done as well")
    func noClients() throws {
        let room = try ChatRoom(0)
        var completions = 0
        room.server.shutDown(timeout: .seconds(3_600)) { completions += 1 }
        try room.run(until: "the completion") { completions > 0 }
        try room.loop.run(for: .milliseconds(10))
        #expect(completions == 1)
    }

    @Test("A second call sets the timeout anew, and the completions of all calls are called, in their order")
    func twice() throws {
        let room = try ChatRoom(1)
        var completions: [Int] = []
        let client = try #require(room.server.clients.first?.connection)
        // It does not agree to the end, and lingers.
        room.server.shutDown(timeout: .milliseconds(20)) { completions.append(1) }
        room.server.shutDown(timeout: .seconds(3_600)) { completions.append(2) }
        try room.loop.run(for: .milliseconds(100))
        #expect(client.isOpen)
        room.server.shutDown(timeout: .zero) {
            completions.append(3)
            room.server.shutDown(timeout: .seconds(3_600)) { completions.append(4) }
        }
        #expect(completions == [])
        try room.run(until: "the completions") { !completions.isEmpty }
        #expect(completions == [1, 2, 3, 4])
        #expect(room.clients[0].text == "! goodbye: the server is shutting down\n")
    }

    @Test("A server that was shut down does not listen again")
    func refusesToListen() throws {
        let room = try ChatRoom(0)
        room.server.shutDown(timeout: .zero) {}
        #expect(throws: Errno.canceled) { try room.server.listen(on: .loopback(port: 0)) }
    }

    @Test("A client that was being closed for another reason does not hold up the end")
    func alreadyClosing() throws {
        let room = try ChatRoom(1) { $0.slowClients = .disconnect }
        let client = try #require(room.server.clients.first?.connection)
        while !client.isFinishing {
            room.server.announce(String(repeating: "a", count: 99_999))
            try room.loop.runOnce(waitingAtMost: .zero)
        }
        #expect(room.server.room.clients.isEmpty)
        var isComplete = false
        room.server.shutDown(timeout: .milliseconds(50)) { isComplete = true }
        let start = ContinuousClock.now
        try room.run(until: "the completion") { isComplete }
        // Not as long as a connection may take to send what waits.
        #expect(start.duration(to: .now) < .seconds(20))
    }

    /// How a server comes to its end.
    enum End: CaseIterable {
        case shutDown, shutDownTwice, droppedWithoutListening, listenerAndClientsClosed
    }

    @Test("Of 200 servers on a loop that goes on nothing stays", arguments: End.allCases)
    func nothingStays(end: End) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        weak var kept: ChatServer?
        weak var keptObserver: Reasons?
        for _ in 0..<200 {
            let server = try ChatServer(on: loop)
            kept = server
            let observer = Reasons()
            keptObserver = observer
            server.addObserver(observer)
            if end == .droppedWithoutListening { continue }
            let listener = try server.listen(on: .loopback(port: 0))
            let peer = try Peer(to: listener.address)
            try peer.send("hello\n")
            try loop.run(until: "accepted") { server.clientCount == 1 }
            switch end {
            case .shutDown, .shutDownTwice:
                server.shutDown(timeout: .zero) { _ = server }
                if end == .shutDownTwice { server.shutDown(timeout: .zero) { _ = server } }
            case .listenerAndClientsClosed:
                listener.close()
                peer.close()
            case .droppedWithoutListening: break
            }
            try loop.run(until: "closed") { server.clientCount == 0 }
        }
        #expect(kept == nil)
        #expect(keptObserver == nil)
        #expect(loop.connectionCount == 0)
    }
}
