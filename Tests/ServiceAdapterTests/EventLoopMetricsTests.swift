#if Metrics
    import ChatReactor
    import ChatReactorMetrics
    import MetricsTestKit
    import TestSupport
    import Testing

    /// What a loop, a topic and a chat server report to swift-metrics.
    @Suite struct EventLoopMetricsTests {
        private let loop: EventLoop
        private let system = TestMetrics()

        init() throws {
            loop = try EventLoop()
        }

        @Test func `a server's clients, messages and deliveries`() throws {
            defer { loop.close() }
            let server = try ChatServer(on: loop)
            let port = try #require(try server.listen(on: .loopback(port: 0)).address.port)
            let metrics = EventLoopMetrics(of: loop, every: nil, factory: system)
            metrics.add(server, named: "lobby")
            var clients: [Peer] = []
            for count in 1...4 {
                clients.append(try Peer(port: port))
                try loop.run(until: "\(count) clients") { server.clientCount == count }
            }
            try clients[0].send("one\ntwo\n")
            try clients[1].send("three\n")
            var received: [UInt8] = []
            try loop.run(until: "relayed") {
                received += clients[2].receiveAvailable() ?? []
                return received.count == 14
            }
            // One leaves by the quit word, one by the end of its input.
            try clients[2].send("x\n")
            for client in clients[2...] { client.shutDownSending() }
            try loop.run(until: "two gone") { server.clientCount == 2 }
            metrics.report()

            let lobby = [("server", "lobby")]
            #expect(try system.expectCounter("reactor.chat.accepted", lobby).totalValue == 4)
            #expect(try system.expectCounter("reactor.chat.messages", lobby).totalValue == 3)
            #expect(try system.expectCounter("reactor.chat.deliveries", lobby).totalValue == 9)
            #expect(try system.expectMeter("reactor.chat.clients", lobby).lastValue == 2)
            #expect(try system.expectCounter("reactor.chat.closed", lobby + [("reason", "closed on request")]).totalValue == 1)
            #expect(try system.expectCounter("reactor.chat.closed", lobby + [("reason", "end of input")]).totalValue == 1)
            let topic = [("topic", "lobby")]
            #expect(try system.expectCounter("reactor.topic.messages", topic).totalValue == 3)
            #expect(try system.expectCounter("reactor.topic.bytes", topic).totalValue == 14)
            #expect(try system.expectMeter("reactor.topic.subscribers", topic).lastValue == 2)
            #expect(try system.expectCounter("reactor.topic.deliveries", topic).totalValue == 9)
            #expect(try system.expectMeter("reactor.topic.lag", topic).lastValue == 0)
            #expect(try system.expectCounter("reactor.chat.received", lobby).totalValue == 4)
            #expect(try system.expectMeter("reactor.chat.members", lobby).lastValue == 2)
            #expect(try system.expectMeter("reactor.chat.rooms", lobby).lastValue == 1)
            #expect(try system.expectMeter("reactor.chat.lag", lobby).lastValue == 0)
            #expect(try system.expectCounter("reactor.loop.accepted").totalValue == 4)
            #expect(try system.expectCounter("reactor.loop.bytes_read").totalValue == 16)
            #expect(try system.expectCounter("reactor.loop.bytes_sent").totalValue == Int64(loop.counts.bytesSent))
            #expect(try system.expectCounter("reactor.loop.sends").totalValue == Int64(loop.counts.sends))
            let all = [("le", "+Inf")]
            #expect(try system.expectCounter("reactor.loop.turn_duration", all).totalValue == Int64(loop.turnCount))
            #expect(try system.expectMeter("reactor.loop.connections").lastValue == 2)
            #expect(try system.expectCounter("reactor.loop.turns").totalValue == Int64(loop.turnCount))
        }

        @Test func `in a chat, what people say in rooms`() throws {
            defer { loop.close() }
            var configuration = ChatServer.Configuration()
            configuration.chat = Chat.Configuration(name: "tea")
            let server = try ChatServer(on: loop, configuration: configuration)
            let port = try #require(try server.listen(on: .loopback(port: 0)).address.port)
            let metrics = EventLoopMetrics(of: loop, every: nil, factory: system)
            metrics.add(server, named: "tea")
            let clients = try (0..<3).map { _ in try Peer(port: port) }
            try loop.run(until: "everybody is there") { server.room.clientCount == 3 }
            try clients[0].send("one\n/me two\n/nick ana\n/join kitchen\nthree\n/ping\n")
            server.room.say("four", as: .server)
            try loop.run(until: "said") { clients[0].text.hasSuffix("* pong\n") }
            metrics.report()
            let tea = [("server", "tea")]
            #expect(try system.expectCounter("reactor.chat.messages", tea).totalValue == 3)
            #expect(try system.expectCounter("reactor.chat.deliveries", tea).totalValue == 4)
        }

        @Test func `a counter is passed on as what has been added since`() throws {
            defer { loop.close() }
            let topic = try Topic(on: loop)
            topic.publish("before\n")
            let metrics = EventLoopMetrics(of: loop, every: nil, factory: system)
            metrics.add(topic, named: "prices")
            let counter = try system.expectCounter("reactor.topic.messages", [("topic", "prices")])
            metrics.report()
            topic.publish("one\n")
            topic.publish("two\n")
            metrics.report()
            metrics.report()
            #expect(counter.values == [1, 2, 0])
        }

        @Test func `callers that cannot be accepted, by the reason`() throws {
            defer { loop.close() }
            let server = try ChatServer(on: loop)
            let metrics = EventLoopMetrics(of: loop, every: nil, factory: system)
            metrics.add(server, named: "lobby")
            let listener = try server.listen(on: .loopback(port: 0))
            for error in [Errno.tooManyOpenFiles, .noMemory, .tooManyOpenFiles] { listener.onAcceptFailure?(error) }
            let dimensions = [("server", "lobby"), ("error", "Too many open files")]
            #expect(try system.expectCounter("reactor.chat.accept_failures", dimensions).totalValue == 2)
            #expect(system.counterTotal(label: "reactor.chat.accept_failures") == 3)
        }

        @Test func `it reports by itself until the loop is closed, and lives no longer`() throws {
            weak var alive: EventLoopMetrics?
            do {
                let metrics = EventLoopMetrics(of: loop, every: .zero, factory: system)
                alive = metrics
            }
            let turns = try system.expectCounter("reactor.loop.turns")
            try loop.run(until: "reported") { turns.values.count >= 3 }
            #expect(turns.totalValue <= Int64(loop.turnCount))
            #expect(alive != nil)
            loop.close()
            #expect(alive == nil)
        }
    }
#endif
