import ChatReactor
import Glibc
import TestSupport
import Testing

/// What a client said before its end is delivered, however it ends, and whether or not it has read what it was sent.
struct LastWordsTests {
    /// How a client goes.
    enum Departure: CaseIterable {
        /// It has read all that it was sent: the kernel tells the server of an orderly end.
        case orderly
        /// It has left something unread: the kernel resets the connection.
        case unread
        /// It resets the connection itself.
        case reset
    }

    /// A room with a speaker and a listener. All that the speaker says is published.
    private final class Room {
        let loop: EventLoop
        let topic: Topic
        let speaker: TestConnection
        let listener: TestConnection

        init(_ kind: TestConnection.Kind, options: Connection.Options = .init()) throws {
            loop = try EventLoop()
            topic = try Topic(on: loop)
            speaker = try TestConnection(kind, on: loop, options: options)
            listener = try TestConnection(on: loop)
            for member in [speaker, listener] { topic.subscribe(member.connection) }
            speaker.handler.onMessage = { [topic] connection, text in topic.publish(text + "\n", from: connection) }
        }

        deinit { loop.close() }

        /// Does something between the time at which this turn reads and the time at which it sends.
        func betweenReadingAndSending(_ body: @escaping () throws -> Void) throws {
            var result: Result<Void, any Error>?
            loop.schedule(at: .now) { result = Result(catching: body) }
            try loop.run(until: "done") { result != nil }
            try result?.get()
        }

        /// Has the speaker go. It leaves something unread if it goes so.
        func depart(_ departure: Departure) throws {
            switch departure {
            case .orderly: speaker.peer.read()
            case .unread:
                var byte: UInt8 = 0
                try #require(unsafe recv(speaker.peer.descriptor, &byte, 1, Int32(MSG_PEEK)) == 1, "nothing is unread")
            case .reset: return speaker.peer.reset()
            }
            speaker.peer.close()
        }

        /// What the listener has heard of the speaker once the speaker's connection is closed.
        func heard() throws -> [String] {
            try loop.run(until: "closed") { !speaker.handler.closeReasons.isEmpty }
            try loop.settle()
            return listener.peer.lines.filter { !$0.hasPrefix("noise") }
        }
    }

    struct Case: CustomTestStringConvertible {
        let kind: TestConnection.Kind
        let departure: Departure
        let isBusy: Bool
        var testDescription: String { "\(kind), \(departure), \(isBusy ? "busy" : "quiet")" }

        static let all = TestConnection.Kind.allCases.flatMap { kind in
            Departure.allCases.flatMap { departure in
                [false, true].map { Case(kind: kind, departure: departure, isBusy: $0) }
            }
        }
    }

    @Test("A line is relayed that comes with the end, before or after a send that fails", arguments: Case.all)
    func lineWithTheEnd(_ test: Case) throws {
        let room = try Room(test.kind)
        room.topic.publish("noise\n")
        try room.loop.settle()
        try room.betweenReadingAndSending {
            try room.speaker.peer.send("last words\n")
            try room.depart(test.departure)
            // This turn has read, and sends now, to a client that is gone.
            if test.isBusy { room.topic.publish("noise\n") }
        }
        #expect(try room.heard() == ["last words"])
    }

    @Test("So is a line without its newline", arguments: Case.all)
    func unfinishedLineWithTheEnd(_ test: Case) throws {
        for framing in [.lines, .automatic(idle: .seconds(100))] as [any Framing] {
            let room = try Room(test.kind, options: .framed(framing))
            room.topic.publish("noise\n")
            try room.loop.settle()
            try room.betweenReadingAndSending {
                try room.speaker.peer.send("last words")
                try room.depart(test.departure)
                if test.isBusy { room.topic.publish("noise\n") }
            }
            #expect(try room.heard() == ["last words"])
        }
    }

    @Test("So is a line without its newline that was read before the end", arguments: Case.all)
    func unfinishedLineBeforeTheEnd(_ test: Case) throws {
        for framing in [.lines, .automatic(idle: .seconds(100))] as [any Framing] {
            let room = try Room(test.kind, options: .framed(framing))
            room.topic.publish("noise\n")
            try room.speaker.peer.send("last words")
            try room.loop.settle()
            try room.betweenReadingAndSending {
                try room.depart(test.departure)
                if test.isBusy { room.topic.publish("noise\n") }
            }
            #expect(try room.heard() == ["last words"])
        }
    }

