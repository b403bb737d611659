import ChatReactor
import ReactorWeb
import TestSupport
import Testing

/// How frames become messages, and messages frames.
struct WebSocketMessageTests {
    typealias Frame = WebSocketPeer.Frame

    @Test(arguments: [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
    func lengths(_ count: Int) throws {
        let server = try WebSocketServer(EchoingMessages(), options: .with { $0.maximumMessageLength = 100_000 })
        let webSocket = try server.connect()
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try webSocket.send(.binary(bytes), .text(String(repeating: "ä", count: count / 2)))
        let frames = try server.frames(2, of: webSocket)
        #expect(frames == [.binary(bytes), .text(String(repeating: "ä", count: count / 2))])
        #expect(webSocket.peer.bytes.count == webSocket.head.utf8.count + frames.reduce(0) { $0 + $1.bytes(mask: nil).count })
    }

    @Test func aByteAtATime() throws {
        let server = try WebSocketServer(EchoingHandler())
        let webSocket = try server.connect()
        for byte in Frame(1, Array("h€".utf8.prefix(2)), isFinal: false).bytes() + Frame.ping("?").bytes()
            + Frame(0, Array("€llo".utf8.dropFirst())).bytes()
        {
            try webSocket.peer.send([byte])
            try server.loop.run(until: "read") { webSocket.peer.isRead }
        }
        #expect(try server.frames(2, of: webSocket) == [.pong("?"), .text("h€llo")])
    }

    @Test func aTextIsSeveralLines() throws {
        let handler = RecordingHandler()
        let server = try WebSocketServer(handler)
        let webSocket = try server.connect()
        try webSocket.send(.text("one\ntwo\r\n\nfour"), .text("five\n"), .text(""), .text("\n"), .text("a\rb"))
        try server.loop.run(until: "received") { handler.texts.count == 8 }
        #expect(handler.texts == ["one", "two", "", "four", "five", "", "", "a\rb"])
        #expect(handler.batchSizes.first == 4)
        #expect(String(decoding: handler.wireBytes, as: UTF8.self) == "one\ntwo\n\nfour\nfive\n\n\na\rb\n")
    }

    @Test func oneLineForAHandlerThatGetsEachAlone() throws {
        let handler = RecordingHandler()
        let server = try WebSocketServer(handler, options: .with { $0.batchesMessages = false })
        let webSocket = try server.connect()
        try webSocket.send(.text("one\ntwo\r\n\nfour\r\n"), .text("\nfive"), .text(""), .text("\n"))
        try server.loop.run(until: "received") { handler.texts.count == 4 }
        #expect(handler.texts == ["one two four", "five", "", ""])
        #expect(handler.batchSizes == [1, 1, 1, 1])
    }

    @Test func aHandlerThatPausesGetsTheNextTextLater() throws {
        let handler = RecordingHandler()
        handler.onMessage = { connection, text in if text == "one" { connection.pauseReading() } }
        let server = try WebSocketServer(handler, options: .with { $0.batchesMessages = false })
        let webSocket = try server.connect()
        try webSocket.peer.send(Frame.text("one").bytes() + Frame.text("two").bytes())
        try server.loop.settle()
        #expect(handler.texts == ["one"])
        handler.connections[0].resumeReading()
        try server.loop.run(until: "resumed") { handler.texts == ["one", "two"] }
    }

    /// A limit for lines counts each line of a text.
    @Test func theRate() throws {
        let handler = RecordingHandler()
        let options = Connection.Options.with { $0.messageRate = RateLimit(perSecond: 1, burst: 5) }
        let server = try WebSocketServer(handler, options: options)
        let webSocket = try server.connect()
        // So much more than is allowed at once that the next has to wait for a minute.
        let lines = (0..<65).map { "\($0)" }
        try webSocket.send(.text(lines.joined(separator: "\n")), .text("late"))
        try server.loop.run(until: "received") { handler.texts.count >= 65 }
        try server.loop.settle()
        #expect(handler.texts == lines)
    }

    @Test func memoryOfAMessageInParts() throws {
        let handler = RecordingHandler()
        let server = try WebSocketServer(handler)
        let webSocket = try server.connect()
        let before = server.loop.memoryInUse
        try webSocket.send(Frame(1, Array(repeating: 0x61, count: 50_000), isFinal: false))
        try server.loop.run(until: "counted") { server.loop.memoryInUse >= before + 50_000 }
        try webSocket.send(Frame(0, []))
        try server.loop.run(until: "released") { handler.texts.count == 1 && server.loop.memoryInUse <= before }
        try webSocket.send(Frame(1, Array(repeating: 0x61, count: 50_000), isFinal: false))
        try server.loop.run(until: "counted") { server.loop.memoryInUse >= before + 50_000 }
        webSocket.peer.close()
        try server.loop.run(until: "released") { server.loop.connectionCount == 0 && server.loop.memoryInUse <= before }
    }

    @Test func whatIsSentIsUTF8() throws {
        let handler = RecordingHandler()
        let server = try WebSocketServer(handler)
        let webSocket = try server.connect()
        try #require(handler.connections.count == 1)
        handler.connections[0].sendMessage([0x61, 0xFF, 0x62].span)
        handler.connections[0].sendMessage("ç")
        #expect(try server.frames(2, of: webSocket) == [.text("a\u{FFFD}b"), .text("ç")])
    }

    @Test func textIsNoBytesAndBytesAreNoText() throws {
        let handler = RecordingHandler()
        let server = try WebSocketServer(handler)
        let webSocket = try server.connect()
        try webSocket.send(.binary([1]), .text("not heard"))
        #expect(try server.frames(1, of: webSocket).last?.closeCode == 1003)
        #expect(handler.texts.isEmpty)
        let isAccepted = try TestConnection().connection.sendBinaryMessage([1].span)
        #expect(!isAccepted)
    }

    /// Random messages in random frames, with control frames between them, in random pieces, against what was sent.
    @Test func anything() throws {
        var generator = SeededGenerator()
        let server = try WebSocketServer(EchoingMessages(), options: .with { $0.maximumMessageLength = 5_000 }, readSize: 4_096)
        let webSocket = try server.connect()
        var (sent, expected): ([UInt8], [Frame]) = ([], [])
        for _ in 0..<400 {
            let isText = Bool.random(using: &generator)
            let count = [0, 1, 5, 200, 4_000].randomElement(using: &generator) ?? 0
            let payload = isText ? Array(Self.text(count, using: &generator).utf8.prefix(5_000)) : generator.bytes(count)
            let message = isText ? Frame.text(String(decoding: payload, as: UTF8.self)) : .binary(payload)
            if message.payload.count > 5_000 { continue }
            var parts: [Frame] = []
            var rest = message.payload[...]
            repeat {
                let part = rest.prefix(Int.random(in: 0...max(1, rest.count), using: &generator))
                rest = rest.dropFirst(part.count)
                parts.append(Frame(parts.isEmpty ? message.opcode : 0, Array(part), isFinal: false))
            } while !rest.isEmpty
            parts[parts.count - 1].isFinal = true
            for part in parts {
                if Int.random(in: 0..<4, using: &generator) == 0 {
                    let number = "\(expected.count)"
                    sent += Frame.ping(number).bytes(mask: generator.bytes(4))
                    expected.append(.pong(number))
                }
                sent += part.bytes(mask: generator.bytes(4))
            }
            expected.append(message)
        }
        var rest = sent[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...5_000, using: &generator))
            rest = rest.dropFirst(piece.count)
            try webSocket.peer.send(Array(piece))
            // Who does not read the answers to its pings gets no more of them.
            try server.loop.run(until: "read") { webSocket.peer.read() == 0 && webSocket.peer.isRead }
        }
        #expect(try server.frames(expected.count, of: webSocket) == expected)
    }

    private static func text(_ count: Int, using generator: inout SeededGenerator) -> String {
        String((0..<count).map { _ in ["a", "ß", "€", "😀", "\u{301}", "\n"].randomElement(using: &generator) ?? "x" })
    }
}
