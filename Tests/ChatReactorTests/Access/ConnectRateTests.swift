import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// How often one may connect, in a time that the test makes pass.
struct ConnectRateTests {
    private let start = ContinuousClock.now

    /// The macros of a test take nothing that changes.
    private final class Rate {
        private var rate: ConnectRate
        init(limit: Int, now: ContinuousClock.Instant) { rate = ConnectRate(limit: limit, now: now) }
        func admits(_ origin: AddressOrigin, at now: ContinuousClock.Instant) -> Bool { rate.admits(origin, at: now) }
        var count: Int { rate.count }
    }

    private func origin(_ number: UInt32) -> AddressOrigin { .ipv4(number) }

    @Test(arguments: [1, 2, 3, 7, 60, 999])
    func soManyAtOnceAndThenOneInItsPartOfAMinute(limit: Int) {
        let rate = Rate(limit: limit, now: start)
        for count in 0..<limit { #expect(rate.admits(origin(1), at: start), "\(count)") }
        let part = Duration.seconds(60) / limit
        #expect(!rate.admits(origin(1), at: start))
        #expect(!rate.admits(origin(1), at: start + part - .nanoseconds(1)))
        // Those who were refused were not counted.
        #expect(rate.admits(origin(1), at: start + part))
        #expect(!rate.admits(origin(1), at: start + part))
        // Whoever stays away for a minute has all again.
        for count in 0..<limit { #expect(rate.admits(origin(1), at: start + part + .seconds(60)), "\(count)") }
        #expect(!rate.admits(origin(1), at: start + part + .seconds(60)))
    }

    @Test func oneDoesNotUseUpWhatAnotherHas() {
        let rate = Rate(limit: 1, now: start)
        #expect(rate.admits(origin(1), at: start))
        #expect(!rate.admits(origin(1), at: start))
        #expect(rate.admits(origin(2), at: start))
    }

    /// Generations end at no time that anybody could use.
    @Test func noInstantForgetsASpentBucket() {
        var random = SeededGenerator()
        for _ in 0..<200 {
            let rate = Rate(limit: 1, now: start)
            let first = start + .milliseconds(Int.random(in: 0...200_000, using: &random))
            #expect(rate.admits(origin(1), at: first))
            let others = (0..<20).map { _ in Int.random(in: 0..<60_000, using: &random) }.sorted()
            for (number, after) in others.enumerated() {
                _ = rate.admits(origin(UInt32(number + 2)), at: first + .milliseconds(after))
                #expect(!rate.admits(origin(1), at: first + .milliseconds(after)))
            }
            #expect(rate.admits(origin(1), at: first + .seconds(60)))
        }
    }

    /// A flood from everywhere takes no more memory than there is for it, and refuses nobody else. Who has lately connected is remembered.
    @Test func memoryIsBounded() {
        let rate = Rate(limit: 1, now: start)
        for number in 0..<UInt32(5 * ConnectRate.capacity) { #expect(rate.admits(origin(number), at: start)) }
        #expect(rate.count <= 2 * ConnectRate.capacity)
        #expect(!rate.admits(origin(UInt32(4 * ConnectRate.capacity)), at: start))
        // It was forgotten long ago.
        #expect(rate.admits(origin(0), at: start))
        // What is over is kept for no longer than two minutes.
        _ = rate.admits(origin(1), at: start + .seconds(60))
        _ = rate.admits(origin(1), at: start + .seconds(120))
        #expect(rate.count == 2)
    }
}
