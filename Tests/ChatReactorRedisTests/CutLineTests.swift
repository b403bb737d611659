#if Redis
    import Glibc
    import TestSupport
    import Testing

    @testable import ChatReactor
    @testable import ChatReactorRedis
    @testable import Reactor

    /// A relay and a chat of two servers, of which one is cut off from Redis after any byte that the two send each other: over
    /// each of its connections, in each direction, from the first byte of a connection until nothing more comes. It is reset or
    /// ends in order, and what was sent before is done, lost, or late.
    ///
    /// A run takes a part of the places, and one of the six ways for each, as the seed says. With `CHATREACTOR_FULL_SIZE` it
    /// takes all places, in all ways: some 28,000 cuts, which take minutes.
    @Suite(.beyondPatience) struct CutLineTests {
        /// A loop, a Redis, and the line of the first server.
        private final class Bench {
            let loop: EventLoop
            let redis: ScriptedRedis
            let line: CutLine

            init(_ loop: EventLoop, _ redis: ScriptedRedis) throws {
                (self.loop, self.redis) = (loop, redis)
                line = try CutLine(to: redis.address)
            }

            /// Turns, and passes on what has come, until `condition` holds and nothing happens any more.
            func run(until comment: Comment, rests: Bool = false, _ condition: () throws -> Bool) throws {
                let limit = ContinuousClock.now.advanced(by: patience)
                var idleCount = 0
                while try idleCount < (rests ? 3 : 0) || !condition() {
                    if ContinuousClock.now > limit { throw TimedOut(comment.rawValue) }
                    let counts = loop.counts
                    try loop.runOnce(waitingAtMost: .zero)
                    let hasPassed = try line.pass()
                    if hasPassed || loop.counts != counts {
                        idleCount = 0
                    } else {
                        idleCount += 1
                        // The pauses between two attempts to connect would be most of the time.
                        loop.hasten(by: .milliseconds(250))
                    }
                }
            }
        }

        private static let isFullSize = unsafe getenv("CHATREACTOR_FULL_SIZE") != nil

        /// Calls `body` with a cut after every so-manieth byte, until one comes too late to be made.
        private func forEachCut(
            of role: CutLine.Role, _ direction: CutLine.Direction, step: Int, _ body: (CutLine.Cut) throws -> Bool
        ) throws {
            var random = SeededGenerator()
            let ways = CutLine.Ending.allCases.flatMap { ending in CutLine.Fate.allCases.map { (ending, $0) } }
            var position = Self.isFullSize ? 0 : Int.random(in: 0..<step, using: &random)
            while true {
                for (ending, fate) in Self.isFullSize ? ways : ways.shuffled(using: &random).dropLast(ways.count - 1) {
                    let cut = CutLine.Cut(role: role, direction: direction, position: position, ending: ending, fate: fate)
                    do {
                        if try body(cut) { continue }
                        // All was said before so many bytes had passed. Of what Redis answers a writer, that are some names.
                        return #expect(position > 30)
                    } catch {
                        Issue.record("CHATREACTOR_SEED=\(random.seed) has it again: \(cut): \(error)")
                        return
                    }
                }
                position += Self.isFullSize ? 1 : step
            }
        }

        // MARK: - A relay

        /// Two servers, with a client of each that speaks and one that listens.
        private final class Relays {
            let bench: Bench
            private var servers: [ChatServer] = []
            private var clusters: [RelayCluster] = []
            /// Those that speak, and those that listen.
            private var clients: [Peer] = []
            private var heard: [[UInt8]] = [[], [], [], []]
            private var said: [[String]] = [[], []]

            init() throws {
                let loop = try EventLoop()
                bench = try Bench(loop, try ScriptedRedis(on: loop))
                var addresses: [SocketAddress] = []
                for address in [bench.line.address, bench.redis.address] {
                    let place = try RedisPlace("redis://127.0.0.1/test")
                    var configuration = ChatServer.Configuration()
                    configuration.framing = .lines
                    let server = try ChatServer(on: loop, configuration: configuration)
                    clusters.append(try RelayCluster(of: server, .init(at: place, addresses: [address])))
                    addresses.append(try server.listen(on: .loopback(port: 0)).address)
                    servers.append(server)
                }
                for index in 0..<4 { clients.append(try Peer(to: addresses[index % 2])) }
                clients.forEach(CutLine.sendAtOnce)
                try bench.run(until: "all are there") {
                    clusters.allSatisfy(\.isConnected) && servers.allSatisfy { $0.clientCount == 2 }
                }
            }

            deinit { bench.loop.close() }

            private func say(_ text: String) throws {
                for speaker in 0..<2 {
                    said[speaker].append("\(speaker) \(text)")
                    try clients[speaker].send("\(speaker) \(text)\n")
                }
            }

            private func hear() {
                for index in 0..<4 { heard[index] += clients[index].receiveAvailable() ?? [] }
            }

            /// What the stream has, each line where it was first.
            private func order() -> [String] {
                var lines: [String] = []
                for (_, value) in bench.redis.entries {
                    StreamEntry(value)?.forEachRun { _, bytes, _ in
                        let text = String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
                        for line in text.split(separator: "\n") where !lines.contains(String(line)) { lines.append(String(line)) }
                    }
                }
                return lines
            }

            /// Returns whether it was cut.
            func play(_ cut: CutLine.Cut) throws -> Bool {
                (heard, said) = ([[], [], [], []], [[], []])
                bench.redis.trim(bench.redis.entries.count)
                let outages = clusters[0].counts.outages
                bench.line.breakOff(then: cut)
                try say("while it is away \(cut.position)")
                try bench.run(until: "it is there again") {
                    bench.line.isCut || clusters[0].counts.outages > outages && clusters[0].isConnected
                }
                try say("one")
                try bench.loop.runOnce(waitingAtMost: .zero)
                _ = try bench.line.pass()
                try say("two")
                try bench.run(until: "all is heard", rests: true) {
                    hear()
                    let counts = heard.map { $0.count { $0 == 10 } }
                    return clusters.allSatisfy(\.isConnected) && zip(counts, [3, 3, 6, 6]).allSatisfy { $0 >= $1 }
                }
                hear()
                let order = order()
                for speaker in 0..<2 where order.filter({ $0.hasPrefix("\(speaker) ") }) != said[speaker] {
                    throw Difference("the stream has \(order)")
                }
                for (index, bytes) in heard.enumerated() {
                    let own = index < 2 ? "\(index) " : "nobody's"
                    let lines = String(decoding: bytes, as: UTF8.self)
                    if lines != order.filter({ !$0.hasPrefix(own) }).map({ $0 + "\n" }).joined() {
                        throw Difference("client \(index) has heard \(lines.split(separator: "\n")), and the stream has \(order)")
                    }
                }
                if clusters.contains(where: { $0.counts.lostMessages > 0 }) { throw Difference("some messages count as lost") }
                return bench.line.isCut
            }
        }

        // MARK: - A chat

        /// Two servers, with a person and a program at each.
        private final class Chats {
            let fixture: ChatClusterFixture
            let bench: Bench
            private var people: [ChatClusterFixture.Member] = []
            private var programs: [ChatClusterFixture.Member] = []
            private var said: [[String]] = [[], []]
            private var roundCount = 0

            init() throws {
                let addresses = Addresses()
                fixture = try ChatClusterFixture(servers: 0) { chat, _, cluster in
                    (chat.history, chat.lobbySize, chat.roomSize) = (0, 2_048, 2_048)
                    if let address = addresses.next.popLast() { cluster.addresses = [address] }
                }
                bench = try Bench(fixture.loop, fixture.redis)
                addresses.next = [bench.line.address]
                for count in 1...2 {
                    let node = try fixture.addServer(waits: false)
                    // Nobody is missed because timers fire too early.
                    try node.replica.times = .init(answer: .milliseconds(200), alive: .seconds(100), silence: .seconds(200))
                    try run(until: "they are one") { fixture.nodes.allSatisfy { $0.cluster.serverCount == count } }
                }
                for (node, names) in [("ana", "pia"), ("ben", "pat")].enumerated() {
                    people.append(try fixture.begin(node))
                    programs.append(try fixture.begin(node))
                    try people[node].enter(as: names.0, json: false) { try run(until: $0, $1) }
                    try programs[node].enter(as: names.1, json: true) { try run(until: $0, $1) }
                }
                for member in people + programs { CutLine.sendAtOnce(member.peer) }
                for program in programs { try program.send("/join tea") }
                try run(until: "both are there", rests: true) { true }
            }

            private final class Addresses { var next: [SocketAddress] = [] }

            private func run(until comment: Comment, rests: Bool = false, _ condition: () throws -> Bool) throws {
                try bench.run(until: comment, rests: rests, condition)
            }

            private func say(_ text: String) throws {
                for (index, person) in people.enumerated() {
                    said[index].append("\(index) \(text)")
                    try person.send("\(index) \(text)")
                }
            }

            /// Returns whether it was cut.
            func play(_ cut: CutLine.Cut) throws -> Bool {
                roundCount += 1
                let isOdd = roundCount % 2 == 1
                said = [[], []]
                for member in people + programs {
                    member.peer.read()
                    _ = member.peer.receiveAvailable()
                }
                // So that all are told of one by one.
                bench.redis.time += 2_000
                bench.redis.trim(bench.redis.entries.count - 1)
                let cluster = fixture.nodes[0].cluster
                let outages = cluster.counts.outages
                bench.line.breakOff(then: cut)
                try say("while it is away \(cut.position)")
                let names = isOdd ? ["Anna", "Benno"] : ["ana", "ben"]
                try people[0].send("/nick \(names[0])")
                try run(until: "it is there again") {
                    bench.line.isCut || cluster.counts.outages > outages && cluster.isConnected
                }
                try say("one")
                try people[0].send(isOdd ? "/join tea" : "/leave")
                try people[1].send("/nick \(names[1])")
                try bench.loop.runOnce(waitingAtMost: .zero)
                _ = try bench.line.pass()
                try say("two")
                try run(until: "all is done", rests: true) {
                    fixture.nodes.allSatisfy { node in
                        node.cluster.isConnected && node.cluster.isAtRest
                            && node.cluster.lastRead?.description == "\(bench.redis.lastName)"
                    } && programs.allSatisfy { program in said.joined().allSatisfy(program.peer.text.contains) }
                }
                try expectAll(of: names, in: isOdd ? ["tea", "lobby"] : ["lobby", "lobby"])
                return bench.line.isCut
            }

            private func expectAll(of names: [String], in rooms: [String]) throws {
                // What is said in one room has an order.
                let heard = programs.map(\.peer.lines).map { lines in
                    ["lobby", "tea"].map { room in lines.filter { $0.contains("\"\(room)\"") } }
                }
                for room in 0..<2 where heard[0][room] != heard[1][room] {
                    throw Difference("programs differ by \(heard[1][room].difference(from: heard[0][room]))")
                }
                let texts = try heard[0].joined().map { try JSONValue($0) }.filter { $0["type"] == .string("message") }
                    .compactMap { if case .string(let text) = $0["text"] { text } else { nil } }
                for speaker in 0..<2 where texts.filter({ $0.hasPrefix("\(speaker) ") }).sorted() != said[speaker].sorted() {
                    throw Difference("programs have heard \(heard[0]), and people \(people.map(\.peer.lines))")
                }
                for node in fixture.nodes {
                    let chat = try node.chat
                    for (name, room) in zip(names, rooms) {
                        let person = chat.person(named: try ChatName(name))
                        if person?.room?.name.text != room { throw Difference("\(name) is not in \(room)") }
                    }
                    if chat.people.count != 4 || node.cluster.serverCount != 2 { throw Difference("\(chat.people.map(\.name))") }
                    if node.cluster.counts.lostEvents > 0 { throw Difference("some events count as lost") }
                }
                for (index, person) in people.enumerated() {
                    // What it has heard of others is what the programs have heard.
                    let own = person.peer.lines.filter { $0.hasSuffix(": \(index) one") || $0.hasPrefix("! ") }
                    if !own.isEmpty { throw Difference("\(names[index]) is told \(own)") }
                }
                try fixture.expectAgreement()
            }
        }

        @Test(arguments: CutLine.Role.allCases, CutLine.Direction.allCases)
        func `a chat's servers have the same people, rooms and records after whichever byte one is cut off`(
            role: CutLine.Role, direction: CutLine.Direction
        ) throws {
            let chats = try Chats()
            try forEachCut(of: role, direction, step: 7) { try chats.play($0) }
        }

        private struct Difference: Error, CustomStringConvertible {
            let description: String
            init(_ description: String) { self.description = description }
        }

        @Test(arguments: CutLine.Role.allCases, CutLine.Direction.allCases)
        func `a relay's clients hear each line once, in the stream's order, after whichever byte a server is cut off`(
            role: CutLine.Role, direction: CutLine.Direction
        ) throws {
            let relays = try Relays()
            try forEachCut(of: role, direction, step: 3) { try relays.play($0) }
        }
    }

    extension EventLoop {
        /// Has those timers fire that are due within a time.
        fileprivate func hasten(by time: Duration) {
            onOwnThread { timers.takeDue(at: .now.advanced(by: time)).fire() }
        }
    }
#endif
