import ChatReactorText
import Reactor
import Synchronization

/// The order of what happens in a chat whose servers are on several loops, as a stream of Redis is for servers of several machines: a list to which all of
/// them append, and which each of them reads.
///
///      a turn of one loop ──> append: one step under the lock, and those are woken who have read all ──> each takes what it has not read
///
/// What all have done is forgotten. So the list is as long as what the slowest of them lacks; from `limit` on, those who speak are paused on all loops, until
/// it has done half of that. A loop that is held up is waited for as a slow client is, and misses nothing.
final class SharedOrder: Sendable {
    /// From how many bytes on, which one of the servers has not done yet, people wait.
    static let limit = 524_288

    /// What a server has asked for. It has a place once it is in the list.
    struct Event: Sendable {
        let server: UInt64
        let person: UInt64
        /// Its number among those of its server.
        let number: UInt64
        let bytes: [UInt8]

        /// How much memory it takes, about.
        var size: Int { bytes.count &+ 96 }
    }

    /// What one server has appended in one step.
    struct Batch: Sendable {
        let events: [Event]
        let size: Int
        /// Milliseconds since the beginning of 1970; never less than before.
        let time: Int64
    }

    /// What the list knows of a server.
    private struct Reader: Sendable {
        let id: Int
        let remote: EventLoop.Remote
        let wakeUp: @Sendable (EventLoop) -> Void
        /// The number of the next batch that it takes.
        var next: Int
        /// How much was appended before what it has not done yet.
        var doneSize: Int
        /// How much was appended when it took what it is doing.
        var takenSize: Int
        /// Whether it looks at the list without being woken again.
        var isAwake = false
        /// Whether people there wait until the others have done more.
        var waitsForRoom = false
        /// Whether it is one of the chat, or is about to be.
        var hasBegun = false
    }

    private struct State: Sendable {
        var batches: [Batch] = []
        /// How many batches all have taken, which are not there any more.
        var removedCount = 0
        /// How much was appended since the beginning.
        var size = 0
        var time: Int64 = 0
        var readers: [Reader] = []
        var idCount = 0

        func index(of id: Int) -> Int? { readers.firstIndex { $0.id == id } }

        /// How much is not done yet by the one who is furthest behind.
        var lag: Int { readers.reduce(0) { max($0, size &- $1.doneSize) } }

        /// Appends, and returns whom to wake besides the one who does.
        mutating func append(_ events: [Event], by id: Int) -> [Reader] {
            time = max(time, Timestamp.now)
            let batch = Batch(events: events, size: events.reduce(0) { $0 &+ $1.size }, time: time)
            batches.append(batch)
            size &+= batch.size
            let sleepers = readers.filter { !$0.isAwake && $0.id != id }
            for index in readers.indices { readers[index].isAwake = true }
            return sleepers
        }

        /// Forgets what all have taken, and returns whom to wake because there is room again.
        mutating func forget() -> [Reader] {
            let unneeded = (readers.map(\.next).min() ?? removedCount) &- removedCount
            if unneeded > 0 {
                batches.removeFirst(unneeded)
                removedCount &+= unneeded
            }
            if lag > SharedOrder.limit / 2 { return [] }
            let those = readers.filter(\.waitsForRoom)
            for index in readers.indices { readers[index].waitsForRoom = false }
            return those
        }
    }

    private let state = Mutex(State())

    /// How many bytes are not done yet by the one who is furthest behind.
    var lag: Int { state.withLock(\.lag) }

    /// Adds a server, which gets what is appended from now on.
    ///
    /// - Parameter wakeUp: Has it look at the list, on its loop's thread.
    /// - Returns: What it is called here.
    func join(on loop: EventLoop, wakeUp: @escaping @Sendable (EventLoop) -> Void) -> Int {
        state.withLock { state in
            state.idCount += 1
            state.readers.append(
                Reader(
                    id: state.idCount, remote: loop.remote, wakeUp: wakeUp,
                    next: state.removedCount &+ state.batches.count, doneSize: state.size, takenSize: state.size))
            return state.idCount
        }
    }

    /// Removes a server, and has the others learn that it is gone.
    func leave(_ id: Int, saying event: Event) {
        var removed: [Reader] = []
        change { state in
            guard let index = state.index(of: id) else { return [] }
            // Released after the lock is open.
            removed.append(state.readers.remove(at: index))
            let woken = state.append([event], by: id)
            return woken + state.forget()
        }
        withExtendedLifetime(removed) {}
    }

    /// Gives the events of a server their places.
    func append(_ events: [Event], by id: Int) { change { $0.append(events, by: id) } }

    /// What was appended since a server took last; it has done that. If there is nothing, it is woken when something comes.
    ///
    /// - Returns: Also, whether those are to wait who are about to ask for more. If so, it is woken when they need not.
    func take(_ id: Int) -> (batches: [Batch], isFull: Bool) {
        var taken: ([Batch], Bool) = ([], false)
        change { state in
            guard let index = state.index(of: id) else { return [] }
            let new = state.batches.dropFirst(state.readers[index].next &- state.removedCount)
            state.readers[index].next = state.removedCount &+ state.batches.count
            state.readers[index].doneSize = new.isEmpty ? state.size : state.readers[index].takenSize
            state.readers[index].takenSize = state.size
            state.readers[index].isAwake = !new.isEmpty
            let woken = state.forget()
            let isFull = state.lag > Self.limit
            state.readers[index].waitsForRoom = isFull
            taken = (Array(new), isFull)
            return woken
        }
        return taken
    }

    /// Whether the chat is to begin with a server: no other is one of it. From then on that one is.
    func claimBeginning(_ id: Int) -> Bool {
        state.withLock { state in
            guard let index = state.index(of: id) else { return false }
            if state.readers.contains(where: { $0.hasBegun && $0.id != id }) { return false }
            state.readers[index].hasBegun = true
            return true
        }
    }

    /// A server is one of the chat, or is not any more.
    func setBegun(_ id: Int, _ hasBegun: Bool) {
        state.withLock { state in
            if let index = state.index(of: id) { state.readers[index].hasBegun = hasBegun }
        }
    }

    /// Changes what is under the lock, and then wakes those whom `body` returns: a loop's inbox has a lock of its own.
    private func change(_ body: (inout State) -> [Reader]) {
        let woken = state.withLock { body(&$0) }
        for reader in woken { reader.remote.execute(reader.wakeUp) }
    }
}
