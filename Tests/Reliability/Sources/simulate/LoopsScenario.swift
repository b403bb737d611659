import Broadcast
import Reactor
import SimulatedKernel

/// Plays topics of several loops over one log, on the simulated kernel. A turn of one loop is made inside of a system call of another: so whatever
/// two threads may do between their system calls, and between two publications, happens here in an order that the seed determines.
///
/// A witness, for whom there is always room, knows the order. Every other peer must have got just that, from some place on, less its own; what was
/// published after it had joined must not be lacking; and nobody is closed, however slow it is.
final class LoopsScenario {
    private let plan: LoopsPlan
    private let log: SharedLog
    private var loops: [EventLoop] = []
    private var topics: [Topic] = []
    private var members: [Member] = []
    private var random = SeededGenerator(seed: 0)
    private var counts = ScenarioCounts()
    private var published: Set<String> = []
    /// What may be lost, since its loop was closed or its peer has hung up.
    private var uncertain: Set<String> = []
    private var messageCount = 0
    /// The loops that make a turn inside of a system call, and the one that makes that.
    private var inner: [Int] = []
    private var outer = 0
    private var finding: Finding?

    private nonisolated(unsafe) static var current: LoopsScenario?

    private final class Member: ConnectionHandler {
        let name: String
        let loop: Int
        let stream: Int32
        /// What had been published when it joined.
        let before: Set<String>
        private unowned let scenario: LoopsScenario
        private let topic: Topic
        private(set) var reason: CloseReason?
        var hasHungUp = false
        /// What it is to write, and has had no room for.
        var unwritten: [UInt8] = []

        init(_ name: String, loop: Int, stream: Int32, in scenario: LoopsScenario) {
            self.name = name
            self.loop = loop
            self.stream = stream
            self.scenario = scenario
            before = scenario.published
            topic = scenario.topics[loop]
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            // In two parts, between which others may publish.
            let half = messages.count / 2
            topic.publish(messages, in: 0..<half, from: connection)
            kernel_yield()
            topic.publish(messages, in: half..<messages.count, from: connection)
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) { self.reason = reason }

        var lines: [Substring] {
            let sent = unsafe UnsafeBufferPointer(start: world_sent(stream), count: world_sent_count(stream))
            return unsafe String(decoding: sent, as: UTF8.self).split(separator: "\n")
        }
    }

    static func play(_ plan: LoopsPlan, isTraced: Bool, counts: inout ScenarioCounts) throws(Finding) -> UInt64 {
        try playOnKernel(plan.setting.faults, seed: plan.seed, isTraced: isTraced) {
            kernel_may_wait(false)
            let scenario = try LoopsScenario(plan)
            unsafe current = scenario
            defer { unsafe current = nil }
            defer { for loop in scenario.loops { loop.close() } }
            try scenario.play(isTraced: isTraced)
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
            loops.append(loop)
            topics.append(Topic(on: loop, sharing: log, configuration: options))
        }
        try join(0, outputCapacity: 1)
        world_widen(members[0].stream)
    }

    private func play(isTraced: Bool) throws {
        for step in plan.steps {
            counts[.steps] += 1
            if isTraced { print("  \(step)") }
            random = SeededGenerator(seed: step.seed)
            kernel_seed(step.seed)
            try perform(step.action)
            for turn in step.turns { try self.turn(turn.loop, inner: turn.inner) }
        }
        if isTraced { print("  the end") }
        try settle()
        try check()
        counts[.scenarios] += 1
    }

    // MARK: - What happens

