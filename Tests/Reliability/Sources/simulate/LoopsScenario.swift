import Broadcast
import Reactor
import SimulatedKernel

/// Plays topics of several loops over one log, on the simulated kernel. A turn of one loop is made inside of a system call of another: so whatever
/// two threads may do between their system calls, and between two publications, happens here in an order that the seed determines.
///
/// A witness, for whom there is always room, knows the order. Every other peer must have got just that, from some place on, less its own; what was
/// published after it had joined must not be lacking; and nobody is closed, however slow it is.
final class LoopsScenario: LoopsStage {
    private let plan: LoopsPlan
    private let log: SharedLog
    let threads = SimulatedThreads()
    private var topics: [Topic] = []
    private var members: [Member] = []
    var random = SeededGenerator(seed: 0)
    var counts = ScenarioCounts()
    private var published: Set<String> = []
    /// What may be lost, since its loop was closed or its peer has hung up.
    private var uncertain: Set<String> = []
    private var messageCount = 0
    private var pressureCounts: [UInt64] = []

    private var loops: [EventLoop] { threads.loops }

    private final class Member: StreamPeer, ConnectionHandler {
        let loop: Int
        /// What had been published when it joined.
        let before: Set<String>
        private unowned let scenario: LoopsScenario
        private let topic: Topic
        private(set) var reason: CloseReason?

        init(_ name: String, loop: Int, stream: Int32, in scenario: LoopsScenario) {
            self.loop = loop
            self.scenario = scenario
            before = scenario.published
            topic = scenario.topics[loop]
            super.init(name, stream: stream)
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            // In two parts, between which others may publish.
            let half = messages.count / 2
            topic.publish(messages, in: 0..<half, from: connection)
            kernel_yield()
            topic.publish(messages, in: half..<messages.count, from: connection)
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) { self.reason = reason }

        var lines: [Substring] { sentText.split(separator: "\n") }
    }

    static func play(_ plan: LoopsPlan, isTraced: Bool, counts: inout ScenarioCounts) throws(Finding) -> UInt64 {
        try playOnKernel(plan.setting.faults, seed: plan.seed, isTraced: isTraced) {
            kernel_may_wait(false)
            let scenario = try LoopsScenario(plan)
            scenario.threads.begin()
            defer { scenario.threads.end() }
            try scenario.play(plan.steps, isTraced: isTraced)
            try scenario.settle()
            try scenario.check()
            scenario.counts[.scenarios] += 1
            counts.add(scenario.counts)
            counts.addKernel()
        }
    }

    private init(_ plan: LoopsPlan) throws {
        self.plan = plan
        log = try SharedLog(capacity: plan.setting.capacity)
        for (configuration, sendBudget) in zip(plan.setting.loops, plan.setting.sendBudgets) {
            let loop = try EventLoop(configuration: configuration)
            var options = Topic.Configuration()
            options.policy = .backpressure(stall: .seconds(1_000_000), grace: .seconds(1_000_000))
            options.sendBudget = sendBudget
            threads.add(loop)
            pressureCounts.append(0)
            topics.append(Topic(on: loop, sharing: log, configuration: options))
        }
        try join(0, outputCapacity: 1)
        world_widen(members[0].stream)
    }

    // MARK: - What happens

    func perform(_ action: LoopsPlan.Action) throws {
        switch action {
        case .join(let loop, let capacity): if !loops[loop].isClosed { try join(loop, outputCapacity: capacity) }
        case .write(let peer, let lines, let longest):
            guard let member = member(peer), !member.hasHungUp, !loops[member.loop].isClosed else { return }
            for _ in 0..<lines { member.unwritten += Array((make(by: member.name, longest) + "\n").utf8) }
            member.write()
        case .read(let peer, let bytes): if let member = member(peer) { _ = world_read(member.stream, bytes) }
        case .publish(let loop, let messages, let longest):
            if topics[loop].isUnderPressure || loops[loop].isClosed { return }
            threads.interleave(with: loop)
            for _ in 0..<messages {
                if !topics[loop].publish(make(by: "loop \(loop)", longest) + "\n") { throw Finding("a message is refused") }
            }
        case .hangUp(let peer):
            guard let member = member(peer), member.unwritten.isEmpty else { return }
            loseWhatIsUnderWay(of: member.name)
            member.hangUp()
        case .close(let loop):
            if loops[loop].isClosed { return }
            threads.interleave(with: loop)
            loops[loop].close()
            loseWhatIsUnderWay(of: "loop \(loop)")
            for member in members where member.loop == loop { loseWhatIsUnderWay(of: member.name) }
        }
    }

