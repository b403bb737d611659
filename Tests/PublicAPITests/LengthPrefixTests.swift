import ChatReactor
import TestSupport
import Testing

/// What `LengthPrefixedFraming` says.
struct LengthPrefixTests {
    typealias Width = LengthPrefixedFraming.Width

    @Test(
        "A message is a length and that many bytes, of which there may be none, in whatever pieces it arrives",
        arguments: Width.allCases)
    func messages(width: Width) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.lengthPrefixed(width)))
        let framing = LengthPrefixedFraming(width)
        let contents: [[UInt8]] = [[], [0], Array("hello\n".utf8), [UInt8](repeating: 200, count: 200)]
        var sent: [UInt8] = []
        for content in contents { sent += try #require(framing.frame(content)) }
        for start in stride(from: 0, to: sent.count, by: 3) {
            try member.peer.send(Array(sent[start..<min(start + 3, sent.count)]))
            try loop.run(until: "the piece is read") { member.peer.isRead }
        }
        try loop.run(until: "all messages") { member.handler.messages.count >= contents.count }
        #expect(member.handler.messages == contents)
    }

    @Test("The length is in network byte order, and does not count itself")
    func byteOrder() throws {
        let content = [UInt8](repeating: 7, count: 0x0102)
        #expect(LengthPrefixedFraming(.oneByte).frame([UInt8](repeating: 7, count: 3)) == [3, 7, 7, 7])
        #expect(LengthPrefixedFraming(.twoBytes).frame(content) == [1, 2] + content)
        #expect(LengthPrefixedFraming(.fourBytes).frame(content) == [0, 0, 1, 2] + content)
    }

    @Test("A width is the number of bytes that the length itself has", arguments: zip(Width.allCases, [1, 2, 4]))
    func widths(width: Width, count: Int) {
        #expect(width.rawValue == count)
        #expect(LengthPrefixedFraming(width).frame([]) == [UInt8](repeating: 0, count: count))
    }

    @Test(
        "There is no message if the length of the content does not fit into the prefix",
        arguments: [(Width.oneByte, 255), (.twoBytes, 65_535)])
    func doesNotFit(width: Width, longest: Int) {
        let framing = LengthPrefixedFraming(width)
        let content = [UInt8](repeating: 1, count: longest)
        #expect(framing.frame(content)?.count == width.rawValue + longest)
        #expect(framing.frame(content + [1]) == nil)
    }

    @Test("The length is unsigned: a message of one byte's length has up to 255 bytes")
    func unsigned() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.lengthPrefixed(.oneByte)))
        let content = [UInt8](repeating: 1, count: 255)
        try member.peer.send([255] + content)
        try loop.run(until: "the message") { !member.handler.messages.isEmpty }
        #expect(member.handler.messages == [content])
    }

    @Test("A message is relayed with its length in front")
    func wireBytes() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.lengthPrefixed(.twoBytes)))
        try member.peer.send([0, 2, 65, 66, 0, 0, 0, 1, 67])
        try loop.run(until: "three messages") { member.handler.messages.count >= 3 }
        #expect(member.handler.wireBytes == [0, 2, 65, 66, 0, 0, 0, 1, 67])
    }

    @Test("A length beyond the limit is told as soon as it has come, and that many bytes are skipped")
    func tooLong() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.lengthPrefixed(.twoBytes), longest: 300))
        // 301 bytes are announced, and none of them is there.
        try member.peer.send([1, 45])
        try loop.run(until: "the handler is told") { member.handler.events.contains(.discarded) }
        try member.peer.send([UInt8](repeating: 66, count: 301) + [0, 1, 65])
        try loop.run(until: "the next message") { !member.handler.messages.isEmpty }
        #expect(member.handler.events == [.opened, .discarded, .received("A")])
    }

    @Test("A length at the limit is not too long")
    func longest() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.lengthPrefixed(.twoBytes), longest: 300))
        let content = [UInt8](repeating: 66, count: 300)
        try member.peer.send([1, 44] + content)
        try loop.run(until: "the message") { member.handler.events.count >= 2 }
        #expect(member.handler.messages == [content])
    }

    @Test("The longest length of four bytes is skipped like any other that is too long, and closes nothing by itself")
    func longestOfAll() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.lengthPrefixed(.fourBytes)))
        try member.peer.send([255, 255, 255, 255] + [UInt8](repeating: 0, count: 1_000))
        try loop.run(until: "the bytes are read") { member.peer.isRead }
        #expect(member.handler.events == [.opened, .discarded])
        #expect(member.connection.isOpen)
    }

    @Test(
        "Input that ends within a message drops it, and the reason says so",
        arguments: [[0], [0, 3], [0, 3, 65, 66]] as [[UInt8]])
    func incomplete(rest: [UInt8]) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.lengthPrefixed(.twoBytes)))
        try member.peer.send([0, 1, 65] + rest)
        member.peer.shutDownSending()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.events == [.opened, .received("A"), .closed(.incompleteMessage)])
    }

    @Test("Input that ends between messages is complete")
    func complete() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.lengthPrefixed(.twoBytes)))
        try member.peer.send([0, 1, 65])
        member.peer.shutDownSending()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.closeReasons == [.endOfInput])
    }
}
