import ChatReactor
import Synchronization
import TestSupport
import Testing

/// A group whose first server is on the test's own loop, and the others on threads.
final class ServerGroupFixture {
    let loop: EventLoop
    let server: ChatServer
    let group: ServerGroup
    let others: [BackgroundLoop]
    private(set) var peers: [Peer] = []

    init(
        loopCount: Int = 3, isOfCluster: Bool = false, _ configure: (inout ChatServer.Configuration) -> Void = { _ in }
    ) async throws {
        var configuration = ChatServer.Configuration()
        configure(&configuration)
        let group = try ServerGroup(configuration: configuration, isOfCluster: isOfCluster)
        let loop = try EventLoop()
        (self.loop, self.group) = (loop, group)
        server = try ChatServer(on: loop, in: group)
        others = try (1..<loopCount).map { _ in try BackgroundLoop() }
        for other in others {
            try await other.remote.withLoop { loop in
                _ = try ChatServer(on: loop, in: group)
            }
        }
    }

    /// Adds an observer to the servers that are on threads.
    func holdUp(by observer: any ChatServerObserver & Sendable) async throws {
        for other in others {
            let loop = other.remote
            group.execute { server in if server.loop.remote === loop { server.addObserver(observer) } }
        }
        _ = try await clientCounts()
    }

    func stop() async throws {
        loop.close()
        for other in others { try await other.stop() }
    }

    func join(_ count: Int, at address: SocketAddress) throws -> [Peer] {
        let new = try (0..<count).map { _ in try Peer(to: address) }
        peers += new
        return new
    }

    /// Turns until a condition holds.
    func run(until what: Comment, _ condition: () throws -> Bool) throws {
        try loop.run(until: what, condition)
    }

    /// How many clients each of the servers has, the test's own first.
    func clientCounts() async throws -> [Int] {
        let counts = Mutex<[Int]>([])
        group.execute { server in counts.withLock { $0.append(server.clientCount) } }
        try run(until: "all have counted") { counts.withLock(\.count) == others.count + 1 }
        return counts.withLock { $0.sorted() }
    }
}
