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
            SeededGenerator.play(number) { random in try play(&random) }
        }

        private func play(_ random: inout SeededGenerator) throws {
            let chats = try ChatClusterFixture(servers: Int.random(in: 1...3, using: &random)) { chat, _, cluster in
                chat.history = 5
                chat.maximumRooms = 3
                cluster.grace = .milliseconds(50)
            }
            var members: [ChatClusterFixture.Member] = []
            let knowsNames = Bool.random(using: &random)
            let meddler = ChatMeddler(&random)
            if Bool.random(using: &random) { chats.nodes[0].server.addObserver(meddler) }
            for step in 0..<150 {
                for node in chats.nodes where knowsNames { try node.server.chat?.knowSomeNames() }
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
                    try chats.nodes.randomElement(using: &random)?.server.chat?.moderate(&random)
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
                    _ = try? member.send(random.chatLine())
                }
                for member in members { member.peer.read() }
            }
            try chats.waitForAll()
            try chats.settle()
            // One that was taken for lost has come again.
            try chats.waitForAll()
            try chats.settle()
            try chats.expectAgreement("at the end")
            try ChatMember.expectToBeHeard(members) { try chats.wait(for: $0, $1) }
        }
    }
#endif
