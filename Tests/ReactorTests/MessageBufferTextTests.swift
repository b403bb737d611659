import TestSupport
import Testing

@testable import Reactor

/// The message buffer's way for text from people alone, in many more cases than there is time for with sockets.
struct MessageBufferTextTests {
    private struct Receiver: TextReceiver {
        var events: [FramingOracle.Event] = []
        var answers: [UInt8] = []
        /// Whether to stop after each message, as for an upgrade.
        var stops = false
        private(set) var goesOn = true

        mutating func receive(_ messages: borrowing MessageBatch) -> Bool {
            messages.forEach { message in events.append(.message(message.indices.map { message[$0] })) }
            goesOn = !stops
            return goesOn
        }

        mutating func messageWasTooLong() -> Bool {
            events.append(.tooLong)
            goesOn = !stops
            return goesOn
        }

        mutating func refuse(_ refusal: TelnetState.Refusal, option: UInt8) {
            answers += [255, refusal.rawValue, option]
        }

        mutating func resume() { goesOn = true }
    }

    /// Parts of what people, telnet and clients without newlines send.
    private static let parts: [[UInt8]] = [
        [10], [13, 10], [13, 0], [13], [0], Array("x".utf8), Array("hello".utf8), Array("é".utf8), Array("€".utf8),
        Array("🦀".utf8),
        [0xC3], [0xA9], [0xE2, 0x82], [0xF5], [255, 255], [255, 241], [255, 244, 255, 253, 6], [255, 251, 1], [255, 252, 1],
        [255, 254, 1], [255, 250, 24, 1, 255, 240], [255, 250, 255, 255, 255, 251, 3], [255], [255, 0], [255, 10], [255, 97],
        [240],
    ]

    @Test func framesAsTheOracleDoes() {
        let seed = SeededGenerator().seed
        var random = SeededGenerator(seed: seed)
        let framing = AutomaticFraming(idle: .milliseconds(1), letterIdle: .milliseconds(2))
        for number in 0..<60_000 {
            let limit = Int.random(in: 1...8, using: &random)
            let buffer = ReadBuffer(readSize: .random(in: 1...16, using: &random))
            buffer.reserveHeadroom(limit + 2)
            var (messages, receiver) = (MessageBuffer(), Receiver())
            receiver.stops = Bool.random(using: &random)
            var oracle = AutomaticOracle(limit: limit)
            var stream = (0..<Int.random(in: 0...8, using: &random)).flatMap { _ in Self.parts.randomElement(using: &random) ?? []
            }
            if Int.random(in: 0..<2_000, using: &random) == 0 {
                stream +=
                    [255, 250] + [UInt8](repeating: 97, count: .random(in: 1_020...1_030, using: &random)) + [255, 240, 98, 10]
            }
            var rest = stream[...]
            var input: [AutomaticOracle.Input] = []
            while !rest.isEmpty {
                let piece = rest.prefix(.random(in: 1...buffer.readSize, using: &random))
                rest = rest.dropFirst(piece.count)
                input.append(.read(Array(piece)))
                unsafe piece.withUnsafeBufferPointer { unsafe buffer.start.update(from: $0.baseAddress!, count: $0.count) }
                let end = buffer.headroom + piece.count
                var position = buffer.headroom
                while position < end {
                    position = messages.receiveText(position..<end, in: buffer, limit: limit, to: &receiver)
                    if position < end, receiver.goesOn { Issue.record("stopped at \(position) of \(end)") }
                    receiver.resume()
                }
                guard let isLong = [nil, false, true].randomElement(using: &random) ?? nil else { continue }
                input.append(.pause(isLong: isLong))
                if let pause = messages.pauseThatEndsLine(framing), isLong || pause == framing.idle {
                    messages.endLineAtPause(in: buffer, limit: limit, to: &receiver)
                    receiver.resume()
                }
            }
            messages.finishLine(in: buffer, limit: limit, to: &receiver)
            for part in input { oracle.take(part) }
            oracle.end()
            if receiver.events == oracle.events, receiver.answers == oracle.answers, messages.tail.capacity == 0 { continue }
            // One is enough: the others would tell the same.
            #expect(receiver.events == oracle.events, "case \(number) of seed \(seed): limit \(limit), \(input)")
            #expect(receiver.answers == oracle.answers, "case \(number) of seed \(seed): limit \(limit), \(input)")
            #expect(messages.tail.capacity == 0)
            return
        }
    }

    /// A flood of the shortest commands, and of line ends that telnet sends, takes time in proportion to its length. Its square would take hours
    /// without the optimizer.
    @Test(arguments: [[255, 241], [13, 0], [0, 97], [255, 255]] as [[UInt8]])
    func aFloodTakesLinearTime(part: [UInt8]) {
        let count = 200_000
        let buffer = ReadBuffer(readSize: part.count * count)
        buffer.reserveHeadroom(1_000_002)
        var (messages, receiver) = (MessageBuffer(), Receiver())
        for index in 0..<count * part.count { unsafe buffer.start[index] = part[index % part.count] }
        let range = buffer.headroom..<buffer.headroom + count * part.count
        let time = threadTime {
            #expect(messages.receiveText(range, in: buffer, limit: 1_000_000, to: &receiver) == range.upperBound)
        }
        #expect(time < .seconds(60))
        #expect(receiver.events.count == (part == [13, 0] ? count : 0))
    }
}
