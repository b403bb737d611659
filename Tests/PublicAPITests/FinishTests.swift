import ChatReactor
import TestSupport
import Testing

/// What `Connection.finish`, `close` and the times in `Connection.Options` promise about the end.
struct FinishTests {
    private static let much = 3_000_000
    private static func options(_ change: (inout Connection.Options) -> Void = { _ in }) -> Connection.Options {
        .with {
            $0.maximumPendingOutput = 100_000_000
            change(&$0)
        }
    }

    private static func options(linger: Duration) -> Connection.Options { options { $0.lingerTimeout = linger } }

    @Test("It is known that a connection is finishing; it is open until it is closed")
    func isFinishing() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        #expect(!member.connection.isFinishing)
        member.connection.finish()
        #expect(member.connection.isFinishing)
        #expect(member.connection.isOpen)
        member.peer.close()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(!member.connection.isOpen)
    }

    @Test("Nothing more is read")
    func nothingIsRead() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        try member.peer.send("one\n")
        try loop.run(until: "the first message") { !member.handler.texts.isEmpty }
        member.connection.finish()
        try member.peer.send("two\n")
        try loop.run(until: "the end of the peer's input") { member.peer.hasEnded }
        member.peer.close()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.texts == ["one"])
    }

    @Test("The beginning of a line is no message any more, not even if the peer resets the connection")
    func nothingIsDelivered() throws {
        let member = try TestConnection(.tcp)
        try member.peer.send("one\nbegun")
        try member.loop.run(until: "the first message") { !member.handler.texts.isEmpty }
        member.connection.finish()
        try member.loop.run(until: "the end of the peer's input") { member.peer.hasEnded }
        member.peer.reset()
        _ = try member.closeReason()
        #expect(member.handler.texts == ["one"])
    }

    @Test("A peer that still sends does not lose what it has not read yet")
    func noReset() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        let listener = try loop.listen(on: .loopback(port: 0), options: Self.options(), handler: handler)
        let peer = try Peer(to: listener.address)
        try loop.run(until: "the connection") { handler.connections.count == 1 }
        #expect(handler.connections[0].send([UInt8](repeating: 65, count: Self.much)))
        handler.connections[0].finish()
        try loop.run(until: "the end of the peer's input") {
            _ = peer.sendAvailable(Array("still talking\n".utf8))
            peer.read(atMost: 100_000)
            return peer.bytes.count == Self.much && peer.hasEnded
        }
        #expect(peer.failure == nil)
    }

    @Test("A peer that does not agree is waited for, but not for longer than the linger time")
    func lingerTimeout() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: Self.options { $0.lingerTimeout = .milliseconds(50) })
        let start = ContinuousClock.now
        member.connection.finish()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(start.duration(to: .now) >= .milliseconds(50))
        #expect(member.handler.closeReasons == [.requested])
        try member.peer.waitForEnd()
    }

    @Test("A peer that agrees is not waited for")
    func agreement() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: Self.options { $0.lingerTimeout = .seconds(100_000) })
        member.connection.finish()
        try loop.run(until: "the end of the peer's input") { member.peer.hasEnded }
        try loop.run(for: .milliseconds(20))
        #expect(member.handler.closeReasons == [])
        member.peer.close()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.closeReasons == [.requested])
    }

    @Test("Without a flush time it has as long as the peer likes")
    func noFlushTime() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(
            on: loop,
            options: Self.options {
                $0.flushTimeout = nil
                $0.lingerTimeout = .milliseconds(1)
            })
        #expect(member.connection.send([UInt8](repeating: 65, count: Self.much)))
        member.connection.finish()
        try loop.run(for: .milliseconds(200))
        #expect(member.handler.closeReasons == [])
        try loop.run(until: "the end of the peer's input") { member.peer.hasEnded }
        #expect(member.peer.bytes.count == Self.much)
    }

    @Test("The times and bounds are those that the documentation states")
    func defaults() {
        let options = Connection.Options()
        #expect(options.flushTimeout == .seconds(30))
        #expect(options.lingerTimeout == .seconds(1))
        #expect(options.unsentLowWater == 128 * 1_024)
        #expect(options.maximumMessageLength == 65_536)
        #expect(options.maximumPendingOutput == 1_024 * 1_024)
        #expect(options.framing is LineFraming)
    }

    @Test("Finishing twice is finishing, and closing ends it at once")
    func closeWhileFinishing() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: Self.options { $0.lingerTimeout = .seconds(100_000) })
        member.connection.finish()
        member.connection.finish()
        try loop.run(until: "the end of the peer's input") { member.peer.hasEnded }
        member.connection.close()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.closeReasons.count == 1)
    }

    @Test("Closing drops what waits for the peer")
    func closeDrops() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        #expect(member.connection.send("hello"))
        member.connection.close()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        try member.peer.waitForEnd()
        #expect(member.peer.text == "")
    }

    @Test(
        "Closing may say for what reason, and the first reason counts",
        arguments: [CloseReason.shutdown, .tooSlow, .messageTooLong, .failed(.timedOut)])
    func reasons(reason: CloseReason) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        member.connection.close(reason: reason)
        member.connection.close()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.closeReasons == [reason])
    }

    @Test("A peer that says that it has nothing more to send is sent what is still due to it, and then the connection closes")
    func endOfInput() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: Self.options())
        member.handler.onMessage = { connection, _ in _ = connection.send([UInt8](repeating: 65, count: Self.much)) }
        try member.peer.send("please\n")
        member.peer.shutDownSending()
        try loop.run(until: "the end") {
            member.peer.read()
            return !member.handler.closeReasons.isEmpty
        }
        #expect(member.handler.closeReasons == [.endOfInput])
        #expect(member.peer.bytes.count == Self.much)
        try member.peer.waitForEnd()
    }

    @Test("A connection that its peer resets has failed, with the error that says so")
    func reset() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let peer = try Peer(to: listener.address)
        try loop.run(until: "the connection") { handler.connections.count == 1 }
        peer.reset()
        try loop.run(until: "the end") { !handler.closeReasons.isEmpty }
        #expect(handler.events == [.opened, .closed(.failed(.connectionReset))])
    }

    @Test("What was sent before arrives whole, then the end", arguments: TestConnection.Kind.allCases)
    func whatWasSentBeforeArrivesWholeThenTheEnd(_ kind: TestConnection.Kind) throws {
        let wire = try TestConnection(
            kind, options: Self.options(linger: .seconds(60)), sendBuffer: 4_096, peerReceiveBuffer: 4_096)
        let output = pattern(1_000_000)
        wire.connection.send(output)
        wire.connection.finish()
        #expect(!wire.connection.send("too late"))
        #expect(wire.connection.isFinishing)
        #expect(try wire.drain() == output)
        #expect(wire.handler.closeReasons.isEmpty, "the peer has not agreed yet")
        wire.peer.close()
        #expect(try wire.closeReason() == .requested)
    }

    @Test(
        "A peer that takes nothing is closed as too slow when the flush timeout is over, and not before",
        arguments: [true, false])
    func aPeerThatTakesNothingIsCutOff(_ isBlockedBefore: Bool) throws {
        var options = Self.options(linger: .seconds(60))
        options.flushTimeout = .milliseconds(60)
        let wire = try TestConnection(options: options, sendBuffer: 4_096, peerReceiveBuffer: 4_096)
        wire.connection.send(pattern(1_000_000))
        if isBlockedBefore { try wire.loop.runOnce(waitingAtMost: .zero) }
        wire.connection.finish()
        let start = ContinuousClock.now
        #expect(try wire.closeReason() == .tooSlow)
        #expect(start.duration(to: .now) >= .milliseconds(50), "the peer was given no time")
    }

    @Test("Without a linger timeout the connection is closed once all is sent")
    func withoutLingerTimeTheConnectionIsClosedOnceAllIsSent() throws {
        let wire = try TestConnection(options: Self.options(linger: .zero))
        wire.connection.send("bye\n")
        wire.connection.finish()
        try wire.loop.runOnce(waitingAtMost: .zero)
        #expect(wire.handler.closeReasons == [.requested])
        #expect(try wire.peer.receiveAll() == Array("bye\n".utf8))
    }

    @Test("A peer that resets while it is waited for changes nothing about the reason")
    func aPeerThatResetsWhileLingeringChangesNothingAboutTheReason() throws {
        let wire = try TestConnection(.tcp, options: Self.options(linger: .seconds(60)))
        wire.connection.finish()
        try wire.loop.settle()
        wire.peer.reset()
        #expect(try wire.closeReason() == .requested)
    }

    @Test("A pause does not keep a connection from finishing")
    func pausesDoNotKeepAConnectionFromFinishing() throws {
        let wire = try TestConnection(.tcp, options: Self.options(linger: .seconds(60)))
        wire.connection.pauseReading()
        wire.connection.send("bye\n")
        wire.connection.finish()
        #expect(String(decoding: try wire.drain(), as: UTF8.self) == "bye\n")
        wire.peer.close()
        #expect(try wire.closeReason() == .requested)
    }

    @Test("Finishing from within a message drops the messages that follow")
    func finishingFromWithinAMessageDropsTheMessagesBehind() throws {
        let wire = try TestConnection(options: Self.options(linger: .milliseconds(1)))
        wire.handler.onMessage = { connection, text in
            connection.send("bye\n")
            connection.finish()
        }
        try wire.peer.send("one\n")
        try wire.loop.runOnce(waitingAtMost: .seconds(5))
        _ = wire.peer.sendAvailable(Array("two\n".utf8))
        #expect(try wire.closeReason() == .requested)
        #expect(wire.handler.texts == ["one"])
        #expect(try wire.peer.receiveAll() == Array("bye\n".utf8))
    }

    @Test("Finishing towards a peer that never reads costs no turns")
    func theFinishOfAPeerThatNeverReadsDoesNotSpin() throws {
        let wire = try TestConnection(
            .tcp, options: Self.options(linger: .seconds(60)), sendBuffer: 4_096, peerReceiveBuffer: 4_096)
        wire.connection.send(pattern(1_000_000))
        wire.connection.finish()
        try wire.peer.send("more\n")
        try wire.loop.settle()
        #expect(wire.connection.pendingOutput > 0)
        #expect(try wire.loop.turns(during: .milliseconds(100)) <= 3)
    }
}
