import ChatReactor
import TestSupport
import Testing

/// `Connection.Options.messageRate` and `byteRate` delay a peer that sends more, and lose nothing.
struct RateTests {
    /// A connection, and when each message was delivered.
    private final class Fixture {
        let loop: EventLoop
        let member: TestConnection
        let start = ContinuousClock.now
        private(set) var times: [Duration] = []
        private(set) var texts: [String] = []

        init(_ kind: TestConnection.Kind = .unix, _ change: (inout Connection.Options) -> Void) throws {
            loop = try EventLoop()
            member = try TestConnection(kind, on: loop, options: .with(change))
            member.handler.onMessage = { [unowned self] _, text in
                times.append(start.duration(to: .now))
                texts.append(text)
            }
        }

        deinit { loop.close() }

        func run(untilCount count: Int) throws {
            try loop.run(until: "\(count) messages", turns: .max) { texts.count >= count }
        }
    }

    @Test(
        "A peer that sends four times its burst gets all of it delivered, in order, and no faster than allowed",
        arguments: TestConnection.Kind.allCases,
        [(LineFraming() as any Framing, "\n"), (AutomaticFraming.automatic(), "\n"), (NULTerminatedFraming(), "\0")])
    func overTheMessageRate(_ kind: TestConnection.Kind, format: (framing: any Framing, end: String)) throws {
        let test = try Fixture(kind) {
            $0.framing = format.framing
            $0.messageRate = RateLimit(perSecond: 100, burst: 10)
        }
        try test.member.peer.send((0..<40).map { "\($0)\(format.end)" }.joined())
        try test.run(untilCount: 40)
        #expect(test.texts == (0..<40).map { "\($0)" })
        for index in 10..<40 { #expect(test.times[index] >= .milliseconds(10 * (index - 9))) }
    }

    @Test("A burst is delivered at once, and one message more has to wait")
    func burst() throws {
        let test = try Fixture { $0.messageRate = RateLimit(perSecond: 2, burst: 10) }
        try test.member.peer.send((0..<11).map { "\($0)\n" }.joined())
        var atOnce: Int?
        test.loop.schedule(after: .milliseconds(50)) { atOnce = test.texts.count }
        try test.run(untilCount: 11)
        // A machine that sleeps for half a second proves nothing.
        #expect(try #require(atOnce) == 10 || test.times[9] >= .milliseconds(500))
        #expect(test.times[10] >= .milliseconds(500))
    }

    @Test("Messages delivered alone, so a handler sees none together")
    func alone() throws {
        let test = try Fixture { $0.messageRate = RateLimit(perSecond: 1_000, burst: 5) }
        try test.member.peer.send("a\nb\nc\n")
        try test.run(untilCount: 3)
        #expect(test.member.handler.batchSizes == [1, 1, 1])
    }

    @Test("A message that is too long counts")
    func tooLong() throws {
        let test = try Fixture {
            $0.messageRate = RateLimit(perSecond: 20, burst: 1)
            $0.maximumMessageLength = 5
        }
        try test.member.peer.send("1234567\nok\n")
        try test.run(untilCount: 1)
        #expect(test.member.handler.events == [.opened, .discarded, .received("ok")])
        #expect(test.times[0] >= .milliseconds(50))
    }

    @Test("What one read brings is delivered, and paid for by a longer delay", arguments: TestConnection.Kind.allCases)
    func overTheByteRate(_ kind: TestConnection.Kind) throws {
        let test = try Fixture(kind) { $0.byteRate = RateLimit(perSecond: 20_000, burst: 1_000) }
        let line = String(repeating: "x", count: 99)
        try test.member.peer.send((0..<80).map { _ in "\(line)\n" }.joined())
        try test.run(untilCount: 80)
        #expect(test.texts == Array(repeating: line, count: 80))
        // After 4,096 bytes there are 3,096 and one to wait for.
        let isDelayed = test.times.firstIndex { $0 >= .milliseconds(154) }
        #expect(try #require(isDelayed) <= 40)
        #expect(test.times[79] >= .milliseconds(154))
    }

    @Test("As many bytes as the burst has are no reason to wait, and one more is")
    func byteBurst() throws {
        for (count, isDelayed) in [(999, false), (1_000, true)] {
            let test = try Fixture { $0.byteRate = RateLimit(perSecond: 1, burst: 1_000) }
            try test.member.peer.send(String(repeating: "x", count: count - 1) + "\n")
            try test.run(untilCount: 1)
            try test.member.peer.send("y")
            // Not read: a second has to pass.
            try test.loop.settle()
            #expect(test.member.peer.isRead == !isDelayed || test.start.duration(to: .now) > .seconds(1))
        }
    }

    @Test("A delayed connection does not make the loop turn")
    func doesNotSpin() throws {
        let test = try Fixture(.tcp) { $0.messageRate = RateLimit(perSecond: 1, burst: 1) }
        try test.member.peer.send("one\ntwo\nthree\n")
        try test.run(untilCount: 1)
        try test.member.peer.send("more\n")
        test.member.peer.shutDownSending()
        try test.loop.settle()
        #expect(try test.loop.turns(during: .milliseconds(100)) <= 3)
    }

    @Test("A pause of the handler goes on when the delay is over, and a delay when the pause is")
    func pauses() throws {
        let test = try Fixture { $0.messageRate = RateLimit(perSecond: 10, burst: 1) }
        try test.member.peer.send("one\ntwo\nthree\n")
        try test.run(untilCount: 1)
        test.member.connection.pauseReading()
        try test.loop.run(for: .milliseconds(200))
        #expect(test.texts == ["one"])
        test.member.connection.resumeReading()
        try test.run(untilCount: 2)
        test.member.connection.pauseReading()
        test.member.connection.resumeReading()
        try test.run(untilCount: 3)
        #expect(test.times[2] >= .milliseconds(200))
    }

    @Test("The end of input comes after all that was said before it", arguments: TestConnection.Kind.allCases)
    func halfClose(_ kind: TestConnection.Kind) throws {
        let test = try Fixture(kind) {
            $0.messageRate = RateLimit(perSecond: 50, burst: 2)
            $0.allowsHalfClose = true
        }
        test.member.handler.onReadToEnd = { $0.send("bye\n") }
        try test.member.peer.send("one\ntwo\nthree\nfour\nfive")
        test.member.peer.shutDownSending()
        try test.loop.run(until: "the answer") { test.member.peer.text == "bye\n" }
        let received = ["one", "two", "three", "four", "five"].map(RecordingHandler.Event.received)
        #expect(test.member.handler.events.filter { $0 != .drained } == [.opened] + received + [.readToEnd])
    }

    @Test("What a peer has said before it was gone is delivered, and at its rate")
    func hangUp() throws {
        let test = try Fixture { $0.messageRate = RateLimit(perSecond: 50, burst: 1) }
        try test.member.peer.send("one\ntwo\nthree\nfour\n")
        test.member.peer.hangUp()
        test.member.connection.send("hello\n")
        _ = try test.member.closeReason()
        #expect(test.texts == ["one", "two", "three", "four"])
        #expect(test.times[3] >= .milliseconds(60))
    }

    @Test("Closing ends a delay")
    func close() throws {
        let test = try Fixture { $0.messageRate = RateLimit(perSecond: 20, burst: 1) }
        try test.member.peer.send("one\ntwo\n")
        try test.run(untilCount: 1)
        test.member.connection.close()
        #expect(try test.member.closeReason() == .requested)
        try test.loop.run(for: .milliseconds(100))
        #expect(test.member.handler.events == [.opened, .received("one"), .closed(.requested)])
    }

    @Test("What was sent leaves during a delay, and before a connection that finishes meanwhile closes")
    func finish() throws {
        let test = try Fixture { $0.messageRate = RateLimit(perSecond: 1, burst: 1) }
        try test.member.peer.send("one\ntwo\n")
        try test.run(untilCount: 1)
        test.member.connection.send("answer\n")
        try test.loop.run(until: "the answer") { test.member.peer.text == "answer\n" }
        test.member.connection.send("bye\n")
        test.member.connection.finish()
        try test.loop.run(until: "the end") { test.member.peer.hasEnded }
        #expect(test.member.peer.text == "answer\nbye\n")
        test.member.peer.close()
        #expect(try test.member.closeReason() == .requested)
        #expect(test.texts == ["one"])
    }

    @Test("An upgrade to no limit ends a delay, and one to the same limit is worth no burst")
    func upgrade() throws {
        let test = try Fixture { $0.messageRate = RateLimit(perSecond: 5, burst: 1) }
        try test.member.peer.send("one\ntwo\nthree\nfour\n")
        try test.run(untilCount: 1)
        var options = test.member.connection.options
        options.idleTimeout = .seconds(60)
        test.member.connection.upgrade(to: options, handler: test.member.handler)
        try test.run(untilCount: 2)
        #expect(test.times[1] >= .milliseconds(200))
        options.messageRate = nil
        test.member.connection.upgrade(to: options, handler: test.member.handler)
        // All of them in one turn.
        try test.run(untilCount: 3)
        #expect(test.texts == ["one", "two", "three", "four"])
    }

    @Test("A chunk is a message, and is as long as it came")
    func chunks() throws {
        let test = try Fixture {
            $0.framing = .chunks
            $0.messageRate = RateLimit(perSecond: 10, burst: 1)
        }
        let long = String(repeating: "x", count: 10_000)
        try test.member.peer.send(long)
        try test.run(untilCount: 1)
        try test.member.peer.send("next")
        try test.run(untilCount: 2)
        #expect(test.texts == [long, "next"])
        #expect(test.times[1] >= .milliseconds(100))
    }

    @Test("Tasks wait for the messages of a peer that is delayed")
    func tasks() async throws {
        let start = ContinuousClock.now
        try await withBackgroundLoop { remote in
            let received = Record<[String]>()
            let options = Connection.Options.with { $0.messageRate = RateLimit(perSecond: 50, burst: 1) }
            try await withServer(on: remote, options: options) { connection in
                var lines: [String] = []
                for try await line in connection.lines { lines.append(line) }
                received.append(lines)
            } _: { port in
                let peer = try Peer(port: port)
                try peer.send("one\ntwo\nthree\nfour")
                peer.shutDownSending()
                #expect(try await received.wait(for: "the end of input") == ["one", "two", "three", "four"])
            }
        }
        #expect(start.duration(to: .now) >= .milliseconds(60))
    }
}
