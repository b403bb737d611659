import Broadcast
import Reactor
import TestSupport
import Testing

/// No number that an embedder can set a topic to ends the process: it is taken as far as it goes, or refused with an error.
struct ExtremeSettingsTests {
    @Test(arguments: [Int.max, Int.max / 2, 1 << 62, 1 << 50])
    func aLogThatNoMemoryCouldHoldIsRefused(_ capacity: Int) throws {
        let loop = try EventLoop()
        var configuration = Topic.Configuration()
        configuration.capacity = capacity
        #expect(throws: Errno.noMemory) { try Topic(on: loop, configuration: configuration) }
        loop.close()
    }

    /// Where a message ends in its batch is a number of 32 bits.
    @Test(arguments: [1 << 33, 1 << 34, 1 << 45]) func aMessageIsLessThanFourGibibytesLong(_ capacity: Int) throws {
        let loop = try EventLoop()
        var configuration = Topic.Configuration()
        configuration.capacity = capacity
        let topic = try Topic(on: loop, configuration: configuration)
        #expect(topic.maximumMessageLength == min(capacity / 4, Int(UInt32.max)))
        loop.close()
    }

    @Test(arguments: [(Int.max, Duration(attoseconds: .max)), (.min, Duration(attoseconds: .min))])
    func anythingElseIsTaken(_ number: Int, _ time: Duration) throws {
        let loop = try EventLoop()
        var configuration = Topic.Configuration()
        configuration.capacity = min(number, 4_096)
        configuration.sendBudget = number
        configuration.policy = .backpressure(stall: time, grace: time)
        try withExtendedLifetime(try Topic(on: loop, configuration: configuration)) { topic in
            topic.publish("before\n")
            let reader = try Peer(on: loop, in: topic, history: number)
            let slow = try Peer(on: loop, in: topic, history: number, sendBuffer: Peer.leastSendBuffer)
            for _ in 0..<200 where !topic.isUnderPressure && slow.isOpen {
                topic.publish(String(repeating: ".", count: 499) + "\n")
                try loop.turn()
                reader.read()
            }
            // Without a limit a slow subscriber is waited for. With a limit of zero it is closed at once.
            #expect(topic.isUnderPressure == (time > .zero))
            #expect(slow.isOpen == (time > .zero))
            #expect(reader.text.hasPrefix(number > 0 ? "before\n" : "."))
        }
        loop.close()
    }
}
