#if Redis
    import Reactor
    import TestSupport
    import Testing

    @testable import ChatReactor
    @testable import ChatReactorRedis

    /// Chats of several servers that are one.
    @Suite(.beyondPatience) struct ChatClusterTests {
        @Test func `people of two servers are in one room, and write to each other`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let ana = try chats.join(0, as: "ana")
            let ben = try chats.join(1, as: "ben")
            #expect(ana.lines == ["* guest2 joined (2 online)", "* guest2 is now ben"])
            ana.clear()
            try ana.send("hello")
            try chats.settle()
            #expect(ben.lines == ["ana: hello"] && ana.lines.isEmpty)
            try ben.send("/who")
            try ben.send("/msg ana psst")
            try chats.settle()
            #expect(ben.lines.dropFirst() == ["* in lobby: ana, ben", "you to ana: psst"])
            #expect(ana.lines == ["ben to you: psst"])
            try ana.send("/reply what")
            try chats.settle()
            #expect(ben.lines.last == "ana to you: what")
            try chats.expectAgreement()
        }

        @Test func `what somebody says privately comes after what it has said before, also at its own server`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let (ana, ben) = (try chats.join(0, as: "ana"), try chats.join(1, as: "ben"))
            let cleo = try chats.join(0, as: "cleo")
            for member in [ana, ben] { member.clear() }
            for line in ["hello", "/msg ben psst", "/msg cleo psst", "bye"] {
                try ana.send(line)
                try chats.loop.runOnce(waitingAtMost: .zero)
            }
            try chats.wait(for: "her last line") { [ben, cleo].allSatisfy { $0.lines.last == "ana: bye" } }
            for member in [ben, cleo] { #expect(member.lines == ["ana: hello", "ana to you: psst", "ana: bye"]) }
        }

        @Test func `of two who take a name at the same moment, one has it, and the other is told`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let members = try [chats.join(0), chats.join(1)]
            for member in members { member.clear() }
            for member in members { try member.send("/nick ana") }
            try chats.settle()
            let answers = members.map { $0.lines.last { !$0.contains(" is now ") } ?? "" }.sorted()
            #expect(answers == ["! somebody else has that name", "* you are now ana"])
            try chats.expectAgreement()
        }

        @Test func `what somebody sends right after it has asked to enter a room is said there`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let (ana, ben) = (try chats.join(0, as: "ana"), try chats.join(1, as: "ben"))
            try ben.send("/join tea")
            try chats.settle()
            try ana.peer.send("/join tea\nhello\n/nick anna\nagain\n")
            try chats.settle()
            #expect(Array(ben.lines.suffix(4)) == ["* ana joined (2 online)", "ana: hello", "* ana is now anna", "anna: again"])
        }

        @Test func `a program hears where each message is, at whichever server`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let (ana, ben) = (try chats.join(0, as: "ana", json: true), try chats.join(1, as: "ben", json: true))
            ana.clear()
            try ana.send("hello")
            try chats.settle()
            let sent = try JSONValue(ana.lines.last ?? "")
            let heard = try JSONValue(ben.lines.last ?? "")
            #expect(sent["type"] == .string("sent") && heard["type"] == .string("message"))
            #expect(sent["seq"] == heard["seq"] && sent["time"] == heard["time"])
        }

        @Test func `a server that comes later has the history, and goes on where another has stopped`() throws {
            let chats = try ChatClusterFixture(servers: 1)
            let ana = try chats.join(0, as: "ana", json: true)
            for number in 0..<300 { try ana.send("line \(number)") }
            try chats.settle()
            let last = try JSONValue(ana.lines.last ?? "")
            let welcome = try #require(try chats.nodes[0].chat.lobby.conversation?.records.epoch)
            try chats.addServer()
            try chats.expectAgreement()
            let ben = try chats.join(1, as: "ben")
            try ben.send("/history 2")
            try chats.settle()
            #expect(ben.lines.filter { $0.contains("ana: ") }.map { $0.suffix(13) } == ["ana: line 298", "ana: line 299"])
            ben.clear()
            try ben.send("/resume lobby \(welcome) \((last["seq"]?.integer ?? 0) - 3)")
            try chats.settle()
            #expect(
                ben.lines.filter { $0.contains("ana: ") }.map { $0.suffix(13) } == [
                    "ana: line 297", "ana: line 298", "ana: line 299",
                ])
            #expect(!ben.lines.contains { $0.contains("missing") })
        }

        @Test func `who is sent away by the operator of another server is gone`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let (ana, ben) = (try chats.join(0, as: "ana"), try chats.join(1, as: "ben"))
            let remote = try #require(try chats.nodes[1].chat.person(named: try ChatName("ana")))
            try chats.nodes[1].chat.kick(remote, reason: "spam")
            try chats.wait(for: "the end") {
                ana.peer.read()
                return ana.peer.isAtEnd
            }
            #expect(ana.lines.last == "! kicked: spam")
            try chats.settle()
            #expect(ben.lines.last == "* ana left: kicked (1 online)")
            try chats.expectAgreement()
        }

        @Test func `a room's key holds at all servers, also if two open it at the same moment`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let (ana, ben) = (try chats.join(0, as: "ana"), try chats.join(1, as: "ben"))
            try ana.send("/join tea one")
            try ben.send("/join tea two")
            try chats.settle()
            let inside = [ana, ben].filter {
                $0.lines.contains { $0.hasPrefix("* you are in tea") || $0.hasPrefix("* welcome to tea") }
            }
            #expect(try chats.nodes[0].chat.room(named: try ChatName("tea"))?.clientCount == 1, "\(ana.lines) \(ben.lines)")
            _ = inside
            let cleo = try chats.join(1, as: "cleo")
            try cleo.send("/join tea")
            try chats.settle()
            #expect(cleo.lines.last == "! tea has a key: /join tea KEY, or be invited")
            try chats.expectAgreement()
        }

        @Test func `a crowd is counted once, at the same place everywhere`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let ana = try chats.join(0, as: "ana")
            var crowd: [ChatClusterFixture.Member] = []
            for number in 0..<12 { crowd.append(try chats.begin(number % 2)) }
            try chats.wait(for: "the count") { ana.lines.contains { $0.hasSuffix(" joined (13 online)") } }
            try chats.settle()
            try chats.expectAgreement()
            #expect(ana.lines.count { $0.wholeMatch(of: #/\* \d+ joined.*/#) != nil } == 1)
            withExtendedLifetime(crowd) {}
        }

        @Test func `who is at a server that ends, or is gone, leaves the rooms`() throws {
            let chats = try ChatClusterFixture(servers: 3)
            let ana = try chats.join(0, as: "ana")
            let (ben, cleo) = (try chats.join(1, as: "ben"), try chats.join(2, as: "cleo"))
            ana.clear()
            let node = chats.nodes[1]
            node.server.shutDown(timeout: .seconds(5)) {}
            chats.remove(1)
            try chats.wait(for: "its end") { ana.lines.last == "* ben left: shutdown (2 online)" }
            chats.kill(1)
            try chats.wait(for: "it to be missed") { ana.lines.last == "* cleo left: lost (1 online)" }
            #expect(chats.nodes[0].cluster.serverCount == 1)
            withExtendedLifetime((ben, cleo, node)) {}
        }

        @Test func `what has come before a server is not done by it when it comes once more`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let ana = try chats.join(0, as: "ana")
            try ana.send("hello")
            // From now on nothing is heard of this server, but by what it sends again.
            let replica = try chats.nodes[0].replica
            replica.times.alive = .seconds(60)
            try chats.loop.run(for: .milliseconds(150))
            try chats.settle()
            let entry = try #require(chats.redis.entries.last { String(decoding: $0.value, as: UTF8.self).contains("hello") })
            // It is let in by the other one.
            try chats.addServer()
            // As after a break of the connection, when the server cannot know that it is there.
            chats.redis.append(entry.value)
            try chats.settle()
            try chats.expectAgreement()
        }

        @Test func `a chat joins a cluster once`() throws {
            let chats = try ChatClusterFixture(servers: 1)
            #expect(throws: ChatClusterError.inUse) {
                try ChatCluster(
                    of: chats.nodes[0].server, .init(at: try RedisPlace("redis://h/n"), addresses: [chats.redis.address]))
            }
        }

        @Test func `servers that begin at the same moment are one`() throws {
            let chats = try ChatClusterFixture(servers: 0)
            for _ in 0..<3 { try chats.addServer(waits: false) }
            try chats.waitForAll()
            let (ana, ben) = (try chats.join(0, as: "ana"), try chats.join(2, as: "ben"))
            try ana.send("hello")
            try chats.settle()
            #expect(ben.lines == ["ana: hello"])
            try chats.expectAgreement()
        }

        @Test func `a server is let in by another if the one that is asked first is gone`() throws {
            let chats = try ChatClusterFixture(servers: 3)
            let ana = try chats.join(0, as: "ana")
            chats.kill(2)
            chats.kill(1)
            try chats.addServer(waits: false)
            try chats.wait(for: "an answer") { chats.nodes[1].cluster.serverCount > 0 }
            try chats.waitForAll()
            try chats.settle()
            try chats.expectAgreement()
            withExtendedLifetime(ana) {}
        }

        // MARK: - When the stream is away

        @Test func `a short outage is a delay`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let (ana, ben) = (try chats.join(0, as: "ana"), try chats.join(1, as: "ben"))
            for number in 0..<20 {
                try ana.send("\(number)")
                if number % 5 == 2 { for connection in chats.redis.connections { connection.close() } }
                try chats.loop.runOnce(waitingAtMost: .milliseconds(1))
            }
            try chats.wait(for: "all of it") { ben.lines.count >= 20 }
            #expect(ben.lines == (0..<20).map { "ana: \($0)" })
            try chats.settle()
            try chats.expectAgreement()
        }

        @Test func `after a long outage people are told and closed, and may come again when it is over`() throws {
            let chats = try ChatClusterFixture(servers: 2) { _, _, cluster in cluster.grace = .milliseconds(300) }
            let ana = try chats.join(0, as: "ana")
            chats.redis.isAway = true
            for connection in chats.redis.connections { connection.close() }
            try chats.wait(for: "the end") {
                ana.peer.read()
                return ana.peer.isAtEnd
            }
            #expect(ana.lines.last == "! goodbye: this server has lost the others; connect again")
            try chats.wait(for: "the other one to know") { chats.nodes[1].cluster.serverCount == 0 }
            // What is said meanwhile is refused in the right words.
            #expect(
                OperatorCommands(for: try chats.nodes[0].chat) {}.run("say hi").lines == [
                    "this server does not reach the others now"
                ])
            let early = try chats.begin(1)
            try chats.wait(for: "a refusal") {
                early.peer.read()
                return early.peer.isAtEnd
            }
            #expect(early.lines == ["! this server does not reach the others now, try again later"])
            chats.redis.isAway = false
            try chats.waitForAll()
            let (again, ben) = (try chats.join(0, as: "ana"), try chats.join(1, as: "ben"))
            again.clear()
            try again.send("hello")
            try chats.settle()
            #expect(ben.lines == ["ana: hello"])
            try chats.expectAgreement()
        }

        @Test func `a long outage of a Redis that forgets nothing loses nothing`() throws {
            let chats = try ChatClusterFixture(servers: 2) { _, _, cluster in cluster.grace = .milliseconds(100) }
            let ana = try chats.join(0, as: "ana", json: true)
            try ana.send("/topic biscuits")
            let dan = try chats.join(1, as: "dan")
            try dan.send("/join kit")
            try dan.send("soup")
            try chats.settle()
            for number in 0..<5 { try ana.send("line \(number)") }
            try chats.settle()
            let records = try #require(try chats.nodes[0].chat.lobby.conversation?.records)
            let (epoch, sequence) = (records.epoch, try JSONValue(ana.lines.last ?? "")["seq"]?.integer ?? 0)
            chats.redis.isAway = true
            for connection in chats.redis.connections { connection.close() }
            try chats.wait(for: "both to be cut off") { chats.nodes.allSatisfy { $0.cluster.serverCount == 0 } }
            try chats.wait(for: "her end") {
                ana.peer.read()
                return ana.peer.isAtEnd
            }
            // So browsers come back.
            ana.peer.close()
            try chats.wait(for: "the count") { chats.nodes[0].server.counts.closedClients[.shutdown] == 1 }
            chats.redis.isAway = false
            try chats.waitForAll()
            try chats.settle()
            let ben = try chats.join(1, as: "ben")
            try ben.send("/resume lobby \(epoch) \(sequence - 2)")
            try ben.send("/topic")
            try chats.settle()
            #expect(ben.lines.filter { $0.contains("ana: ") }.map { $0.suffix(11) } == ["ana: line 3", "ana: line 4"])
            #expect(!ben.lines.contains { $0.contains("missing") })
            #expect(ben.lines.contains { $0.contains("biscuits") })
            try ben.send("/join kit")
            try chats.settle()
            #expect(ben.lines.contains { $0.contains("dan: soup") })
            try chats.expectAgreement()
            withExtendedLifetime(dan) {}
        }

        @Test func `a Redis that has lost its end, and has come further since, is not taken for the one of before`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let (ana, ben) = (try chats.join(0, as: "ana"), try chats.join(1, as: "ben"))
            try ana.send("hello")
            try chats.settle()
            for connection in chats.redis.connections { connection.close() }
            // What both have read last is lost, and others have taken its place by the time that they come back.
            chats.redis.loseEnd(3)
            chats.redis.time += 1_000
            for _ in 0..<5 { chats.redis.append(StreamEntry(node: 77, first: 0).encoded) }
            try chats.wait(for: "both to find out") {
                ana.peer.read() >= 0 && ben.peer.read() >= 0 && ana.peer.isAtEnd && ben.peer.isAtEnd
            }
            try chats.waitForAll()
            try chats.settle()
            try chats.expectAgreement()
        }

        @Test func `whoever reaches a stream again first does not take the others for dead`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let replica = try chats.nodes[0].replica
            let longAgo = ContinuousClock.now - .seconds(1_000)
            for server in replica.heard.keys { replica.heard[server] = longAgo }
            replica.connected()
            replica.heard[replica.server] = .now
            replica.keepAlive()
            try chats.settle()
            #expect(chats.nodes.allSatisfy { $0.cluster.serverCount == 2 })
        }

        @Test func `servers that come right after each other are one, and stay so`() throws {
            let chats = try ChatClusterFixture(servers: 1)
            let ana = try chats.join(0, as: "ana")
            for _ in 0..<3 { try chats.addServer() }
            let cleo = try chats.join(3, as: "cleo")
            try ana.send("hello")
            try chats.settle()
            #expect(cleo.lines == ["ana: hello"])
            for node in chats.nodes { #expect(!node.events.contains { if case .left = $0 { true } else { false } }) }
            try chats.expectAgreement()
        }

        @Test func `a server that is set up otherwise is not counted among the others`() throws {
            let chats = try ChatClusterFixture(servers: 1)
            let other = try chats.addServer(waits: false) { $0.roomSize = 4_096 }
            try chats.wait(for: "a refusal") { other.events.contains { if case .left = $0 { true } else { false } } }
            try chats.settle()
            #expect(chats.nodes[0].cluster.serverCount == 1)
        }

        // MARK: - Rooms, bans and logins

        @Test func `a room whose people's server ends is there for those who come back`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let one = try chats.join(1, as: "one")
            try one.send("/join kit key")
            try one.send("/topic soup")
            try one.send("a line")
            try chats.settle()
            let name = try ChatName("kit")
            let epoch = try #require(try chats.nodes[0].chat.room(named: name)?.conversation?.records.epoch)
            chats.nodes[1].server.shutDown(timeout: .seconds(5)) {}
            chats.remove(1)
            try chats.wait(for: "its end") { chats.nodes[0].cluster.serverCount == 1 }
            #expect(try chats.nodes[0].chat.room(named: name) == nil)
            // Also at a server that has come since.
            try chats.addServer()
            try chats.expectAgreement()
            let (two, three) = (try chats.join(1, as: "two"), try chats.join(0, as: "three"))
            try three.send("/join kit another")
            try two.send("/resume kit \(epoch) 0 key")
            try chats.settle()
            #expect(three.lines.contains("! that is not the key of kit"))
            #expect(two.lines.contains { $0.contains("one: a line") } && two.lines.contains { $0.contains("soup") })
            try chats.expectAgreement()
            // For a minute.
            try two.send("/leave")
            try chats.settle()
            try three.send("/join kit another")
            try chats.settle()
            #expect(try chats.nodes[1].chat.room(named: name)?.conversation?.records.epoch != epoch)
            try chats.expectAgreement()
        }

        @Test func `a room is kept for a minute`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let one = try chats.join(1, as: "one")
            try one.send("/join kit key")
            try chats.settle()
            chats.kill(1)
            try chats.wait(for: "its loss") { chats.nodes[0].cluster.serverCount == 1 }
            #expect(try chats.nodes[0].replica.keptRooms.count == 1)
            chats.redis.time += 61_000
            let two = try chats.join(0, as: "two")
            #expect(try chats.nodes[0].replica.keptRooms.isEmpty)
            try two.send("/join kit")
            try chats.settle()
            #expect(two.lines.last?.hasPrefix("* welcome to kit") == true || two.lines.contains { $0.contains("in kit") })
        }

        @Test func `a key that is given to a room that was kept without one makes another room`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let one = try chats.join(1, as: "one")
            try one.send("/join kit")
            try one.send("for all")
            try chats.settle()
            chats.kill(1)
            try chats.wait(for: "its loss") { chats.nodes[0].cluster.serverCount == 1 }
            let (two, three) = (try chats.join(0, as: "two"), try chats.join(0, as: "three"))
            try two.send("/join kit key")
            try chats.settle()
            try three.send("/join kit")
            try chats.settle()
            #expect(!two.lines.contains { $0.contains("for all") })
            #expect(three.lines.last?.hasPrefix("! kit has a key") == true)
        }

        @Test func `a server that loses the others takes over what was taken back meanwhile`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let ana = try chats.join(1, as: "ana")
            try chats.nodes[0].chat.ban(Ban(.name(try ChatName("dan"))))
            try chats.nodes[0].chat.mute(try ChatName("ana"))
            try chats.settle()
            let lost = try chats.nodes[0].replica
            lost.startAnew(reason: "a test")
            try chats.nodes[1].chat.unban(.name(try ChatName("dan")))
            try chats.nodes[1].chat.unmute(try ChatName("ana"))
            try chats.waitForAll()
            try chats.settle()
            for node in chats.nodes {
                #expect(try node.chat.bans.all.isEmpty)
                #expect(try node.chat.mute(of: try ChatName("ana")) == nil)
            }
            try chats.expectAgreement()
            withExtendedLifetime(ana) {}
        }

        @Test func `who waits for the stream when its server loses the others is heard again`() throws {
            let chats = try ChatClusterFixture(servers: 1) { chat, _, _ in
                chat.loginRules.isRequired = true
                chat.loginRules.admitsLocalGuests = false
            }
            try chats.nodes[0].chat.authenticator = PlainAuthenticator(["ana": "right"])
            let ana = try chats.begin(0)
            try chats.wait(for: "the question") { !ana.lines.isEmpty }
            let person = try #require(chats.nodes[0].server.clients.first as? Person)
            let replica = try chats.nodes[0].replica
            person.connection?.pauseReading()
            replica.held.append(.init(connection: person.connection))
            replica.startAnew(reason: "a test")
            try chats.waitForAll()
            try ana.send("/login ana right")
            try chats.wait(for: "the welcome") { ana.lines.contains { $0.contains("you are ana") } }
        }

        @Test func `a server may be let go of when it reaches the stream`() throws {
            let chats = try ChatClusterFixture(servers: 0)
            var server: ChatServer?
            var configuration = ChatServer.Configuration()
            configuration.chat = Chat.Configuration(name: "tea")
            server = try ChatServer(on: chats.loop, configuration: configuration)
            let place = try RedisPlace("redis://127.0.0.1/test")
            var isConnected = false
            do {
                let cluster = try ChatCluster(of: try #require(server), .init(at: place, addresses: [chats.redis.address]))
                cluster.onEvent = { event in
                    if event == .connected { (isConnected, server) = (true, nil) }
                }
            }
            try chats.wait(for: "the stream") { isConnected }
            try chats.loop.settle()
        }

        @Test func `bans and mutes are those of all servers, also of one that comes later with its own`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let ana = try chats.join(0, as: "ana")
            try chats.nodes[1].chat.ban(Ban(.name(try ChatName("dan")), reason: "spam"))
            try chats.nodes[1].chat.mute(try ChatName("ana"))
            try chats.settle()
            try ana.send("hello")
            try ana.send("/nick dan")
            try chats.settle()
            #expect(ana.lines == ["! you are muted", "! you are muted"])
            let late = try chats.addServer(waits: false)
            try late.chat.bans.add(Ban(.name(try ChatName("eve"))))
            try chats.waitForAll()
            try chats.settle()
            for node in chats.nodes { #expect(try node.chat.bans.all.map { "\($0.subject)" } == ["dan", "eve"]) }
            #expect(try chats.nodes[0].chat.unban(.name(try ChatName("eve"))))
            try chats.settle()
            for node in chats.nodes { #expect(try node.chat.bans.all.map { "\($0.subject)" } == ["dan"]) }
            try chats.expectAgreement()
        }

        @Test func `who logs in has the name at all servers, and whoever has it gives way`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            for node in chats.nodes { try node.chat.authenticator = nil }
            let squatter = try chats.join(1, as: "ana")
            for node in chats.nodes { try node.chat.authenticator = PlainAuthenticator(["ana": "secret"]) }
            try chats.settle()
            // Her server knows whose the name is.
            #expect(squatter.lines.contains { $0.contains("is the name of somebody who logs in") })
            let ana = try chats.join(0)
            try ana.send("/login ana secret")
            try chats.settle()
            #expect(ana.lines.contains("* you are logged in as ana"), "\(ana.lines)")
            try squatter.send("/nick ana")
            try chats.settle()
            #expect(squatter.lines.last?.contains("takes it by /login") == true)
            try chats.expectAgreement()
            // From another server, while the first connection may be dead.
            let again = try chats.join(1)
            try again.send("/login ana secret")
            try chats.wait(for: "the end of the first") {
                ana.peer.read()
                return ana.peer.isAtEnd
            }
            try chats.settle()
            #expect(again.lines.contains("* you are logged in as ana"))
            #expect(try chats.nodes[0].chat.person(named: try ChatName("ana"))?.isLoggedIn == true)
            // One that comes later knows that as well.
            try chats.addServer()
            try chats.expectAgreement()
            #expect(try chats.nodes[2].chat.person(named: try ChatName("ana"))?.isLoggedIn == true)
        }

        @Test func `who has to log in comes in once it has`() throws {
            let chats = try ChatClusterFixture(servers: 2) { chat, _, _ in
                chat.loginRules.isRequired = true
                chat.loginRules.admitsLocalGuests = false
            }
            for node in chats.nodes { try node.chat.authenticator = PlainAuthenticator(["ana": "secret", "ben": "word"]) }
            let members = try (0..<2).map { try chats.begin($0) }
            for (member, line) in zip(members, ["/login ana secret", "/login ben word"]) {
                try chats.wait(for: "the question") { !member.lines.isEmpty }
                #expect(!member.lines.contains { $0.contains("you are") })
                try member.send("hello")
                try member.send(line)
                try chats.wait(for: "the welcome") { member.lines.contains { $0.contains("you are") } }
            }
            try chats.settle()
            try members[0].send("/who")
            try chats.settle()
            #expect(members[0].lines.last == "* in lobby: ana, ben")
            try chats.expectAgreement()
        }

        @Test func `a Redis that takes nothing more is as good as away`() throws {
            let chats = try ChatClusterFixture(servers: 1) { _, _, cluster in cluster.grace = .milliseconds(500) }
            let ana = try chats.join(0, as: "ana")
            let before = chats.nodes[0].events.count
            chats.redis.answer = { command, _ in
                ScriptedRedis.name(of: command) == "XADD" ? Array("-OOM command not allowed\r\n".utf8) : nil
            }
            try ana.send("/nick anna")
            try chats.wait(for: "the end") {
                ana.peer.read()
                return ana.peer.isAtEnd
            }
            let events = chats.nodes[0].events.dropFirst(before)
            #expect(events.count == 2, "\(events)")
            chats.redis.answer = nil
            try chats.waitForAll()
            _ = try chats.join(0, as: "anna")
        }

        @Test func `a server that has missed something begins anew`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let (ana, ben) = (try chats.join(0, as: "ana"), try chats.join(1, as: "ben"))
            // As if the stream had been trimmed before it was read: a number is left out.
            let server = try chats.nodes[0].replica.server
            var entry = StreamEntry(node: server, first: 1_000_000)
            entry.append(ChatEvent.alive.encoded.span, from: ChatReplica.nobody)
            chats.redis.append(entry.encoded)
            try chats.wait(for: "the end") {
                ana.peer.read()
                ben.peer.read()
                return ana.peer.isAtEnd && ben.peer.isAtEnd
            }
            try chats.waitForAll()
            try chats.expectAgreement()
        }

        @Test func `bytes of any kind are no event, or do no harm`() throws {
            let chats = try ChatClusterFixture(servers: 2)
            let (ana, ben) = (try chats.join(0, as: "ana"), try chats.join(1, as: "ben"))
            var random = SeededGenerator()
            let server = try chats.nodes[0].replica.server
            var next: [UInt64: UInt64] = [:]
            for _ in 0..<300 {
                let node = Bool.random(using: &random) ? 77 : 78 as UInt64
                var entry = StreamEntry(node: node, first: next[node] ?? 0)
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let bytes =
                        Bool.random(using: &random)
                        ? random.bytes(.random(in: 1...40, using: &random))
                        : harm(of: server, &random).encoded
                    entry.append(bytes.span, from: UInt64.random(in: 0...3, using: &random))
                }
                next[node] = entry.next
                chats.redis.append(entry.encoded)
            }
            try chats.settle()
            try chats.waitForAll()
            try chats.expectAgreement()
            withExtendedLifetime((ana, ben)) {}
        }

        private func harm(of server: UInt64, _ random: inout SeededGenerator) -> ChatEvent {
            let key = PersonKey(
                server: [server, 77].randomElement(using: &random) ?? 0, number: .random(in: 0...3, using: &random))
            let name =
                ["lobby", "", "tea", "server", "guest1", String(repeating: "a", count: 200)].randomElement(using: &random) ?? ""
            let events: [ChatEvent] = [
                .arrive(name: name, origin: nil, isLoggedIn: false), .depart(reason: name), .rename(name),
                .enter(room: name, .after(epoch: .max, sequence: .max), key: name, isMove: true),
                .enter(room: name, .last(.max), key: "", isMove: false),
                .leave(room: name), .record(room: name, kind: 1, from: name, text: Array(name.utf8)),
                .record(room: name, kind: 3, from: name, text: []), .countCrowd(room: name), .invite(key, room: name),
                .close(room: name),
                .tell(key, .invitation(room: name, from: name)), .tell(key, .privateMessage(from: name, to: name, text: [])),
                .ban(Ban(.name(ChatName(unchecked: name)), end: .max, reason: name)), .unban(.name(ChatName(unchecked: "dan"))),
                .ban(Ban(.name(ChatName(unchecked: "dan")), end: .min, reason: "")), .mute(name, for: .max),
                .unmute(name), .logIn(name), .arrive(name: "ana", origin: .unix(path: name), isLoggedIn: true),
                .snapshot(for: server, attempt: 1, .keptRoom("lobby", until: .max)),
                .hello(attempt: 1, former: 0), .begin, .alive, .end,
                .snapshot(for: server, attempt: 0, .end), .snapshot(for: server, attempt: 1, .records(room: name, [])),
            ]
            return events.randomElement(using: &random) ?? .alive
        }
    }
#endif
