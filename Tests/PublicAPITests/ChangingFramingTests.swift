import ChatReactor
import Synchronization
import TestSupport
import Testing

/// A framing that answers differently each time it is asked gets malformed or overlong messages, and nothing worse.
struct ChangingFramingTests {
    /// Its messages are a thousand bytes with one byte of content. Its longest envelope is nothing when first asked, and then
    /// 65,536.
    final class GrowingEnvelope: Framing {
        private let hasAnswered = Atomic(false)

        func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent { .length(1_000) }
        func content(of message: Span<UInt8>) -> Range<Int> { 0..<1 }
        var maximumEnvelopeLength: Int { hasAnswered.exchange(true, ordering: .relaxed) ? 65_536 : 0 }
    }

    /// Answers at random, within and beyond what makes sense.
    final class Fickle: Framing {
        private let random: Mutex<SeededGenerator>

        init(_ random: SeededGenerator) { self.random = Mutex(random) }

        private func pick(_ values: [Int]) -> Int {
            random.withLock { random in values.randomElement(using: &random) ?? 0 }
        }

        func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
            let choice = pick([0, 1, 1, 1, 2, 2, 2, 3])
            let length = pick([0, 1, 2, 5, 40, 70, 1_000, 70_000])
            return choice == 0 ? .unknown : choice == 3 ? .length(.max) : .length(length)
        }
        func content(of message: Span<UInt8>) -> Range<Int> { pick([-5, 0, 1])..<pick([1, 3, 100_000]) }
        var maximumEnvelopeLength: Int { pick([-1, 0, 10, 65_536, .max]) }
    }

    @Test("The longest envelope is asked for once: a message that was too long by the first answer stays so")
    func envelopeIsAskedForOnce() throws {
        var options = Connection.Options()
        options.framing = GrowingEnvelope()
        options.maximumMessageLength = 100
        let test = try TestConnection(options: options)
        // In two pieces: what is kept of the first must fit into the room that was made for it.
        try test.peer.send(String(repeating: "a", count: 600))
        try test.loop.run(until: "the message is discarded") { !test.handler.events.dropFirst().isEmpty }
        #expect(test.handler.events == [.opened, .discarded])
        try test.peer.send(String(repeating: "b", count: 400))
        test.peer.close()
        #expect(try test.closeReason() == .endOfInput)
        #expect(test.handler.messages.isEmpty)
    }

    @Test("Random answers close connections at worst", arguments: 0..<40)
    func randomAnswers(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let loop = try EventLoop()
        defer { loop.close() }
        for _ in 0..<10 {
            var options = Connection.Options()
            options.framing = Fickle(SeededGenerator(seed: random.next()))
            options.maximumMessageLength = [1, 50, 65_536].randomElement(using: &random) ?? 1
            let test = try TestConnection(on: loop, options: options)
            for _ in 0..<8 {
                let length = Int.random(in: 1...3_000, using: &random)
                if !test.connection.isOpen { break }
                _ = test.peer.sendAvailable(Array(repeating: 109, count: length))
                _ = try loop.runOnce(waitingAtMost: .zero)
            }
            test.peer.close()
            #expect(try test.closeReason() != nil)
        }
    }
}
