#if Redis
    import Reactor
    import TestSupport
    import Testing

    @testable import ChatReactor
    @testable import ChatReactorRedis

    /// What an embedder does at one server of a chat, at the moment at which something is done at all of them.
    @Suite(.beyondPatience) struct ChatClusterEmbedderTests {
        /// Does something whenever somebody has said something.
        private final class Bot: ChatServerObserver {
            var act: (ChatServer, ChatServer.Event) -> Void
            var onClose: (ChatServer) -> Void = { _ in }

            init(_ act: @escaping (ChatServer, ChatServer.Event) -> Void) { self.act = act }

            func server(_ server: ChatServer, didPublish event: ChatServer.Event) { act(server, event) }
            func server(_ server: ChatServer, didClose client: ChatServer.Client, reason: CloseReason) { onClose(server) }
        }

        @Test func `what an observer says when it hears of something is said at all servers`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let (ana, ben) = (try chats.join(0, as: "ana"), try chats.join(1, as: "ben"))
            chats.nodes[0].server.addObserver(
                Bot { server, event in if event.text == "hello" { server.chat?.lobby.say("hi", as: ChatName.server) } })
            ana.clear()
            try ben.send("hello")
            try chats.settle()
            #expect(ana.lines == ["ben: hello", "server: hi"] && ben.lines.last == "server: hi")
            try chats.expectAgreement()
        }

        @Test func `whom an observer sends away when it hears of something is told why`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let (ana, ben) = (try chats.join(0, as: "ana"), try chats.join(1, as: "ben"))
            chats.nodes[0].server.addObserver(
                Bot { server, event in
                    if event.text == "spam", let person = event.person { server.chat?.kick(person, reason: "spam") }
                })
            try ben.send("spam")
            try chats.wait(for: "the end") {
                ben.peer.read()
                return ben.peer.isAtEnd
            }
            #expect(ben.lines.last == "! kicked: spam")
            try chats.settle()
            try chats.expectAgreement()
            withExtendedLifetime(ana) {}
        }

        @Test func `what is announced when a server has come or left is announced at all servers`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let ana = try chats.join(1, as: "ana")
            let node = chats.nodes[0]
            node.cluster.onEvent = { [weak node] event in
                if case .changed(let count) = event { _ = node?.server.announce("there are \(count) servers") }
            }
            try chats.addServer()
            try chats.settle()
            #expect(ana.lines.last == "* there are 3 servers")
            try chats.expectAgreement()
        }

        @Test func `a room with many people is closed in the same order everywhere`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            var members: [ChatClusterFixture.Member] = []
            for number in 0..<5 {
                members.append(try chats.join(number % 2, as: "p\(number)"))
                try members[number].send("/join tea")
                try chats.settle()
            }
            let chat = try chats.nodes[1].chat
            // As if a second had gone by: more than five are counted together.
            for node in chats.nodes { try node.chat.lobby.conversation?.presence.crowd = .init() }
            chat.close(try #require(chat.room(named: try ChatName("tea"))))
            try chats.settle()
            try chats.expectAgreement()
            #expect(chat.rooms.count == 1 && chat.lobby.clientCount == 5)
        }

        @Test func `a server that is let go of when something is done does no harm`() throws {
            let loop = try EventLoop()
            defer { loop.close() }
            let redis = try ScriptedRedis(on: loop)
            var server: ChatServer? = try ChatServer(on: loop, configuration: configuration())
            let place = try RedisPlace("redis://127.0.0.1/test")
            var cluster: ChatCluster? = try ChatCluster(of: #require(server), .init(at: place, addresses: [redis.address]))
            server?.chat?.replica?.times.answer = .milliseconds(50)
            weak let weakChat = server?.chat
            cluster?.onEvent = { event in
                if case .changed = event { (server, cluster) = (nil, nil) }
            }
            try loop.run(until: "it to begin") { cluster?.serverCount == 1 }
            var entry = StreamEntry(node: 77, first: 0)
            entry.append(ChatEvent.hello(attempt: 1, former: 0).encoded.span, from: ChatReplica.nobody)
            entry.append(ChatEvent.arrive(name: "ana", origin: nil, isLoggedIn: false).encoded.span, from: 1)
            redis.append(entry.encoded)
            try loop.run(until: "it to be gone") { weakChat == nil }
            #expect(server == nil)
        }

        @Test func `a chat that is let go of takes those of other servers along`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let ana = try chats.join(0, as: "ana")
            try ana.send("/join tea")
            try chats.settle()
            weak let remote = try chats.nodes[1].chat.person(named: try ChatName("ana"))
            weak let chat = try chats.nodes[1].chat
            #expect(remote != nil && chat != nil)
            chats.nodes[1].cluster.leave()
            var ended = false
            chats.nodes[1].server.shutDown(timeout: .zero) { ended = true }
            try chats.wait(for: "the end") { ended }
            chats.remove(1)
            try chats.loop.settle(for: .milliseconds(5))
            #expect(chat == nil)
            #expect(remote == nil)
        }

        private func configuration() -> ChatServer.Configuration {
            var configuration = ChatServer.Configuration()
            configuration.chat = .init(name: "tea")
            return configuration
        }
    }
#endif
