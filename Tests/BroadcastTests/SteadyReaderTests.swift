import Glibc
import TestSupport
import Testing

@testable import Broadcast
@testable import Reactor

/// A peer that reads steadily is never closed for a stall, however late epoll says that its socket has room; one that reads
/// nothing is, whatever epoll says.
@Suite(.serialized)
struct SteadyReaderTests {
    private static let message = String(repeating: ".", count: 1_999) + "\n"

    private func topic(on loop: EventLoop, stall: Duration) throws -> Topic {
        var configuration = Topic.Configuration()
        configuration.capacity = 4_194_304
        configuration.policy = .backpressure(stall: stall, grace: .seconds(3_600))
        return try Topic(on: loop, configuration: configuration)
    }

    /// A Unix socket has room again, for epoll, once three quarters of its buffer are free; a TCP socket once 64 KiB are. At
    /// these rates that takes longer than the stall time.
    @Test(arguments: [(TestConnection.Kind.unix, 90_000), (.tcp, 40_000)])
    func isNeverClosedForAStall(_ kind: TestConnection.Kind, bytesPerSecond rate: Int) throws {
        let test = try TestConnection(kind, peerReceiveBuffer: kind == .tcp ? 4_096 : nil)
        let topic = try topic(on: test.loop, stall: .seconds(1))
        topic.subscribe(test.connection)
        try fill(topic, of: test)
        let start = ContinuousClock.now
        var taken = 0
        try test.loop.run(until: {
            let elapsed = start.duration(to: .now)
            let due = Int(elapsed / .milliseconds(1)) * rate / 1_000
            if due > taken { taken += take(due - taken, from: test.peer.descriptor) }
            return elapsed > .seconds(5) || !test.connection.isOpen
        })
        #expect(test.connection.isOpen)
        #expect(taken > 4 * rate)
    }

    /// Publishes until the peer is too far behind. Its kernel may take megabytes before.
    private func fill(_ topic: Topic, of test: TestConnection) throws {
        while !topic.isUnderPressure, topic.byteCount < 64_000_000 {
            topic.publish(Self.message)
            try test.loop.turn()
        }
        try #require(topic.isUnderPressure)
    }

    /// Reads without keeping.
    private func take(_ count: Int, from descriptor: Int32) -> Int {
        var room = [UInt8](repeating: 0, count: count)
        return max(unsafe recv(descriptor, &room, count, Int32(MSG_DONTWAIT)), 0)
    }

    @Test(arguments: TestConnection.Kind.allCases)
    func aDeadPeerIsClosedInTime(_ kind: TestConnection.Kind) throws {
        let test = try TestConnection(kind)
        let topic = try topic(on: test.loop, stall: .milliseconds(500))
        topic.subscribe(test.connection)
        try fill(topic, of: test)
        let start = ContinuousClock.now
        #expect(try test.closeReason() == .tooSlow)
        // Its kernel still acknowledges a little at first. Beyond that, it has the stall time, and a quarter of it until that is
        // seen.
        #expect(start.duration(to: .now) < .seconds(3))
        #expect(!topic.isUnderPressure)
    }

    /// An event that is left over from an earlier wait may say that there was room.
    @Test func anEventThatIsOutOfDateDoesNotMakeADeadPeerLookAlive() throws {
        let test = try TestConnection(.unix)
        let topic = try topic(on: test.loop, stall: .milliseconds(300))
        topic.subscribe(test.connection)
        while !test.connection.isBlocked {
            topic.publish(Self.message)
            try test.loop.turn()
        }
        let start = ContinuousClock.now
        try test.loop.run(until: { start.duration(to: .now) > .milliseconds(400) })
        test.connection.descriptorIsWritable()
        try test.loop.turn()
        try #require(test.connection.isBlocked)
        // It has taken nothing for its stall time before it falls behind, so nobody is paused for it.
        while test.connection.isOpen, topic.byteCount < 2_500_000 {
            topic.publish(Self.message)
            try test.loop.turn()
            #expect(!topic.isUnderPressure)
        }
        #expect(try test.closeReason() == .tooSlow)
        #expect(topic.pressureCount == 0)
    }

    @Test func theKernelSaysWhatItHoldsForSocketsAndPipes() throws {
        for kind in TestConnection.Kind.allCases {
            let test = try TestConnection(kind)
            test.connection.send([UInt8](repeating: 1, count: 5_000))
            try test.loop.turn()
            if kind == .unix {
                let before = try #require(test.connection.bytesHeldByKernel)
                #expect(before >= 5_000)
                #expect(try test.receive(5_000).count == 5_000)
                #expect(try #require(test.connection.bytesHeldByKernel) < before)
            } else {
                #expect(test.connection.bytesHeldByKernel != nil)
            }
        }
        var ends: [Int32] = [-1, -1]
        try #require(unsafe pipe(&ends) == 0)
        defer { close(ends[0]) }
        let loop = try EventLoop()
        let connection = try loop.adopt(
            OwnedDescriptor(takingOver: ends[1]), for: .output, handler: RecordingHandler())
        connection.send([UInt8](repeating: 1, count: 5_000))
        try loop.turn()
        #expect(connection.bytesHeldByKernel == 5_000)
        loop.close()
    }
}
