#if Redis
    import ChatReactor
    import Glibc
    import TestSupport
    import Testing

    @testable import ChatReactorRedis

    /// Relays that are one by a stream, with a real Redis: what all of them promise together, also while it is away.
    @Suite(.enabled(if: RedisServer.isInstalled), .beyondPatience) struct RelayClusterTests {
        /// Servers on the loop of the test, each as if on a machine of its own.
        private final class Nodes {
            let loop: EventLoop
            let redis: RedisServer
            var servers: [ChatServer] = []
            var clusters: [RelayCluster] = []
            var addresses: [SocketAddress] = []
            var events: [[RelayCluster.Event]] = []

            init(
                _ count: Int, at redis: RedisServer, waits: Bool = true, outage: RelayCluster.Outage = .drop,
                _ change: (inout ClusterConfiguration, inout ChatServer.Configuration) -> Void = { _, _ in }
            ) throws {
                loop = try EventLoop()
                self.redis = redis
                for index in 0..<count { try add(index, outage, change) }
                if waits { try run(until: "all are connected") { clusters.allSatisfy(\.isConnected) } }
            }

            deinit { loop.close() }

            func add(
                _ index: Int, _ outage: RelayCluster.Outage = .drop,
                _ change: (inout ClusterConfiguration, inout ChatServer.Configuration) -> Void = { _, _ in }
            ) throws {
                let place = try RedisPlace("unix:\(redis.path)/test")
                var configuration = ClusterConfiguration(at: place, addresses: try place.endpoint.resolve())
                var ofServer = ChatServer.Configuration()
                ofServer.framing = .lines
                change(&configuration, &ofServer)
                let server = try ChatServer(on: loop, configuration: ofServer)
                let cluster = try RelayCluster(of: server, configuration, outage: outage)
                events.append([])
                cluster.onEvent = { [unowned self] in events[index].append($0) }
                addresses.append(try server.listen(on: .loopback(port: 0)).address)
                servers.append(server)
                clusters.append(cluster)
            }

            /// Writes to the stream as another server would.
            func add(_ entry: StreamEntry) throws {
                let escaped = entry.encoded.map { "\\x" + String(UInt16($0) + 0x100, radix: 16).suffix(2) }.joined()
                let client = try ChildProcess("redis-cli", ["-s", redis.path], input: .pipe)
                try client.write("XADD chatd:test * chatd1 \"\(escaped)\"\n")
                client.closeInput()
                _ = try client.waitForEnd()
            }

            func join(_ node: Int) throws -> Peer {
                let count = servers[node].clientCount
                let client = try Peer(to: addresses[node])
                try run(until: "the client") { servers[node].clientCount == count + 1 }
                return client
            }

            func run(until goal: Comment, _ isReached: () throws -> Bool) throws {
                try loop.run(until: goal, turns: .max, isReached)
            }
        }

        // MARK: - What is promised

        @Test func `all servers have one order, byte for byte, and nobody gets its own`() throws {
            let nodes = try Nodes(3, at: RedisServer())
            let clients = try (0..<9).map { try nodes.join($0 % 3) }
            // Any bytes but a newline, as what is relayed may have.
            var generator = SeededGenerator()
            var said: [[[UInt8]]] = clients.map { _ in [] }
            for number in 0..<200 {
                for (index, client) in clients.enumerated() where index < 6 {
                    let bytes = (0..<Int.random(in: 0..<300, using: &generator)).map { _ in
                        UInt8.random(in: 14 ... .max, using: &generator)
                    }
                    let line = Array("\(index) \(number) ".utf8) + bytes + [10]
                    said[index].append(line)
                    try client.send(line)
                }
                try nodes.loop.runOnce(waitingAtMost: .zero)
            }
            try nodes.run(until: "all lines") { clients[6...].allSatisfy { $0.bytes.count { $0 == 10 } == 1_200 } }
            try nodes.loop.settle()
            let all = clients[6].bytes
            #expect(clients[6...].count { $0.bytes == all } == 3)
            let lines = all.split(separator: 10, omittingEmptySubsequences: false).dropLast().map { Array($0) + [10] }
            for (index, client) in clients.enumerated() where index < 6 {
                let mine = Array("\(index) ".utf8)
                // Not in the expectations themselves, which would print all of it.
                let isComplete = lines.filter { $0.starts(with: mine) } == said[index]
                let isWithoutOwn = client.bytes == Array(lines.filter { !$0.starts(with: mine) }.joined())
                #expect(isComplete && isWithoutOwn, "client \(index)")
            }
            #expect(nodes.clusters.allSatisfy { $0.counts.lostMessages == 0 && $0.counts.repeatedEntries == 0 })
        }

        @Test func `the operator's lines reach all servers`() throws {
            let nodes = try Nodes(2, at: RedisServer())
            let clients = try (0..<2).map { try nodes.join($0) }
            #expect(nodes.servers[0].announce("tea is ready"))
            try nodes.run(until: "the line") { clients.allSatisfy { $0.text == "tea is ready\n" } }
            #expect(!nodes.servers[0].announce(String(repeating: "a", count: 300_000)))
        }

        @Test func `who starts later gets what is said from then on`() throws {
            let nodes = try Nodes(1, at: RedisServer())
            let first = try nodes.join(0)
            let other = try nodes.join(0)
            try first.send("early\n")
            try nodes.run(until: "the line") { other.text == "early\n" }
            try nodes.add(1)
            try nodes.run(until: "it is connected") { nodes.clusters[1].isConnected }
            let late = try nodes.join(1)
            try first.send("late\n")
            try nodes.run(until: "the line") { late.text == "late\n" }
        }

        @Test func `a server that shuts down says what its clients have said, and goodbye to its own alone`() throws {
            let nodes = try Nodes(2, at: RedisServer())
            let (speaker, beside, other) = (try nodes.join(0), try nodes.join(0), try nodes.join(1))
            for number in 0..<100 { try speaker.send("\(number)\n") }
            var isDown = false
            try nodes.run(until: "all is read") { nodes.servers[0].counts.receivedMessages == 100 }
            nodes.servers[0].shutDown(timeout: .seconds(10)) { isDown = true }
            let lines = (0..<100).map { "\($0)\n" }.joined()
            try nodes.run(until: "all lines") { other.text == lines && beside.hasEnded && speaker.hasEnded }
            #expect(beside.text == lines + "! goodbye: the server is shutting down\n")
            #expect(speaker.text == "! goodbye: the server is shutting down\n")
            beside.close()
            speaker.close()
            try nodes.run(until: "the end") { isDown }
        }

        @Test func `what others write to the stream disturbs nobody`() throws {
            let nodes = try Nodes(1, at: RedisServer())
            let (first, second) = (try nodes.join(0), try nodes.join(0))
            try nodes.redis.command("XADD", "chatd:test", "*", "a", "b")
            try nodes.redis.command("XADD", "chatd:test", "*", "chatd1", "nonsense")
            try nodes.redis.command("XADD", "chatd:test", "99999999999999-1", "chatd1", "")
            try first.send("hello\n")
            try nodes.run(until: "the line") { second.text == "hello\n" }
            #expect(nodes.clusters[0].counts.foreignEntries == 3)
        }

        @Test func `a slow client holds up its own server alone, and the memory of that is bounded`() throws {
            let nodes = try Nodes(2, at: RedisServer()) { _, server in
                server.logCapacity = 262_144
                server.maximumMessageLength = 8_192
                server.slowClients = .backpressure(stall: .seconds(60), grace: .seconds(60))
            }
            let speaker = try nodes.join(0)
            let quick = try nodes.join(0)
            let slow = try nodes.join(1)
            let line = [UInt8](repeating: 97, count: 8_000) + [10]
            var sent = 0
            while sent < 2_000 {
                if speaker.sendAvailable(line) == line.count { sent += 1 } else { break }
                try nodes.loop.runOnce(waitingAtMost: .zero)
                quick.read()
            }
            try nodes.run(until: "all at the quick one") { quick.read() == 0 && quick.bytes.count == sent * line.count }
            // What it lacks is in the stream.
            #expect(nodes.servers[1].furthestLag <= 393_216)
            #expect(slow.readCount == 0)
            try nodes.run(until: "all at the slow one") { slow.bytes.count == sent * line.count }
            #expect(nodes.clusters[1].counts.lostMessages == 0)
        }

        // MARK: - While the stream is away

        @Test func `a Redis that is killed and started again loses nothing, and says nothing twice`() throws {
            let nodes = try Nodes(3, at: RedisServer())
            let speakers = try (0..<3).map { try nodes.join($0) }
            let listeners = try (0..<3).map { try nodes.join($0) }
            var count = 0
            func say(_ lines: Int) throws {
                for _ in 0..<lines {
                    for (index, speaker) in speakers.enumerated() { try speaker.send("\(index) \(count)\n") }
                    count += 1
                    try nodes.loop.runOnce(waitingAtMost: .zero)
                }
            }
            for _ in 0..<3 {
                try say(200)
                nodes.redis.process.kill()
                try say(50)
                try nodes.redis.restart()
                try say(200)
                try nodes.run(until: "all are connected") { nodes.clusters.allSatisfy(\.isConnected) }
            }
            try nodes.run(until: "all lines") { listeners.allSatisfy { $0.lines.count >= 3 * count } }
            try nodes.loop.settle()
            for listener in listeners { #expect(listener.text == listeners[0].text) }
            for (index, speaker) in speakers.enumerated() {
                let own = listeners[0].lines.filter { $0.hasPrefix("\(index) ") }
                #expect(own == (0..<count).map { "\(index) \($0)" })
                #expect(speaker.lines == listeners[0].lines.filter { !$0.hasPrefix("\(index) ") })
            }
            for cluster in nodes.clusters { #expect(cluster.counts.outages >= 3 && cluster.counts.lostMessages == 0) }
        }

        @Test func `connections that are cut under load lose nothing, and say nothing twice`() throws {
            let nodes = try Nodes(2, at: RedisServer())
            let speakers = try (0..<2).map { try nodes.join($0) }
            let listeners = try (0..<2).map { try nodes.join($0) }
            for cut in 0..<10 {
                for number in 0..<100 {
                    for (index, speaker) in speakers.enumerated() { try speaker.send("\(index) \(cut) \(number)\n") }
                    try nodes.loop.runOnce(waitingAtMost: .zero)
                }
                // What is on its way now may have arrived, though nothing says so.
                try nodes.redis.command("CLIENT", "KILL", "TYPE", "normal")
                try nodes.run(until: "they are connected again") {
                    nodes.clusters.allSatisfy { $0.isConnected && $0.counts.outages == cut + 1 }
                }
            }
            try nodes.run(until: "all lines") { listeners.allSatisfy { $0.lines.count >= 2_000 } }
            try nodes.loop.settle()
            for (index, speaker) in speakers.enumerated() {
                #expect(listeners[index].text == listeners[0].text)
                let own = listeners[0].lines.filter { $0.hasPrefix("\(index) ") }
                #expect(own == (0..<10).flatMap { cut in (0..<100).map { "\(index) \(cut) \($0)" } })
                #expect(speaker.lines == listeners[0].lines.filter { !$0.hasPrefix("\(index) ") })
            }
            #expect(nodes.clusters.allSatisfy { $0.counts.lostMessages == 0 })
        }

        @Test func `clients are paused for the grace time, then told, and then what they say is dropped`() throws {
            let nodes = try Nodes(2, at: RedisServer()) { cluster, _ in cluster.grace = .seconds(1) }
            let (speaker, other) = (try nodes.join(0), try nodes.join(1))
            nodes.redis.process.send(signal: SIGSTOP)
            try speaker.send("unheard for now\n")
            try nodes.run(until: "the stream is lost") { !nodes.clusters[0].isConnected }
            let begin = ContinuousClock.now
            try speaker.send("while paused\n")
            let told = "! the other servers cannot be reached: nobody hears you now\n"
            try nodes.run(until: "both are told") { speaker.text.hasPrefix(told) && other.text == told }
            #expect(begin.duration(to: .now) > .milliseconds(900))
            // What was read no more for the pause is read now, and dropped.
            try nodes.run(until: "the sentence") {
                speaker.text == told + "! that was not relayed: the other servers cannot be reached\n"
            }
            try speaker.send("one\ntwo\n")
            try nodes.run(until: "another sentence") {
                speaker.lines.last == "! those 2 messages were not relayed: the other servers cannot be reached"
            }
            // Who comes meanwhile is told, too.
            let newcomer = try nodes.join(1)
            try nodes.run(until: "the newcomer is told") { newcomer.text == told }
            nodes.redis.process.send(signal: SIGCONT)
            let back = "! the other servers are reached again: everybody hears you\n"
            try nodes.run(until: "all are told") { [speaker, other, newcomer].allSatisfy { $0.text.hasSuffix(back) } }
            // What was said before is heard, once. What was dropped is not.
            try nodes.run(until: "the first line") { other.text.contains("unheard for now\n") }
            try speaker.send("hello\n")
            try nodes.run(until: "the last line") { other.text.hasSuffix("hello\n") }
            #expect(other.lines.filter { !$0.hasPrefix("! ") } == ["unheard for now", "hello"])
            #expect(nodes.events[0].contains(.cutOff) && nodes.clusters[0].counts.droppedMessages == 3)
        }

        @Test func `or what they say is heard at their own server, in order, and not twice`() throws {
            let nodes = try Nodes(2, at: RedisServer(), outage: .local) { cluster, _ in cluster.grace = .milliseconds(300) }
            let (speaker, beside, other) = (try nodes.join(0), try nodes.join(0), try nodes.join(1))
            nodes.redis.process.kill()
            try nodes.run(until: "the stream is lost") { !nodes.clusters[0].isConnected }
            nodes.servers[0].announce("from the operator")
            let told = "! the other servers cannot be reached: only those at this one hear you now"
            try nodes.run(until: "they are told") { beside.lines == ["from the operator", told] }
            try speaker.send("one\n")
            try nodes.run(until: "it is heard") { beside.lines.last == "one" }
            try nodes.redis.restart()
            let back = "! the other servers are reached again: everybody hears you"
            try nodes.run(until: "they are told") { [beside, other].allSatisfy { $0.lines.contains(back) } }
            try speaker.send("two\n")
            try nodes.run(until: "it is heard by all") { [beside, other].allSatisfy { $0.lines.last == "two" } }
            #expect(beside.lines == ["from the operator", told, "one", back, "two"])
            // What was not heard by all before they were told that it would not be, is.
            #expect(other.lines.filter { !$0.hasPrefix("! ") } == ["from the operator", "two"])
        }

        @Test func `publishers wait, and are bounded, when nothing is answered`() throws {
            let nodes = try Nodes(1, at: RedisServer()) { cluster, _ in cluster.grace = .seconds(60) }
            let (speaker, other) = (try nodes.join(0), try nodes.join(0))
            nodes.redis.process.send(signal: SIGSTOP)
            let line = [UInt8](repeating: 97, count: 999) + [10]
            var sent: [UInt8] = []
            var part = ArraySlice<UInt8>()
            let end = ContinuousClock.now.advanced(by: .seconds(4))
            while ContinuousClock.now < end {
                if part.isEmpty { part = line[...] }
                let count = speaker.sendAvailable(Array(part))
                sent += part.prefix(count)
                part = part.dropFirst(count)
                try nodes.loop.runOnce(waitingAtMost: count > 0 ? .zero : .milliseconds(5))
            }
            // What the kernel holds is not the server's.
            #expect(nodes.servers[0].counts.receivedMessages < 1_000)
            nodes.redis.process.send(signal: SIGCONT)
            try nodes.run(until: "all of it") {
                let count = speaker.sendAvailable(Array(part))
                sent += part.prefix(count)
                part = part.dropFirst(count)
                return part.isEmpty && other.bytes.count >= sent.count
            }
            let isWhole = other.bytes == sent
            #expect(isWhole)
        }

        @Test func `of two addresses, the one where Redis is is found, and each reason is said once`() throws {
            let redis = try RedisServer()
            redis.process.kill()
            let nodes = try Nodes(1, at: redis, waits: false) { cluster, _ in
                cluster.addresses = [.unix(path: redis.path + "-other"), .unix(path: redis.path)]
                cluster.grace = .seconds(60)
            }
            try nodes.loop.run(for: .seconds(2))
            #expect(nodes.events[0].count == 2)
            try redis.restart()
            try nodes.run(until: "it is connected") { nodes.clusters[0].isConnected }
            #expect(nodes.events[0].count == 3)
        }

        @Test func `a cluster is gone with its server`() throws {
            let redis = try RedisServer()
            weak var cluster: RelayCluster?
            do {
                let nodes = try Nodes(1, at: redis)
                cluster = nodes.clusters[0]
                #expect(cluster != nil)
            }
            #expect(cluster == nil)
            try wait(for: "its connections to end") {
                // The one that asks is there.
                try redis.command("CLIENT", "LIST").split(separator: "\n").count == 1
            }
        }

        @Test func `a server that starts without a stream says why, and goes on when it is there`() throws {
            let redis = try RedisServer()
            redis.process.kill()
            let nodes = try Nodes(1, at: redis, waits: false) { cluster, _ in cluster.grace = .milliseconds(100) }
            let client = try nodes.join(0)
            try nodes.run(until: "it is told") { nodes.events[0].contains(.cutOff) && !client.lines.isEmpty }
            #expect(nodes.events[0].first == .disconnected(reason: "unix:\(redis.path): Connection refused"))
            try redis.restart()
            try nodes.run(until: "it is connected") { nodes.clusters[0].isConnected }
            try nodes.run(until: "it is told") { client.lines.count == 2 }
        }

        // MARK: - What is lost

        @Test func `what was taken out of the stream is counted`() throws {
            let nodes = try Nodes(2, at: RedisServer())
            let (speaker, other) = (try nodes.join(0), try nodes.join(1))
            try speaker.send("one\n")
            try nodes.run(until: "it is heard") { other.text == "one\n" }
            // A server that had three messages trimmed before anybody has read them.
            var entry = StreamEntry(node: 77, first: 10)
            entry.append("other one\n".utf8.span, from: 1)
            try nodes.add(entry)
            try nodes.run(until: "it is heard") { other.text == "one\nother one\n" }
            var later = StreamEntry(node: 77, first: 14)
            later.append("other five\n".utf8.span, from: 1)
            try nodes.add(later)
            try nodes.run(until: "it is heard") { other.text == "one\nother one\n! 3 messages were lost\nother five\n" }
            #expect(nodes.events[1].last == .lost(messages: 3))
        }

        @Test func `what is trimmed before it is read does not hold up who has said it`() throws {
            let nodes = try Nodes(1, at: RedisServer())
            let (speaker, other) = (try nodes.join(0), try nodes.join(0))
            // The reader is told of it, and it is gone before that reads: a transaction lets nobody in between.
            let before = nodes.clusters[0].counts
            try speaker.send("gone\n")
            nodes.redis.process.send(signal: SIGSTOP)
            try nodes.loop.run(for: .milliseconds(50))
            let client = try ChildProcess("redis-cli", ["-s", nodes.redis.path, "XTRIM", "chatd:test", "MAXLEN", "0"])
            nodes.redis.process.send(signal: SIGCONT)
            _ = try client.waitForEnd()
            try speaker.send("there\n")
            try nodes.run(until: "it is heard") { other.lines.last == "there" }
            #expect([["gone", "there"], ["! 1 message was lost", "there"]].contains(other.lines))
            #expect(nodes.clusters[0].counts.writtenEntries >= before.writtenEntries + 2)
        }

        @Test func `a Redis that has forgotten all is no end`() throws {
            let nodes = try Nodes(2, at: RedisServer(keeps: false))
            let (speaker, other) = (try nodes.join(0), try nodes.join(1))
            try speaker.send("one\n")
            try nodes.run(until: "it is heard") { other.text == "one\n" }
            nodes.redis.process.kill()
            try nodes.redis.restart()
            try speaker.send("two\n")
            try nodes.run(until: "it is heard") { other.text == "one\ntwo\n" }
            #expect(nodes.clusters.allSatisfy { $0.counts.lostMessages == 0 })
        }

        @Test func `nor is a stream that is made anew, nor one whose names go back`() throws {
            let nodes = try Nodes(2, at: RedisServer())
            let (speaker, other) = (try nodes.join(0), try nodes.join(1))
            // As a machine with a clock that is fast.
            try nodes.redis.command("XADD", "chatd:test", "99999999999999-1", "chatd1", "")
            try speaker.send("one\n")
            try nodes.run(until: "it is heard") { other.text == "one\n" }
            try nodes.redis.command("DEL", "chatd:test")
            try speaker.send("two\n")
            try nodes.run(until: "it is heard") { other.lines.contains("two") }
            try speaker.send("three\n")
            try nodes.run(until: "it is heard") { other.lines.last == "three" }
            #expect(other.lines == ["one", "two", "three"])
        }

        // MARK: - What Redis says

        @Test func `a password that is wrong, or lacking, is said as Redis says it`() throws {
            let redis = try RedisServer(password: "secret")
            for password in ["wrong", nil] {
                let nodes = try Nodes(1, at: redis, waits: false) { cluster, _ in cluster.password = password }
                try nodes.run(until: "it is said") { !nodes.events[0].isEmpty }
                guard case .disconnected(let reason) = nodes.events[0][0] else { continue }
                #expect(reason.contains(password == nil ? "NOAUTH" : "AUTH with: WRONGPASS"), "\(reason)")
                #expect(!reason.contains("secret") && !reason.contains("wrong "))
            }
            let nodes = try Nodes(1, at: redis) { cluster, _ in cluster.password = "secret" }
            #expect(nodes.events[0] == [.connected])
        }

        @Test func `a user without a password is who logs in`() throws {
            let redis = try RedisServer()
            try redis.command("ACL", "SETUSER", "ana", "on", "nopass", "~chatd:*", "+@all")
            let place = try RedisPlace("redis://ana@localhost/test")
            let nodes = try Nodes(1, at: redis) { cluster, _ in cluster.place = place }
            #expect(try redis.command("CLIENT", "LIST").split(separator: "\n").count { $0.contains("user=ana ") } == 2)
            #expect(nodes.events[0] == [.connected])
        }

        @Test func `a key of another type is said, once, and is no end`() throws {
            let redis = try RedisServer()
            try redis.command("SET", "chatd:test", "a")
            let nodes = try Nodes(1, at: redis, waits: false)
            try nodes.run(until: "it is said") { !nodes.events[0].isEmpty }
            try nodes.loop.run(for: .seconds(1))
            #expect(nodes.events[0].count == 1 && "\(nodes.events[0])".contains("WRONGTYPE"))
            try redis.command("DEL", "chatd:test")
            try nodes.run(until: "it is connected") { nodes.clusters[0].isConnected }
            // And while it is in use.
            let client = try nodes.join(0)
            try redis.command("DEL", "chatd:test")
            try redis.command("SET", "chatd:test", "a")
            try client.send("hello\n")
            try nodes.run(until: "it is said") { !nodes.clusters[0].isConnected }
            try redis.command("DEL", "chatd:test")
            try nodes.run(until: "it is connected") { nodes.clusters[0].isConnected }
        }

        @Test func `the stream is bounded`() throws {
            let nodes = try Nodes(1, at: RedisServer()) { cluster, _ in cluster.streamLength = 1 }
            let (speaker, other) = (try nodes.join(0), try nodes.join(0))
            for number in 0..<1_000 {
                try speaker.send("\(number)\n")
                try nodes.run(until: "it is heard") { other.ends(in: "\(number)\n") }
            }
            // About a hundred: whole pieces of a hundred entries are taken out.
            #expect(try #require(Int(try nodes.redis.command("--raw", "XLEN", "chatd:test"))) < 400)
        }

        // MARK: - Who can join

        @Test func `a chat, a group and very long messages are refused`() throws {
            let loop = try EventLoop()
            defer { loop.close() }
            let place = try RedisPlace("unix:/none/test")
            let configuration = ClusterConfiguration(at: place, addresses: [.unix(path: "/none")])
            var chat = ChatServer.Configuration()
            chat.chat = Chat.Configuration(name: "test")
            #expect(throws: RelayClusterError.chat) {
                try RelayCluster(of: try ChatServer(on: loop, configuration: chat), configuration)
            }
            let group = try ServerGroup()
            #expect(throws: RelayClusterError.sharedLog) {
                try RelayCluster(of: try ChatServer(on: loop, in: group), configuration)
            }
            var long = ChatServer.Configuration()
            long.maximumMessageLength = RelayCluster.maximumMessageLength + 1
            #expect(throws: RelayClusterError.messageLength) {
                try RelayCluster(of: try ChatServer(on: loop, configuration: long), configuration)
            }
            #expect(throws: RelayClusterError.noAddress) {
                try RelayCluster(of: try ChatServer(on: loop), ClusterConfiguration(at: place, addresses: []))
            }
            let server = try ChatServer(on: loop)
            _ = try RelayCluster(of: server, configuration)
            #expect(throws: Errno.operationNotSupported) { try server.listenForWeb(on: .loopback(port: 0)) }
        }
    }
#endif
