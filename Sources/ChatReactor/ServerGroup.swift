import Broadcast
import Reactor
import Synchronization

/// Servers on several loops that are one relay, or one chat: what a client of any of them sends reaches the clients of all, in one order.
///
/// ```swift
/// let group = try ServerGroup()
/// let workers = try (0..<3).map { _ in try BackgroundLoop() }
/// for worker in workers {
///     worker.remote.execute { loop in _ = try? ChatServer(on: loop, in: group) }
/// }
/// let loop = try EventLoop()
/// let server = try ChatServer(on: loop, in: group)
/// try server.listen(on: .loopback(port: 3001))
/// try loop.run()
/// ```
///
/// Whichever of its servers accepts a caller, it passes it to the next one, in turn. So each has as many clients as any other, and a path of the Unix domain
/// can be shared, too. Who may come in, how many and how often, holds for all of them together. All else about a server is about its own
/// clients: its limits, its observers, its counts.
///
/// In a relay, all loops send from one log; those who come by WebSocket are for a relay on one loop. In a chat, each server has all people, rooms and records, and what
/// somebody does is done by all of them in one order. Such a chat has no IRC clients and no files of rooms.
///
/// The servers of a group may also be among those of a cluster, and so be one with the servers of other machines. Then each of them joins it by itself, before
/// anybody is let in: see ``init(configuration:isOfCluster:)``. It has a log of its own, or its own copy of the chat.
public final class ServerGroup: Sendable {
    /// The configuration of all of its servers, clamped.
    public let configuration: ChatServer.Configuration
    let medium: Medium
    let gate: SharedGate
    /// How often somebody may try to log in, at all of them together; nil of a relay.
    let attemptRates: AttemptRates?
    private let state = Mutex(State())

    /// What makes them one.
    enum Medium: Sendable {
        /// They are a relay.
        case log(SharedLog)
        /// They are a chat.
        case order(SharedOrder)
        /// A cluster, of which each is a server by itself.
        case cluster
    }

    private struct State: Sendable {
        var members: [Member] = []
        var memberCount = 0
        var lastServed = 0
    }

    private struct Member: Sendable {
        let number: Int
        let remote: EventLoop.Remote
        let place: Place
    }

    /// Where a server is found, on its own loop.
    ///
    /// `@unchecked Sendable`, since it is made and asked on the server's loop alone.
    private final class Place: @unchecked Sendable {
        weak let server: ChatServer?

        init(_ server: ChatServer) { self.server = server }
    }

    /// A group without servers: see ``ChatServer/init(on:in:)``. The memory of a log that they share is made now.
    ///
    /// - Parameter isOfCluster: Whether a cluster makes its servers one, which each of them joins as if it were alone on its machine. Until then, and
    ///   without, they have in common who may come in, how often somebody may try to log in, and their end.
    /// - Throws: ``ChatServer/StartError/roomLogsInGroup`` if the rooms of a chat are to have files; ``ChatServer/StartError/system(_:)`` if there is
    ///   no memory for the log.
    ///
    /// The corresponding C functions are `memfd_create` and `mmap`.
    public init(configuration: ChatServer.Configuration = .init(), isOfCluster: Bool = false) throws(ChatServer.StartError) {
        if configuration.chat?.roomLogDirectory != nil { throw .roomLogsInGroup }
        let configuration = configuration.clamped
        self.configuration = configuration
        gate = SharedGate(Gate(configuration.access, reserve: configuration.reservedDescriptorCount))
        attemptRates = (configuration.chat?.loginRules.clamped.rate).map { AttemptRates(limit: $0) }
        if isOfCluster {
            medium = .cluster
            return
        }
        if configuration.chat != nil {
            medium = .order(SharedOrder())
            return
        }
        do throws(Errno) {
            // The loops may read as much at a time as a loop does by default.
            let readSize = EventLoop.Configuration().readSize
            medium = .log(try SharedLog(capacity: Relay.logCapacity(configuration, readSize: readSize)))
        } catch {
            throw .system(error)
        }
    }

    /// Whether each of its servers is one of a cluster.
    var isOfCluster: Bool { if case .cluster = medium { true } else { false } }
    /// Whether its servers have one log.
    package var sharesLog: Bool { if case .log = medium { true } else { false } }

    /// How many clients all of its servers have.
    public var clientCount: Int { gate.clientCount }

    /// Runs `body` for each of the servers, on its loop's thread. From any thread.
    ///
    /// ```swift
    /// group.execute { server in server.limits = limits }
    /// ```
    public func execute(_ body: @escaping @Sendable (ChatServer) -> Void) {
        executeOnOthers(than: nil, body)
    }

    /// Runs `body` for each of the servers but one, on its loop's thread.
    func executeOnOthers(than number: Int?, _ body: @escaping @Sendable (ChatServer) -> Void) {
        for member in members where member.number != number {
            member.remote.execute { _ in
                if let server = member.place.server { body(server) }
            }
        }
    }

    private var members: [Member] { state.withLock(\.members) }

    // MARK: - Its servers

    func nextNumber() -> Int {
        state.withLock { state in
            defer { state.memberCount += 1 }
            return state.memberCount
        }
    }

    func add(_ server: ChatServer, number: Int) {
        let member = Member(number: number, remote: server.loop.remote, place: Place(server))
        state.withLock { $0.members.append(member) }
    }

    func remove(number: Int) {
        let removed = state.withLock { state in
            let removed = state.members.filter { $0.number == number }
            state.members.removeAll { $0.number == number }
            return removed
        }
        // Released after the lock is open.
        withExtendedLifetime(removed) {}
    }

    /// Has all servers but one end with that one, which is told of each that has, also if its loop is closed or it is gone.
    ///
    /// - Returns: How many there are.
    func endOthers(than server: ChatServer, number: Int, timeout: Duration) -> Int {
        let others = members.filter { $0.number != number }
        let (remote, place) = (server.loop.remote, Place(server))
        for other in others {
            let report = EndReport { remote.execute { _ in place.server?.otherServerDidEnd() } }
            other.remote.execute { _ in other.place.server?.end(timeout: timeout, report) }
        }
        return others.count
    }

    /// Reports that a server has ended, when this is released.
    final class EndReport: Sendable {
        private let didEnd: @Sendable () -> Void

        init(_ didEnd: @escaping @Sendable () -> Void) { self.didEnd = didEnd }

        deinit { didEnd() }
    }

    /// What a caller speaks.
    enum Spoken: Sendable {
        case lines
        case web(ChatServer.WebConfiguration)
    }

    /// Passes a caller to the server whose turn it is.
    func pass(
        _ socket: consuming OwnedDescriptor, from caller: SocketAddress, _ pending: PendingHandshake?,
        as spoken: Spoken, over transport: TransportFactory?, by server: ChatServer
    ) throws(Errno) {
        let next = state.withLock { state -> Member? in
            if state.members.isEmpty { return nil }
            state.lastServed = (state.lastServed + 1) % state.members.count
            return state.members[state.lastServed]
        }
        guard let next, next.remote !== server.loop.remote else {
            return try server.serve(socket, from: caller, pending, as: spoken, over: transport)
        }
        next.remote.pass(socket) { _, socket in
            // Nobody is told if the loop cannot watch it, as nobody is if its loop is closed.
            try? next.place.server?.serve(socket, from: caller, pending, as: spoken, over: transport)
        }
    }
}
