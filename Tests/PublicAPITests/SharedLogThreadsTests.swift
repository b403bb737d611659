import ChatReactor
import Glibc
import TestSupport
import Testing

/// A log that loops on threads of their own share: a thread sanitizer sees here what they do to each other.
struct SharedLogThreadsTests {
    /// A loop on a thread, its topic, and connections that publish what their peers write.
    private final class Room: Sendable {
        let background: BackgroundLoop
        private let log: SharedLog

        init(_ log: SharedLog) throws {
            self.log = log
            background = try BackgroundLoop()
        }

        /// Adopts connected sockets, all in one topic.
        func serve(_ sockets: [Int32]) {
            let log = log
            background.remote.execute { loop in
                var configuration = Topic.Configuration()
                configuration.policy = .backpressure(stall: .seconds(3_600), grace: .seconds(3_600))
                let topic = Topic(on: loop, sharing: log, configuration: configuration)
                for socket in sockets {
                    let handler = Publisher(topic)
                    let connection = try? loop.adopt(socket: OwnedDescriptor(takingOver: socket), handler: handler)
                    if let connection { topic.subscribe(connection) }
                }
            }
        }
    }

    private final class Publisher: ConnectionHandler {
        private let topic: Topic

        init(_ topic: Topic) { self.topic = topic }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            topic.publish(messages, from: connection)
        }
    }

    @Test(arguments: [1, 2, 3])
    func everybodyGetsEverythingInOneOrder(loopCount: Int) async throws {
        // Small, so that there is pressure, and messages wait for room.
        let log = try SharedLog(capacity: 65_536)
        let rooms = try (0..<loopCount).map { _ in try Room(log) }
        let peersOfALoop = 6
        let lineCount = 200
        var peers: [Peer] = []
        for room in rooms {
            let pairs = try (0..<peersOfALoop).map { _ in try socketPair() }
            // Some take little at a time, so that the ends of messages are looked for.
            for (number, pair) in pairs.enumerated() where number % 2 == 0 { pair.near.setOption(SOL_SOCKET, SO_SNDBUF, 1) }
            room.serve(pairs.map(\.near))
            peers += pairs.map(\.far)
        }
        // All are subscribed once what one publishes has reached them: tasks of a loop are run in order.
        for room in rooms { try await room.background.remote.withLoop { _ in } }
        var unsent = peers.indices.map { peer in
            (0..<lineCount).flatMap { Array("\(peer) \($0) \(String(repeating: ".", count: $0 % 300))\n".utf8) }[...]
        }
        let expected = (peers.count - 1) * lineCount
        var newlines = [Int](repeating: 0, count: peers.count)
        var seen = newlines
        try wait(for: "all lines at all peers") {
            for (index, peer) in peers.enumerated() {
                if !unsent[index].isEmpty { unsent[index].removeFirst(peer.sendAvailable(Array(unsent[index].prefix(4_096)))) }
                peer.read(atMost: 8_192)
                newlines[index] += peer.received[seen[index]...].count { $0 == 10 }
                seen[index] = peer.received.count
            }
            return newlines.allSatisfy { $0 >= expected }
        }
        for room in rooms { try await room.background.stop() }
        let received = peers.map { peer in peer.lines.map { line in line.prefix { $0 != "." } } }
        // What two have got is the same, less what either of them has published.
        for (index, lines) in received.enumerated() {
            #expect(lines.count == expected)
            let other = (index + 1) % peers.count
            let mine = lines.filter { !$0.hasPrefix("\(other) ") }
            #expect(mine == received[other].filter { !$0.hasPrefix("\(index) ") }, "peers \(index) and \(other)")
            for sender in peers.indices where sender != index {
                let numbers = lines.filter { $0.hasPrefix("\(sender) ") }.map { Int($0.split(separator: " ")[1])! }
                #expect(numbers == Array(0..<lineCount), "of \(sender) at \(index)")
            }
        }
    }
}
