import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// Whatever people do on several loops, and whichever of these turns next, all have the same people, names, rooms and records.
@Suite(.beyondPatience) struct RandomChatLoopsTests {
    @Test(arguments: 0..<24)
    func `all loops have the same`(number: UInt64) throws {
        SeededGenerator.play(number) { random in try play(&random) }
    }

    private func play(_ random: inout SeededGenerator) throws {
        let chats = try ChatLoopsFixture(loops: Int.random(in: 1...3, using: &random)) { chat, _ in
            chat.history = 5
            chat.maximumRooms = 3
        }
        var members: [ChatMember] = []
        let knowsNames = Bool.random(using: &random)
        let meddler = ChatMeddler(&random)
        if Bool.random(using: &random) { chats.servers[0].addObserver(meddler) }
        for step in 0..<300 {
            for server in chats.servers where knowsNames { try server.chat?.knowSomeNames() }
            switch Int.random(in: 0..<40, using: &random) {
            case 0...3 where members.count < 12: members.append(try chats.begin())
            case 4 where !members.isEmpty:
                members.remove(at: Int.random(in: 0..<members.count, using: &random)).peer.close()
            case 5 where chats.servers.count < 4 && step % 3 == 0: try chats.addServer(waits: Bool.random(using: &random))
            case 6 where chats.servers.count > 1 && step % 5 == 0:
                // Not the first, which listens.
                chats.closeLoop(Int.random(in: 1..<chats.servers.count, using: &random))
            case 7...8:
                // At any of the loops.
                try chats.servers.randomElement(using: &random)?.chat?.moderate(&random)
            case 9...20:
                // One loop alone, as the kernel may have it.
                for _ in 0..<Int.random(in: 1...5, using: &random) {
                    try chats.loops.randomElement(using: &random)?.runOnce(waitingAtMost: .zero)
                }
            case 21:
                try chats.waitForAll()
                try chats.expectAgreement("after \(step) steps")
            default:
                guard let member = members.randomElement(using: &random) else { continue }
                _ = try? member.send(random.chatLine())
            }
            for member in members { member.peer.read() }
        }
        try chats.waitForAll()
        try chats.expectAgreement("at the end")
        #expect(chats.servers.reduce(0) { $0 + $1.clientCount } == chats.group.clientCount)
        try ChatMember.expectToBeHeard(members) { try chats.wait(for: $0, $1) }
    }
}
