import Reactor
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

        private func text(_ span: Span<UInt8>) -> String {
            String(decoding: span.indices.map { span[$0] }, as: UTF8.self)
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
}
