import TestSupport
import Testing

@testable import chat

/// The delay before the client connects again grows with each failure, up to a limit, and is not the same for everybody.
struct ReconnectDelayTests {
    @Test func `it is between half of a limit and all of it, and the limit doubles up to half a minute`() {
        var generator = SeededGenerator()
        for _ in 0..<100 {
            var delay = ReconnectDelay()
            for limit in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000] {
                let next = delay.next(using: &generator)
                #expect((.milliseconds(limit / 2) ... .milliseconds(limit)).contains(next))
            }
        }
    }

    @Test func `it is spread over its whole range`() {
        var generator = SeededGenerator(seed: 1)
        // By quarters of the range: each must be met.
        var quarters: Set<Int> = []
        for _ in 0..<200 {
            var delay = ReconnectDelay()
            let part = (delay.next(using: &generator) - .milliseconds(250)) / .milliseconds(250)
            quarters.insert(Int(part * 4))
        }
        #expect(quarters.isSuperset(of: 0..<4))
    }

    @Test func `it begins anew once a connection has stood`() {
        var generator = SeededGenerator()
        var delay = ReconnectDelay()
        for _ in 0..<1_000 { _ = delay.next(using: &generator) }
        delay.reset()
        let (first, second) = (delay.next(using: &generator), delay.next(using: &generator))
        #expect(first <= .milliseconds(500) && second <= .seconds(1))
    }
}
