import ChatReactor
import TestSupport
import Testing

/// `Connection.Options.idleTimeout` and `firstMessageTimeout` end connections whose peer is silent, and no others.
struct SilenceTests {
    /// The connection opens after `start`.
    private final class Fixture {
        let loop: EventLoop
        let start = ContinuousClock.now
        let member: TestConnection

        init(_ kind: TestConnection.Kind = .unix, _ change: (inout Connection.Options) -> Void) throws {
            loop = try EventLoop()
            member = try TestConnection(kind, on: loop, options: .with(change))
        }

        deinit { loop.close() }

        var isOpen: Bool { member.connection.isOpen }

        /// Turns for a while in short steps, with something said before each.
        func say(_ text: String, every step: Duration, for time: Duration) throws {
            let end = ContinuousClock.now.advanced(by: time)
            while .now < end {
                try member.peer.send(text)
                try loop.run(for: step)
            }
        }

        func isEndedAs(_ reason: CloseReason) throws {
            try loop.run(until: "timed out", turns: .max) { member.handler.count(of: .timedOut(reason)) == 1 }
            member.peer.close()
            #expect(try member.closeReason() == reason)
        }
    }

    @Test("One that goes on saying something stays, and is closed once it is silent", arguments: TestConnection.Kind.allCases)
    func idle(_ kind: TestConnection.Kind) throws {
        let test = try Fixture(kind) { $0.idleTimeout = .milliseconds(400) }
        // Parts of a line count.
        try test.say("x", every: .milliseconds(50), for: .milliseconds(900))
        #expect(test.isOpen)
        let last = ContinuousClock.now
        try test.member.peer.send("y")
        try test.isEndedAs(.idleTimedOut)
        #expect(last.duration(to: .now) >= .milliseconds(400))
        #expect(test.member.handler.texts == [])
    }

    @Test("One that never says anything is closed, though it is sent something")
    func silentFromTheBeginning() throws {
        let test = try Fixture { $0.idleTimeout = .milliseconds(150) }
        test.member.connection.send("are you there?\n")
        try test.isEndedAs(.idleTimedOut)
        #expect(test.start.duration(to: .now) >= .milliseconds(150))
    }

    @Test("Time in which reading is paused does not count")
    func paused() throws {
        let test = try Fixture { $0.idleTimeout = .milliseconds(200) }
        let pause = ContinuousClock.now
        test.member.connection.pauseReading()
        try test.loop.run(for: .milliseconds(500))
        #expect(test.isOpen)
        let resumption = ContinuousClock.now
        test.member.connection.resumeReading()
        try test.isEndedAs(.idleTimedOut)
        // Some of the time had gone before the pause.
        #expect(test.start.duration(to: pause) + resumption.duration(to: .now) >= .milliseconds(200))
        #expect(resumption.duration(to: .now) < .seconds(20))
    }

    @Test("What a pause has kept in the kernel counts as heard when it is read")
    func readAfterAPause() throws {
        let test = try Fixture { $0.idleTimeout = .milliseconds(200) }
        test.member.connection.pauseReading()
        try test.member.peer.send("one\n")
        try test.loop.run(for: .milliseconds(400))
        test.member.connection.resumeReading()
        try test.isEndedAs(.idleTimedOut)
        #expect(test.member.handler.texts == ["one"])
    }

    @Test("A delay for a rate is no silence")
    func delayed() throws {
        let test = try Fixture {
            $0.messageRate = RateLimit(perSecond: 4, burst: 1)
            $0.idleTimeout = .milliseconds(100)
        }
        try test.member.peer.send("one\ntwo\nthree\n")
        try test.isEndedAs(.idleTimedOut)
        #expect(test.member.handler.texts == ["one", "two", "three"])
        #expect(test.start.duration(to: .now) >= .milliseconds(850))
    }

    @Test("A handler that keeps the connection is asked again after as much silence")
    func kept() throws {
        let test = try Fixture { $0.idleTimeout = .milliseconds(100) }
        test.member.handler.onTimeOut = { $0.send("ping\n") }
        try test.loop.run(until: "three times", turns: .max) { test.member.handler.count(of: .timedOut(.idleTimedOut)) == 3 }
        #expect(test.start.duration(to: .now) >= .milliseconds(300))
        #expect(test.isOpen)
        #expect(test.member.peer.text.hasPrefix("ping\nping\n"))
    }

    @Test("From a peer that has shut down its side nothing is expected")
    func halfClosed() throws {
        let test = try Fixture {
            $0.idleTimeout = .milliseconds(50)
            $0.allowsHalfClose = true
        }
        test.member.handler.onReadToEnd = { _ in }
        test.member.peer.shutDownSending()
        try test.loop.run(for: .milliseconds(300))
        #expect(test.member.handler.events == [.opened, .readToEnd])
    }

