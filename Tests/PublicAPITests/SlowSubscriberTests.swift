import ChatReactor
import TestSupport
import Testing

/// What `SlowSubscriberPolicy` and `Topic.isUnderPressure` promise.
struct SlowSubscriberTests {
    private static let capacity = 65_536
    private static let patient = SlowSubscriberPolicy.backpressure(stall: .seconds(3_600), grace: .seconds(3_600))

    /// A healthy subscriber and a slow one, which reads only when a test has it read.
    private final class Scene {
        let loop: EventLoop
        let topic: Topic
        let healthy: TestConnection
        let slow: TestConnection
        private(set) var published: [String] = []

        init(_ policy: SlowSubscriberPolicy, notice: (@Sendable (Int) -> [UInt8])? = nil) throws {
            loop = try EventLoop()
            topic = try Topic(
                on: loop,
                configuration: .with {
                    $0.capacity = SlowSubscriberTests.capacity
                    $0.policy = policy
                    $0.skipNotice = notice
                })
            healthy = try TestConnection(on: loop)
            slow = try TestConnection(on: loop, sendBuffer: 1)
            topic.subscribe(healthy.connection)
            topic.subscribe(slow.connection)
        }

        deinit { loop.close() }

        /// Publishes some messages of 100 bytes, a few in each turn, while the healthy one reads.
        func publish(_ count: Int) throws {
            for _ in 0..<count {
                let number = "\(published.count) "
                let message = number + String(repeating: "a", count: 99 - number.utf8.count)
                published.append(message)
                topic.publish(message + "\n")
                if published.count % 20 == 0 {
                    try loop.runOnce(waitingAtMost: .zero)
                    healthy.peer.read()
                }
            }
            try loop.run(until: "all for the healthy one") { healthy.peer.bytes.count == published.count * 100 }
        }
    }

    @Test("A subscriber that falls behind by less than half of the log is left alone", arguments: [.skip, .disconnect, patient])
    func notBehind(policy: SlowSubscriberPolicy) throws {
        let scene = try Scene(policy)
        try scene.publish(300)
        #expect(!scene.topic.isUnderPressure)
        #expect(scene.slow.handler.closeReasons == [])
        try scene.loop.run(until: "all for the slow one") { scene.slow.peer.bytes.count == 30_000 }
        #expect(scene.slow.peer.lines == scene.published)
    }

    @Test("Disconnecting: the slow one is closed as too slow; what it got is a prefix, and the others get everything")
    func disconnect() throws {
        let scene = try Scene(.disconnect)
        try scene.publish(1_500)
        try scene.loop.run(until: "the end") { !scene.slow.handler.closeReasons.isEmpty }
        #expect(scene.slow.handler.closeReasons == [.tooSlow])
        #expect(scene.topic.subscriberCount == 1)
        #expect(!scene.topic.isUnderPressure)
        let sent = Array(scene.published.map { $0 + "\n" }.joined().utf8)
        #expect(scene.healthy.peer.bytes == sent)
        #expect(Array(sent.prefix(scene.slow.peer.bytes.count)) == scene.slow.peer.bytes)
    }

    @Test("Skipping: the slow one is moved ahead to the newest message, between two messages, and told how many it missed")
    func skip() throws {
        let scene = try Scene(.skip, notice: { missed in Array("missed \(missed)\n".utf8) })
        try scene.publish(1_500)
        #expect(scene.slow.handler.closeReasons == [])
        #expect(!scene.topic.isUnderPressure)
        try scene.publish(1)
        try scene.loop.run(until: "the last message") { scene.slow.peer.ends(in: "\n\(scene.published.last!)\n") }
        var expected = 0
        var notices = 0
        for line in scene.slow.peer.lines {
            if line.hasPrefix("missed ") {
                notices += 1
                expected += try #require(Int(line.dropFirst("missed ".count)))
            } else {
                #expect(line == scene.published[expected])
                expected += 1
            }
        }
        #expect(notices > 0)
        #expect(expected == scene.published.count)
        #expect(scene.healthy.peer.lines == scene.published)
    }

