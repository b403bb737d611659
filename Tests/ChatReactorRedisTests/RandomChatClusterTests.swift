#if Redis
    import Reactor
    import TestSupport
    import Testing

    @testable import ChatReactor
    @testable import ChatReactorRedis

    /// Whatever people do at several servers, at whatever moment, and whatever becomes of their connections to Redis, all servers have the same people, names,
    /// rooms and records.
    @Suite(.beyondPatience) struct RandomChatClusterTests {
        @Test(arguments: 0..<12)
        func `all servers have the same`(number: UInt64) throws {
            let base = SeededGenerator()
            var random = SeededGenerator(seed: base.seed &+ number)
            do {
                try play(&random)
            } catch {
                Issue.record("CHATREACTOR_SEED=\(random.seed) has it again: \(error)")
            }
        }

        /// An embedder that answers some of what happens with something else, at the same moment.
        private final class Meddler: ChatServerObserver {
            private var random: SeededGenerator

            init(_ random: inout SeededGenerator) { self.random = SeededGenerator(seed: .random(in: 0...(.max), using: &random)) }

            func server(_ server: ChatServer, didPublish event: ChatServer.Event) { meddle(server, event.person, event.room) }
            func server(_ server: ChatServer, didOpen room: ChatServer.Room) { meddle(server, nil, room) }
            func server(_ server: ChatServer, didClose client: ChatServer.Client, reason: CloseReason) {
                meddle(server, client as? Person, nil)
            }

            private func meddle(_ server: ChatServer, _ person: Person?, _ room: ChatServer.Room?) {
                guard let chat = server.chat else { return }
                switch Int.random(in: 0..<100, using: &random) {
                case 0: person?.connection?.close()
                case 1: person?.connection?.finish()
                case 2: if let person { chat.kick(person, reason: "meddled") }
                case 3...6: server.announce("meddled")
                case 7: if let person, let name = try? ChatName("dora") { chat.rename(person, to: name) }
                case 8...9: person?.notify("meddled")
                case 10...11: if let room { chat.close(room) }
                case 12...14: room?.announce("here")
                default: break
                }
            }
        }

        private func play(_ random: inout SeededGenerator) throws {
            let chats = try ChatClusterFixture(servers: Int.random(in: 1...3, using: &random)) { chat, _, cluster in
                chat.history = 5
                chat.maximumRooms = 3
                cluster.grace = .milliseconds(50)
            }
            var members: [ChatClusterFixture.Member] = []
            let meddler = Meddler(&random)
            if Bool.random(using: &random) { chats.nodes[0].server.addObserver(meddler) }
            for step in 0..<150 {
                switch Int.random(in: 0..<40, using: &random) {
                case 0...3 where members.count < 12:
                    members.append(try chats.begin(Int.random(in: 0..<chats.nodes.count, using: &random)))
                case 4 where !members.isEmpty:
                    members.remove(at: Int.random(in: 0..<members.count, using: &random)).peer.close()
                case 5 where chats.nodes.count < 4: try chats.addServer(waits: Bool.random(using: &random))
                case 6 where chats.nodes.count > 1 && step % 3 == 0:
                    let index = Int.random(in: 0..<chats.nodes.count, using: &random)
                    let node = chats.nodes[index]
                    node.server.shutDown(timeout: .seconds(5)) {}
                    chats.remove(index)
                    members.removeAll { $0.node === node }
                case 7:
                    // A connection breaks, and is there again in a moment.
                    chats.redis.connections.randomElement(using: &random)?.close()
                case 9:
                    // An operator sends away somebody, or everybody of a room.
                    guard let chat = chats.nodes.randomElement(using: &random)?.server.chat else { continue }
                    if Bool.random(using: &random) {
                        if let person = chat.people.min(by: { $0.name.text < $1.name.text }) { chat.kick(person) }
                    } else if let room = chat.rooms.min(by: { $0.name.text < $1.name.text }) {
                        chat.close(room)
                    }
                case 16:
                    // A second goes by, and more people are told of one by one.
                    chats.redis.time += UInt64.random(in: 0...1_500, using: &random)
                case 17 where chats.nodes.count > 1 && step % 2 == 0:
                    // Its machine is gone.
                    let index = Int.random(in: 0..<chats.nodes.count, using: &random)
                    let node = chats.nodes[index]
                    chats.kill(index)
                    members.removeAll { $0.node === node }
                case 18 where step % 2 == 0:
                    // A server loses the others, or all do.
                    let all = Bool.random(using: &random)
                    chats.redis.isAway = true
                    for connection in chats.redis.connections.shuffled(using: &random).prefix(all ? .max : 2) {
                        connection.close()
                    }
                    let end = ContinuousClock.now.advanced(by: .milliseconds(Int.random(in: 1...100, using: &random)))
                    while ContinuousClock.now < end { try chats.loop.runOnce(waitingAtMost: .milliseconds(1)) }
                    chats.redis.isAway = false
                case 10...14: for _ in 0..<Int.random(in: 1...5, using: &random) { try chats.loop.runOnce(waitingAtMost: .zero) }
                case 15 where chats.nodes.allSatisfy({ $0.cluster.isConnected }):
                    try chats.settle()
                    try chats.expectAgreement("after \(step) steps")
                default:
                    guard let member = members.randomElement(using: &random) else { continue }
                    _ = try? member.send(line(using: &random))
                }
                for member in members { member.peer.read() }
            }
            try chats.waitForAll()
            try chats.settle()
            // One that was taken for lost has come again.
            try chats.waitForAll()
            try chats.settle()
            try chats.expectAgreement("at the end")
            try expectToBeHeard(members, in: chats)
        }

        /// Fails unless everybody who is there is answered.
        private func expectToBeHeard(_ members: [ChatClusterFixture.Member], in chats: ChatClusterFixture) throws {
            for member in members {
                member.peer.read()
                member.clear()
                _ = try? member.send("/who")
            }
            try chats.wait(for: "answers") {
                members.allSatisfy { member in
                    let isAnswered = member.lines.contains { $0.hasPrefix("* in ") || $0.hasPrefix("{\"type\":\"who\"") }
                    return isAnswered || member.peer.isAtEnd || member.peer.readFailure != nil
                }
            }
        }

        private func line(using random: inout SeededGenerator) -> String {
            let room = ["lobby", "tea", "Tea", "cake", "jam"].randomElement(using: &random) ?? ""
            let name = ["ana", "Ana", "ben", "cleo"].randomElement(using: &random) ?? ""
            switch Int.random(in: 0..<16, using: &random) {
            case 0, 1: return "/nick \(name)"
            case 2, 3: return "/join \(room)"
            case 4: return "/join \(room) key\(Int.random(in: 0...1, using: &random))"
            case 5: return "/leave"
            case 6: return "/topic \(name)"
            case 7: return "/msg \(name) psst"
            case 8: return "/me waves"
            case 9: return "/json"
            case 10: return "/invite \(name)"
            case 11: return "/resume \(room) 1 1"
            case 12: return "/quit"
            default: return "hello \(Int.random(in: 0...99, using: &random))"
            }
        }
    }
#endif