    @Test("More than one read's worth is relayed", arguments: Case.all)
    func muchWithTheEnd(_ test: Case) throws {
        let room = try Room(test.kind)
        let lines = (0..<5_000).map { "\($0) says the speaker" }
        let bytes = Array((lines.joined(separator: "\n") + "\n").utf8)
        try #require(bytes.count > room.loop.configuration.readSize)
        room.topic.publish("noise\n")
        try room.loop.settle()
        try room.betweenReadingAndSending {
            try #require(room.speaker.peer.sendAvailable(bytes) == bytes.count)
            try room.depart(test.departure)
            if test.isBusy { room.topic.publish("noise\n") }
        }
        #expect(try room.heard() == lines)
    }

    @Test("A client whose reading is paused meanwhile is heard once it is resumed", arguments: TestConnection.Kind.allCases)
    func paused(_ kind: TestConnection.Kind) throws {
        let room = try Room(kind)
        room.speaker.connection.pauseReading()
        room.topic.publish("noise\n")
        try room.loop.settle()
        try room.speaker.peer.send("one\ntwo")
        try room.depart(.unread)
        room.topic.publish("noise\n")
        try room.loop.settle()
        #expect(try room.loop.turns(during: .milliseconds(50)) <= 2)
        #expect(room.speaker.connection.isOpen)
        #expect(!room.speaker.connection.send("too late"))
        #expect(room.speaker.connection.pendingOutput == 0)
        room.speaker.connection.resumeReading()
        #expect(try room.heard() == ["one", "two"])
    }

    @Test("A client that has said nothing is closed at once, even while its reading is paused")
    func pausedAndSilent() throws {
        let room = try Room(.tcp, options: .withoutFlushTimeout)
        room.speaker.connection.pauseReading()
        try room.depart(.reset)
        room.topic.publish("noise\n")
        try room.loop.run(until: "closed") { !room.speaker.connection.isOpen }
    }

    @Test("A line that was begun before a pause is heard when the pause ends, though nothing more comes")
    func pausedWithinALine() throws {
        let room = try Room(.tcp, options: .withoutFlushTimeout)
        try room.speaker.peer.send("last words")
        try room.loop.settle()
        room.speaker.connection.pauseReading()
        try room.depart(.reset)
        room.topic.publish("noise\n")
        try room.loop.settle()
        #expect(room.speaker.connection.isOpen)
        room.speaker.connection.resumeReading()
        #expect(try room.heard() == ["last words"])
    }

    @Test(
        "A client that is paused until its output has left is told when none leaves any more, and is heard and closed at once",
        arguments: TestConnection.Kind.allCases, ["last words\n", "last words"])
    func pausedUntilDrained(kind: TestConnection.Kind, words: String) throws {
        let room = try Room(kind, options: .withoutFlushTimeout)
        room.speaker.handler.onDrain = { connection in
            #expect(connection.pendingOutput == 0)
            // It is told once, however often it tries again.
            #expect(!connection.send("too late\n"))
            connection.resumeReading()
        }
        // So that there is something that was read, if it is no whole line.
        try room.speaker.peer.send("first\n" + String(words.prefix(1)))
        try room.loop.settle()
        room.speaker.connection.pauseReading()
        room.speaker.connection.send(pattern(1_000_000))
        try room.loop.settle()
        #expect(room.speaker.connection.pendingOutput > 0)
        try room.speaker.peer.send(String(words.dropFirst()))
        try room.depart(.unread)
        try room.loop.settle()
        #expect(room.speaker.handler.closeReasons.count == 1 && room.speaker.handler.count(of: .drained) == 1)
        #expect(room.listener.peer.lines == ["first", "last words"])
    }

    @Test("A client that cannot be sent to, and is not read either, is closed after the flush timeout")
    func pausedForEver() throws {
        let room = try Room(.unix, options: .with { $0.flushTimeout = .milliseconds(50) })
        room.speaker.connection.pauseReading()
        try room.speaker.peer.send("never read\n")
        room.speaker.peer.close()
        room.topic.publish("noise\n")
        #expect(try room.heard() == [])
        #expect(room.speaker.handler.closeReasons == [.failed(.brokenPipe)])
    }

