import TestSupport
import Testing

@testable import Reactor

/// The queue of timers agrees with a sorted array.
struct TimerQueueTests {
    private let loop: EventLoop

    init() throws {
        loop = try EventLoop()
    }

    @Test func theHeapAgreesWithASortedArray() throws {
        defer { loop.close() }
        let seed = SeededGenerator().seed
        var random = SeededGenerator(seed: seed)
        let start = ContinuousClock.now
        for _ in 0..<200 {
            var queue = TimerQueue()
            let timers = (0..<20).map { _ in loop.makeTimer {} }
            // Few deadlines, so that many are equal: those have no order among them.
            var armed: [Int: Int] = [:]
            for step in 0..<100 {
                let number = Int.random(in: 0..<timers.count, using: &random)
                switch Int.random(in: 0..<10, using: &random) {
                case 0..<6:
                    let tick = Int.random(in: 0..<30, using: &random)
                    queue.arm(timers[number], at: start.advanced(by: .seconds(tick)))
                    armed[number] = tick
                case 6..<9:
                    queue.cancel(timers[number])
                    armed[number] = nil
                default:
                    let tick = Int.random(in: 0..<30, using: &random)
                    let due = queue.takeDue(at: start.advanced(by: .seconds(tick)))
                    let taken = due.map { timer in timers.firstIndex { $0 === timer }! }
                    let ticks = taken.map { armed[$0] }
                    #expect(taken.count == Set(taken).count, "seed \(seed), step \(step): one was taken twice")
                    #expect(ticks == armed.values.filter { $0 <= tick }.sorted(), "seed \(seed), step \(step)")
                    for number in taken { armed[number] = nil }
                }
                #expect(queue.count == armed.count, "seed \(seed), step \(step)")
                #expect(
                    queue.earliestDeadline == armed.values.min().map { start.advanced(by: .seconds($0)) },
                    "seed \(seed), step \(step)")
            }
            _ = queue.takeAll()
            #expect(queue.count == 0)
            #expect(armed.keys.allSatisfy { timers[$0].deadline == nil }, "seed \(seed)")
        }
    }
}