    private func loseWhatIsUnderWay(of sender: String) {
        uncertain.formUnion(published.filter { $0.hasPrefix(sender + ":") })
    }

    /// The witness is none of those that the plan speaks of.
    private func member(_ peer: Int) -> Member? { peer + 1 < members.count ? members[peer + 1] : nil }

    private func make(by sender: String, _ longest: Int) -> String {
        messageCount += 1
        counts[.messagesPublished] += 1
        let message = "\(sender): \(messageCount) \(String(repeating: ".", count: random.number(0...longest)))"
        published.insert(message)
        return message
    }

    private func join(_ loop: Int, outputCapacity: Int) throws {
        var descriptor: Int32 = -1
        let stream = unsafe world_open(STREAM_SOCKET, 2_000, outputCapacity, &descriptor)
        let member = Member("peer \(members.count)", loop: loop, stream: stream, in: self)
        members.append(member)
        counts[.connections] += 1
        threads.interleave(with: loop)
        let connection = try loops[loop].adopt(socket: OwnedDescriptor(takingOver: descriptor), handler: member)
        topics[loop].subscribe(connection)
    }

    func checkTurn(of loop: Int) throws {
        counts[.pressures] += UInt64(topics[loop].pressureCount) - pressureCounts[loop]
        pressureCounts[loop] = UInt64(topics[loop].pressureCount)
        for member in members where member.reason != nil && !member.hasHungUp && !loops[member.loop].isClosed {
            throw Finding("a peer is closed", "\(member.name): \(member.reason!)")
        }
    }

    // MARK: - What must hold

    /// Turns all loops, and has all peers write and read, until nothing more happens; then no loop has anything to do.
    private func settle() throws {
        // Or a peer for which the kernel holds a byte would take as many turns as it lacks bytes.
        for member in members where !member.hasHungUp { world_widen(member.stream) }
        try settle(rounds: 4) {
            var count = 0
            for member in members where !member.hasHungUp && !loops[member.loop].isClosed {
                member.write()
                count += member.unwritten.count + world_read(member.stream, .max)
            }
            return count
        } describe: {
            let left = members.filter { !$0.unwritten.isEmpty }.map { "\($0.name) has \($0.unwritten.count) bytes left" }
            return left + topics.indices.filter { topics[$0].isUnderPressure }.map { "loop \($0) is under pressure" }
        }
        for (loop, topic) in zip(loops, topics) where !loop.isClosed && topic.isUnderPressure {
            throw Finding("publishers are paused for ever")
        }
        try doing(without: plan.setting.faults, checkIdle)
    }

    private func check() throws {
        let order = members[0].lines.map(String.init)
        if Set(order).count < order.count { throw Finding("a message comes twice") }
        // The line that somebody was about to end who has hung up is a message.
        for message in Set(order).subtracting(published) where !uncertain.contains(where: { $0.hasPrefix(message) }) {
            throw Finding("something comes that nobody has published", "\(message.prefix(20))")
        }
        if let lost = published.subtracting(order).subtracting(uncertain).min() {
            throw Finding("a message is lost", "\(lost.prefix(20))")
        }
        var last: [Substring: Int] = [:]
        for message in order where published.contains(message) {
            let parts = message.split(separator: ":")
            let number = Int(parts[1].split(separator: " ")[0])!
            if number < last[parts[0], default: 0] { throw Finding("messages of one sender are out of order", "\(parts[0])") }
            last[parts[0]] = number
        }
        for member in members.dropFirst() {
            let others = order.filter { !$0.hasPrefix(member.name + ":") }
            let got = member.lines.map(String.init)
            counts[.copiesDelivered] += UInt64(got.count)
            // Who has gone got a part of it, which may end amid a message.
            if member.hasHungUp || loops[member.loop].isClosed {
                let whole = got.dropLast()
                guard let first = whole.first else { continue }
                guard let start = others.firstIndex(of: first), others[start...].starts(with: whole) else {
                    throw Finding("a peer that has gone got something else", member.name)
                }
                continue
            }
            if !got.elementsEqual(others.suffix(got.count)) { throw Finding("a peer gets something else", member.name) }
            if !member.before.isSuperset(of: others.dropLast(got.count).filter(published.contains)) {
                throw Finding("a peer lacks what was published after it had joined", member.name)
            }
        }
        if let complaint = unsafe kernel_complaint() {
            throw Finding("misuse of the kernel", unsafe String(cString: complaint))
        }
    }
}
