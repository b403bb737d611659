import ChatReactor
import Synchronization

/// What a server and its loop have counted, or those of several loops together.
struct ServerFigures: Sendable {
    var counts = ChatServer.Counts()
    var loopCounts = EventLoop.Counts()
    var clients = 0
    var members = 0
    var rooms = 0
    private let isOfChat: Bool
    var furthestLag = 0
    var memory = 0
    var turns: UInt64 = 0
    var turnDurations = Durations()
    var deliveryDurations = Durations()
    /// Nil if it is in no cluster.
    var cluster: Cluster.Figures?

    /// What a histogram has.
    struct Durations: Sendable {
        var cumulativeCounts = [Int](repeating: 0, count: DurationHistogram.upperBounds.count)
        var count = 0
        var sum = Duration.zero

        init() {}

        init(_ histogram: DurationHistogram) {
            (cumulativeCounts, count, sum) = (histogram.cumulativeCounts, histogram.count, histogram.sum)
        }

        fileprivate mutating func add(_ other: Durations) {
            cumulativeCounts = zip(cumulativeCounts, other.cumulativeCounts).map(+)
            count += other.count
            sum += other.sum
        }
    }

    /// Those of one server.
    init(of server: ChatServer) {
        let loop = server.loop
        isOfChat = server.chat != nil
        (counts, loopCounts, turns) = (server.counts, loop.counts, loop.turnCount)
        (clients, rooms, memory) = (server.clientCount, server.rooms.count, loop.memoryInUse)
        members = server.rooms.reduce(0) { $0 + $1.clientCount }
        furthestLag = server.furthestLag
        (turnDurations, deliveryDurations) = (.init(loop.turnDurations), .init(loop.deliveryDurations))
        cluster = Cluster.figures(of: server)
    }

    /// Adds those of another loop of the same relay, or of the same chat, which has the same rooms.
    mutating func add(_ other: ServerFigures) {
        counts.add(other.counts)
        loopCounts.add(other.loopCounts)
        clients += other.clients
        // Of a chat, each loop knows all people.
        members = isOfChat ? max(members, other.members) : members + other.members
        furthestLag = max(furthestLag, other.furthestLag)
        memory += other.memory
        turns += other.turns
        turnDurations.add(other.turnDurations)
        deliveryDurations.add(other.deliveryDurations)
        if let own = other.cluster { cluster?.add(own) }
    }

    /// Collects those of all servers of a group, and calls `completion` with the sum, on the loop of one of them. A loop that is closed is left out.
    static func collect(of group: ServerGroup, on home: EventLoop.Remote, then completion: @escaping (ServerFigures) -> Void) {
        let collection = Collection(on: home, completion)
        group.execute { server in collection.add(ServerFigures(of: server)) }
    }

    /// Is complete when all tasks that refer to it have been run, or dropped.
    ///
    /// `@unchecked Sendable`, since the completion is made and called on one loop alone.
    private final class Collection: @unchecked Sendable {
        private let sum = Mutex<ServerFigures?>(nil)
        private let home: EventLoop.Remote
        private let completion: Completion

        private final class Completion: @unchecked Sendable {
            private var body: ((ServerFigures) -> Void)?
            init(_ body: @escaping (ServerFigures) -> Void) { self.body = body }

            /// Lets go of what the completion holds as well, on the loop that it belongs to: the last to let go of this object
            /// may be another one.
            func run(_ figures: ServerFigures?) {
                let body = body.take()
                if let figures { body?(figures) }
            }
        }

        init(on home: EventLoop.Remote, _ completion: @escaping (ServerFigures) -> Void) {
            self.home = home
            self.completion = Completion(completion)
        }

        func add(_ figures: ServerFigures) {
            sum.withLock { sum in
                if sum == nil { sum = figures } else { sum?.add(figures) }
            }
        }

        deinit {
            let sum = sum.withLock { $0 }
            home.execute { [completion] _ in completion.run(sum) }
        }
    }
}