    @Test("A long time costs no turns, and messages cost no timers")
    func isCheap() throws {
        let test = try Fixture {
            $0.idleTimeout = .seconds(3_600)
            $0.firstMessageTimeout = .seconds(Int64.max)
        }
        try test.loop.settle()
        #expect(try test.loop.turns(during: .milliseconds(100)) <= 2)
        for number in 1...100 {
            try test.member.peer.send("\(number)\n")
            try test.loop.run(until: "message \(number)") { test.member.handler.texts.count == number }
        }
        #expect(try test.loop.turns(during: .milliseconds(100)) <= 2)
    }

    // MARK: - The first message

    @Test("One that connects and says nothing whole is closed", arguments: ["", "half a line"])
    func noFirstMessage(_ text: String) throws {
        let test = try Fixture { $0.firstMessageTimeout = .milliseconds(200) }
        try test.member.peer.send(text)
        try test.isEndedAs(.firstMessageTimedOut)
        #expect(test.start.duration(to: .now) >= .milliseconds(200))
    }

    @Test("One that has said something stays, and so does one that was sent something")
    func firstMessage() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let options = Connection.Options.with { $0.firstMessageTimeout = .milliseconds(500) }
        let (speaker, listener, subscriber, silent) = (
            try TestConnection(on: loop, options: options), try TestConnection(on: loop, options: options),
            try TestConnection(on: loop, options: options), try TestConnection(on: loop, options: options)
        )
        let topic = try Topic(on: loop)
        for member in [speaker, subscriber] { topic.subscribe(member.connection) }
        speaker.handler.onMessage = { connection, text in topic.publish(text + "\n", from: connection) }
        listener.connection.send("welcome\n")
        try speaker.peer.send("hello\n")
        #expect(try silent.closeReasonOfASilentPeer() == .firstMessageTimedOut)
        try loop.run(for: .milliseconds(200))
        #expect(speaker.connection.isOpen && listener.connection.isOpen && subscriber.connection.isOpen)
        #expect(subscriber.peer.text == "hello\n")
    }

    @Test("A subscriber to a topic in which nothing is said was sent nothing")
    func silentTopic() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        let topic = try Topic(on: loop)
        topic.publish("before\n")
        handler.onOpen = { topic.subscribe($0) }
        let (near, peer) = try socketPair()
        try loop.adopt(
            socket: OwnedDescriptor(takingOver: near), options: .with { $0.firstMessageTimeout = .milliseconds(100) },
            handler: handler)
        try loop.run(until: "timed out", turns: .max) { handler.count(of: .timedOut(.firstMessageTimedOut)) == 1 }
        #expect(peer.text == "")
    }

    @Test("After the first message, or its time, only the silence counts")
    func both() throws {
        let test = try Fixture {
            $0.firstMessageTimeout = .milliseconds(100)
            $0.idleTimeout = .milliseconds(400)
        }
        test.member.handler.onTimeOut = { connection in
            if test.member.handler.count(of: .timedOut(.idleTimedOut)) == 1 { connection.close(reason: .idleTimedOut) }
        }
        #expect(try test.member.closeReason() == .idleTimedOut)
        #expect(test.member.handler.count(of: .timedOut(.firstMessageTimedOut)) == 1)
        #expect(test.start.duration(to: .now) >= .milliseconds(400))
    }

    // MARK: - What is not acknowledged

    @Test("The kernel ends a connection whose peer takes nothing for too long")
    func unacknowledged() throws {
        let options = Connection.Options.with { $0.unacknowledgedTimeout = .milliseconds(300) }
        let wire = try TestConnection(.tcp, options: options, peerReceiveBuffer: 4_096)
        wire.connection.send([UInt8](repeating: 0, count: 1_000_000).span)
        let start = ContinuousClock.now
        try wire.loop.run(until: "closed", turns: .max) { !wire.handler.closeReasons.isEmpty }
        #expect(wire.handler.closeReasons == [.failed(.timedOut)])
        #expect(start.duration(to: .now) >= .milliseconds(300))
    }

    @Test("Where there is no TCP, that time means nothing")
    func unacknowledgedWithoutTCP() throws {
        let wire = try TestConnection(.unix, options: .with { $0.unacknowledgedTimeout = .milliseconds(1) })
        wire.connection.send([UInt8](repeating: 0, count: 1_000_000).span)
        try wire.loop.run(for: .milliseconds(200))
        #expect(wire.connection.isOpen)
    }
}

extension TestConnection {
    /// Turns until the peer has been ended for its silence, and returns why.
    fileprivate func closeReasonOfASilentPeer() throws -> CloseReason? {
        try loop.run(until: "timed out", turns: .max) { peer.hasEnded }
        peer.close()
        try loop.run(until: "closed", turns: .max) { !handler.closeReasons.isEmpty }
        return handler.closeReasons.first
    }
}
