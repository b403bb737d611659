import ChatReactor
import ReactorWeb
import TestSupport
import Testing

/// What is no WebSocket closes the connection, with a code that says why; what came before is heard, and nothing after.
struct WebSocketRefusalTests {
    typealias Frame = WebSocketPeer.Frame

    struct Wrong: CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        let code: Int

        init(_ description: String, _ bytes: [UInt8], _ code: Int) {
            testDescription = description
            self.bytes = bytes
            self.code = code
        }
    }

    static let all: [Wrong] = [
        Wrong("no mask", Frame.text("a").bytes(mask: nil), 1002),
        Wrong("a reserved bit", Frame.text("a").bytes(reservedBits: 0x40), 1002),
        Wrong("another reserved bit", Frame.ping().bytes(reservedBits: 0x10), 1002),
        Wrong("an unknown message", Frame(3).bytes(), 1002), Wrong("an unknown control frame", Frame(11).bytes(), 1002),
        Wrong("a ping in parts", Frame(9, [], isFinal: false).bytes(), 1002),
        Wrong("a long ping", Frame.ping(String(repeating: "a", count: 126)).bytes(), 1002),
        Wrong("a long ping that has only begun", [0x89, 0xFE], 1002),
        Wrong("a continuation of nothing", Frame(0, [1]).bytes(), 1002),
        Wrong("a message in another", Frame(1, [0x61], isFinal: false).bytes() + Frame.text("b").bytes(), 1002),
        Wrong("a length in too many bytes", [0x81, 0xFE, 0, 125], 1002 + 0).completed(by: 4 + 125),
        Wrong("a length beyond all", [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], 1002),
        Wrong("a message that is too long", Frame.binary(Array(repeating: 0, count: 1_001)).bytes(), 1009),
        Wrong(
            "parts that are too long together",
            Frame(2, Array(repeating: 0, count: 600), isFinal: false).bytes() + Frame(0, Array(repeating: 0, count: 401)).bytes(),
            1009),
        Wrong(
            "a long message that has only begun", Array(Frame.binary(Array(repeating: 0, count: 70_000)).bytes().prefix(20)), 1009
        ),
        Wrong("no UTF-8", Frame(1, [0xFF]).bytes(), 1007), Wrong("half a character", Frame(1, [0xC3]).bytes(), 1007),
        Wrong("a surrogate", Frame(1, [0xED, 0xA0, 0x80]).bytes(), 1007),
        Wrong("a longer form", Frame(1, [0xC0, 0x80]).bytes(), 1007),
        Wrong("beyond Unicode", Frame(1, [0xF4, 0x90, 0x80, 0x80]).bytes(), 1007),
        Wrong("no UTF-8 in the first part", Frame(1, [0xE2, 0x28], isFinal: false).bytes(), 1007),
        Wrong("half a character in parts", Frame(1, [0xE2], isFinal: false).bytes() + Frame(0, [0x82]).bytes(), 1007),
        Wrong("half a close code", Frame(8, [3]).bytes(), 1002), Wrong("a close code of nobody", Frame.close(1005).bytes(), 1002),
        Wrong("a close code that is too small", Frame.close(999).bytes(), 1002),
        Wrong("one that is too large", Frame.close(5000).bytes(), 1002),
        Wrong("a reason that is no UTF-8", Frame(8, [3, 232, 0xFF]).bytes(), 1007),
    ]

    @Test(arguments: all)
    func refused(_ wrong: Wrong) throws {
        let server = try WebSocketServer(EchoingMessages(), options: .with { $0.maximumMessageLength = 1_000 })
        let webSocket = try server.connect()
        try webSocket.peer.send(Frame.text("before").bytes() + wrong.bytes + Frame.text("after").bytes())
        try server.loop.run(until: "ended") { webSocket.peer.hasEnded }
        let frames = try #require(webSocket.frames)
        #expect(frames.count == 2 && frames[0] == .text("before"))
        #expect(frames.last?.closeCode == wrong.code, "\(frames)")
        // The reason is for people, and a control frame is short.
        #expect(String(validating: frames.last?.payload.dropFirst(2) ?? [], as: UTF8.self) != nil)
        #expect(frames.last?.payload.count ?? 0 <= 125)
        webSocket.peer.close()
        try server.loop.run(until: "closed") { server.loop.connectionCount == 0 }
    }

    /// A handler of lines decides itself what becomes of a text that is too long. The frames around it are whole.
    @Test func aLongTextIsPassedOver() throws {
        let handler = RecordingHandler()
        let server = try WebSocketServer(handler, options: .with { $0.maximumMessageLength = 1_000 })
        let webSocket = try server.connect()
        try webSocket.send(.text("one"), .text(String(repeating: "a", count: 100_000)), .text("two"))
        try server.loop.run(until: "received") { handler.texts.count == 2 }
        #expect(handler.texts == ["one", "two"] && handler.count(of: .discarded) == 1)
    }
}

extension WebSocketRefusalTests.Wrong {
    /// With so many bytes more, so that the frame is whole.
    fileprivate func completed(by count: Int) -> Self {
        Self(testDescription, bytes + Array(repeating: 0, count: count), code)
    }
}
