#if Redis
    import Reactor
    import TestSupport
    import Testing

    @testable import ChatReactor
    @testable import ChatReactorRedis

    /// Servers of a chat and their Redis, on one loop, and people.
    final class ChatClusterFixture {
        let loop: EventLoop
        let redis: ScriptedRedis
        private(set) var nodes: [Node] = []
        private let change: (inout Chat.Configuration, inout ChatServer.Configuration, inout ClusterConfiguration) -> Void

        /// One of the servers.
        final class Node {
            let server: ChatServer
            let cluster: ChatCluster
            let address: SocketAddress
            private(set) var events: [ChatCluster.Event] = []

            fileprivate init(
                on loop: EventLoop, redis: SocketAddress,
                _ change: (inout Chat.Configuration, inout ChatServer.Configuration, inout ClusterConfiguration) -> Void
            ) throws {
                var configuration = ChatServer.Configuration()
                var chat = Chat.Configuration(name: "tea")
                var ofCluster = ClusterConfiguration(at: try RedisPlace("redis://127.0.0.1/test"), addresses: [redis])
                change(&chat, &configuration, &ofCluster)
                configuration.chat = chat
                server = try ChatServer(on: loop, configuration: configuration)
                cluster = try ChatCluster(of: server, ofCluster)
                server.chat?.replica?.times = .init(answer: .milliseconds(200), alive: .milliseconds(100), silence: .seconds(1))
                address = try server.listen(on: .loopback(port: 0)).address
                cluster.onEvent = { [weak self] in self?.events.append($0) }
            }

            /// Whether it was one of the others, and is not any more.
            var hasLeft: Bool { events.contains { if case .left = $0 { true } else { false } } }

            var chat: Chat { get throws { try #require(server.chat) } }
            var replica: ChatReplica { get throws { try #require(try chat.replica) } }
        }

        /// Somebody at one of the servers.
        final class Member: ChatMember {
            let node: Node

            fileprivate init(at node: Node) throws {
                self.node = node
                try super.init(at: node.address, of: node)
            }
        }

        init(
            servers count: Int,
            _ change:
                @escaping (
                    inout Chat.Configuration, inout ChatServer.Configuration, inout ClusterConfiguration
                ) -> Void = { _, _, _ in }
        ) throws {
            loop = try EventLoop()
            redis = try ScriptedRedis(on: loop)
            self.change = change
            for _ in 0..<count { try addServer() }
        }

        deinit { loop.close() }

        @discardableResult
        func addServer(waits: Bool = true, _ otherwise: (inout Chat.Configuration) -> Void = { _ in }) throws -> Node {
            let node = try Node(on: loop, redis: redis.address) { chat, configuration, ofCluster in
                change(&chat, &configuration, &ofCluster)
                otherwise(&chat)
            }
            nodes.append(node)
            if waits { try waitForAll() }
            return node
        }

        /// Waits until each server is one of all.
        func waitForAll() throws {
            let count = nodes.count
            try wait(for: "all servers to be one") { nodes.allSatisfy { $0.cluster.serverCount == count } }
        }

        /// Counts on a server no more.
        func remove(_ index: Int) { nodes.remove(at: index) }

        /// Has a server vanish without a word, as if its machine were gone.
        func kill(_ index: Int) { nodes.remove(at: index).cluster.leave() }

        /// Has somebody connect, who is waited for by nobody.
        func begin(_ node: Int) throws -> Member { try Member(at: nodes[node]) }

        func wait(for what: Comment, _ condition: () throws -> Bool) throws {
            try loop.run(until: what, turns: .max, condition)
        }

        /// Waits until all that was sent has been done everywhere.
        func settle() throws {
            try loop.settle(for: .milliseconds(5))
            try wait(for: "everything to be done") {
                nodes.allSatisfy(\.cluster.isAtRest)
                    && nodes.allSatisfy { $0.cluster.lastRead?.description == "\(redis.lastName)" }
            }
            try loop.settle(for: .milliseconds(5))
        }

        /// Has somebody come to a server, with a name that nobody has.
        func join(_ node: Int, as name: String? = nil, json: Bool = false) throws -> Member {
            let member = try begin(node)
            try member.enter(as: name, json: json) { try wait(for: $0, $1) }
            try settle()
            member.clear()
            return member
        }

        /// Fails unless all servers know the same.
        func expectAgreement(_ comment: Comment = "", sourceLocation: SourceLocation = #_sourceLocation) throws {
            // One that was taken for lost is becoming one of them again.
            try ReplicaState.expectAgreement(
                of: nodes.filter { $0.cluster.serverCount > 0 }.map { try $0.replica }, comment, sourceLocation: sourceLocation)
        }
    }
#endif
