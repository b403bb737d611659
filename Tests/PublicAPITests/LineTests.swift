import ChatReactor
import TestSupport
import Testing

/// What `LineFraming` and `Connection.Options.maximumMessageLength` say of lines.
struct LineTests {
    @Test("A newline ends a message, and is not part of its content")
    func newline() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        try member.peer.send("one\ntwo\n")
        try loop.run(until: "two messages") { member.handler.texts.count >= 2 }
        #expect(member.handler.texts == ["one", "two"])
    }

    @Test("\\r\\n is taken as \\n, and the line is relayed without its carriage return")
    func carriageReturn() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        try member.peer.send("one\r\ntwo\r\r\nth\rree\n")
        try loop.run(until: "three messages") { member.handler.texts.count >= 3 }
        #expect(member.handler.texts == ["one", "two\r", "th\rree"])
        #expect(member.handler.wireBytes == Array("one\ntwo\r\nth\rree\n".utf8))
    }

    @Test("At the end of input the rest counts as a line")
    func restAtTheEnd() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        try member.peer.send("one\nrest")
        member.peer.shutDownSending()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.events == [.opened, .received("one"), .received("rest"), .closed(.endOfInput)])
    }

    @Test("Input that ends after a newline has no further line")
    func noRestAtTheEnd() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        try member.peer.send("one\n")
        member.peer.shutDownSending()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.events == [.opened, .received("one"), .closed(.endOfInput)])
    }

    @Test("An empty line is a message")
    func emptyLine() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        try member.peer.send("\n\r\nend\n")
        try loop.run(until: "the last message") { member.handler.texts.last == "end" }
        #expect(member.handler.texts == ["", "", "end"])
    }

    @Test("Bytes are never interpreted: whatever is neither a newline nor a carriage return before one comes as it is")
    func anyBytes() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        let line = (UInt8.min...UInt8.max).filter { $0 != 10 }
        try member.peer.send(line + [10])
        try loop.run(until: "the message") { !member.handler.messages.isEmpty }
        #expect(member.handler.messages == [line])
    }

    @Test("Messages come whole, in whatever pieces they arrive")
    func pieces() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        for byte in Array("hello\r\nyou\n".utf8) {
            try member.peer.send([byte])
            try loop.run(until: "the byte is read") { member.peer.isRead }
        }
        try loop.run(until: "two messages") { member.handler.texts.count >= 2 }
        #expect(member.handler.texts == ["hello", "you"])
    }

    @Test("How long a message may be is counted without its newline, and 65,536 unless said otherwise", arguments: [nil, 1, 100])
    func longestLine(limit: Int?) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.lines, longest: limit))
        let longest = String(repeating: "a", count: limit ?? 65_536)
        try member.peer.send(longest + "\n")
        try loop.run(until: "the longest line") { member.handler.events.count >= 2 }
        try member.peer.send(longest + "b\n")
        try loop.run(until: "the line that is too long") { member.handler.events.count >= 3 }
        #expect(member.handler.events == [.opened, .received(longest), .discarded])
    }

    @Test("The messages around one that is too long are whole, and lines can always be passed over", arguments: [1, 7, 1_000])
    func aroundALongLine(pieceLength: Int) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.lines, longest: 5))
        let bytes = Array("12345\n1234567890\n54321\n".utf8)
        for start in stride(from: 0, to: bytes.count, by: pieceLength) {
            try member.peer.send(Array(bytes[start..<min(start + pieceLength, bytes.count)]))
            try loop.run(until: "the piece is read") { member.peer.isRead }
        }
        try loop.run(until: "the last line") { member.handler.texts.last == "54321" }
        #expect(member.handler.events == [.opened, .received("12345"), .discarded, .received("54321")])
    }

    @Test("A message that is too long closes the connection unless the handler decides otherwise")
    func longLineCloses() throws {
        final class Plain: ConnectionHandler {
            var texts: [String] = []
            var reason: CloseReason?
            func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
                messages.forEach { texts.append(text($0)) }
            }
            func connectionDidClose(_ connection: Connection, reason: CloseReason) { self.reason = reason }
        }
        let loop = try EventLoop()
        defer { loop.close() }
        let (near, peer) = try socketPair()
        let handler = Plain()
        try loop.adopt(socket: OwnedDescriptor(takingOver: near), options: .framed(.lines, longest: 5), handler: handler)
        try peer.send("one\n1234567890\n")
        try loop.run(until: "the end") { handler.reason != nil }
        #expect(handler.texts == ["one"])
        #expect(handler.reason == .messageTooLong)
        try peer.waitForEnd()
    }

    @Test("The limits of a message's length hold at both of their ends", arguments: [1, 1 << 30])
    func messageLengths(limit: Int) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(.lines, longest: limit))
        try member.peer.send("a\n" + String(repeating: "b", count: 70_000) + "\nc\n")
        try loop.run(until: "the last message") { member.handler.texts.last == "c" }
        #expect(member.handler.texts.map(\.count) == (limit == 1 ? [1, 1] : [1, 70_000, 1]))
    }
}
