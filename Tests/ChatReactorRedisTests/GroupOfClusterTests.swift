#if Redis
    import ChatReactor
    import ChatReactorRedis
    import Reactor
    import TestSupport
    import Testing

    /// A group whose servers, on two loops of one machine, are two servers of a cluster.
    @Suite(.beyondPatience) struct GroupOfClusterTests {
        private let loop: EventLoop
        private let redis: ScriptedRedis
        private let configuration: ClusterConfiguration

        init() throws {
            loop = try EventLoop()
            redis = try ScriptedRedis(on: loop)
            var configuration = ClusterConfiguration(at: try RedisPlace("redis://127.0.0.1/test"), addresses: [redis.address])
            // While others are tested, the loop may stand still for long.
            configuration.grace = .seconds(3_600)
            self.configuration = configuration
        }

        /// A server of the group that is one of the cluster.
        private static func makeServer(
            on loop: EventLoop, in group: ServerGroup, _ configuration: ClusterConfiguration
        ) throws -> ChatServer {
            let server = try ChatServer(on: loop, in: group)
            if server.chat == nil {
                _ = try RelayCluster(of: server, configuration)
            } else {
                _ = try ChatCluster(of: server, configuration)
            }
            return server
        }

        @Test(arguments: [false, true])
        func `what one says is heard on the other loop, and all end together`(isChat: Bool) async throws {
            var ofServers = ChatServer.Configuration()
            if isChat { ofServers.chat = Chat.Configuration(name: "tea") }
            let group = try ServerGroup(configuration: ofServers, isOfCluster: true)
            let server = try Self.makeServer(on: loop, in: group, configuration)
            let other = try BackgroundLoop()
            try await other.remote.withLoop { [configuration] loop in
                _ = try Self.makeServer(on: loop, in: group, configuration)
            }
            let address = try server.listen(on: .loopback(port: 0)).address
            let peers = try (0..<4).map { _ in try Peer(to: address) }
            try loop.run(until: "all are there", turns: .max) {
                group.clientCount == 4 && (!isChat || peers.allSatisfy { $0.text.contains("* welcome") })
            }
            try loop.run(until: "everybody has heard everybody", turns: .max) {
                for (index, peer) in peers.enumerated() { try peer.send("from \(index)\n") }
                return peers.indices.allSatisfy { index in
                    peers.indices.allSatisfy { $0 == index || peers[index].text.contains("from \($0)\n") }
                }
            }
            #expect((server.chatCluster?.serverCount ?? 2) == 2)
            var isDown = false
            server.shutDown(timeout: .seconds(30)) { isDown = true }
            try loop.run(until: "it is down", turns: .max) { isDown }
            #expect(group.clientCount == 0)
            try loop.run(until: "all have ended", turns: .max) { peers.allSatisfy(\.hasEnded) }
            for peer in peers { #expect(peer.text.hasSuffix("! goodbye: the server is shutting down\n")) }
            loop.close()
            try await other.stop()
            withExtendedLifetime(redis) {}
        }
    }
#endif