    @Test("Skipping without a notice tells nothing: there is a gap between whole messages")
    func skipSilently() throws {
        let scene = try Scene(.skip)
        try scene.publish(1_500)
        try scene.publish(1)
        try scene.loop.run(until: "the last message") { scene.slow.peer.ends(in: "\n\(scene.published.last!)\n") }
        let numbers = try scene.slow.peer.lines.map { line in try #require(scene.published.firstIndex(of: line)) }
        #expect(numbers == numbers.sorted())
        #expect(numbers.count < scene.published.count)
    }

    @Test("Backpressure: nobody is read from while the slow one lags, everybody is once it has caught up, and nothing is lost")
    func backpressure() throws {
        let scene = try Scene(Self.patient)
        // More than half of the log, and no more than the log lets everybody lag.
        try scene.publish(450)
        #expect(scene.topic.isUnderPressure)
        try scene.healthy.peer.send("from the healthy one\n")
        try scene.slow.peer.send("from the slow one\n")
        let outsider = try TestConnection(on: scene.loop)
        try outsider.peer.send("from an outsider\n")
        try scene.loop.run(until: "the outsider's message") { !outsider.handler.texts.isEmpty }
        try scene.loop.run(for: .milliseconds(20))
        #expect(scene.healthy.handler.texts == [])
        #expect(scene.slow.handler.texts == [])
        try scene.loop.run(until: "all for the slow one") { scene.slow.peer.bytes.count == 45_000 }
        try scene.loop.run(until: "what waited") { !scene.healthy.handler.texts.isEmpty && !scene.slow.handler.texts.isEmpty }
        #expect(!scene.topic.isUnderPressure)
        #expect(scene.slow.peer.lines == scene.published)
    }

    @Test("Backpressure is over once the slow one is within a quarter of the log, and not before")
    func caughtUp() throws {
        let scene = try Scene(Self.patient)
        try scene.publish(450)
        #expect(scene.topic.isUnderPressure)
        try scene.loop.run(until: "the end of the pressure") {
            scene.slow.peer.read(atMost: 500)
            return !scene.topic.isUnderPressure
        }
        // What it has been sent by now, of the 45,000 bytes that were published.
        let lag = 45_000 - scene.slow.peer.bytes.count
        #expect(lag > 0)
        #expect(lag <= Self.capacity / 4)
    }

    @Test("A publisher that is not subscribed is paused under pressure only if the topic knows of it")
    func addPublisher() throws {
        let scene = try Scene(Self.patient)
        let (known, unknown) = (try TestConnection(on: scene.loop), try TestConnection(on: scene.loop))
        scene.topic.addPublisher(known.connection)
        #expect(scene.topic.subscriberCount == 2)
        try scene.publish(450)
        #expect(scene.topic.isUnderPressure)
        try known.peer.send("known\n")
        try unknown.peer.send("unknown\n")
        try scene.loop.run(until: "the other's message") { !unknown.handler.texts.isEmpty }
        try scene.loop.run(for: .milliseconds(20))
        #expect(known.handler.texts == [])
        try scene.loop.run(until: "all for the slow one") { scene.slow.peer.bytes.count == 45_000 }
        try scene.loop.run(until: "what waited") { !known.handler.texts.isEmpty }
        #expect(known.peer.bytes == [])
    }

    @Test("A slow one that has gone is waited for no longer")
    func gone() throws {
        let scene = try Scene(Self.patient)
        try scene.publish(450)
        #expect(scene.topic.isUnderPressure)
        scene.slow.connection.close()
        try scene.healthy.peer.send("hello\n")
        try scene.loop.run(until: "the message") { !scene.healthy.handler.texts.isEmpty }
        #expect(!scene.topic.isUnderPressure)
    }

    @Test("One that takes nothing is waited for as long as the stall, and then closed as too slow")
    func stall() throws {
        let scene = try Scene(.backpressure(stall: .milliseconds(100), grace: .seconds(3_600)))
        try scene.publish(450)
        try scene.loop.run(until: "the end") { !scene.slow.handler.closeReasons.isEmpty }
        #expect(scene.slow.handler.closeReasons == [.tooSlow])
        try scene.healthy.peer.send("hello\n")
        try scene.loop.run(until: "the message") { !scene.healthy.handler.texts.isEmpty }
        #expect(!scene.topic.isUnderPressure)
    }

    @Test("One that takes its bytes too slowly is waited for as long as the grace, and then closed as too slow")
    func grace() throws {
        let scene = try Scene(.backpressure(stall: .seconds(3_600), grace: .milliseconds(100)))
        try scene.publish(450)
        #expect(scene.topic.isUnderPressure)
        try scene.loop.run(until: "the end") {
            scene.slow.peer.read(atMost: 1)
            return !scene.slow.handler.closeReasons.isEmpty
        }
        #expect(scene.slow.handler.closeReasons == [.tooSlow])
    }

    @Test("One that had taken nothing for as long as the stall before it fell behind holds up nobody")
    func longDead() throws {
        let scene = try Scene(.backpressure(stall: .milliseconds(50), grace: .seconds(3_600)))
        // It is full, and not far behind.
        try scene.publish(200)
        try scene.loop.run(for: .milliseconds(100))
        #expect(scene.slow.handler.closeReasons == [])
        var hasEverWaited = false
        for _ in 0..<250 {
            try scene.publish(1)
            if scene.topic.isUnderPressure { hasEverWaited = true }
        }
        #expect(!hasEverWaited)
        try scene.loop.run(until: "the end") { !scene.slow.handler.closeReasons.isEmpty }
        #expect(scene.slow.handler.closeReasons == [.tooSlow])
    }

    @Test("A backpressure that is not told otherwise waits for 1 s of silence, and 5 s in all")
    func defaults() {
        #expect(SlowSubscriberPolicy.backpressure() == .backpressure(stall: .seconds(1), grace: .seconds(5)))
    }
}
