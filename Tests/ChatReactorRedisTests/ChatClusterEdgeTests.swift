#if Redis
    import Glibc
    import Reactor
    import TestSupport
    import Testing

    @testable import ChatReactor
    @testable import ChatReactorRedis

    /// Moments and numbers at the edge of what there may be.
    @Suite(.beyondPatience) struct ChatClusterEdgeTests {
        private func name(_ text: String) -> ChatName { ChatName(unchecked: text) }

        // MARK: - What comes from Redis

        @Test func `a time beyond all clocks does no harm`() throws {
            let chats = try ChatClusterFixture(servers: 1)
            let replica = try chats.nodes[0].replica
            replica.receive(ChatEvent.alive.encoded, from: 77, of: ChatReplica.nobody, number: 0, at: .max)
            var crowd: [ChatClusterFixture.Member] = []
            for _ in 0..<8 { crowd.append(try chats.begin(0)) }
            try chats.wait(for: "all of them") { crowd.allSatisfy { $0.lines.contains { $0.hasPrefix("* welcome") } } }
            try crowd[0].send("/json")
            try crowd[1].send("hello")
            try chats.settle()
        }

        @Test(arguments: [Int64.min, -1, 0, .max]) func `numbers of a snapshot at the edge do no harm`(time: Int64) throws {
            let chats = try ChatClusterFixture(servers: 1)
            let node = try chats.addServer(waits: false)
            let replica = try node.replica
            try chats.wait(for: "the stream") { node.cluster.isConnected }
            var numbers = 0 as UInt64
            func receive(_ event: ChatEvent, from server: UInt64 = 77, of person: UInt64 = ChatReplica.nobody) {
                replica.receive(event.encoded, from: server, of: person, number: numbers, at: 1)
                numbers += 1
            }
            guard case .start(var start)? = try chats.nodes[0].replica.snapshot().first else { return }
            if time != 0 { start.guestCount = .max }
            start.time = time
            start.servers = [.init(name: 77, nextNumber: .max), .init(name: replica.server, nextNumber: 0)]
            receive(.hello(attempt: 1, former: 0), from: replica.server)
            let parts: [ChatSnapshot.Part] = [
                .start(start),
                .room(
                    .init(
                        name: "lobby", epoch: .max, nextSequence: .max / 2, topic: "", topicSetter: "", topicTime: time, key: nil,
                        crowd: .init(windowEnd: time == 0 ? 1 << 53 : .min, told: 100, joined: 1, left: 1), invitedNames: [])),
                .records(room: "lobby", [.init(kind: 1, time: time, online: .min, from: [], text: [])]),
                .person(
                    .init(server: 77, number: 1),
                    .init(name: "ana", guestNumber: time == 0 ? 1 << 53 : .max, isLoggedIn: false, rooms: ["lobby"])),
                .end,
            ]
            for part in parts { receive(.snapshot(for: replica.server, attempt: 1, part)) }
            #expect(replica.isEstablished == (time == 0))
            for person in 2..<9 as Range<UInt64> { receive(.arrive(name: nil, origin: nil, isLoggedIn: false), of: person) }
            receive(.countCrowd(room: "lobby"))
            // It finds out.
            try chats.wait(for: "a loss") { node.events.contains { if case .left = $0 { true } else { false } } }
            try chats.waitForAll()
            let ana = try chats.join(1, as: "ana", json: true)
            try ana.send("/history 3")
            try chats.settle()
            try chats.expectAgreement()
        }

        @Test func `a guest's name that somebody has been given is left out`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            var entry = StreamEntry(node: 77, first: 0)
            entry.append(ChatEvent.hello(attempt: 1, former: 0).encoded.span, from: ChatReplica.nobody)
            entry.append(ChatEvent.arrive(name: "guest2", origin: nil, isLoggedIn: false).encoded.span, from: 1)
            chats.redis.append(entry.encoded)
            try chats.settle()
            let ana = try chats.begin(0)
            try chats.settle()
            #expect(ana.lines.contains { $0.hasPrefix("* welcome to tea; you are guest3") }, "\(ana.lines)")
            try chats.expectAgreement()
        }

        // MARK: - What people do

        @Test func `who reads as fast as its line is gets all of a burst of short lines`() throws {
            let chats = try ChatClusterFixture(servers: 2) { _, server, _ in server.maximumMessageLength = 512 }
            for node in chats.nodes { try node.replica.times.silence = .seconds(60) }
            let (ana, ben) = (try chats.join(0, as: "ana"), try chats.join(1, as: "ben", json: true))
            for member in [ana, ben] { try member.send("/join tea") }
            try chats.settle()
            ben.clear()
            let connection = try #require(try chats.nodes[1].chat.person(named: name("ben"))?.connection)
            connection.setSendBuffer(4_096)
            ben.peer.descriptor.setOption(SOL_SOCKET, SO_RCVBUF, 4_096)
            var unsent = Array((0..<2_000).map { "\($0 % 10)\n" }.joined().utf8)
            try chats.wait(for: "all of it") {
                if !unsent.isEmpty { unsent.removeFirst(ana.peer.sendAvailable(unsent)) }
                ben.peer.read()
                return ben.peer.isAtEnd || ben.lines.count >= 2_000
            }
            #expect(ben.lines.count == 2_000 && !ben.peer.isAtEnd, "\(ben.lines.count) \(ben.lines.last ?? "")")
        }

        @Test func `who does not read privately what comes from elsewhere is not closed for that`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let (ana, ben) = (try chats.join(0, as: "ana"), try chats.join(1, as: "ben"))
            let messages = String(repeating: "/msg ben \(String(repeating: "x", count: 1_000))\n", count: 20)
            try chats.wait(for: "a refusal") {
                ana.peer.read()
                _ = ana.peer.sendAvailable(Array(messages.utf8))
                return ana.lines.last?.hasPrefix("! ") == true
            }
            #expect(ana.lines.last == "! ben is not reading")
            try chats.settle()
            #expect(try chats.nodes[0].chat.person(named: name("ben")) != nil)
            withExtendedLifetime(ben) {}
        }

        @Test func `who writes to somebody who has just left is told`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let (ana, ben) = (try chats.join(0, as: "ana"), try chats.join(1, as: "ben"))
            try chats.nodes[0].replica.submit(.alive)
            try ben.send("/quit")
            try ana.send("/msg ben psst")
            try chats.settle()
            #expect(ana.lines.contains { $0.hasPrefix("! ") }, "\(ana.lines)")
        }

        @Test func `a room that is opened again at once has another epoch`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let ana = try chats.join(0, as: "ana")
            var epochs: [UInt64] = []
            for _ in 0..<2 {
                try ana.send("/join tea")
                try chats.settle()
                epochs.append(try #require(try chats.nodes[0].chat.room(named: name("tea"))?.conversation?.records.epoch))
                try ana.send("/leave")
                try chats.settle()
            }
            #expect(epochs[0] != epochs[1])
            try chats.expectAgreement()
        }

        @Test func `there are no more rooms than there may be, also if they are opened at the same moment`() throws {
            let chats = try ChatClusterFixture(servers: 2) { chat, _, _ in chat.maximumRooms = 1 }
            let (ana, ben) = (try chats.join(0, as: "ana"), try chats.join(1, as: "ben"))
            try ana.send("/join tea")
            try ben.send("/join cake")
            try chats.settle()
            #expect(try chats.nodes[0].chat.rooms.count == 2)
            #expect([ana, ben].count { $0.lines.last == "! there are too many rooms already" } == 1, "\(ana.lines) \(ben.lines)")
            try chats.expectAgreement()
        }

        @Test func `those who were invited and have left do not keep others from being invited`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let ana = try chats.join(0, as: "ana")
            try ana.send("/join tea key")
            try chats.settle()
            var number = 0 as UInt64
            func say(_ events: [(ChatEvent, UInt64)]) {
                var entry = StreamEntry(node: 77, first: number)
                for (event, person) in events { entry.append(event.encoded.span, from: person) }
                number = entry.next
                chats.redis.append(entry.encoded)
            }
            say([(.hello(attempt: 1, former: 0), ChatReplica.nobody)])
            for person in 0..<1_000 as Range<UInt64> {
                say([
                    (.arrive(name: nil, origin: nil, isLoggedIn: false), person),
                    (.invite(.init(server: 77, number: person), room: "tea"), ChatReplica.nobody),
                    (.depart(reason: ""), person),
                ])
                if person % 100 == 0 { try chats.settle() }
            }
            try chats.settle()
            say([(.end, ChatReplica.nobody)])
            try chats.addServer()
            let cleo = try chats.join(1, as: "cleo")
            try ana.send("/invite cleo")
            try chats.settle()
            try cleo.send("/join tea")
            try chats.settle()
            try chats.expectAgreement()
            #expect(try chats.nodes[2].chat.room(named: name("tea"))?.clientCount == 2)
        }

        @Test func `who is muted is not a guest of another life of the server`() throws {
            let chats = try ChatClusterFixture(servers: 1)
            let ana = try chats.join(0)
            let chat = try chats.nodes[0].chat
            chat.mute(name("guest1"))
            try chats.nodes[0].replica.startAnew(reason: "test")
            try chats.waitForAll()
            let ben = try chats.join(0)
            #expect(chat.people.map(\.name) == [name("guest1")])
            try ben.send("hello")
            try chats.settle()
            #expect(ben.lines.isEmpty, "\(ben.lines)")
            withExtendedLifetime(ana) {}
        }

        @Test func `a server ends while the stream is away, with somebody who waits`() throws {
            let chats = try ChatClusterFixture(servers: 1)
            let ana = try chats.join(0, as: "ana")
            chats.redis.isAway = true
            for connection in chats.redis.connections { connection.close() }
            try ana.send("/nick anna")
            try chats.loop.settle(for: .milliseconds(5))
            var hasEnded = false
            chats.nodes[0].server.shutDown(timeout: .milliseconds(300)) { hasEnded = true }
            try chats.wait(for: "the end") { hasEnded }
        }

        @Test func `a server ends while it joins, with somebody who waits`() throws {
            let chats = try ChatClusterFixture(servers: 0)
            try chats.addServer(waits: false)
            let ana = try chats.begin(0)
            try chats.loop.settle(for: .milliseconds(5))
            var hasEnded = false
            chats.nodes[0].server.shutDown(timeout: .seconds(5)) { hasEnded = true }
            try chats.wait(for: "the end") { hasEnded }
            ana.peer.read()
            #expect(ana.lines == ["! this server does not reach the others now, try again later"])
        }

        // MARK: - Servers that come

        @Test func `servers that are none are not remembered`() throws {
            let chats = try ChatClusterFixture(servers: 1)
            let replica = try chats.nodes[0].replica
            for server in 1_000..<2_000 as Range<UInt64> {
                replica.receive(ChatEvent.alive.encoded, from: server, of: ChatReplica.nobody, number: 0, at: 1)
            }
            let heard =
                Mirror(reflecting: replica).children.first { $0.label == "heard" }?.value as? [UInt64: ContinuousClock.Instant]
            #expect(try #require(heard).count == 1)
        }

        @Test func `a server of whom another claims to be the former self begins anew`() throws {
            let chats = try ChatClusterFixture(servers: 1)
            let ana = try chats.join(0, as: "ana")
            let server = try chats.nodes[0].replica.server
            var entry = StreamEntry(node: 77, first: 0)
            entry.append(ChatEvent.hello(attempt: 1, former: server).encoded.span, from: ChatReplica.nobody)
            chats.redis.append(entry.encoded)
            try ana.send("/nick anna")
            try chats.wait(for: "an end") {
                ana.peer.read()
                return ana.peer.isAtEnd
            }
            try chats.wait(for: "it to be one") { chats.nodes[0].cluster.serverCount > 0 }
        }

        @Test func `what precedes a snapshot is what its sender had done, and not all that it had read`() throws {
            let chats = try ChatClusterFixture(servers: 0)
            let node = try chats.addServer(waits: false)
            // What comes before its last hello is nothing to it.
            try node.replica.times.attempts = 1
            try chats.wait(for: "its hello") { chats.redis.lastName.number >= 2 && node.cluster.isAtRest }
            for (server, number) in [(77, 0), (88, 0), (77, 1)] as [(UInt64, UInt64)] {
                var entry = StreamEntry(node: server, first: number)
                entry.append(ChatEvent.hello(attempt: 1, former: 0).encoded.span, from: ChatReplica.nobody)
                chats.redis.append(entry.encoded)
            }
            try chats.wait(for: "it to begin") { node.cluster.serverCount > 0 }
            try chats.settle()
            var numbers: [UInt64?] = []
            for entry in chats.redis.entries.compactMap({ StreamEntry($0.value) }) {
                entry.forEachRun { _, bytes, ends in
                    var start = 0
                    for end in ends {
                        let event = bytes.extracting(start..<Int(end))
                        start = Int(end)
                        if case .snapshot(for: 88, _, .start(let start)) = ChatEvent(event.indices.map { event[$0] }) {
                            numbers.append(start.servers.first { $0.name == 77 }?.nextNumber)
                        }
                    }
                }
            }
            #expect(numbers == [1])
        }

        @Test func `an answer that comes late is taken`() throws {
            let chats = try ChatClusterFixture(servers: 0)
            let node = try chats.addServer(waits: false)
            let replica = try node.replica
            try chats.wait(for: "its hello") { chats.redis.lastName.number >= 2 && node.cluster.isAtRest }
            var entry = StreamEntry(node: 77, first: 0)
            func say(_ event: ChatEvent) {
                entry.append(event.encoded.span, from: ChatReplica.nobody)
                chats.redis.append(entry.encoded)
                entry = StreamEntry(node: 77, first: entry.next)
            }
            // It hears the other one, and so it does not begin alone.
            for attempt in 2...4 as ClosedRange<UInt32> {
                say(.alive)
                try chats.wait(for: "another hello") { replica.joining.attempt == attempt }
            }
            guard case .start(var start)? = replica.snapshot().first else { return }
            start.servers = [.init(name: 77, nextNumber: 0), .init(name: replica.server, nextNumber: 0)]
            say(.snapshot(for: replica.server, attempt: 1, .start(start)))
            say(.snapshot(for: replica.server, attempt: 1, .end))
            try chats.wait(for: "it to be one") { node.events.contains(.joined(servers: 2)) }
            #expect(replica.nextNumbers[77] == 5)
            #expect(!node.hasLeft)
        }

        @Test func `who has answered may have ended before the answer has come`() throws {
            let chats = try ChatClusterFixture(servers: 0)
            let node = try chats.addServer(waits: false)
            let replica = try node.replica
            try chats.wait(for: "its hello") { chats.redis.lastName.number >= 2 && node.cluster.isAtRest }
            guard case .start(var start)? = replica.snapshot().first else { return }
            start.servers = [.init(name: 77, nextNumber: 0), .init(name: replica.server, nextNumber: 0)]
            var entry = StreamEntry(node: 77, first: 0)
            let answer = [ChatSnapshot.Part.start(start), .end].map { ChatEvent.snapshot(for: replica.server, attempt: 1, $0) }
            for event in [.end] + answer { entry.append(event.encoded.span, from: ChatReplica.nobody) }
            chats.redis.append(entry.encoded)
            try chats.wait(for: "it to be alone") { node.events.contains(.changed(servers: 1)) }
            try chats.settle()
            #expect(node.cluster.serverCount == 1 && !node.hasLeft, "\(node.events)")
        }

        @Test func `what came before the hello after which nobody was heard is nothing to a server that begins alone`() throws {
            let chats = try ChatClusterFixture(servers: 0)
            let node = try chats.addServer(waits: false)
            let replica = try node.replica
            try chats.wait(for: "its hello") { chats.redis.lastName.number >= 2 && node.cluster.isAtRest }
            guard case .start(let start)? = replica.snapshot().first else { return }
            var entry = StreamEntry(node: 77, first: 0)
            // It dies amid its answer, as does another that has just come.
            let events = [ChatEvent.snapshot(for: replica.server, attempt: 1, .start(start)), .lost(server: replica.server)]
            for event in events { entry.append(event.encoded.span, from: ChatReplica.nobody) }
            chats.redis.append(entry.encoded)
            entry = StreamEntry(node: 78, first: 0)
            entry.append(ChatEvent.hello(attempt: 1, former: 0).encoded.span, from: ChatReplica.nobody)
            chats.redis.append(entry.encoded)
            try chats.wait(for: "it to be one") { node.cluster.serverCount > 0 }
            try chats.settle()
            #expect(node.events.filter { $0 != .connected } == [.joined(servers: 1)])
        }

        @Test func `who was heard last answers a server that comes, and not one that may be gone`() throws {
            let chats = try ChatClusterFixture(servers: 4)
            for _ in 0..<2 { chats.kill(2) }
            let ana = try chats.join(0, as: "ana")
            let late = try chats.addServer(waits: false)
            try chats.wait(for: "it to be one") { late.cluster.serverCount > 0 }
            #expect(try late.replica.attempts == 1...1)
            withExtendedLifetime(ana) {}
        }

        @Test func `a server that has missed something while it joins says hello again`() throws {
            let chats = try ChatClusterFixture(servers: 0)
            let node = try chats.addServer(waits: false)
            let replica = try node.replica
            try chats.wait(for: "its hello") { chats.redis.lastName.number >= 2 && node.cluster.isAtRest }
            func say(_ part: ChatSnapshot.Part, number: UInt64) {
                var entry = StreamEntry(node: 77, first: number)
                entry.append(ChatEvent.snapshot(for: replica.server, attempt: 1, part).encoded.span, from: ChatReplica.nobody)
                chats.redis.append(entry.encoded)
            }
            guard case .start(var start)? = replica.snapshot().first else { return }
            start.servers = [.init(name: 77, nextNumber: 0), .init(name: replica.server, nextNumber: 0)]
            say(.start(start), number: 0)
            say(.end, number: 2)
            try chats.settle()
            #expect(!node.events.contains(.joined(servers: 2)), "\(node.events)")
            try chats.waitForAll()
        }

        @Test func `two servers that start at the same moment become one, and nobody is closed`() throws {
            let chats = try ChatClusterFixture(servers: 0)
            for _ in 0..<2 { try chats.addServer(waits: false) }
            let members = try [chats.begin(0), chats.begin(1)]
            try chats.waitForAll()
            try chats.loop.settle(for: .milliseconds(50))
            try chats.wait(for: "welcomes") { members.allSatisfy { $0.lines.contains { $0.hasPrefix("* welcome") } } }
            for node in chats.nodes {
                #expect(!node.events.contains { if case .left = $0 { true } else { false } }, "\(node.events)")
            }
            try chats.settle()
            try chats.expectAgreement()
        }

        @Test func `who comes to a server that cannot be one of the others is told so`() throws {
            var isOdd = false
            let chats = try ChatClusterFixture(servers: 1) { chat, _, _ in chat.roomSize = isOdd ? 1 << 17 : 1 << 16 }
            isOdd = true
            try chats.addServer(waits: false)
            let ana = try chats.begin(1)
            try chats.wait(for: "a refusal") {
                ana.peer.read()
                return ana.peer.isAtEnd
            }
            #expect(ana.lines.last == "! this server does not reach the others now, try again later")
        }

        @Test func `a server that cannot be one of the others does not keep others from being so`() throws {
            var isOdd = false
            let chats = try ChatClusterFixture(servers: 1) { chat, _, _ in chat.roomSize = isOdd ? 1 << 17 : 1 << 16 }
            isOdd = true
            let odd = try chats.addServer(waits: false)
            try chats.wait(for: "its refusal") { odd.events.contains { if case .left = $0 { true } else { false } } }
            isOdd = false
            let second = try chats.addServer(waits: false)
            try chats.wait(for: "the second") { second.cluster.serverCount > 0 }
            let first = chats.nodes[0]
            var hasEnded = false
            first.server.shutDown(timeout: .seconds(5)) { hasEnded = true }
            try chats.wait(for: "the end of the first") { hasEnded }
            let third = try chats.addServer(waits: false)
            try chats.wait(for: "the third") { third.cluster.serverCount > 0 }
            withExtendedLifetime((odd, second)) {}
        }

        @Test func `a server that ends while it joins is not counted`() throws {
            let chats = try ChatClusterFixture(servers: 1)
            let node = try chats.addServer(waits: false)
            try chats.wait(for: "its hello") { chats.nodes[0].cluster.serverCount == 2 }
            node.server.shutDown(timeout: .seconds(1)) {}
            try chats.wait(for: "it to be gone") { chats.nodes[0].cluster.serverCount == 1 }
        }

        @Test func `a server that is ending tells nobody of a number that the others do not know`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let (ana, ben) = (try chats.join(0, json: true), try chats.join(1, json: true))
            chats.nodes[1].server.shutDown(timeout: .seconds(5)) {}
            try ben.send("too late")
            try chats.wait(for: "its end") { ana.lines.contains { $0.contains("shutdown") } }
            try chats.loop.settle(for: .milliseconds(5))
            #expect(!ana.lines.contains { $0.contains("too late") })
            #expect(!ben.lines.contains { $0.contains("\"sent\"") })
        }
    }
#endif
