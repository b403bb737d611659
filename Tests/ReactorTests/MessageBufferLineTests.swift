import TestSupport
import Testing

@testable import Reactor

/// The message buffer's way for lines alone, in many more cases than there is time for with sockets.
struct MessageBufferLineTests {
    private struct Receiver: MessageReceiver {
        var events: [FramingOracle.Event] = []

        mutating func receive(_ messages: borrowing MessageBatch) -> Bool {
            for index in 0..<messages.count {
                events.append(.message(messages.withMessage(at: index) { line in line.indices.map { line[$0] } }))
            }
            return true
        }

        mutating func messageWasTooLong() -> Bool {
            events.append(.tooLong)
            return true
        }
    }

    /// A message buffer and what is around it on a connection.
    private struct Framer {
        var messages = MessageBuffer()
        var receiver = Receiver()
        let buffer: ReadBuffer
        let limit: Int

        init(readSize: Int, limit: Int) {
            buffer = ReadBuffer(readSize: readSize)
            buffer.reserveHeadroom(limit + 1)
            self.limit = limit
        }

        /// One read that brings `bytes`.
        mutating func read(_ bytes: ArraySlice<UInt8>) {
            unsafe bytes.withUnsafeBufferPointer { unsafe buffer.start.update(from: $0.baseAddress!, count: $0.count) }
            let range = buffer.headroom..<buffer.headroom + bytes.count
            let end = messages.receiveLines(range, in: buffer, limit: limit, to: &receiver)
            if end != range.upperBound { Issue.record("stopped at \(end) of \(range)") }
        }

        mutating func endInput() {
            messages.finishLine(in: buffer, limit: limit, to: &receiver)
        }
    }

    @Test func framesAsTheOracleDoes() {
        let seed = SeededGenerator().seed
        var random = SeededGenerator(seed: seed)
        for number in 0..<100_000 {
            let limit = Int.random(in: 1...8, using: &random)
            let readSize = Int.random(in: 1...16, using: &random)
            let stream = FramingOracle.stream(limit: limit, using: &random)
            var framer = Framer(readSize: readSize, limit: limit)
            var rest = stream[...]
            while !rest.isEmpty {
                let piece = rest.prefix(.random(in: 1...readSize, using: &random))
                rest = rest.dropFirst(piece.count)
                framer.read(piece)
            }
            framer.endInput()
            let expected = FramingOracle.events(of: stream, limit: limit)
            if framer.receiver.events == expected { continue }
            // One is enough: the others would tell the same.
            #expect(framer.receiver.events == expected, "case \(number) of seed \(seed): limit \(limit), stream \(stream)")
            return
        }
    }

    /// Between lines there are ten thousand connections, and each of them owns nothing.
    @Test func keepsNothingBetweenLines() {
        var framer = Framer(readSize: 16, limit: 100)
        framer.read([97, 97])
        #expect(framer.messages.isUnfinished)
        framer.read([97, 10])
        #expect(!framer.messages.isUnfinished)
        #expect(framer.messages.tail.capacity == 0)
    }

    @Test func aNewlineSearchResumesWhereItStopped() {
        var framer = Framer(readSize: 4_096, limit: 2_097_152)
        let (atFirst, behind) = timesOfReads { framer.read($0) }
        #expect(behind < atFirst * 4)
        framer.read([10])
        #expect(framer.receiver.events.count == 1)
    }

    @Test func remembersThatANewlineHasCome() {
        for (pieces, expected) in [(["a", "b"], false), (["a\nb"], true), (["1234567890", "\n"], true)] {
            var framer = Framer(readSize: 16, limit: 5)
            for piece in pieces { framer.read(Array(piece.utf8)[...]) }
            #expect(framer.messages.hasSeenNewline == expected)
        }
    }
}
