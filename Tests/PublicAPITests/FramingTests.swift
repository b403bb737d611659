import ChatReactor
import TestSupport
import Testing

/// Bytes become messages: whole, in order, whatever the pieces in which they come.
struct FramingTests {
    private static func options(limit: Int = 65_536) -> Connection.Options {
        var options = Connection.Options()
        options.maximumMessageLength = limit
        return options
    }

    /// Sends each piece in a read of its own, then ends the input, and returns what the handler was told.
    private func events(of pieces: [String], limit: Int = 65_536) throws -> [RecordingHandler.Event] {
        let wire = try TestConnection(options: Self.options(limit: limit))
        for piece in pieces {
            try wire.peer.send(piece)
            try wire.loop.runOnce(waitingAtMost: .seconds(5))
        }
        wire.peer.shutDownSending()
        #expect(try wire.closeReason() == .endOfInput)
        return wire.handler.events.filter { $0 != .opened && $0 != .closed(.endOfInput) }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var pieces: [String]
        var limit = 65_536
        var expected: [RecordingHandler.Event]
    }

    @Test(arguments: [
        Case(testDescription: "a line", pieces: ["one\n"], expected: [.received("one")]),
        Case(testDescription: "an empty line is a message", pieces: ["\n\n"], expected: [.received(""), .received("")]),
        Case(
            testDescription: "a batch", pieces: ["one\ntwo\r\nthree\n"],
            expected: [.received("one"), .received("two"), .received("three")]),
        Case(testDescription: "a line in pieces", pieces: ["o", "n", "e", "\n"], expected: [.received("one")]),
        Case(
            testDescription: "CRLF split between reads", pieces: ["one\r", "\ntwo\n"],
            expected: [.received("one"), .received("two")]),
        Case(testDescription: "a lone CR stays", pieces: ["o\rne\n"], expected: [.received("o\rne")]),
        Case(testDescription: "a lone CR at the end of a read stays", pieces: ["o\r", "ne\n"], expected: [.received("o\rne")]),
        Case(testDescription: "of two CRs, one stays", pieces: ["one\r\r\n"], expected: [.received("one\r")]),
        Case(
            testDescription: "a tail at the end of input", pieces: ["one\ntwo"],
            expected: [.received("one"), .received("two")]),
        Case(testDescription: "any bytes but newlines", pieces: ["\0\u{7F}\n"], expected: [.received("\0\u{7F}")]),
        Case(testDescription: "a line as long as allowed", pieces: ["12345\n"], limit: 5, expected: [.received("12345")]),
        Case(testDescription: "as long as allowed, and CRLF", pieces: ["12345\r\n"], limit: 5, expected: [.received("12345")]),
        Case(testDescription: "as long, and CRLF split", pieces: ["12345\r", "\n"], limit: 5, expected: [.received("12345")]),
        Case(
            testDescription: "a line too long, between two that are not", pieces: ["one\n123456\ntwo\n"], limit: 5,
            expected: [.received("one"), .discarded, .received("two")]),
        Case(
            testDescription: "a line too long is told of once", pieces: ["123456", "7890", "123456789\ntwo\n"], limit: 5,
            expected: [.discarded, .received("two")]),
        Case(testDescription: "a tail too long", pieces: ["one\n123456"], limit: 5, expected: [.received("one"), .discarded]),
        Case(testDescription: "a tail too long by its CR", pieces: ["12345\r"], limit: 5, expected: [.discarded]),
    ])
    func lines(_ example: Case) throws {
        #expect(try events(of: example.pieces, limit: example.limit) == example.expected)
    }

    /// The loop's one buffer, its headroom and its budget must serve any mixture of splits, limits and read sizes.
    @Test func aConnectionFramesAsTheOracleDoes() throws {
        let seed = SeededGenerator().seed
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let limit = Int.random(in: 1...40, using: &random)
            let stream = FramingOracle.stream(limit: limit, using: &random)
            var configuration = EventLoop.Configuration()
            configuration.readSize = [1, 2, 3, 7, 64, 4_096].randomElement(using: &random)!
            configuration.readBudget = .random(in: 1...100, using: &random)
            let wire = try TestConnection(configuration: configuration, options: Self.options(limit: limit))
            var rest = stream[...]
            while !rest.isEmpty {
                let piece = rest.prefix(.random(in: 1...50, using: &random))
                rest = rest.dropFirst(piece.count)
                try wire.peer.send(Array(piece))
                if Bool.random(using: &random) { try wire.loop.runOnce(waitingAtMost: .zero) }
            }
            wire.peer.shutDownSending()
            _ = try wire.closeReason()
            let told: [FramingOracle.Event] = wire.handler.events.compactMap {
                switch $0 {
                case .received(let text): .message(Array(text.utf8))
                case .discarded: .tooLong
                default: nil
                }
            }
            #expect(told == FramingOracle.events(of: stream, limit: limit), "seed \(seed), limit \(limit), stream \(stream)")
        }
    }
}
