import ChatReactor
import ReactorWeb
import TestSupport
import Testing

/// Those who come by WebSocket to a server are its clients like all others.
struct WebClientsTests {
    /// A server with a listener for lines and one for the web, in the thread of the test.
    private final class Fixture {
        let loop: EventLoop
        let server: ChatServer
        let web: UInt16
        let lines: UInt16

        init(_ configure: (inout ChatServer.Configuration) -> Void = { _ in }, memoryLimit: Int? = nil) throws {
            var loopConfiguration = EventLoop.Configuration()
            loopConfiguration.memoryLimit = memoryLimit
            loop = try EventLoop(configuration: loopConfiguration)
            var configuration = ChatServer.Configuration()
            configure(&configuration)
            server = try ChatServer(on: loop, configuration: configuration)
            web = try server.listenForWeb(on: .loopback(port: 0)).address.port ?? 0
            lines = try server.listen(on: .loopback(port: 0)).address.port ?? 0
        }

        deinit { loop.close() }

        func joinByWeb(subprotocol: String? = nil) throws -> WebSocketPeer {
            let (peer, count) = (try Peer(port: web), server.clientCount)
            try peer.send(WebSocketPeer.request(fields: subprotocol.map { ["Sec-WebSocket-Protocol: \($0)"] } ?? []))
            try loop.run(until: "accepted") { server.clientCount > count && peer.text.contains("\r\n\r\n") }
            return WebSocketPeer(peer)
        }

        func join() throws -> Peer {
            let (peer, count) = (try Peer(port: lines), server.clientCount)
            try loop.run(until: "accepted") { server.clientCount > count }
            return peer
        }
    }

    @Test func theyAreAmongTheClients() throws {
        let fixture = try Fixture()
        let (web, line) = (try fixture.joinByWeb(), try fixture.join())
        #expect(
            fixture.server.clients.count == 2 && fixture.server.room.clientCount == 2 && fixture.server.room.clients.count == 2)
        fixture.server.announce("all")
        fixture.server.room.say("tea", as: try ChatName("bot"))
        try fixture.loop.run(until: "announced") {
            web.frames == [.text("all"), .text("bot: tea")] && line.text == "all\nbot: tea\n"
        }
        web.peer.close()
        try fixture.loop.run(until: "gone") { fixture.server.clientCount == 1 }
        #expect(fixture.server.room.clientCount == 1)
        // What was delivered to those who have gone stays counted: two lines to each of two.
        #expect(fixture.server.counts.deliveries == 4)
    }

    @Test(
        arguments: [
            (.lines, Array("olá\n".utf8)), (.chunks, Array("olá\n".utf8)), (.automatic(), Array("olá\n".utf8)),
            (.nulTerminated, Array("olá\0".utf8)), (.lengthPrefixed(.twoBytes), [0, 4] + Array("olá".utf8)),
        ] as [(any Framing, [UInt8])])
    func aRelayOfAnyFraming(_ framing: any Framing, _ message: [UInt8]) throws {
        let fixture = try Fixture { $0.framing = framing }
        let (web, other, line) = (try fixture.joinByWeb(), try fixture.joinByWeb(), try fixture.join())
        try web.send(.text("olá"))
        try fixture.loop.run(until: "relayed") { line.bytes == message && other.frames == [.text("olá")] }
        try line.send(message)
        try fixture.loop.run(until: "and back") { web.frames == [.text("olá")] && other.frames?.count == 2 }
    }

    /// A browser that does not read slows down those who send lines, as any slow client does.
    @Test func aSlowOneIsWaitedFor() throws {
        let fixture = try Fixture { $0.slowClients = .backpressure(stall: .seconds(60), grace: .seconds(60)) }
        let (slow, sender) = (try fixture.joinByWeb(), try fixture.join())
        var sent = 0
        let block = Array(repeatElement(Array("0123456789abcdef0123456789abcde\n".utf8), count: 2_000).joined())
        let socketBuffers = 8 << 20
        while sent < 64 << 20 {
            let count = sender.sendAvailable(block)
            sent += count
            for _ in 0..<5 { try fixture.loop.runOnce(waitingAtMost: .zero) }
            if count == 0 { break }
        }
        #expect(sent < 2 * (1 << 20) + 2 * socketBuffers, "nobody was waited for")
        #expect(fixture.server.counts.pressures == 1)
        // All of it is there in the end.
        let expected = sent / 32
        var (read, rest): (Int, [UInt8]) = (0, [])
        try fixture.loop.run(until: "read", turns: .max) {
            guard let more = slow.peer.receiveAvailable(), !more.isEmpty else { return read >= expected }
            rest += more
            if read == 0, let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) { rest.removeSubrange(..<end.upperBound) }
            // A frame of 31 bytes of text.
            read += rest.count / 33
            rest.removeFirst(rest.count / 33 * 33)
            return read >= expected
        }
        #expect(read == expected)
    }

    /// The longest line that may be sent, of bytes each of which becomes three.
    @Test func whatIsNoUTF8IsNotLost() throws {
        let fixture = try Fixture {
            $0.maximumMessageLength = 300_000
            $0.logCapacity = 1
        }
        let (web, line) = (try fixture.joinByWeb(), try fixture.join())
        try line.send(Array(repeating: 0x80, count: 300_000) + [10])
        try fixture.loop.run(until: "received", turns: .max) { web.frames?.isEmpty == false }
        #expect(web.frames == [.text(String(repeating: "\u{FFFD}", count: 300_000))])
    }

    @Test func aTopicForThemIsThereAsLongAsTheyAre() throws {
        let fixture = try Fixture({ $0.logCapacity = 1 << 20 }, memoryLimit: 4 << 20)
        let before = fixture.loop.memoryInUse
        let first = try fixture.joinByWeb()
        #expect(fixture.loop.memoryInUse > before + 1 << 20)
        first.peer.close()
        try fixture.loop.run(until: "gone") { fixture.server.clientCount == 0 }
        try fixture.loop.run(until: "released") { fixture.loop.memoryInUse < before + 1 << 16 }
        // Where there is no room for it, the lines go on, and who would need it is told.
        let full = try Fixture({ $0.logCapacity = 1 << 20 }, memoryLimit: 2 << 20)
        let peer = try Peer(port: full.web)
        try peer.send(WebSocketPeer.request())
        try full.loop.run(until: "told") { peer.hasEnded }
        let frames = try #require(WebSocketPeer(peer).frames)
        #expect(
            frames.count == 2 && frames[0].text.hasPrefix("! goodbye: you cannot be served now") && frames[1].closeCode == 1013)
    }
}