    @Test("A client that shuts its reading, and says nothing, is closed at once when it is sent something")
    func shutReading() throws {
        let room = try Room(.unix)
        try room.speaker.peer.send("unfinished")
        try room.loop.settle()
        shutdown(room.speaker.peer.descriptor, Int32(SHUT_RD))
        room.topic.publish("noise\n")
        try room.loop.settle()
        #expect(room.speaker.handler.closeReasons == [.failed(.brokenPipe)])
        #expect(try room.heard() == ["unfinished"])
    }

    @Test("So is one that has said something before, once that is read")
    func shutReadingAfterALine() throws {
        let room = try Room(.unix)
        try room.betweenReadingAndSending {
            try room.speaker.peer.send("last words\n")
            shutdown(room.speaker.peer.descriptor, Int32(SHUT_RD))
            room.topic.publish("noise\n")
        }
        try room.loop.settle()
        #expect(room.speaker.handler.closeReasons == [.failed(.brokenPipe)])
        #expect(try room.heard() == ["last words"])
    }

    @Test("The reason for closing is the failure, and what is incomplete in another framing is dropped")
    func otherFramings() throws {
        let room = try Room(.unix, options: .framed(.lengthPrefixed(.oneByte)))
        try room.betweenReadingAndSending {
            try room.speaker.peer.send([3] + Array("one".utf8) + [5] + Array("tw".utf8))
            room.speaker.peer.close()
            room.topic.publish("noise\n")
        }
        #expect(try room.heard() == ["one"])
        #expect(room.speaker.handler.closeReasons == [.failed(.brokenPipe)])
    }

    @Test("A task that waits to send is told at once, and may still read what the peer said")
    func task() throws {
        final class Outcome {
            var sent = 0
            var reason: CloseReason?
            var lines: [String] = []
            var endReason: CloseReason?
        }
        let loop = try EventLoop()
        defer { loop.close() }
        let outcome = Confined(Outcome())
        let file = TemporaryPath()
        let address = SocketAddress.unix(path: file.path)
        let server = Task(executorPreference: loop.remote) { [remote = loop.remote] in
            try await remote.serve(on: address, options: .with { $0.maximumPendingOutput = 1_000 }) { connection in
                do throws(CloseReason) {
                    while true {
                        do {
                            try await connection.send(String(repeating: "x", count: 100_000))
                            outcome.value.sent += 1
                        } catch {
                            throw error as? CloseReason ?? .requested
                        }
                    }
                } catch {
                    outcome.value.reason = error
                }
                do {
                    for try await line in connection.lines { outcome.value.lines.append(line) }
                } catch let reason as CloseReason {
                    outcome.value.endReason = reason
                }
            }
        }
        defer { server.cancel() }
        try loop.run(until: "listening") { file.exists }
        let peer = try Peer(to: address)
        try peer.send("one\ntwo")
        try loop.run(until: "some sent") { outcome.value.sent > 1 }
        try loop.settle()
        peer.close()
        try loop.run(until: "told") { outcome.value.endReason != nil }
        #expect(outcome.value.reason == .failed(.brokenPipe))
        #expect(outcome.value.lines == ["one", "two"])
        #expect(outcome.value.endReason == .failed(.brokenPipe))
    }
}

extension Connection.Options {
    fileprivate static var withoutFlushTimeout: Self {
        var options = Self()
        options.flushTimeout = nil
        return options
    }

    @Test("The reason is why nothing can be read, although sending to the peer fails as well")
    func reasonOfReading() throws {
        var configuration = Topic.Configuration()
        configuration.capacity = 4_096
        let member = try TestConnection(.tcp)
        let topic = try Topic(on: member.loop, configuration: configuration)
        topic.subscribe(member.connection)
        // More than a quarter of the log at a time, so the topic fans out while the line is being delivered.
        member.handler.onMessage = { _, text in for _ in 0..<2 { topic.publish(text + "\n") } }
        try member.peer.send(String(repeating: "a", count: 600))
        try member.loop.run(until: "read") { member.peer.isRead }
        member.peer.reset()
        #expect(try member.closeReason() == .failed(.connectionReset))
        #expect(topic.messageCount == 2)
    }
}
