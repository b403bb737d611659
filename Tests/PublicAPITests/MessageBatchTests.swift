import ChatReactor
import TestSupport
import Testing

/// What `MessageBatch` says.
struct MessageBatchTests {
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

    @Test("It has the messages of one read, in the order in which they came")
    func order() throws {
        var texts: [String] = []
        var count = 0
        try receive("one\ntwo\nthree\nfo") { batch in
            batch.forEach { texts.append(text($0)) }
            count = batch.count
        }
        #expect(texts == ["one", "two", "three"])
        #expect(count == 3)
    }

    @Test("Each message can be had by its index")
    func byIndex() throws {
        var texts: [String] = []
        try receive("one\n\nthree\n") { batch in
            texts = (0..<batch.count).reversed().map { batch.withMessage(at: $0) { text($0) } }
        }
        #expect(texts == ["three", "", "one"])
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
        }
        #expect(parts == ["one\ntwo\nthree\n", "one\n", "two\nthree\n"])
    }

    @Test("The same of messages with a length in front")
    func lengthPrefixed() throws {
        var (texts, parts): ([String], [String]) = ([], [])
        var index: Int?
        try receive("\u{3}one\u{0}\u{3}two", framing: .lengthPrefixed(.oneByte)) { batch in
            batch.forEach { texts.append(text($0)) }
            parts = [0..<3, 1..<3].map { batch.withWireBytes(in: $0) { text($0) } }
            index = batch.firstIndex(of: Array("two".utf8))
        }
        #expect(texts == ["one", "", "two"])
        #expect(parts == ["\u{3}one\u{0}\u{3}two", "\u{0}\u{3}two"])
        #expect(index == 2)
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
