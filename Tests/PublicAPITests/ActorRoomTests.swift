import ChatReactor
import TestSupport
import Testing

/// The documentation's chat room: an actor on the loop's thread, whose members are connections.
@Suite(.beyondPatience)
struct ActorRoomTests {
    actor Room {
        private let remote: EventLoop.Remote
        private var members: [Connection.ID: AsyncConnection] = [:]

        nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe remote.asUnownedSerialExecutor() }

        init(on remote: EventLoop.Remote) {
            self.remote = remote
        }

        func enter(_ member: AsyncConnection) { members[member.id] = member }
        func leave(_ member: AsyncConnection) { members[member.id] = nil }

        func say(_ message: Message, from sender: AsyncConnection) async {
            for (id, member) in members where id != sender.id { try? await member.send(message) }
        }
    }

    @Test func everybodyHearsEverybodyElse() async throws {
        try await withBackgroundLoop { remote in
            let room = Room(on: remote)
            try await withServer(on: remote) { connection in
                await room.enter(connection)
                try await connection.send("welcome\n")
                for try await message in connection.messages { await room.say(message, from: connection) }
                await room.leave(connection)
            } _: { port in
                let peers = try (0..<5).map { _ in try Peer(port: port) }
                for peer in peers { #expect(try peer.receiveLine() == "welcome") }
                for round in 0..<20 {
                    for (speaker, peer) in peers.enumerated() {
                        try peer.send("\(round) from \(speaker)\n")
                        for (listener, other) in peers.enumerated() where listener != speaker {
                            #expect(try other.receiveLine() == "\(round) from \(speaker)")
                        }
                    }
                }
                peers[0].close()
                try peers[1].send("anybody there?\n")
                for peer in peers[2...] { #expect(try peer.receiveLine() == "anybody there?") }
            }
        }
    }
}
