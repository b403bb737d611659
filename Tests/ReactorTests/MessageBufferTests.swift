import TestSupport
import Testing

@testable import Reactor

/// The message buffer alone, in many more cases than there is time for with sockets.
struct MessageBufferTests {
    private struct Receiver: MessageReceiver {
        var events: [FramingOracle.Event] = []
        /// Whatever the batches were: their bytes, envelopes included.
        var relayed: [UInt8] = []

        mutating func receive(_ messages: borrowing MessageBatch) -> Bool {
            messages.forEach { message in events.append(.message(message.indices.map { message[$0] })) }
            messages.withWireBytes(in: 0..<messages.count) { bytes in relayed += bytes.indices.map { bytes[$0] } }
            return true
        }

        mutating func messageWasTooLong() -> Bool {
            events.append(.tooLong)
            return true
        }
    }

    /// A message buffer and what is around it on a connection.
    private struct Framer<Format: Framing> {
        var messages = MessageBuffer()
        var receiver = Receiver()
        var reason: CloseReason?
        let buffer: ReadBuffer
        let framing: Format
        let limit: Int
        let envelopeLimit: Int
        let isSingle: Bool

        init(_ framing: Format, readSize: Int, limit: Int, isSingle: Bool = false) {
            self.isSingle = isSingle
            buffer = ReadBuffer(readSize: readSize)
            envelopeLimit = framing.envelopeLimit
            buffer.reserveHeadroom(limit + envelopeLimit)
            self.framing = framing
            self.limit = limit
        }

        /// One read that brings `bytes`. Once the connection cannot go on, nothing more is read.
        mutating func read(_ bytes: ArraySlice<UInt8>) {
            if reason != nil { return }
            unsafe bytes.withUnsafeBufferPointer { unsafe buffer.start.update(from: $0.baseAddress!, count: $0.count) }
            let range = buffer.headroom..<buffer.headroom + bytes.count
            let (end, reason) = messages.receive(
                range, in: buffer, framing: framing, isSingle: isSingle, limit: limit, envelopeLimit: envelopeLimit, to: &receiver
            )
            if reason == nil, end != range.upperBound { Issue.record("stopped at \(end) of \(range)") }
            self.reason = reason
        }

        mutating func read(_ text: String) {
            read(Array(text.utf8)[...])
        }

        /// Reads all of a stream in pieces, and says what came of it.
        mutating func expectation(of stream: [UInt8], using random: inout SeededGenerator) -> MessageFramingOracle.Expectation {
            var rest = stream[...]
            while !rest.isEmpty {
                let piece = rest.prefix(.random(in: 1...buffer.readSize, using: &random))
                rest = rest.dropFirst(piece.count)
                read(piece)
            }
            let end = messages.isUnfinished ? CloseReason.incompleteMessage : .endOfInput
            return MessageFramingOracle.Expectation(events: receiver.events, reason: reason ?? end)
        }
    }

    @Test(arguments: MessageFramingOracle.allCases) func framesAsTheOracleDoes(_ oracle: MessageFramingOracle) {
        let seed = SeededGenerator().seed
        var random = SeededGenerator(seed: seed)
        var reasons: Set<CloseReason> = []
        for number in 0..<20_000 {
            let limit = Int.random(in: 1...8, using: &random)
            let stream = oracle.stream(limit: limit, using: &random)
            let expected = oracle.expectation(of: stream, limit: limit)
            reasons.insert(expected.reason)
            func expectation(_ framing: some Framing) -> MessageFramingOracle.Expectation {
                var framer = Framer(
                    framing, readSize: .random(in: 1...16, using: &random), limit: limit, isSingle: .random(using: &random))
                return framer.expectation(of: stream, using: &random)
            }
            let expectation = expectation(oracle.framing)
            if expectation == expected { continue }
            // One is enough: the others would tell the same.
            #expect(expectation == expected, "case \(number) of seed \(seed): limit \(limit), stream \(stream)")
            return
        }
        // The streams were as bad as they should be.
        #expect(reasons.contains(.incompleteMessage))
        #expect(reasons.contains(.malformedMessage) == (oracle == .netstrings))
    }

    /// Lines within another framing, which a connection does not know for lines: an embedder's, say, of lines and something else.
    @Test func linesWithinAnotherFramingAreLines() {
        struct Wrapped: Framing {
            let lines = LineFraming()
            func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent { lines.messageExtent(in: bytes, seen: seen) }
            func content(of message: Span<UInt8>) -> Range<Int> { lines.content(of: message) }
        }
        var random = SeededGenerator()
        for _ in 0..<2_000 {
            // None is too long, and the last one ends with a newline.
            let stream = FramingOracle.stream(limit: 8, using: &random) + [10]
            var framer = Framer(Wrapped(), readSize: .random(in: 1...16, using: &random), limit: 100)
            let expectation = framer.expectation(of: stream, using: &random)
            #expect(expectation == .init(events: FramingOracle.events(of: stream, limit: 100)))
            // Unlike what a connection of lines does, nothing is mended.
            #expect(framer.receiver.relayed == stream)
        }
    }

