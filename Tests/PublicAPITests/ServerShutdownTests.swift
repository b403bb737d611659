import ChatReactor
import TestSupport
import Testing

/// What `ChatServer.shutDown` promises.
struct ServerShutdownTests {
    private final class Reasons: ChatServerObserver {
        var reasons: [CloseReason] = []
        func server(_ server: ChatServer, didClose connection: Connection, reason: CloseReason) { reasons.append(reason) }
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
        #expect(room.clients.map(\.text) == ["the last words\n", "the last words\n", "the last words\n"])
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

    @Test("Whoever does not take its output in time is closed without it")
    func inTime() throws {
        let room = try ChatRoom(2) {
            $0.slowClients = .backpressure(stall: .seconds(3_600), grace: .seconds(3_600))
            $0.logCapacity = 16 * 1_048_576
        }
        // More than the kernel takes for somebody who does not read, and less than half of the log.
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
        #expect(room.clients[0].bytes.count == 7_500_000)
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
}