    private func perform(_ action: LoopsPlan.Action) throws {
        switch action {
        case .join(let loop, let capacity): if !loops[loop].isClosed { try join(loop, outputCapacity: capacity) }
        case .write(let peer, let lines, let longest):
            guard let member = member(peer), !member.hasHungUp, !loops[member.loop].isClosed else { return }
            for _ in 0..<lines { member.unwritten += Array((make(by: member.name, longest) + "\n").utf8) }
            write(member)
        case .read(let peer, let bytes): if let member = member(peer) { _ = world_read(member.stream, bytes) }
        case .publish(let loop, let messages, let longest):
            if topics[loop].isUnderPressure || loops[loop].isClosed { return }
            outer = loop
            for _ in 0..<messages {
                if !topics[loop].publish(make(by: "loop \(loop)", longest) + "\n") { throw Finding("a message is refused") }
            }
        case .hangUp(let peer):
            guard let member = member(peer), member.unwritten.isEmpty else { return }
            member.hasHungUp = true
            loseWhatIsUnderWay(of: member.name)
            world_close(member.stream)
        case .close(let loop):
            if loops[loop].isClosed { return }
            outer = loop
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

    private func write(_ member: Member) {
        let count = unsafe member.unwritten.withUnsafeBufferPointer { bytes in
            bytes.isEmpty ? 0 : unsafe world_write(member.stream, bytes.baseAddress!, bytes.count)
        }
        member.unwritten.removeFirst(count)
    }

    private func join(_ loop: Int, outputCapacity: Int) throws {
        var descriptor: Int32 = -1
        let stream = unsafe world_open(STREAM_SOCKET, 2_000, outputCapacity, &descriptor)
        let member = Member("peer \(members.count)", loop: loop, stream: stream, in: self)
        members.append(member)
        counts[.connections] += 1
        outer = loop
        let connection = try loops[loop].adopt(socket: OwnedDescriptor(takingOver: descriptor), handler: member)
        topics[loop].subscribe(connection)
    }

    private func turn(_ loop: Int, inner: [Int] = [], waitingAtMost timeout: Duration? = .zero) throws {
        self.inner += inner
        outer = loop
        kernel_interleave(Int32(inner.count)) { unsafe LoopsScenario.current?.turnInside() }
        let before = topics[loop].pressureCount
        try loops[loop].runOnce(waitingAtMost: timeout)
        counts[.turns] += 1
        counts[.pressures] += UInt64(topics[loop].pressureCount - before)
        for member in members where member.reason != nil && !member.hasHungUp && !loops[member.loop].isClosed {
            throw Finding("a peer is closed", "\(member.name): \(member.reason!)")
        }
        if let finding { throw finding }
    }

    /// Another thread gets its turn, inside of a system call.
    private func turnInside() {
        let next = inner.isEmpty ? (outer + 1) % loops.count : inner.removeFirst()
        let loop = next == outer ? (outer + 1) % loops.count : next
        do { try loops[loop].runOnce(waitingAtMost: .zero) } catch { finding = Finding("a loop fails", "\(error)") }
    }

    // MARK: - What must hold

    /// Turns all loops, and has all peers write and read, until nothing more happens; then no loop has anything to do.
    private func settle() throws {
        // Or a peer for which the kernel holds a byte would take as many turns as it lacks bytes.
        for member in members where !member.hasHungUp { world_widen(member.stream) }
        var quiet = 0
        for _ in 0..<20_000 where quiet < 4 {
            let progress = kernel_progress()
            for loop in loops.indices { try turn(loop, inner: random.oneIn(4) ? [random.number(0...loops.count - 1)] : []) }
            var count = 0
            for member in members where !member.hasHungUp && !loops[member.loop].isClosed {
                write(member)
                count += member.unwritten.count + world_read(member.stream, .max)
            }
            quiet = count == 0 && kernel_progress() == progress ? quiet + 1 : 0
        }
        if quiet < 4 {
            let left = members.filter { !$0.unwritten.isEmpty }.map { "\($0.name) has \($0.unwritten.count) bytes left" }
            let paused = topics.indices.filter { topics[$0].isUnderPressure }.map { "loop \($0) is under pressure" }
            throw Finding("the loops do not come to rest", (left + paused).joined(separator: ", "))
        }
        for (loop, topic) in zip(loops, topics) where !loop.isClosed && topic.isUnderPressure {
            throw Finding("publishers are paused for ever")
        }
        // What comes by chance alone, such as a spurious event, is not work.
        var faults = kernel_faults()
        unsafe kernel_set_faults(&faults)
        for index in loops.indices where !loops[index].isClosed {
            _ = kernel_is_idle()
            for _ in 0..<5 { try turn(index, waitingAtMost: nil) }
            if !kernel_is_idle() { throw Finding("an idle loop turns", "loop \(index)") }
        }
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
