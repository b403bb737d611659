import ChatReactor
import Synchronization
import TestSupport
import Testing

/// What the protocol `Framing` promises to who writes one.
struct OwnFramingTests {
    /// The documentation's example.
    struct Records: Framing {
        func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent { .length(16) }
    }

    /// The README's example: a header of ten bytes, of which the last two are the length of what follows.
    struct Telegrams: Framing {
        func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
            bytes.count < 10 ? .unknown : .length(10 + Int(bytes[8]) << 8 + Int(bytes[9]))
        }
    }

    /// A message ends in a semicolon, and is malformed if it begins with an exclamation mark. Notes down what it is asked.
    final class Sentences: Framing {
        struct Question: Hashable {
            var count: Int
            var seen: Int
        }
        private let log = Mutex<[Question]>([])
        var questions: [Question] { log.withLock { $0 } }

        func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
            let question = Question(count: bytes.count, seen: seen)
            log.withLock { $0.append(question) }
            if bytes[0] == UInt8(ascii: "!") { return .malformed }
            for index in seen..<bytes.count where bytes[index] == UInt8(ascii: ";") { return .length(index + 1) }
            return .unknown
        }
        func content(of message: Span<UInt8>) -> Range<Int> { 0..<message.count - 1 }
        var maximumEnvelopeLength: Int { 1 }
    }

    /// A message begins with the number of its bytes. Its content is what is neither that nor one of the dots at its end.
    final class Padded: Framing {
        private let log = Mutex<[Int]>([])
        var counts: [Int] { log.withLock { $0 } }

        func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
            let count = bytes.count
            log.withLock { $0.append(count) }
            return .length(Int(bytes[0]))
        }
        func content(of message: Span<UInt8>) -> Range<Int> {
            var end = message.count
            while end > 1, message[end - 1] == UInt8(ascii: ".") { end -= 1 }
            return 1..<end
        }
        var maximumEnvelopeLength: Int { 10 }
    }

    @Test("Records of sixteen bytes, as in the documentation's example")
    func records() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(Records()))
        let sent = (0..<48).map { UInt8($0) }
        for piece in [sent[..<5], sent[5..<40], sent[40...]] {
            try member.peer.send(Array(piece))
            try loop.run(until: "the piece is read") { member.peer.isRead }
        }
        try loop.run(until: "three messages") { member.handler.messages.count >= 3 }
        #expect(member.handler.messages == [Array(sent[..<16]), Array(sent[16..<32]), Array(sent[32...])])
    }

    @Test("The README's telegrams come whole, in whatever pieces they arrive", arguments: [1, 9, 10, 11, 1_000])
    func telegrams(pieceLength: Int) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(Telegrams()))
        let header = [UInt8](repeating: 9, count: 8)
        let telegrams = [header + [0, 0], header + [1, 0] + [UInt8](repeating: 5, count: 256), header + [0, 1, 77]]
        let sent = telegrams.flatMap { $0 }
        for start in stride(from: 0, to: sent.count, by: pieceLength) {
            try member.peer.send(Array(sent[start..<min(start + pieceLength, sent.count)]))
            try loop.run(until: "the piece is read") { member.peer.isRead }
        }
        try loop.run(until: "three messages") { member.handler.messages.count >= 3 }
        #expect(member.handler.messages == telegrams)
    }

    @Test("A message is all content unless the framing says otherwise, with an envelope of 64 bytes at most")
    func defaults() {
        let message: [UInt8] = [1, 2, 3]
        #expect(Records().content(of: message) == 0..<3)
        #expect(Records().maximumEnvelopeLength == 64)
    }

    @Test("A framing is told in how many of the bytes it has already been asked, and 0 for a message of which it has not")
    func seen() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let framing = Sentences()
        let member = try TestConnection(on: loop, options: .framed(framing))
        for piece in ["ab", "cde", "f;gh"] {
            try member.peer.send(piece)
            try loop.run(until: "the piece is read") { member.peer.isRead }
        }
        try member.peer.send(";")
        try loop.run(until: "two messages") { member.handler.texts.count >= 2 }
        #expect(member.handler.texts == ["abcdef", "gh"])
        // It may be asked again about the same bytes, and answers the same.
        var steps: [Sentences.Question] = []
        for question in framing.questions where question.seen != steps.last?.seen { steps.append(question) }
        #expect(steps.map(\.seen) == [0, 2, 5, 0, 2])
        #expect(framing.questions.allSatisfy { $0.seen < $0.count }, "\(framing.questions)")
    }

    @Test("While bytes of a length that it has told are lacking, a framing is not asked again")
    func notAskedBefore() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let framing = Padded()
        let member = try TestConnection(on: loop, options: .framed(framing))
        for piece: [UInt8] in [[10, 65, 66, 67], [68, 69, 70], [71, 72, 73]] {
            try member.peer.send(piece)
            try loop.run(until: "the piece is read") { member.peer.isRead }
        }
        try loop.run(until: "the message") { !member.handler.texts.isEmpty }
        #expect(member.handler.texts == ["ABCDEFGHI"])
        #expect(framing.counts.first == 4)
        #expect(!framing.counts.contains { (5..<10).contains($0) })
    }

    @Test("A handler gets a message's content; what is relayed is the message as it came")
    func content() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(Padded()))
        let sent: [UInt8] = [3, 65, 66, 4, 67, 46, 46, 1]
        try member.peer.send(sent)
        try loop.run(until: "three messages") { member.handler.texts.count >= 3 }
        #expect(member.handler.texts == ["AB", "C", ""])
        #expect(member.handler.wireBytes == sent)
    }

    @Test("How long a message may be is said of its content, however much envelope it has")
    func limitIsOfContent() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(Padded(), longest: 5))
        let dots = [UInt8](repeating: UInt8(ascii: "."), count: 9)
        try member.peer.send([15] + Array("abcde".utf8) + dots)
        try member.peer.send([15] + Array("abcdef".utf8) + dots.dropLast() + [2, 65])
        try loop.run(until: "the last message") { member.handler.texts.last == "A" }
        #expect(member.handler.events == [.opened, .received("abcde"), .discarded, .received("A")])
    }

    @Test("A message that is too long by more than its envelope can be is told as soon as that is known")
    func tooLongAtOnce() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(Padded(), longest: 5))
        // The limit and the longest envelope are 15, and of the message only its first byte is there.
        try member.peer.send([16])
        try loop.run(until: "the handler is told") { member.handler.events.contains(.discarded) }
        try member.peer.send([UInt8](repeating: 66, count: 15) + [2, 65])
        try loop.run(until: "the next message") { !member.handler.texts.isEmpty }
        #expect(member.handler.events == [.opened, .discarded, .received("A")])
    }

    @Test("What precedes malformed bytes is handed on, what waits for the peer is sent, and the reason says so")
    func malformed() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(Sentences()))
        member.handler.onMessage = { connection, text in connection.send("reply to \(text)") }
        try member.peer.send("one;!two;three;")
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.texts == ["one"])
        #expect(member.handler.closeReasons == [.malformedMessage])
        #expect(member.peer.text == "reply to one")
    }

    @Test("A message that lacks its end is dropped at the end of input, and the reason says so")
    func incomplete() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(Sentences()))
        member.handler.onMessage = { connection, text in connection.send("reply to \(text)") }
        try member.peer.send("one;two")
        member.peer.shutDownSending()
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.texts == ["one"])
        #expect(member.handler.closeReasons == [.incompleteMessage])
        #expect(member.peer.text == "reply to one")
    }

    @Test("Over a message that is too long and has no end yet the connection is closed, whatever its handler decides")
    func tooLongWithoutEnd() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .framed(Sentences(), longest: 5))
        try member.peer.send("one;1234567890")
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.events == [.opened, .received("one"), .discarded, .closed(.messageTooLong)])
    }

    @Test("One value serves all connections: what one has not finished does not touch another")
    func oneValue() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let framing = Sentences()
        let one = try TestConnection(on: loop, options: .framed(framing))
        let two = try TestConnection(on: loop, options: .framed(framing))
        for (member, piece) in [(one, "a"), (two, "x"), (one, "b"), (two, "y;"), (one, "c;")] {
            try member.peer.send(piece)
            try loop.run(until: "the piece is read") { member.peer.isRead }
        }
        try loop.run(until: "both messages") { !one.handler.texts.isEmpty && !two.handler.texts.isEmpty }
        #expect(one.handler.texts == ["abc"])
        #expect(two.handler.texts == ["xy"])
    }

    /// A framing that is wrong in one way or another.
    struct Mistaken: Framing {
        var extent: MessageExtent
        var content: @Sendable (Int) -> Range<Int> = { 0..<$0 }
        var maximumEnvelopeLength = 64
        func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent { extent }
        func content(of message: Span<UInt8>) -> Range<Int> { content(message.count) }
    }

    @Test("A mistake in a framing closes a connection at worst")
    func mistakes() async {
        // In a process of its own, since what must not happen would end it.
        await #expect(processExitsWith: .success) {
            let mistakes = [
                Mistaken(extent: .length(0)), Mistaken(extent: .length(-1)), Mistaken(extent: .length(.min)),
                Mistaken(extent: .length(.max)), Mistaken(extent: .length(4), content: { 0..<$0 + 100 }),
                Mistaken(extent: .length(4), content: { _ in -5 ..< -1 }),
                Mistaken(extent: .length(4), content: { $0 + 5..<Int.max }),
                Mistaken(extent: .length(4), maximumEnvelopeLength: .min),
                Mistaken(extent: .length(4), maximumEnvelopeLength: .max),
                Mistaken(extent: .unknown, maximumEnvelopeLength: -1),
            ]
            let loop = try EventLoop()
            for mistake in mistakes {
                let member = try TestConnection(on: loop, options: .framed(mistake, longest: 100))
                _ = member.peer.sendAvailable([UInt8](repeating: 65, count: 400))
                try loop.run(for: .milliseconds(5))
                member.peer.close()
                try loop.run(until: "the end") { member.handler.closeReasons.count == 1 }
            }
            let bystander = try TestConnection(on: loop)
            try bystander.peer.send("still served\n")
            try loop.run(until: "the message") { bystander.handler.texts == ["still served"] }
            loop.close()
        }
    }
}
