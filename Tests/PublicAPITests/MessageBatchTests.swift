import ChatReactor
import TestSupport
import Testing

/// The messages of one read are found one by one, all at once, or by their content.
struct MessageBatchTests {
    /// What a handler may ask of a batch, asked.
    private final class Asker: ConnectionHandler {
        var count = 0
        var each: [String] = []
        var byIndex: [String] = []
        var texts: [String] = []
        var wire: [String] = []
        var indices: [String: Int?] = [:]
        let wanted: [String]

        init(looksFor wanted: [String]) {
            self.wanted = wanted
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            count = messages.count
            messages.forEach { each.append(text($0)) }
            for index in 0..<messages.count { byIndex.append(messages.withMessage(at: index) { text($0) }) }
            texts = (0..<messages.count).map { messages.text(at: $0) }
            for start in 0...messages.count { wire.append(messages.withWireBytes(in: start..<messages.count) { text($0) }) }
            for content in wanted { indices[content] = .some(messages.firstIndex(of: Array(content.utf8))) }
        }
    }

    private func ask(_ input: String, framing: any Framing = .lines, looksFor wanted: [String] = []) throws -> Asker {
        try ask(Array(input.utf8), framing: framing, looksFor: wanted)
    }

    private func ask(_ input: [UInt8], framing: any Framing = .lines, looksFor wanted: [String] = []) throws -> Asker {
        let loop = try EventLoop()
        defer { loop.close() }
        let (mine, peer) = try socketPair()
        let asker = Asker(looksFor: wanted)
        var options = Connection.Options()
        options.framing = framing
        try loop.adopt(socket: OwnedDescriptor(takingOver: mine), options: options, handler: asker)
        try peer.send(input)
        try loop.run(until: "received") { asker.count > 0 }
        return asker
    }

    @Test func lines() throws {
        let wanted = ["one", "", "three", "on", "one\r", "one\n", "unfinished", "x"]
        let asker = try ask("one\r\n\nthree\nunfinished", looksFor: wanted)
        #expect(asker.count == 3)
        #expect(asker.each == ["one", "", "three"])
        #expect(asker.byIndex == asker.each)
        // As they are relayed: each with its newline, and with no carriage return.
        #expect(asker.wire == ["one\n\nthree\n", "\nthree\n", "three\n", ""])
        let found = asker.indices.compactMapValues(\.self)
        #expect(found == ["one": 0, "": 1, "three": 2])
    }

    @Test func texts() throws {
        let asker = try ask(Array("caf\u{E9}\n\n".utf8) + [UInt8(ascii: "a"), 0xFF, UInt8(ascii: "b"), UInt8(ascii: "\n")])
        #expect(asker.texts == ["caf\u{E9}", "", "a\u{FFFD}b"])
    }

    @Test func aChunk() throws {
        let asker = try ask("one\ntwo\r\n", framing: .chunks, looksFor: ["one", "one\ntwo\r\n"])
        #expect(asker.each == ["one\ntwo\r\n"])
        #expect(asker.wire == ["one\ntwo\r\n", ""])
        #expect(asker.indices.compactMapValues(\.self) == ["one\ntwo\r\n": 0])
    }

    @Test func messagesBehindTheirLength() throws {
        let wanted = ["one", "", "three", "on", "\u{3}one", "unfinished"]
        let asker = try ask("\u{3}one\0\u{5}three\u{A}unfinish", framing: .lengthPrefixed(.oneByte), looksFor: wanted)
        #expect(asker.each == ["one", "", "three"])
        #expect(asker.byIndex == asker.each)
        #expect(asker.texts == asker.each)
        #expect(asker.wire == ["\u{3}one\0\u{5}three", "\0\u{5}three", "\u{5}three", ""])
        #expect(asker.indices.compactMapValues(\.self) == ["one": 0, "": 1, "three": 2])
    }

