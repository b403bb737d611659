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
            for start in 0...messages.count { wire.append(messages.withWireBytes(in: start..<messages.count) { text($0) }) }
            for content in wanted { indices[content] = .some(messages.firstIndex(of: Array(content.utf8))) }
        }

        private func text(_ span: Span<UInt8>) -> String {
            String(decoding: span.indices.map { span[$0] }, as: UTF8.self)
        }
    }

    private func ask(_ input: String, framing: Framing = .lines, looksFor wanted: [String] = []) throws -> Asker {
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

    @Test func aChunk() throws {
        let asker = try ask("one\ntwo\r\n", framing: .chunks, looksFor: ["one", "one\ntwo\r\n"])
        #expect(asker.each == ["one\ntwo\r\n"])
        #expect(asker.wire == ["one\ntwo\r\n", ""])
        #expect(asker.indices.compactMapValues(\.self) == ["one\ntwo\r\n": 0])
    }
}
