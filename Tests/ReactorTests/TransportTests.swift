import Reactor
import TestSupport
import Testing

/// A connection's bytes pass through its transport.
@Suite struct TransportTests {
    private func options(serverGreeting: Int = 7) -> Connection.Options { ToyTransport.options(serverGreeting: serverGreeting) }

    private let greeting = ToyTransport.serverGreeting(7)

    @Test func twoEndsTalkToEachOther() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (server, client) = (RecordingHandler(), RecordingHandler())
        // The greeting neither fits into the output that is lent nor into the socket.
        let options = options(serverGreeting: 1_000_000)
        let listener = try loop.listen(on: .loopback(port: 0), options: options, handler: server)
        let connection = try loop.connect(to: listener.address, options: options, handler: client)
        let line = String(repeating: "x", count: 50_000)
        connection.send("\(line)\n")
        try loop.run(until: "received") { server.texts == [line] }
        server.connections.first?.send("yes\n")
        connection.finish()
        try loop.run(until: "closed") { !server.closeReasons.isEmpty && !client.closeReasons.isEmpty }
        #expect(server.closeReasons == [.endOfInput])
        #expect(client.closeReasons == [.requested])
    }

    @Test func whatComesByteForByteIsDelivered() throws {
        let test = try TestConnection(options: options())
        for byte in ToyTransport.clientGreeting + ToyTransport.record("one\ntw".utf8) + ToyTransport.record("o\n".utf8) {
            try test.peer.send([byte])
            try test.loop.runOnce(waitingAtMost: .zero)
        }
        try test.loop.run(until: "received") { test.handler.texts == ["one", "two"] }
    }

    @Test func aPeerOverItsRateIsDelayedAndLosesNothing() throws {
        for byteRate in [nil, RateLimit(perSecond: 100, burst: 10)] {
            var options = options()
            if byteRate == nil { options.messageRate = RateLimit(perSecond: 20, burst: 1) }
            options.byteRate = byteRate
            let start = ContinuousClock.now
            let test = try TestConnection(options: options)
            try test.peer.send(ToyTransport.clientGreeting)
            try test.loop.run(until: "open") { test.connection.isOpen }
            for line in ["one\ntwo\nth", "ree\n", "four"] {
                try test.peer.send(ToyTransport.record(line.utf8))
                try test.loop.settle()
            }
            // The end of the transport, and that of the socket.
            try test.peer.send([0, 0])
            test.peer.shutDownSending()
            #expect(try test.closeReason() == .endOfInput)
            #expect(test.handler.texts == ["one", "two", "three", "four"])
            // Three messages wait for 50 ms each. The first read has 12 sealed bytes, and the next waits until two and one more are there.
            #expect(start.duration(to: .now) >= (byteRate == nil ? .milliseconds(150) : .milliseconds(30)))
        }
    }

    @Test func nothingIsDeliveredBeforeTheHandshakeIsComplete() throws {
        let test = try TestConnection(options: options())
        test.connection.send("early\n")
        try test.loop.settle()
        #expect(!test.connection.isOpen && test.handler.events.isEmpty)
        #expect(try test.receive(7) == greeting)
        // What follows the greeting at once is not lost.
        try test.peer.send(ToyTransport.clientGreeting + ToyTransport.record("first\n".utf8))
        try test.loop.run(until: "received") { test.handler.texts == ["first"] }
        #expect(try test.receive(8) == ToyTransport.record("early\n".utf8))
    }

    /// What is upgraded is what the transport has opened, whatever records it came in.
    @Test func aConnectionOverATransportCanBeUpgraded() throws {
        var options = options()
        options.batchesMessages = false
        let test = try TestConnection(options: options)
        let framed = RecordingHandler()
        test.handler.onMessage = { connection, _ in
            var options = connection.options
            options.framing = .lengthPrefixed(.oneByte)
            connection.upgrade(to: options, handler: framed)
        }
        let stream = Array("hello\r\n".utf8) + [3] + Array("one".utf8) + [4] + Array("\ntwo".utf8)
        try test.peer.send(ToyTransport.clientGreeting + ToyTransport.record(stream[..<9]))
        try test.peer.send(ToyTransport.record(stream[9..<14]) + ToyTransport.record(stream[14...]))
        try test.loop.run(until: "received") { framed.texts.count == 2 }
        #expect(test.handler.texts == ["hello"])
        #expect(framed.texts == ["one", "\ntwo"])
    }

    @Test func anOpenConnectionRests() throws {
        let test = try TestConnection(options: options(serverGreeting: 1_000_000), sendBuffer: 4_096)
        try test.peer.send(ToyTransport.clientGreeting)
        #expect(try test.receive(1_000_000).count == 1_000_000)
        try test.loop.run(until: "open") { test.connection.isOpen }
        try test.loop.settle()
        #expect(try test.loop.turns(during: .milliseconds(50)) <= 2)
    }

    /// The server's greeting is longer than what the kernel takes, and nobody reads it yet.
    private func blockedHandshake(_ change: (inout Connection.Options) -> Void = { _ in }) throws -> TestConnection {
        var options = options(serverGreeting: 1_000_000)
        options.handshakeTimeout = .seconds(600)
        change(&options)
        return try TestConnection(options: options, sendBuffer: 4_096)
    }

    @Test func inputThatComesWithABlockedLastFlightIsDelivered() throws {
        let test = try blockedHandshake()
        try test.peer.send(ToyTransport.clientGreeting + ToyTransport.record("first\n".utf8))
        try test.loop.run(until: "received") { test.handler.texts == ["first"] }
        try test.peer.send(ToyTransport.record("second\n".utf8))
        try test.loop.run(until: "received, too") { test.handler.texts == ["first", "second"] }
        #expect(try test.loop.turns(during: .milliseconds(50)) <= 2)
        // What is sent leaves after the rest of the greeting.
        test.connection.send("hello\n")
        let answer = ToyTransport.record("hello\n".utf8)
        #expect(try test.receive(1_000_000 + answer.count).suffix(answer.count) == answer[...])
    }

    @Test func inputThatComesAfterABlockedFlightIsDeliveredOnceItHasLeft() throws {
        let test = try blockedHandshake()
        try test.loop.settle()
        try test.peer.send(ToyTransport.clientGreeting + ToyTransport.record("first\n".utf8))
        try test.loop.settle()
        #expect(try test.loop.turns(during: .milliseconds(50)) <= 2, "what cannot be used yet spins the loop")
        #expect(try test.receive(1_000_000).count == 1_000_000)
        try test.loop.run(until: "received") { test.handler.texts == ["first"] }
        try test.peer.send(ToyTransport.record("second\n".utf8))
        try test.loop.run(until: "received, too") { test.handler.texts == ["first", "second"] }
        #expect(try test.loop.turns(during: .milliseconds(50)) <= 2)
    }

    @Test func aConnectionThatFinishesBehindABlockedFlightIsNotWaitedForLongerThanTheFlushTimeout() throws {
        let test = try blockedHandshake { $0.flushTimeout = .milliseconds(50) }
        try test.peer.send(ToyTransport.clientGreeting)
        test.connection.finish()
        #expect(try test.closeReason() == .tooSlow)
    }

    @Test func aHandshakeThatDoesNotComeToItsEndTimesOut() throws {
        for greeting in [7, 1_000_000] {
            var options = options(serverGreeting: greeting)
            options.handshakeTimeout = .milliseconds(50)
            let test = try TestConnection(options: options, sendBuffer: 4_096)
            #expect(try test.closeReason() == .handshakeTimedOut)
            #expect(test.handler.events == [.closed(.handshakeTimedOut)])
        }
    }

    /// Connecting to a Unix-domain socket comes about at once, and makes a client all the same.
    @Test func whoConnectsIsTheClient() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let file = TemporaryPath()
        for address in [.loopback(port: 0), .unix(path: file.path)] as [SocketAddress] {
            let (server, client) = (RecordingHandler(), RecordingHandler())
            let listener = try loop.listen(on: address, options: options(), handler: server)
            let connection = try loop.connect(to: listener.address, options: options(), handler: client)
            connection.send("hello\n")
            try loop.run(until: "received") { server.texts == ["hello"] || !client.closeReasons.isEmpty }
            #expect(client.closeReasons == [] && server.closeReasons == [])
            listener.close()
        }
    }

    @Test func anEndThatWasNotSaidIsATruncation() throws {
        let test = try TestConnection(options: options())
        try test.peer.send(ToyTransport.clientGreeting + ToyTransport.record("whole\nha".utf8))
        test.peer.shutDownSending()
        #expect(try test.closeReason() == .truncated)
        #expect(test.handler.texts == ["whole"])
    }

    @Test func aTransportThatGivesUpClosesAndSaysWhy() throws {
        let test = try TestConnection(options: options())
        try test.peer.send(Array("plain\n".utf8))
        #expect(try test.closeReason() == .transportFailed(TransportFailure("a greeting with byte 112")))
        #expect(test.handler.messages.isEmpty)
    }

    @Test func lastWordsAreDeliveredThoughASendFailsMeanwhile() throws {
        let test = try TestConnection(.unix, options: options())
        try test.peer.send(ToyTransport.clientGreeting)
        try test.loop.run(until: "open") { test.connection.isOpen }
        test.connection.pauseReading()
        try test.peer.send(ToyTransport.record("last words\n".utf8))
        test.peer.close()
        // The peer is gone, and what it said is unread: the send fails, and must not end the process or lose that.
        test.connection.send("hello\n")
        try test.loop.run(until: "the send has failed") { test.connection.hasFailedOutput }
        test.connection.resumeReading()
        #expect(try test.closeReason() != nil)
        #expect(test.handler.texts == ["last words"])
    }
}
