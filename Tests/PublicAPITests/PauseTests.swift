import ChatReactor
import Glibc
import TestSupport
import Testing

/// What `Connection.pauseReading` and `resumeReading` promise.
struct PauseTests {
    @Test("Nothing is read while reading is paused; it comes afterwards")
    func pause() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        member.connection.pauseReading()
        try member.peer.send("one\n")
        try loop.run(for: .milliseconds(20))
        #expect(member.handler.texts == [])
        member.connection.resumeReading()
        try loop.run(until: "the message") { !member.handler.texts.isEmpty }
        #expect(member.handler.texts == ["one"])
    }

    @Test("Pauses are counted: each needs a resumption of its own")
    func counted() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        for _ in 0..<3 { member.connection.pauseReading() }
        try member.peer.send("one\n")
        for _ in 0..<2 {
            member.connection.resumeReading()
            try loop.run(for: .milliseconds(20))
            #expect(member.handler.texts == [])
        }
        member.connection.resumeReading()
        try loop.run(until: "the message") { !member.handler.texts.isEmpty }
    }

    @Test("While reading is paused, the end of the peer's input is not noticed")
    func endOfInput() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        member.connection.pauseReading()
        try member.peer.send("one\n")
        member.peer.shutDownSending()
        try loop.run(for: .milliseconds(20))
        #expect(member.handler.events == [.opened])
        member.connection.resumeReading()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.events == [.opened, .received("one"), .closed(.endOfInput)])
    }

    @Test("Messages that were read already still come")
    func alreadyRead() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.lines, longest: 5))
        member.handler.onDiscard = { $0.pauseReading() }
        try member.peer.send("one\n1234567890\ntwo\n")
        try loop.run(until: "what follows the pause") { member.handler.texts.count >= 2 }
        try member.peer.send("three\n")
        try loop.run(for: .milliseconds(20))
        #expect(member.handler.events == [.opened, .received("one"), .discarded, .received("two")])
    }

    @Test("Reading may be paused from within, message by message")
    func fromWithin() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        member.handler.onMessage = { connection, _ in connection.pauseReading() }
        for number in 1...3 {
            try member.peer.send("\(number)\n")
            try loop.run(until: "message \(number)") { member.handler.texts.count == number }
            try member.peer.send("+")
            try loop.run(for: .milliseconds(5))
            #expect(!member.peer.isRead)
            member.connection.resumeReading()
        }
        #expect(member.handler.texts == ["1", "+2", "+3"])
    }

    @Test("What is sent leaves all the same")
    func sendingWhilePaused() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        member.connection.pauseReading()
        try member.peer.send("unread\n")
        try loop.settle()
        member.connection.send("hello\n")
        try loop.run(until: "the text") { member.peer.text == "hello\n" }
    }

    @Test("A pause stops the peer in the end, and nothing is lost by it", arguments: TestConnection.Kind.allCases)
    func backpressureReachesThePeerAndNothingIsLost(_ kind: TestConnection.Kind) throws {
        let wire = try TestConnection(kind)
        wire.peer.descriptor.setOption(SOL_SOCKET, SO_SNDBUF, 4_096)
        wire.connection.pauseReading()
        let line = Array((String(repeating: "x", count: 99) + "\n").utf8)
        var sent = 0
        while sent < 100_000_000 {
            // A line may go out in part: the rest comes first in the next round.
            let count = wire.peer.sendAvailable(Array(line[(sent % 100)...]))
            sent += count
            if count > 0 { continue }
            // Full, unless the loop still takes something.
            try wire.loop.settle(for: .milliseconds(5))
            let more = wire.peer.sendAvailable(Array(line[(sent % 100)...]))
            if more == 0 { break }
            sent += more
        }
        #expect(sent < 100_000_000, "the peer was never stopped")
        #expect(wire.handler.messages.isEmpty)
        wire.peer.shutDownSending()
        wire.connection.resumeReading()
        _ = try wire.closeReason()
        #expect(wire.handler.messages.map { $0.count + 1 }.reduce(0, +) - (sent % 100 == 0 ? 0 : 1) == sent)
    }

    @Test("A paused connection that has input costs no turns", arguments: TestConnection.Kind.allCases, [false, true])
    func aPausedConnectionWithInputDoesNotSpin(_ kind: TestConnection.Kind, hasEnded: Bool) throws {
        let wire = try TestConnection(kind)
        wire.connection.pauseReading()
        try wire.peer.send("hello\n")
        if hasEnded { wire.peer.shutDownSending() }
        try wire.loop.settle()
        #expect(try wire.loop.turns(during: .milliseconds(100)) <= 2)
        wire.connection.resumeReading()
        try wire.loop.run(until: "received") { !wire.handler.messages.isEmpty }
        if hasEnded { #expect(try wire.closeReason() == .endOfInput) }
    }

    @Test("Pausing as the connection opens holds back the first line")
    func pausingFromOpenOnHoldsBackTheFirstLine() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        handler.onOpen = { $0.pauseReading() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let client = try Peer(port: try #require(listener.address.port))
        try client.send("hello\n")
        try loop.run(until: "accepted") { !handler.connections.isEmpty }
        try loop.settle()
        #expect(handler.messages.isEmpty)
        handler.connections.first?.resumeReading()
        try loop.run(until: "received") { !handler.messages.isEmpty }
    }

    @Test(
        "A handler that gets each message alone gets the next one only after it has resumed",
        arguments: [
            (Connection.Options.framed(.lines), "one\ntwo\nthree\nfour"),
            (.framed(.automatic()), "one\r\ntwo\r\0three\nfour"),
            (.framed(.nulTerminated), "one\0two\0three\0four"),
        ])
    func oneByOne(options: Connection.Options, text: String) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var options = options
        options.batchesMessages = false
        let member = try TestConnection(on: loop, options: options)
        member.handler.onMessage = { connection, _ in connection.pauseReading() }
        try member.peer.send(text)
        for number in 1...3 {
            try loop.run(until: "message \(number)") { member.handler.texts.count == number }
            try loop.run(for: .milliseconds(5))
            #expect(member.handler.texts == Array(["one", "two", "three"][..<number]))
            member.connection.resumeReading()
        }
        // The unfinished message was kept, and goes on where it was.
        try member.peer.send("teen\n\0")
        try loop.run(until: "the last message") { member.handler.texts.count == 4 }
        #expect(member.handler.texts.last?.hasPrefix("fourteen") == true)
    }

    @Test("A line that a pause of the peer would end waits, too, and ends after the handler has resumed")
    func lineWithoutNewline() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let idle = Duration.milliseconds(200)
        var options = Connection.Options.framed(.automatic(idle: idle))
        options.batchesMessages = false
        let member = try TestConnection(on: loop, options: options)
        try member.peer.send("one")
        try loop.run(until: "it is read") { member.peer.isRead }
        member.connection.pauseReading()
        try loop.run(for: .milliseconds(400))
        #expect(member.handler.texts == [])
        member.connection.resumeReading()
        try loop.run(until: "the message") { !member.handler.texts.isEmpty }
        #expect(member.handler.texts == ["one"])
    }

    @Test("What a pause has held back comes line by line also if nothing can be sent any more")
    func heldBackAfterFailure() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .with { $0.batchesMessages = false })
        member.handler.onMessage = { connection, _ in connection.pauseReading() }
        member.connection.pauseReading()
        try member.peer.send("one\ntwo\nthree\n")
        member.peer.hangUp()
        member.connection.send("hello\n")
        try loop.settle()
        for number in 1...3 {
            member.connection.resumeReading()
            try loop.run(until: "message \(number)") { member.handler.texts.count >= number }
            try loop.settle()
            #expect(member.handler.texts == Array(["one", "two", "three"][..<number]))
        }
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
    }

    @Test("What a pause has held back comes before the end of input")
    func heldBackBeforeTheEnd() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .with { $0.batchesMessages = false })
        member.handler.onMessage = { connection, text in if text != "rest" { connection.pauseReading() } }
        try member.peer.send("one\ntwo\nrest")
        member.peer.shutDownSending()
        for number in 1...2 {
            try loop.run(until: "message \(number)") { member.handler.texts.count == number }
            try loop.run(for: .milliseconds(5))
            #expect(member.handler.texts.count == number)
            #expect(member.handler.closeReasons.isEmpty)
            member.connection.resumeReading()
        }
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(
            member.handler.events == [
                .opened, .received("one"), .received("two"), .received("rest"), .closed(.endOfInput),
            ])
    }
}