    @Test func messagesThatNULEnds() throws {
        let asker = try ask("one\n\0\0three\0unfinished", framing: .nulTerminated, looksFor: ["one\n", "", "three", "three\0"])
        #expect(asker.each == ["one\n", "", "three"])
        #expect(asker.wire == ["one\n\0\0three\0", "\0three\0", "three\0", ""])
        #expect(asker.indices.compactMapValues(\.self) == ["one\n": 0, "": 1, "three": 2])
    }

    @Test func messagesOfAnEmbedder() throws {
        let asker = try ask("3:one,0:,5:three,10:unfin", framing: Netstrings(), looksFor: ["one", "", "three", "3:one,"])
        #expect(asker.each == ["one", "", "three"])
        #expect(asker.wire == ["3:one,0:,5:three,", "0:,5:three,", "5:three,", ""])
        #expect(asker.indices.compactMapValues(\.self) == ["one": 0, "": 1, "three": 2])
    }

    /// Does something with the first batch.
    final class Reader: ConnectionHandler {
        private let read: (borrowing MessageBatch) -> Void
        private(set) var hasRead = false
        init(_ read: @escaping (borrowing MessageBatch) -> Void) { self.read = read }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            if !hasRead { read(messages) }
            hasRead = true
        }
    }

    /// Has `read` look at the batch that comes of what a peer sends in one piece.
    private func receive(
        _ sent: String, framing: any Framing = .lines, _ read: @escaping (borrowing MessageBatch) -> Void
    ) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (near, peer) = try socketPair()
        let handler = Reader(read)
        try loop.adopt(socket: OwnedDescriptor(takingOver: near), options: .framed(framing), handler: handler)
        try peer.send(sent)
        try loop.run(until: "a batch") { handler.hasRead }
    }

    @Test("The first index of a content, from the start or from another message on; nil if there is none")
    func firstIndex() throws {
        var indices: [Int?] = []
        try receive("a\nx\nxx\nx\n\n") { batch in
            let x = Array("x".utf8)
            indices = [
                batch.firstIndex(of: x), batch.firstIndex(of: x, from: 1), batch.firstIndex(of: x, from: 2),
                batch.firstIndex(of: x, from: 4), batch.firstIndex(of: Array("xxx".utf8)), batch.firstIndex(of: []),
            ]
        }
        #expect(indices == [1, 1, 3, nil, nil, 4])
    }

    @Test("The wire's bytes of some of the messages, one after the other, each with its envelope")
    func wireBytes() throws {
        var parts: [String] = []
        try receive("one\r\ntwo\nthree\n") { batch in
            parts = [0..<3, 0..<1, 1..<3].map { batch.withWireBytes(in: $0) { text($0) } }
            parts.append(batch.withWireBytes { text($0) })
        }
        #expect(parts == ["one\ntwo\nthree\n", "one\n", "two\nthree\n", "one\ntwo\nthree\n"])
    }

    @Test("What `body` throws is thrown, and no message after it is looked at")
    func errors() throws {
        var seen: [String] = []
        var errors: [Errno] = []
        try receive("one\ntwo\nthree\n") { batch in
            do throws(Errno) {
                try batch.forEach { (message) throws(Errno) in
                    seen.append(text(message))
                    if seen.count == 2 { throw .timedOut }
                }
            } catch {
                errors.append(error)
            }
            do throws(Errno) {
                try batch.withWireBytes { (_) throws(Errno) in throw .canceled }
            } catch {
                errors.append(error)
            }
        }
        #expect(seen == ["one", "two"])
        #expect(errors == [.timedOut, .canceled])
    }

    @Test("What `body` returns is what is returned")
    func results() throws {
        var lengths: [Int] = []
        try receive("four\n") { batch in
            lengths = [batch.withMessage(at: 0) { $0.count }, batch.withWireBytes(in: 0..<1) { $0.count }]
        }
        #expect(lengths == [4, 5])
    }
}
