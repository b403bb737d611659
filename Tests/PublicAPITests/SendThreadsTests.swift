import ChatReactor
import Glibc
import Synchronization
import TestSupport
import Testing

/// Threads that help a loop with sending. A thread sanitizer sees here what they and the loop's thread do to each other.
struct SendThreadsTests {
    /// Publishes what its peer writes.
    private final class Publisher: ConnectionHandler {
        private let topic: Topic

        init(_ topic: Topic) { self.topic = topic }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            topic.publish(messages, from: connection)
        }
    }

    /// A topic with so many subscribers, and their peers.
    private func subscribers(
        _ count: Int, on loop: EventLoop, _ configuration: Topic.Configuration
    ) throws -> (topic: Topic, peers: [Peer]) {
        let topic = try Topic(on: loop, configuration: configuration)
        let handler = Publisher(topic)
        let peers = try (0..<count).map { number in
            let (near, far) = try socketPair()
            // Some take little at a time, so that sends fall short.
            if number % 3 == 0 { near.setOption(SOL_SOCKET, SO_SNDBUF, 1) }
            topic.subscribe(try loop.adopt(socket: OwnedDescriptor(takingOver: near), handler: handler))
            return far
        }
        return (topic, peers)
    }

    private func configuration(_ threads: SendThreads) -> Topic.Configuration {
        var configuration = Topic.Configuration()
        configuration.policy = .backpressure(stall: .seconds(3_600), grace: .seconds(3_600))
        configuration.sendThreads = threads
        return configuration
    }

    @Test(arguments: [0, 1, 3])
    func `everybody gets everything in one order`(count: Int) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var options = configuration(try SendThreads(count, threshold: 2))
        // Small, so that there is pressure.
        options.capacity = 65_536
        options.sendBudget = 8_192
        let (_, peers) = try subscribers(40, on: loop, options)
        let lineCount = 30
        var unsent = peers.indices.map { peer in
            (0..<lineCount).flatMap { Array("\(peer) \($0) \(String(repeating: ".", count: $0 * 7 % 300))\n".utf8) }[...]
        }
        let expected = (peers.count - 1) * lineCount
        var newlines = [Int](repeating: 0, count: peers.count)
        var seen = newlines
        try loop.run(until: "all lines at all peers") {
            for (index, peer) in peers.enumerated() {
                if !unsent[index].isEmpty { unsent[index].removeFirst(peer.sendAvailable(Array(unsent[index].prefix(1_024)))) }
                peer.read(atMost: 8_192)
                newlines[index] += peer.received[seen[index]...].count { $0 == 10 }
                seen[index] = peer.received.count
            }
            return newlines.allSatisfy { $0 >= expected }
        }
        let received = peers.map { peer in peer.lines.map { line in line.prefix { $0 != "." } } }
        for (index, lines) in received.enumerated() {
            #expect(lines.count == expected)
            // What two have got is the same, less what either of them has published.
            let others = [index, 0].map { "\($0) " }
            func common(_ lines: [Substring]) -> [Substring] {
                lines.filter { line in !others.contains { line.hasPrefix($0) } }
            }
            #expect(common(lines) == common(received[0]))
        }
    }

    @Test func `a connection that is gone is closed, and the others get what they must`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (topic, peers) = try subscribers(100, on: loop, configuration(try SendThreads(2, threshold: 1)))
        for peer in peers.prefix(50) { peer.hangUp() }
        topic.publish("one\n")
        topic.publish("two\n")
        try loop.run(until: "the lines") {
            for peer in peers.suffix(50) { peer.read() }
            return topic.subscriberCount == 50 && peers.suffix(50).allSatisfy { $0.text == "one\ntwo\n" }
        }
    }

    /// Has the clocks of the threads that have begun, and is kept by them.
    private final class Threads: Sendable {
        private let clocks = Mutex<[clockid_t]>([])

        func add() {
            var clock = clockid_t()
            unsafe pthread_getcpuclockid(pthread_self(), &clock)
            clocks.withLock { [clock] in $0.append(clock) }
        }

        var count: Int { clocks.withLock { $0.count } }

        /// How long one of them has worked at most. They must not have ended.
        var longestWork: Duration {
            clocks.withLock { clocks in
                clocks.map { clock in
                    var time = timespec()
                    unsafe clock_gettime(clock, &time)
                    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
                }.max() ?? .zero
            }
        }
    }

    @Test func `the threads help, and end with the last one who has them`() throws {
        weak var threads: Threads?
        do {
            let loop = try EventLoop()
            defer { loop.close() }
            let added = Threads()
            threads = added
            let (topic, peers) = try subscribers(500, on: loop, configuration(try SendThreads(2) { added.add() }))
            try wait(for: "the threads") { added.count == 2 }
            try loop.run(until: "a thread to have worked for a while") {
                topic.publish("one\n")
                for peer in peers { peer.read() }
                return added.longestWork > .milliseconds(2)
            }
        }
        try wait(for: "the end of the threads") { threads == nil }
    }

    @Test func `a thread that has not begun yet is not waited for`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let mayBegin = Mutex(false)
        let threads = try SendThreads(2, threshold: 1) { while !mayBegin.withLock({ $0 }) { usleep(1_000) } }
        let (topic, peers) = try subscribers(100, on: loop, configuration(threads))
        for number in 0..<10 { topic.publish("\(number)\n") }
        try loop.run(until: "the lines") {
            for peer in peers { peer.read() }
            return peers.allSatisfy { $0.lines.count == 10 }
        }
        mayBegin.withLock { $0 = true }
    }

    @Test func `counts that make no sense are taken for the nearest that do`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let threads = try SendThreads(-1, threshold: -1)
        #expect(threads.threshold == 1)
        let (topic, peers) = try subscribers(3, on: loop, configuration(threads))
        topic.publish("one\n")
        try loop.run(until: "the line") {
            for peer in peers { peer.read() }
            return peers.allSatisfy { $0.text == "one\n" }
        }
    }
}
