import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// The servers of a chat on several loops, which the test's thread turns one after the other, and people.
final class ChatLoopsFixture {
    let group: ServerGroup
    private(set) var loops: [EventLoop] = []
    /// They are released with their loops.
    private(set) var servers: [ChatServer] = []
    let address: SocketAddress

    init(
        loops count: Int, _ change: (inout Chat.Configuration, inout ChatServer.Configuration) -> Void = { _, _ in }
    ) throws {
        var configuration = ChatServer.Configuration()
        var chat = Chat.Configuration(name: "tea")
        change(&chat, &configuration)
        configuration.chat = chat
        group = try ServerGroup(configuration: configuration)
        let loop = try EventLoop()
        let server = try ChatServer(on: loop, in: group)
        address = try server.listen(on: .loopback(port: 0)).address
        (loops, servers) = ([loop], [server])
        for _ in 1..<count { try addServer(waits: false) }
        try waitForAll()
    }

    deinit { for loop in loops { loop.close() } }

    func addServer(waits: Bool = true) throws {
        let loop = try EventLoop()
        loops.append(loop)
        servers.append(try ChatServer(on: loop, in: group))
        if waits { try waitForAll() }
    }

    /// Has a loop close, with all who are on it.
    func closeLoop(_ index: Int) {
        let (loop, server) = (loops.remove(at: index), servers.remove(at: index))
        loop.close()
        withExtendedLifetime(server) {}
    }

    var replicas: [ChatReplica] { get throws { try servers.map { try #require($0.chat?.replica) } } }
    func chat(_ index: Int) throws -> Chat { try #require(servers[index].chat) }

    func wait(for what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool) throws {
        let limit = ContinuousClock.now.advanced(by: patience)
        while try !condition() {
            guard .now < limit else {
                Issue.record("\(what) is waited for in vain", sourceLocation: sourceLocation)
                throw Errno.timedOut
            }
            for loop in loops.dropLast() { try loop.runOnce(waitingAtMost: .zero) }
            try loops.last?.runOnce(waitingAtMost: .milliseconds(1))
        }
    }

    func waitForAll() throws {
        let count = servers.count
        try wait(for: "all servers to be one") { try replicas.allSatisfy { $0.isEstablished && $0.serverCount == count } }
    }

    /// Waits until all that was sent has been done everywhere.
    func settle() throws {
        var restsSince: ContinuousClock.Instant?
        try wait(for: "everything to be done") {
            let isAtRest = try replicas.allSatisfy { ($0.order as? SharedOrder.Member)?.isAtRest == true }
            restsSince = isAtRest ? restsSince ?? .now : nil
            // What is on its way to a person, or from one, takes a turn or two; and who is slow is looked at every 5 milliseconds.
            return restsSince.map { $0.duration(to: .now) > .milliseconds(20) } ?? false
        }
    }

    /// Has somebody connect, who is waited for by nobody.
    func begin() throws -> ChatMember { try ChatMember(at: address, of: self) }

    /// Has somebody come, with a name that nobody has: each to the next server.
    func join(as name: String? = nil, json: Bool = false) throws -> ChatMember {
        let member = try begin()
        try member.enter(as: name, json: json) { try wait(for: $0, $1) }
        try settle()
        member.clear()
        return member
    }

    /// At which of the servers somebody is whose name is given.
    func serverIndex(of name: String) throws -> Int? {
        let name = try ChatName(name)
        return try servers.indices.first { index in
            guard let person = try chat(index).person(named: name) else { return false }
            return !(person is RemotePerson)
        }
    }

    /// Fails unless all servers know the same, once all that was sent has been done.
    func expectAgreement(_ comment: Comment = "", sourceLocation: SourceLocation = #_sourceLocation) throws {
        try settle()
        try ReplicaState.expectAgreement(of: replicas, comment, sourceLocation: sourceLocation)
    }
}
