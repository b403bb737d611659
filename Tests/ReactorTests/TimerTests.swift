import TestSupport
import Testing

@testable import Reactor

/// Timers run in order, once, never before their deadline, and can be moved and cancelled at any time.
struct TimerTests {
    private let loop: EventLoop

    init() throws {
        loop = try EventLoop()
    }

    @Test func timersRunInTheOrderOfTheirDeadlinesAndNeverEarly() throws {
        defer { loop.close() }
        let start = ContinuousClock.now
        var ran: [Int] = []
        for delay in [30, 10, 40, 20] {
            let deadline = start.advanced(by: .milliseconds(delay))
            loop.schedule(at: deadline) {
                #expect(ContinuousClock.now >= deadline)
                ran.append(delay)
            }
        }
        try loop.run(until: "all run") { ran.count == 4 }
        #expect(ran == [10, 20, 30, 40])
    }

    @Test(arguments: [(first: 3_600_000, then: 10), (first: 10, then: 50)])
    func aTimerThatIsArmedAgainRunsOnceAtItsNewDeadline(_ delays: (first: Int, then: Int)) throws {
        defer { loop.close() }
        var runs = 0
        let timer = loop.makeTimer { runs += 1 }
        let start = ContinuousClock.now
        timer.arm(at: start.advanced(by: .milliseconds(delays.first)))
        timer.arm(at: start.advanced(by: .milliseconds(delays.then)))
        #expect(timer.deadline == start.advanced(by: .milliseconds(delays.then)))
        try loop.run(until: "run") { runs > 0 }
        #expect(start.duration(to: .now) >= .milliseconds(delays.then))
        try loop.settle()
        #expect(runs == 1)
        #expect(timer.deadline == nil)
    }

    @Test func aTimerCanBeArmedAgainAfterItRan() throws {
        defer { loop.close() }
        var runs = 0
        let timer = loop.makeTimer { runs += 1 }
        for round in 1...3 {
            timer.arm(after: .zero)
            try loop.run(until: "run") { runs == round }
        }
    }

    @Test func aCancelledTimerDoesNotRun() throws {
        defer { loop.close() }
        let timer = loop.schedule(after: .milliseconds(5)) { Issue.record("it ran") }
        timer.cancel()
        timer.cancel()
        var isOver = false
        loop.schedule(after: .milliseconds(10)) { isOver = true }
        try loop.run(until: "over") { isOver }
        #expect(timer.deadline == nil)
        #expect(loop.timers.count == 0)
    }

    @Test func aTimerThatIsCancelledInTheTurnInWhichItIsDueDoesNotRun() throws {
        defer { loop.close() }
        let now = ContinuousClock.now
        var second: EventLoop.Timer?
        var hasRun = false
        loop.schedule(at: now) {
            hasRun = true
            second?.cancel()
        }
        second = loop.schedule(at: now.advanced(by: .nanoseconds(1))) { Issue.record("it ran") }
        try loop.runOnce(waitingAtMost: .zero)
        #expect(hasRun)
        #expect(loop.timers.count == 0)
    }

    @Test func aTimerThatIsMovedInTheTurnInWhichItIsDueRunsOnlyThen() throws {
        defer { loop.close() }
        let now = ContinuousClock.now
        let later = now.advanced(by: .milliseconds(40))
        var second: EventLoop.Timer?
        var ranAt: [ContinuousClock.Instant] = []
        loop.schedule(at: now) { second?.arm(at: later) }
        second = loop.schedule(at: now.advanced(by: .nanoseconds(1))) { ranAt.append(.now) }
        try loop.run(until: "run") { !ranAt.isEmpty }
        try loop.settle()
        #expect(ranAt.count == 1)
        #expect(ranAt.allSatisfy { $0 >= later })
    }

    @Test func aTimerThatArmsItselfForNowDoesNotStarveTheLoop() throws {
        let wire = try Wire()
        var runs = 0
        var timer: EventLoop.Timer?
        timer = wire.loop.makeTimer {
            runs += 1
            timer?.arm(at: .now)
        }
        timer?.arm(at: .now)
        let before = wire.loop.turnCount
        try wire.peer.send("hello\n")
        try wire.loop.run(until: "received") { !wire.handler.messages.isEmpty }
        // Once a turn, and no more.
        #expect(runs <= Int(wire.loop.turnCount - before))
        timer = nil
    }

    @Test func aDroppedTimerRunsAllTheSame() throws {
        defer { loop.close() }
        var hasRun = false
        loop.schedule(after: .milliseconds(1)) { hasRun = true }
        try loop.run(until: "run") { hasRun }
    }

    @Test func timeoutsRoundUp() throws {
        defer { loop.close() }
        // Rounded down, the last millisecond would be spent in turns that wait for nothing: thousands. Of several timers, since a busy
        // machine that wakes the loop a millisecond late has it find the timer due however it rounds.
        for _ in 0..<20 {
            var hasRun = false
            loop.schedule(after: .microseconds(2_900)) { hasRun = true }
            let before = loop.turnCount
            while !hasRun { try loop.runOnce() }
            #expect(loop.turnCount - before <= 3)
        }
    }

    @Test func aClosedLoopRunsNoTimer() throws {
        loop.schedule(after: .zero) { Issue.record("it ran") }
        loop.close()
        #expect(loop.timers.count == 0)
        try loop.runOnce(waitingAtMost: .zero)
    }

    @Test func deadlinesOfAnyDistanceAreTaken() throws {
        defer { loop.close() }
        var hasRun = false
        loop.schedule(after: .seconds(Int64.max / 4)) { Issue.record("it ran") }
        loop.schedule(after: .seconds(86_400 * 30)) { Issue.record("it ran") }
        loop.schedule(after: .seconds(-86_400 * 30)) { hasRun = true }
        try loop.run(until: "run") { hasRun }
        try loop.runOnce(waitingAtMost: .milliseconds(1))
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
            queue.removeAll()
            #expect(queue.count == 0)
            #expect(armed.keys.allSatisfy { timers[$0].deadline == nil }, "seed \(seed)")
        }
    }
}
