import ChatReactor
import TestSupport
import Testing

/// What `ChunkFraming` says.
struct ChunkTests {
    @Test("A message is whatever one read brought, byte for byte")
    func byteForByte() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.chunks))
        let first = Array("a\r\nb".utf8) + [0, 255]
        try member.peer.send(first)
        try loop.run(until: "the first chunk") { member.handler.messages.count == 1 }
        try member.peer.send("\n")
        try loop.run(until: "the second chunk") { member.handler.messages.count == 2 }
        #expect(member.handler.messages == [first, [10]])
        #expect(member.handler.wireBytes == first + [10])
    }

    @Test("No chunk is too long")
    func noLimit() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.chunks, longest: 1))
        let chunk = [UInt8](repeating: 7, count: 1_000)
        try member.peer.send(chunk)
        try loop.run(until: "all of the bytes") { member.handler.wireBytes.count >= 1_000 }
        #expect(member.handler.messages == [chunk])
        #expect(!member.handler.events.contains(.discarded))
    }

    @Test("One read takes as many bytes at most as the loop is configured for", arguments: [1, 16, 65_536])
    func readSize(size: Int) throws {
        let loop = try EventLoop(configuration: .with { $0.readSize = size })
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.chunks))
        let sent = (0..<100).map { UInt8($0) }
        try member.peer.send(sent)
        try loop.run(until: "all of the bytes") { member.handler.wireBytes.count >= 100 }
        #expect(member.handler.wireBytes == sent)
        #expect(member.handler.messages.map(\.count).max() == min(size, 100))
    }

    @Test("At the end of input nothing is left over that would be incomplete")
    func endOfInput() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.chunks))
        try member.peer.send("rest")
        member.peer.shutDownSending()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.events == [.opened, .received("rest"), .closed(.endOfInput)])
    }
}
