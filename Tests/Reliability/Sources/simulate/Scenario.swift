import Broadcast
import Reactor
import SimulatedKernel

/// Plays a plan: a loop, topics and peers on the simulated kernel, beside an oracle that knows what every one of them is to get.
final class Scenario: Stage {
    let plan: Plan
    let loop: EventLoop
    var topics: [Topic] = []
    private(set) var listener: Listener?
    /// The peers by their number.
    var members: [Member] = []
    var random = SeededGenerator(seed: 0)
    var counts = ScenarioCounts()

    /// All that was ever published to each topic, and how long its log is by now.
    var published: [[DeliveryOracle.Message]]
    var tails: [Int]
    var publishedInTurn: [Int]
    /// Whether an unfinished line, read before, has become a message in spite of the pressure: nothing holds that up.
    var hadIdleLine: [Bool]
    var wasUnderPressure: [Bool]

    var timers: [Int: (timer: EventLoop.Timer, deadline: Int64)] = [:]
    var queuedTasks: [QueuedTask] = []
    var postedTasks = 0
    var doneTasks = 0
    var postsStopLast = false
    var isLoopClosed = false
    var finding: Finding?

    var unseenProgress: UInt64 { counts[.timersFired] }
    var peerCount: Int { members.count }

    /// The scenario that is being played: what another thread does begins in a C function, which can hold nothing.
    nonisolated(unsafe) static var current: Scenario?

    static let port: UInt16 = 7

    /// Plays a plan, and adds what it went through to `counts`. The result is a hash of all system calls.
    static func play(_ plan: Plan, isTraced: Bool = false, counts: inout ScenarioCounts) throws(Finding) -> UInt64 {
        try playOnKernel(plan.setting.faults, seed: plan.seed, isTraced: isTraced) {
            weak var leaked: EventLoop?
            var leakedTopics: [WeakTopic] = []
            do {
                let scenario = try Scenario(plan)
                unsafe current = scenario
                defer { unsafe current = nil }
                leaked = scenario.loop
                leakedTopics = scenario.topics.map(WeakTopic.init)
                do {
                    try scenario.play(isTraced: isTraced)
                } catch {
                    // Nothing of this scenario may be alive in the next one.
                    scenario.isLoopClosed = true
                    scenario.loop.close()
                    scenario.letGo()
                    throw error
                }
                scenario.letGo()
                counts.add(scenario.counts)
                counts.addKernel()
            }
            if leaked != nil { throw Finding("the loop outlives its close") }
            if leakedTopics.contains(where: { $0.topic != nil }) { throw Finding("a topic outlives all that used it") }
        }
    }

    private struct WeakTopic {
        weak var topic: Topic?
    }

    private init(_ plan: Plan) throws(Errno) {
        self.plan = plan
        loop = try EventLoop(configuration: plan.setting.loop)
        let count = plan.setting.topics.count
        published = Array(repeating: [], count: count)
        tails = Array(repeating: 0, count: count)
        publishedInTurn = tails
        wasUnderPressure = Array(repeating: false, count: count)
        hadIdleLine = wasUnderPressure
        for configuration in plan.setting.topics { topics.append(try Topic(on: loop, configuration: configuration)) }
        // The kernel's number for the newest stream is that of the caller that has just been accepted.
        listener = try loop.listen(on: .loopback(port: Self.port), options: plan.setting.acceptedOptions) { [unowned self] in
            let stream = world_newest()
            return members.first { $0.stream == stream }!
        }
    }

    /// Members and the scenario know each other.
    private func letGo() {
        members = []
        timers = [:]
        topics = []
        listener = nil
    }

    private func play(isTraced: Bool) throws {
        for step in plan.steps {
            counts[.steps] += 1
            if isTraced { print("  \(step)") }
            random = SeededGenerator(seed: step.seed)
            kernel_seed(step.seed)
            try perform(step.action)
            if let turns = step.turns {
                for _ in 0..<turns { try turn(waitingAtMost: .zero) }
            } else {
                try settle()
            }
        }
        if isTraced { print("  the end") }
        try end()
        counts[.scenarios] += 1
    }

    // MARK: - Time

    /// Has the loop run until another thread stops it.
    func run(_ work: [QueuedTask], stopFirst: Bool) throws {
        kernel_may_wait(true)
        let start = kernel_now()
        if stopFirst {
            loop.remote.stop()
            hand(over: work)
        } else {
            hand(over: work, thenStop: true)
        }
        let endless = kernel_endless_waits()
        let turns = loop.turnCount
        try loop.run()
        if kernel_endless_waits() > endless { throw Finding("a wake-up is lost", "the loop sleeps for ever") }
        // One that was told before makes no turn, and no timer need have fired.
        try checkTurn(startedAt: loop.turnCount > turns ? start : 0)
    }

    // MARK: - Other threads

    func hand(over work: [QueuedTask], thenStop: Bool = false) {
        queuedTasks += work
        postsStopLast = thenStop
        kernel_interleave(Int32(work.count + (thenStop ? 1 : 0))) { unsafe Scenario.current?.postNextTask() }
    }

    private func postNextTask() {
        if postedTasks < queuedTasks.count { post() } else { loop.remote.stop() }
    }

    func post() {
        postedTasks += 1
        // A task of another thread must not hold anything of the loop's thread. It finds the scenario there.
        let number = postedTasks
        loop.remote.execute { loop in unsafe Scenario.current?.runQueuedTask(number, on: loop) }
    }

    private func runQueuedTask(_ number: Int, on loop: EventLoop) {
        doneTasks += 1
        counts[.queuedTasks] += 1
        if number != doneTasks { record(Finding("tasks of other threads run out of order, or not once")) }
        run(queuedTasks[number - 1])
    }
}