    /// Between messages there are ten thousand connections, and each of them owns nothing.
    @Test func keepsNothingBetweenMessages() {
        var framer = Framer(.lengthPrefixed(.oneByte), readSize: 16, limit: 100)
        #expect(framer.messages.tail.capacity == 0)
        framer.read("\u{4}ab")
        #expect(framer.messages.isUnfinished)
        framer.read("cd\u{2}e")
        #expect(framer.messages.isUnfinished)
        framer.read("f")
        #expect(!framer.messages.isUnfinished)
        #expect(framer.messages.tail.capacity == 0)
        #expect(framer.receiver.events == [.message(Array("abcd".utf8)), .message(Array("ef".utf8))])
    }

    @Test func keepsNothingOfWhatItDiscards() {
        var framer = Framer(.lengthPrefixed(.oneByte), readSize: 16, limit: 10)
        framer.read("\u{20}0123456789")
        #expect(framer.messages.isDiscarding)
        framer.read("0123456789")
        #expect(framer.messages.tail.capacity == 0)
        framer.read("0123456789")
        framer.read("01\u{1}x")
        #expect(!framer.messages.isUnfinished)
        #expect(framer.receiver.events == [.tooLong, .message([120])])
    }

    @Test func aSearchResumesWhereItStopped() {
        var framer = Framer(.nulTerminated, readSize: 4_096, limit: 2_097_152)
        let (atFirst, behind) = timesOfReads { framer.read($0) }
        #expect(behind < atFirst * 4)
        framer.read([0])
        #expect(framer.receiver.events.count == 1)
    }

    /// Notes what a framing was asked.
    private final class Record: Sendable {
        nonisolated(unsafe) var questions: [[Int]] = []
    }

    /// Messages that an `!` ends, and that are told by their first byte to be ten bytes long if it is `#`.
    private struct Asked: Framing {
        let record = Record()

        func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
            unsafe record.questions.append([bytes.count, seen])
            if bytes[0] == UInt8(ascii: "#") { return .length(10) }
            return bytes.firstIndex(of: UInt8(ascii: "!"), from: seen).map { .length($0 + 1) } ?? .unknown
        }
    }

    @Test func aFramingThatKnowsTheLengthIsAskedOnceMoreAndOneThatDoesNotWithEachRead() {
        var framer = Framer(Asked(), readSize: 16, limit: 100)
        for piece in ["#", "1", "23", "4567", "8", "9"] { framer.read(piece) }
        #expect(unsafe framer.framing.record.questions == [[1, 0], [10, 0]])
        unsafe framer.framing.record.questions = []
        for piece in ["ab", "c", "defghijk", "!x!"] { framer.read(piece) }
        // The last time twice: where the tail lay, and, since that was its end, again where the messages of the read are in one piece.
        #expect(unsafe framer.framing.record.questions == [[2, 0], [3, 2], [11, 3], [14, 11], [14, 11], [2, 0]])
    }

    /// Each message can be told only once the next byte is there, and then all of them at once: more than a read has bytes.
    @Test func moreMessagesThanAReadHasBytes() {
        struct Late: Framing {
            func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
                bytes[bytes.count - 1] == UInt8(ascii: ".") ? .length(1) : .unknown
            }
        }
        var framer = Framer(Late(), readSize: 2, limit: 100)
        for piece in ["ab", "cd", "e", "f."] { framer.read(piece) }
        #expect(framer.receiver.relayed == Array("abcdef.".utf8))
        #expect(framer.receiver.events == "abcdef.".utf8.map { .message([$0]) })
    }

    /// A framing's mistake ends a connection, and never the process.
    @Test(arguments: [.length(0), .length(-1), .length(.min), .malformed] as [MessageExtent])
    func whatCannotBeALengthIsMalformed(_ extent: MessageExtent) {
        struct Fixed: Framing {
            let extent: MessageExtent
            func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent { extent }
        }
        var framer = Framer(Fixed(extent: extent), readSize: 16, limit: 100)
        framer.read("abc")
        #expect(framer.reason == .malformedMessage)
        #expect(framer.receiver.events == [])
    }

    @Test func theLongestLengthIsTooLong() {
        struct Endless: Framing {
            func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent { .length(.max) }
            var maximumEnvelopeLength: Int { .max }
        }
        var framer = Framer(Endless(), readSize: 16, limit: 100)
        for _ in 0..<3 { framer.read("abc") }
        #expect(framer.receiver.events == [.tooLong])
        #expect(framer.messages.tail.capacity == 0)
    }

    @Test(arguments: [-5..<2, 1..<1_000, -7..<(-3), 50..<60, 0..<0])
    func contentOutsideOfItsMessageIsCutOff(_ content: Range<Int>) {
        struct Fixed: Framing {
            let content: Range<Int>
            func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent { .length(3) }
            func content(of message: Span<UInt8>) -> Range<Int> { content }
        }
        var framer = Framer(Fixed(content: content), readSize: 16, limit: 100)
        framer.read("abcdef")
        let expected = content.clamped(to: 0..<3)
        #expect(framer.receiver.events == ["abc", "def"].map { .message(Array(Array($0.utf8)[expected])) })
    }
}
