#if Redis
    import ChatReactor
    import Glibc
    import TestSupport
    import Testing

    @testable import ChatReactorRedis

    /// What a Redis does that is broken, or that somebody else has: no answer of it ends the process, and none is taken for another.
    @Suite(.beyondPatience) struct HarmfulRedisTests {
        /// A server of a cluster on the loop of its Redis.
        private final class Node {
            let loop: EventLoop
            let redis: ScriptedRedis
            var server: ChatServer?
            var cluster: RelayCluster?
            var events: [RelayCluster.Event] = []
            var address = SocketAddress.loopback(port: 0)

            init(
                waits: Bool = true, outage: RelayCluster.Outage = .drop, _ loopConfiguration: EventLoop.Configuration = .init(),
                byteRate: RateLimit? = nil,
                _ change: (inout ClusterConfiguration, inout ChatServer.Configuration) -> Void = { _, _ in }
            ) throws {
                loop = try EventLoop(configuration: loopConfiguration)
                redis = try ScriptedRedis(on: loop, byteRate: byteRate)
                var configuration = ClusterConfiguration(
                    at: try RedisPlace("redis://127.0.0.1/test"), addresses: [redis.address])
                var ofServer = ChatServer.Configuration()
                ofServer.framing = .lines
                change(&configuration, &ofServer)
                let server = try ChatServer(on: loop, configuration: ofServer)
                let cluster = try RelayCluster(of: server, configuration, outage: outage)
                cluster.onEvent = { [unowned self] in events.append($0) }
                address = try server.listen(on: .loopback(port: 0)).address
                (self.server, self.cluster) = (server, cluster)
                if waits { try loop.run(until: "it is connected", turns: .max) { cluster.isConnected } }
            }

            deinit { loop.close() }

            func join() throws -> Peer {
                let count = server?.clientCount ?? 0
                let client = try Peer(to: address)
                try loop.run(until: "the client", turns: .max) { server?.clientCount == count + 1 }
                return client
            }

            var reasons: [String] {
                events.compactMap { if case .disconnected(let reason) = $0 { reason } else { nil } }
            }
        }

        // MARK: - What is answered

        @Test(arguments: ["+OK\r\n", ":1\r\n", "$-1\r\n", "*0\r\n", "*1\r\n$1\r\na\r\n", "-ERR what\r\n", "+a"])
        func `what was not asked for is no answer, and ends the connection`(text: String) throws {
            let node = try Node()
            let (speaker, listener) = (try node.join(), try node.join())
            // Those that read wait for an answer, and take it for that; those that write wait for none.
            for connection in node.redis.connections { connection.send(text.utf8.span) }
            try node.loop.run(until: "it is noticed", turns: .max) { node.cluster?.counts.outages == 1 }
            try speaker.send("hello\n")
            try node.loop.run(until: "it is heard", turns: .max) { listener.text == "hello\n" }
        }

        @Test func `nor is what follows an answer`() throws {
            let node = try Node()
            let (speaker, listener) = (try node.join(), try node.join())
            var harm = 1
            node.redis.answer = { command, _ in
                guard ScriptedRedis.name(of: command) == "XADD", harm > 0 else { return nil }
                harm -= 1
                return ScriptedRedis.string(node.redis.append(command[command.count - 1])) + Array("+OK\r\n".utf8)
            }
            try speaker.send("hello\n")
            try node.loop.run(until: "it is noticed", turns: .max) { node.cluster?.counts.outages == 1 }
            try speaker.send("again\n")
            try node.loop.run(until: "it is heard", turns: .max) { listener.lines.last == "again" }
            #expect(listener.lines == ["hello", "again"])
            #expect(node.reasons.last?.hasSuffix("it says what was not asked for") == true, "\(node.reasons)")
        }

        @Test func `a server whose first word is taken out of the stream says it again`() throws {
            let node = try Node(waits: false)
            var harm = 1
            node.redis.answer = { command, _ in
                guard ScriptedRedis.name(of: command) == "XADD", harm > 0 else { return nil }
                harm -= 1
                return ScriptedRedis.string("1-1")
            }
            try node.loop.run(until: "it is connected", turns: .max) { node.cluster?.isConnected == true }
            #expect(harm == 0)
            #expect(node.cluster?.counts.outages == 0)
        }

        @Test(arguments: [
            "*2147483647\r\n", "*2147483647\r\n*2147483647\r\n*2147483647\r\n", "*99999999999999999999\r\n", "*-5\r\n",
            "$9223372036854775807\r\na", "$-2\r\n", ":99999999999999999999\r\n", String(repeating: "*1\r\n", count: 10),
            "*2\r\n*0\r\n$-1\r\n", "*1\r\n*2\r\n$1\r\na\r\n*1\r\n*2\r\n$3\r\n9-9\r\n*-1\r\n", "\r\n",
            "HTTP/1.1 400 Bad Request\r\n\r\n",
            "-OOM command not allowed\r\n", "-NOPERM no\r\n", "-LOADING\r\n", "-READONLY\r\n", "-MOVED 1 127.0.0.1:1\r\n",
            "-\r\n",
            "$41\r\n18446744073709551615-18446744073709551615\r\n", "$3\r\n0-0\r\n",
            "*2\r\n$17\r\nlast-generated-id\r\n$43\r\n99999999999999999999-18446744073709551615\r\n",
        ])
        func `whatever it answers, a server goes on once it answers as it should`(text: String) throws {
            let node = try Node()
            let (speaker, listener) = (try node.join(), try node.join())
            for name in ["XADD", "XREAD", "XREVRANGE", "XINFO", "PING"] {
                var harm = 2
                node.redis.answer = { command, connection in
                    guard ScriptedRedis.name(of: command) == name, harm > 0 else { return nil }
                    harm -= 1
                    // What is no whole answer is one no more.
                    node.loop.schedule(after: .milliseconds(20)) { connection.close() }
                    return Array(text.utf8)
                }
                for connection in node.redis.connections where name == "XINFO" || name == "PING" { connection.close() }
                try speaker.send("\(name)\n")
                let begin = ContinuousClock.now
                try node.loop.run(until: "it has answered", turns: .max) { harm < 2 }
                try node.loop.run(until: "it is heard", turns: .max) {
                    listener.lines.contains(name) && node.cluster?.isConnected == true
                }
                // Nothing takes long but to connect again.
                #expect(begin.duration(to: .now) < .seconds(20))
            }
            #expect(listener.lines == ["XADD", "XREAD", "XREVRANGE", "XINFO", "PING"])
        }

        @Test func `a long sentence of Redis is cut short`() throws {
            let node = try Node(waits: false)
            node.redis.answer = { command, _ in
                ScriptedRedis.name(of: command) == "XINFO" ? Array("-\(String(repeating: "é", count: 100_000))\r\n".utf8) : nil
            }
            try node.loop.run(until: "it is said", turns: .max) { !node.events.isEmpty }
            #expect(node.reasons.first?.utf8.count ?? 0 < 1_000)
        }

        // MARK: - Over a line that is slow

        @Test func `an answer that takes long is waited for, as long as more of it comes`() throws {
            let node = try Node()
            let listener = try node.join()
            var entry = StreamEntry(node: 77, first: 0)
            entry.append("\(String(repeating: "a", count: 100_000))\n".utf8.span, from: 1)
            var rest: [UInt8] = []
            var isAnswered = false
            node.redis.answer = { command, connection in
                guard ScriptedRedis.name(of: command) == "XREAD", !isAnswered else { return nil }
                isAnswered = true
                rest = ScriptedRedis.array([
                    ScriptedRedis.array([
                        ScriptedRedis.string("chatd:test"), ScriptedRedis.array([ScriptedRedis.entry(9, entry.encoded)]),
                    ])
                ])
                func sendMore() {
                    connection.send(Array(rest.prefix(10_000)).span)
                    rest.removeFirst(min(10_000, rest.count))
                    if !rest.isEmpty { node.loop.schedule(after: .milliseconds(600)) { sendMore() } }
                }
                sendMore()
                return []
            }
            // The XREAD that waits now is answered with nothing, and the next one takes six seconds.
            try node.loop.run(until: "all of it", turns: .max) { listener.bytes.count == 100_001 }
            #expect(node.cluster?.counts.outages == 0)
        }

        @Test func `what takes long to be sent is waited for, as long as it goes on`() throws {
            let node = try Node(byteRate: RateLimit(perSecond: 131_072)) { _, server in
                server.maximumMessageLength = 1 << 20
                server.logCapacity = 1 << 23
            }
            let (speaker, listener) = (try node.join(), try node.join())
            let line = [UInt8](repeating: 97, count: 1_000_000) + [10]
            var part = line[...]
            try node.loop.run(until: "all of it", turns: .max) {
                if !part.isEmpty { part = part.dropFirst(speaker.sendAvailable(Array(part))) }
                return listener.bytes.count == line.count
            }
            #expect(node.cluster?.counts.outages == 0)
        }

        @Test func `nothing is waited for once it should have been answered`() throws {
            let node = try Node()
            let speaker = try node.join()
            node.redis.answer = { command, _ in ScriptedRedis.name(of: command) == "XADD" ? [] : nil }
            try speaker.send("hello\n")
            try node.loop.run(until: "it is written", turns: .max) { node.cluster?.counts.writtenEntries == 2 }
            let begin = ContinuousClock.now
            try node.loop.run(until: "it is lost", turns: .max) { node.cluster?.isConnected == false }
            #expect(begin.duration(to: .now) < RedisStream.timeout * 2)
        }

        // MARK: - When it comes back while a client is slow

        @Test(arguments: RelayCluster.Outage.allCases)
        func `a stream that comes back while a slow client is waited for is read on`(outage: RelayCluster.Outage) throws {
            let node = try Node(outage: outage) { cluster, server in
                cluster.grace = .milliseconds(300)
                server.logCapacity = 262_144
                server.maximumMessageLength = 8_192
                server.slowClients = .backpressure(stall: .seconds(60), grace: .seconds(60))
            }
            let (speaker, slow) = (try node.join(), try node.join())
            // So much that some of it was read, and cannot be said yet.
            let line = [UInt8](repeating: 97, count: 8_000) + [10]
            var part = ArraySlice<UInt8>()
            var sent = 0
            var idleCount = 0
            while idleCount < 100 {
                if part.isEmpty { part = line[...] }
                let count = speaker.sendAvailable(Array(part))
                part = part.dropFirst(count)
                sent += count
                idleCount = count > 0 ? 0 : idleCount + 1
                try node.loop.runOnce(waitingAtMost: count > 0 ? .zero : .milliseconds(5))
            }
            for connection in node.redis.connections { connection.close() }
            try node.loop.run(until: "it is lost", turns: .max) { node.cluster?.isConnected == false }
            // It is there again at once. The grace time is over when nothing can be said yet.
            try node.loop.run(for: .seconds(1))
            #expect(node.cluster?.isConnected == false && node.redis.connections.count == 2)
            try node.loop.run(until: "the slow one has read", turns: .max) {
                let count = speaker.sendAvailable(Array(part))
                part = part.dropFirst(count)
                sent += count
                return slow.bytes.count >= sent && node.cluster?.isConnected == true
            }
            try speaker.send((part.isEmpty ? "" : "\n") + "the end\n")
            try node.loop.run(until: "it is heard", turns: .max) { slow.ends(in: "the end\n") }
            #expect(!node.events.contains(.cutOff) && node.cluster?.counts.droppedMessages == 0)
        }

        // MARK: - What is lost

        @Test func `messages that are too long for this server's log are counted each`() throws {
            var configuration = EventLoop.Configuration()
            configuration.readSize = 1_024
            let node = try Node(configuration) { _, server in
                server.maximumMessageLength = 1_000
                server.logCapacity = 4_096
            }
            let listener = try node.join()
            var entry = StreamEntry(node: 77, first: 0)
            let long = String(repeating: "a", count: 10_000) + "\n"
            for text in ["short\n", long, "between\n", long, long, "end\n"] { entry.append(text.utf8.span, from: 1) }
            node.redis.append(entry.encoded)
            try node.loop.run(until: "the end", turns: .max) { listener.lines.last == "end" }
            #expect(listener.lines == ["short", "! 1 message was lost", "between", "! 2 messages were lost", "end"])
            #expect(node.cluster?.counts.lostMessages == 3)
        }

        // MARK: - How it ends

        @Test func `a cluster that is kept longer than its server does nothing more`() throws {
            let node = try Node()
            let connections = node.redis.connections.count
            #expect(connections == 2)
            // It is gone, once it listens no more.
            node.server?.shutDown(timeout: .zero) {}
            node.server = nil
            var entry = StreamEntry(node: 77, first: 0)
            entry.append("hello\n".utf8.span, from: 1)
            node.redis.append(entry.encoded)
            try node.loop.run(until: "it lets go", turns: .max) { node.redis.connections.isEmpty }
            try node.loop.run(for: .seconds(1))
            #expect(node.redis.connections.isEmpty && node.cluster?.isConnected == false)
        }

        @Test func `a second cluster of a server takes the place of the first`() throws {
            let node = try Node()
            let first = try #require(node.cluster)
            let server = try #require(node.server)
            let second = try RelayCluster(
                of: server, .init(at: try RedisPlace("redis://127.0.0.1/test"), addresses: [node.redis.address]))
            try node.loop.run(until: "the second is connected", turns: .max) { second.isConnected && !first.isConnected }
            let (speaker, listener) = (try node.join(), try node.join())
            try speaker.send("one\ntwo\n")
            try node.loop.run(until: "it is heard", turns: .max) { listener.lines.count >= 2 }
            try node.loop.settle()
            #expect(listener.lines == ["one", "two"] && node.redis.connections.count == 2)
        }

        @Test func `a server that shuts down takes nothing more that it cannot say to others`() throws {
            let node = try Node()
            let (speaker, listener) = (try node.join(), try node.join())
            var number = 0
            var isDown = false
            var said = 0
            while !isDown {
                if number == 500 {
                    node.server?.shutDown(timeout: .seconds(10)) {
                        isDown = true
                        // As a process that ends.
                        said = node.server?.counts.receivedMessages ?? 0
                    }
                }
                if number < 100_000 { _ = speaker.sendAvailable(Array("\(number)\n".utf8)) }
                number += 1
                try node.loop.runOnce(waitingAtMost: .zero)
                listener.read()
                speaker.read()
                if speaker.hasEnded { speaker.close() }
                if listener.hasEnded { listener.close() }
            }
            let written = node.redis.entries.compactMap { StreamEntry($0.value) }.reduce(0) { $0 + $1.count }
            #expect(said == written && said >= 100)
            #expect(listener.lines.count == said + 1)
        }

        @Test func `a Redis that is gone raises no signal`() async throws {
            await #expect(processExitsWith: .success) {
                let path = TemporaryPath()
                let (loop, other) = (try EventLoop(), try EventLoop())
                let handler = RecordingHandler()
                try other.listen(on: .unix(path: path.path), handler: handler)
                signal(SIGPIPE, SIG_DFL)
                var reason: String?
                let connection = try RedisConnection(to: .unix(path: path.path), on: loop) { reason = $0 }
                connection.send(["PING"], timeout: .seconds(60)) { _ in }
                try other.run(until: "it is there", turns: .max) {
                    try loop.runOnce(waitingAtMost: .zero)
                    return !handler.connections.isEmpty
                }
                handler.connections[0].close()
                try other.run(until: "it is gone", turns: .max) { handler.connections.isEmpty }
                // Nobody has looked yet whether it is there.
                connection.send(["PING"], timeout: .seconds(60)) { _ in }
                try loop.run(until: "it is noticed", turns: .max) { reason != nil }
                // Nor is one left for later, or blocked from now on.
                var (pending, blocked) = (sigset_t(), sigset_t())
                unsafe sigpending(&pending)
                unsafe pthread_sigmask(SIG_BLOCK, nil, &blocked)
                #expect(unsafe sigismember(&pending, SIGPIPE) == 0 && sigismember(&blocked, SIGPIPE) == 0)
            }
        }
    }
#endif
