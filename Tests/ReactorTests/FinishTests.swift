import Reactor
import TestSupport
import Testing

/// `finish` sends what waits, says that this is the end, and gives the peer time to agree.
struct FinishTests {
    private func options(linger: Duration) -> Connection.Options {
        var options = Connection.Options()
        options.lingerTimeout = linger
        options.maximumPendingOutput = 1 << 24
        return options
    }

    @Test(arguments: Wire.Kind.allCases)
    func whatWasSentBeforeArrivesWholeThenTheEnd(_ kind: Wire.Kind) throws {
        let wire = try Wire(kind, options: options(linger: .seconds(60)), sendBuffer: 4_096, peerReceiveBuffer: 4_096)
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

    /// A socket that is closed with input unread sends an RST, and the peer's kernel then throws away what its program has not read yet.
    @Test func aPeerThatStillSendsDoesNotLoseWhatItHasNotRead() throws {
        let wire = try Wire(.tcp, options: options(linger: .seconds(60)))
        let output = pattern(100_000)
        wire.connection.send(output)
        wire.connection.finish()
        for _ in 0..<100 {
            try wire.peer.send("more of mine\n")
            try wire.loop.runOnce(waitingAtMost: .zero)
        }
        #expect(try wire.drain() == output)
        #expect(wire.handler.messages.isEmpty, "nothing more is read after finish")
        wire.peer.close()
        #expect(try wire.closeReason() == .requested)
    }

    /// The peer of a connection that ends could hold on to it for ever: it is asked for nothing any more that it could fail to do.
    @Test(arguments: [true, false])
    func aPeerThatTakesNothingIsCutOff(_ isBlockedBefore: Bool) throws {
        var options = options(linger: .seconds(60))
        options.flushTimeout = .milliseconds(60)
        let wire = try Wire(options: options, sendBuffer: 4_096, peerReceiveBuffer: 4_096)
        wire.connection.send(pattern(1_000_000))
        if isBlockedBefore { try wire.loop.runOnce(waitingAtMost: .zero) }
        wire.connection.finish()
        let start = ContinuousClock.now
        #expect(try wire.closeReason() == .tooSlow)
        #expect(start.duration(to: .now) >= .milliseconds(50), "the peer was given no time")
    }

    @Test func lingeringEndsInTime() throws {
        let wire = try Wire(options: options(linger: .milliseconds(60)))
        wire.connection.finish()
        let start = ContinuousClock.now
        #expect(try wire.closeReason() == .requested)
        #expect(start.duration(to: .now) >= .milliseconds(50), "the peer was given no time")
    }

    @Test func withoutLingerTimeTheConnectionIsClosedOnceAllIsSent() throws {
        let wire = try Wire(options: options(linger: .zero))
        wire.connection.send("bye\n")
        wire.connection.finish()
        try wire.loop.runOnce(waitingAtMost: .zero)
        #expect(wire.handler.closeReasons == [.requested])
        #expect(try wire.peer.receiveAll() == Array("bye\n".utf8))
    }

    @Test func aPeerThatResetsWhileLingeringChangesNothingAboutTheReason() throws {
        let wire = try Wire(.tcp, options: options(linger: .seconds(60)))
        wire.connection.finish()
        try wire.loop.settle()
        wire.peer.reset()
        #expect(try wire.closeReason() == .requested)
    }

    @Test func pausesDoNotKeepAConnectionFromFinishing() throws {
        let wire = try Wire(.tcp, options: options(linger: .seconds(60)))
        wire.connection.pauseReading()
        wire.connection.send("bye\n")
        wire.connection.finish()
        #expect(String(decoding: try wire.drain(), as: UTF8.self) == "bye\n")
        wire.peer.close()
        #expect(try wire.closeReason() == .requested)
    }

    @Test func finishingFromWithinAMessageDropsTheMessagesBehind() throws {
        let wire = try Wire(options: options(linger: .milliseconds(1)))
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

    @Test func theFinishOfAPeerThatNeverReadsDoesNotSpin() throws {
        let wire = try Wire(.tcp, options: options(linger: .seconds(60)), sendBuffer: 4_096, peerReceiveBuffer: 4_096)
        wire.connection.send(pattern(1_000_000))
        wire.connection.finish()
        try wire.peer.send("more\n")
        try wire.loop.settle()
        #expect(wire.connection.pendingOutput > 0)
        #expect(try wire.loop.turns(during: .milliseconds(100)) <= 3)
    }
}
