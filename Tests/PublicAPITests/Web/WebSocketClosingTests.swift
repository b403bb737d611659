import ChatReactor
import ReactorWeb
import TestSupport
import Testing

/// How a WebSocket ends, and how one is found that is not there any more.
struct WebSocketClosingTests {
    typealias Frame = WebSocketPeer.Frame

    @Test(arguments: [[], [3, 232], [3, 233] + Array("bye".utf8), [0x0F, 0xA0]] as [[UInt8]])
    func aCloseIsAnswered(_ payload: [UInt8]) throws {
        let handler = RecordingHandler()
        let server = try WebSocketServer(handler)
        let webSocket = try server.connect()
        try webSocket.send(.text("last"), Frame(8, payload), .text("not heard"))
        try server.loop.run(until: "ended") { webSocket.peer.hasEnded }
        // The code is sent back, and no reason with it.
        #expect(webSocket.frames == [Frame(8, Array(payload.prefix(2)))])
        webSocket.peer.close()
        try server.loop.run(until: "closed") { handler.closeReasons == [.endOfInput] }
        #expect(handler.texts == ["last"])
    }

    @Test(
        arguments: [
            (.requested, 1000), (.shutdown, 1001), (.messageTooLong, 1009), (.idleTimedOut, 1008), (.tooSlow, 1013),
            (.memoryLimit, 1013),
        ] as [(CloseReason, Int)])
    func theLastThingSentIsWhy(_ reason: CloseReason, _ code: Int) throws {
        let handler = RecordingHandler()
        let server = try WebSocketServer(handler)
        let webSocket = try server.connect()
        handler.connections[0].sendMessage("one")
        handler.connections[0].finish(sendingMessage: "farewell", reason: reason)
        handler.connections[0].sendMessage("too late")
        try server.loop.run(until: "ended") { webSocket.peer.hasEnded }
        #expect(webSocket.frames == [.text("one"), .text("farewell"), .close(UInt16(code))])
        webSocket.peer.close()
        try server.loop.run(until: "closed") { handler.closeReasons == [reason] }
    }

    /// What a topic has for somebody leaves before the end.
    @Test func messagesOfATopicComeBeforeTheClose() throws {
        let handler = RecordingHandler()
        let server = try WebSocketServer(handler)
        let topic = try Topic(on: server.loop)
        let webSocket = try server.connect()
        topic.subscribe(handler.connections[0])
        var frame: [UInt8] = []
        #expect(WebSocketFraming.server.appendMessage("news".utf8.span, to: &frame))
        for _ in 0..<1_000 { topic.publish(frame.span) }
        handler.connections[0].finish()
        try server.loop.run(until: "ended") { webSocket.peer.hasEnded }
        #expect(webSocket.frames == Array(repeating: .text("news"), count: 1_000) + [.close(1000)])
    }

    @Test func aLoopThatShutsDownSaysSo() throws {
        let server = try WebSocketServer(EchoingHandler())
        let webSocket = try server.connect()
        server.loop.shutDown(timeout: .seconds(1))
        try server.loop.run(until: "ended") { webSocket.peer.hasEnded }
        #expect(webSocket.frames?.last?.closeCode == 1001)
    }

    @Test func aPingIsAnswered() throws {
        let server = try WebSocketServer(EchoingHandler())
        let webSocket = try server.connect()
        try webSocket.send(.ping(""), .ping("abc"), .pong("unasked"), .text("x"))
        #expect(try server.frames(3, of: webSocket) == [.pong(""), .pong("abc"), .text("x")])
    }

    /// Nobody can have the server keep any number of answers.
    @Test func whoPingsWithoutReadingIsAnsweredNoMore() throws {
        let server = try WebSocketServer(EchoingHandler())
        let webSocket = try server.connect()
        let ping = Frame.ping(String(repeating: "a", count: 125)).bytes()
        let many = Array(repeatElement(ping, count: 1_000).joined())
        for _ in 0..<50 where server.loop.connectionCount == 1 {
            _ = webSocket.peer.sendAvailable(many)
            try server.loop.runOnce(waitingAtMost: .zero)
        }
        let connection = try #require(server.loop.connections.first)
        #expect(connection.pendingOutput < 100_000)
    }

    @Test func whoIsSilentIsAsked() throws {
        let handler = RecordingHandler()
        let server = try WebSocketServer(handler, pingInterval: .milliseconds(20))
        let webSocket = try server.connect()
        for count in 1...3 {
            let frames = try server.frames(count, of: webSocket)
            #expect(frames.allSatisfy { $0 == .ping() })
            try webSocket.send(.pong())
        }
        // And who does not answer is gone.
        try server.loop.run(until: "closed") { handler.closeReasons == [.idleTimedOut] }
    }

    @Test func whoSaysSomethingIsNotAsked() throws {
        let server = try WebSocketServer(EchoingHandler(), pingInterval: .seconds(1))
        let webSocket = try server.connect()
        let end = ContinuousClock.now + .milliseconds(1_500)
        var count = 0
        while .now < end {
            try webSocket.send(.text("\(count)"))
            count += 1
            _ = try server.frames(count, of: webSocket)
        }
        #expect(webSocket.frames?.contains { $0.opcode == 9 } == false)
    }

    /// Somebody whose reading is paused cannot be heard to answer.
    @Test func whoIsNotReadIsNotTakenForGone() throws {
        let handler = RecordingHandler()
        let server = try WebSocketServer(handler, pingInterval: .milliseconds(10))
        let webSocket = try server.connect()
        handler.connections[0].pauseReading()
        try server.loop.run(for: .milliseconds(200))
        #expect(handler.closeReasons.isEmpty)
        handler.connections[0].resumeReading()
        _ = try server.frames(1, of: webSocket)
    }

    /// A long frame over a slow line: the answer has to wait for its end.
    @Test func whoIsInTheMidstOfAFrameIsNotTakenForGone() throws {
        let handler = RecordingHandler()
        let server = try WebSocketServer(handler, pingInterval: .milliseconds(500))
        let webSocket = try server.connect()
        for byte in Frame.text(String(repeating: "a", count: 200)).bytes() {
            try webSocket.peer.send([byte])
            try server.loop.run(for: .milliseconds(10))
        }
        #expect(handler.texts.count == 1 && handler.closeReasons.isEmpty)
    }

    /// Who answers pings is never silent for as long as it may be.
    @Test func aTimeoutForTheIdleIsNotForThoseWhoAnswer() throws {
        let handler = RecordingHandler()
        let server = try WebSocketServer(
            handler, options: .with { $0.idleTimeout = .seconds(2) }, pingInterval: .seconds(30))
        let webSocket = try server.connect()
        for count in 1...3 {
            let frames = try server.frames(count, of: webSocket)
            #expect(frames.allSatisfy { $0 == .ping() })
            try webSocket.send(.pong())
        }
        #expect(handler.closeReasons.isEmpty)
        try server.loop.run(until: "closed") { handler.closeReasons == [.idleTimedOut] }
    }

    @Test func theEndWithoutAClose() throws {
        let handler = RecordingHandler()
        let server = try WebSocketServer(handler)
        let webSocket = try server.connect()
        try webSocket.send(.text("one"))
        webSocket.peer.shutDownSending()
        try server.loop.run(until: "closed") { handler.closeReasons == [.endOfInput] }
        let cut = try server.connect()
        try cut.peer.send(Array(Frame.text("half").bytes().dropLast()))
        cut.peer.shutDownSending()
        try server.loop.run(until: "closed") { handler.closeReasons.last == .incompleteMessage }
        #expect(handler.texts == ["one"])
    }
}
