import ChatReactor
import TestSupport
import Testing

/// What `EventLoop.schedule`, `makeTimer` and `EventLoop.Timer` promise.
struct TimerTests {
    @Test("An action runs after its deadline and never before it, once")
    func deadline() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let deadlines = (1...20).map { ContinuousClock.now.advanced(by: .microseconds($0 * 1_300)) }
        var delays: [Duration] = []
        for deadline in deadlines { loop.schedule(at: deadline) { delays.append(deadline.duration(to: .now)) } }
        try loop.run(until: "all actions") { delays.count >= 20 }
        try loop.run(for: .milliseconds(20))
        #expect(delays.count == 20)
        #expect(delays.allSatisfy { $0 >= .zero })
    }

    @Test("An action runs after the given time, and not before it is over")
    func delay() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let start = ContinuousClock.now
        var end: ContinuousClock.Instant?
        loop.schedule(after: .milliseconds(20)) { end = .now }
        try loop.run(until: "the action") { end != nil }
        #expect(try start.duration(to: #require(end)) >= .milliseconds(20))
    }

    @Test("A deadline that is over is due at once", arguments: [Duration.zero, .seconds(-10)])
    func past(delay: Duration) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var hasRun = false
        loop.schedule(after: delay) { hasRun = true }
        // A turn that has nothing to do would wait for ever.
        try loop.runOnce(waitingAtMost: patience)
        #expect(hasRun)
    }

    @Test("A turn that may wait for ever waits until the next deadline")
    func wakesForTimers() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var hasRun = false
        loop.schedule(after: .milliseconds(20)) { hasRun = true }
        loop.schedule(after: .seconds(100_000)) {}
        for _ in 0..<3 where !hasRun { try loop.runOnce() }
        #expect(hasRun)
    }

    @Test("A timer that is made is not armed; once armed it has its deadline, and none while it is not armed")
    func armed() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var deadlinesWithin: [ContinuousClock.Instant?] = []
        var timer: EventLoop.Timer?
        timer = loop.makeTimer { deadlinesWithin.append(timer?.deadline) }
        let made = try #require(timer)
        #expect(made.deadline == nil)
        let deadline = ContinuousClock.now.advanced(by: .milliseconds(5))
        made.arm(at: deadline)
        #expect(made.deadline == deadline)
        try loop.run(until: "the action") { !deadlinesWithin.isEmpty }
        #expect(deadlinesWithin == [nil])
        #expect(made.deadline == nil)
        timer = nil
    }

    @Test("A timer that is not armed does nothing")
    func notArmed() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var hasRun = false
        let timer = loop.makeTimer { hasRun = true }
        try loop.run(for: .milliseconds(20))
        #expect(!hasRun)
        timer.arm(after: .zero)
        try loop.run(until: "the action") { hasRun }
    }

    @Test("Arming a timer that is armed moves it", arguments: [true, false])
    func moved(isLater: Bool) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let now = ContinuousClock.now
        let (near, far) = (now.advanced(by: .milliseconds(10)), now.advanced(by: isLater ? .milliseconds(60) : .seconds(100_000)))
        var runs: [ContinuousClock.Instant] = []
        let timer = loop.makeTimer { runs.append(.now) }
        timer.arm(at: isLater ? near : far)
        timer.arm(at: isLater ? far : near)
        try loop.run(until: "the action") { !runs.isEmpty }
        try loop.run(for: .milliseconds(20))
        #expect(runs.count == 1)
        #expect(runs[0] >= (isLater ? far : near))
    }

    @Test("A timer can be armed again, from its own action, too")
    func again() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var runs = 0
        var timer: EventLoop.Timer?
        timer = loop.makeTimer {
            runs += 1
            if runs < 5 { timer?.arm(after: .zero) }
        }
        timer?.arm(after: .zero)
        try loop.run(until: "five runs") { runs == 5 }
        timer?.arm(after: .zero)
        try loop.run(until: "another run") { runs == 6 }
        timer = nil
    }

    @Test("A timer that is cancelled does not run, and has no deadline; cancelling it again does nothing")
    func cancelled() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var hasRun = false
        let timer = loop.schedule(after: .milliseconds(5)) { hasRun = true }
        timer.cancel()
        timer.cancel()
        #expect(timer.deadline == nil)
        try loop.run(for: .milliseconds(30))
        #expect(!hasRun)
    }

    @Test("A timer that is cancelled does not run even if it is due in this very turn")
    func cancelledInTheSameTurn() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var runs = 0
        var timers: [EventLoop.Timer] = []
        let deadline = ContinuousClock.now
        for index in 0..<10 {
            timers.append(
                loop.schedule(at: deadline) {
                    runs += 1
                    for (other, timer) in timers.enumerated() where other != index { timer.cancel() }
                })
        }
        try loop.run(until: "the first action") { runs > 0 }
        try loop.run(for: .milliseconds(10))
        #expect(runs == 1)
        timers = []
    }

    @Test("A cancelled timer can be armed again")
    func armedAfterCancelling() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var runs = 0
        let timer = loop.schedule(after: .zero) { runs += 1 }
        timer.cancel()
        timer.arm(after: .milliseconds(1))
        try loop.run(until: "the action") { runs == 1 }
    }

    @Test("Dropping a timer does not cancel it")
    func dropped() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var runs = 0
        for _ in 0..<10 { loop.schedule(after: .milliseconds(5)) { runs += 1 } }
        _ = loop.schedule(at: .now) { runs += 1 }
        try loop.run(until: "all actions") { runs == 11 }
    }

    @Test("Ten thousand timers, many of them moved or cancelled, each run once or not at all")
    func many() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var runs = [Int](repeating: 0, count: 10_000)
        let timers = runs.indices.map { index in loop.schedule(after: .microseconds(index * 7 % 5_000)) { runs[index] += 1 } }
        for index in stride(from: 0, to: 10_000, by: 3) { timers[index].cancel() }
        for index in stride(from: 1, to: 10_000, by: 3) { timers[index].arm(after: .microseconds(index % 20_000)) }
        try loop.run(until: "all actions") { timers.allSatisfy { $0.deadline == nil } }
        #expect(runs.indices.allSatisfy { runs[$0] == ($0 % 3 == 0 ? 0 : 1) })
    }

    @Test("Timers run in the order of their deadlines")
    func timersRunInTheOrderOfTheirDeadlinesAndNeverEarly() throws {
        let loop = try EventLoop()
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

    @Test("A timer that is moved in the turn in which it is due runs at its new deadline alone")
    func aTimerThatIsMovedInTheTurnInWhichItIsDueRunsOnlyThen() throws {
        let loop = try EventLoop()
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

    @Test("A wait for a timer rounds up, and makes no turns that wait for nothing")
    func timeoutsRoundUp() throws {
        let loop = try EventLoop()
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

    @Test("A deadline may be as far away as it likes, ahead or in the past")
    func deadlinesOfAnyDistanceAreTaken() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var hasRun = false
        loop.schedule(after: .seconds(Int64.max / 4)) { Issue.record("it ran") }
        loop.schedule(after: .seconds(86_400 * 30)) { Issue.record("it ran") }
        loop.schedule(after: .seconds(-86_400 * 30)) { hasRun = true }
        try loop.run(until: "run") { hasRun }
        try loop.runOnce(waitingAtMost: .milliseconds(1))
    }

    @Test("A timer that arms itself for now does not starve the sockets")
    func aTimerThatArmsItselfForNowDoesNotStarveTheLoop() throws {
        let wire = try TestConnection()
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
}
