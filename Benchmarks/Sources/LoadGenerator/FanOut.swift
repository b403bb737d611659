import Glibc
import Reactor

/// One load on one server: connects, waits until every receiver gets the lines of every sender, warms up, measures, drains, checks.
public final class FanOut {
    /// How long nothing may arrive before something is wrong.
    private static let timeout: Nanoseconds = 10_000_000_000

    private let plan: LoadPlan
    private let loop: EventLoop
    private let traffic: Traffic
    private var peers: [Peer] = []
    private var schedule: Schedule?
    private var ticker: Ticker?
    private let latencies = Latencies()

    /// Takes the reports of the plan's `reportInterval`.
    public var onInterval: ((IntervalReport) -> Void)?

    /// Called when all are connected and receive from each other, and the load begins with its warm-up.
    public var onBegin: (() -> Void)?

    public init(_ plan: LoadPlan) throws {
        if let objection = plan.objection { throw LoadFailure(objection) }
        self.plan = plan
        loop = try EventLoop(configuration: Self.loopConfiguration(for: plan))
        traffic = Traffic(plan)
        makePeers()
    }

    /// With very few receivers one read could bring all that is under way: then server and generator would take turns at waiting
    /// for each other. Smaller reads have lines leave while others still arrive.
    private static func loopConfiguration(for plan: LoadPlan) -> EventLoop.Configuration {
        var configuration = EventLoop.Configuration()
        if case .window(let window) = plan.pace, plan.receiversOfEachLine < 4 {
            let bytesUnderWay = window * plan.senders * plan.lineLength
            configuration.readSize = min(max(bytesUnderWay / 4, 4_096), configuration.readSize)
        }
        return configuration
    }

    /// Senders come first, then those that never read. Those that check are spread over all that read, since a server may well
    /// serve its first connection before its last.
    private func makePeers() {
        let line = Frame.blankLine(length: plan.lineLength)
        let frame = plan.wire.delivered(line)
        let firstReader = plan.wire.sendersReceive ? 0 : plan.senders
        let readers = (0..<plan.connections).filter { $0 >= firstReader && !isStalled($0) }
        let verifierCount = plan.toleratesForeignLines ? readers.count : min(plan.verifiers, readers.count)
        var verifying: Set<Int> = []
        // The last one always, and so the one receiver of a single sender.
        for index in 0..<verifierCount { verifying.insert(readers[readers.count - 1 - index * readers.count / verifierCount]) }
        for index in 0..<plan.connections {
            let isSender = index < plan.senders
            var verifier: LineVerifier?
            if verifying.contains(index) {
                verifier = LineVerifier(
                    frame: frame, keepAlive: plan.wire.keepAlive?.question ?? [], senders: plan.senders,
                    ownNumber: isSender ? UInt32(index) : nil, expectsOwn: plan.wire.audience == .sender,
                    toleratesForeignLines: plan.toleratesForeignLines, latencies: latencies)
            }
            let role: Peer.Role = isStalled(index) ? .stalled : index < firstReader ? .publisher : .receiver
            peers.append(Peer(role, verifier: verifier, wire: plan.wire, traffic: traffic))
        }
    }

    private func isStalled(_ index: Int) -> Bool {
        index >= plan.senders && index < plan.senders + plan.stalled
    }

    /// Takes as long as the plan says, and a bounded time for all that is around it.
    public func run() throws -> LoadReport {
        defer { loop.close() }
        let opener = ConnectionOpener(
            loop: loop, address: plan.address, transport: plan.transport, isWeb: plan.wire == .web)
        try opener.connect(peers) { (traffic.opened, traffic.firstLoss) }
        beat()
        try gather()
        onBegin?()
        try begin()
        try turn(for: plan.warmUp)
        latencies.isMeasuring = true
        schedule?.beginMeasuring()
        let before = (sent: traffic.sent, deliveries: traffic.deliveries, reads: traffic.readCount)
        let interval = Interval(server: plan.server)
        try measure()
        let usage = interval.end()
        let after = (sent: traffic.sent, deliveries: traffic.deliveries, reads: traffic.readCount)
        latencies.isMeasuring = false
        let lateness = schedule
        schedule = nil
        ticker?.stop()
        traffic.closeWindow()
        let undelivered = try drain()
        for peer in peers { peer.verifier?.finish(sentBySender: traffic.sentBySender) }

        let deliveries = after.deliveries - before.deliveries
        let lines = after.sent - before.sent
        var report = LoadReport(
            seconds: usage.seconds, lines: lines, deliveries: deliveries,
            deliveriesPerSecond: Double(deliveries) / usage.seconds, linesPerSecond: Double(lines) / usage.seconds,
            deliveriesPerRead: Double(deliveries) / Double(max(after.reads - before.reads, 1)), server: usage.server,
            generatorShare: usage.generatorShare, check: check(), remarks: [])
        _ = latencies.takeInterval()
        report.latency = LoadReport.Latency(latencies.total)
        if usage.timeouts > 0 { report.remarks = ["TCP timed out \(usage.timeouts) times, and connections rested meanwhile"] }
        report.remarks += remarks(on: report, undelivered: undelivered, lateness: lateness)
        return report
    }

    // MARK: - The phases

    /// Has one sender send until everybody has heard it; or each, where nobody hears another. A connection that is open may still
    /// wait to be accepted, and then would miss the first lines; and a subscription takes its time.
    private func gather() throws {
        let expected = peers.count { $0.role == .receiver } - (plan.wire.audience == .everybodyElse ? 1 : 0)
        let deadline = Nanoseconds.now + 6 * Self.timeout
        var pause = Duration.milliseconds(5)
        while traffic.audience < expected {
            if Nanoseconds.now > deadline {
                throw LoadFailure("only \(traffic.audience) of \(expected) connections got a line: is this a line relay?")
            }
            let unheard = plan.wire.audience == .sender ? peers.filter { !$0.hasHeard } : [peers[0]]
            for peer in unheard { traffic.probe(from: peer) }
            try settle(pause)
            pause = min(pause * 2, .milliseconds(500))
        }
        try settle(.milliseconds(50))
    }

    private func beat() {
        guard let heartbeat = plan.wire.heartbeat else { return }
        for peer in peers { peer.connection?.send(heartbeat.span) }
        loop.schedule(after: .seconds(10)) { [weak self] in self?.beat() }
    }

    /// Waits until nothing has arrived for a while.
    private func settle(_ quietTime: Duration) throws {
        let deadline = Nanoseconds.now + Self.timeout
        var lastCount = -1
        while lastCount != traffic.receivedBytes, Nanoseconds.now < deadline {
            lastCount = traffic.receivedBytes
            let end = ContinuousClock.now + quietTime
            while ContinuousClock.now < end { try turn(waitingAtMost: .milliseconds(1)) }
        }
    }

    private func begin() throws {
        for peer in peers { peer.verifier?.begin() }
        traffic.begin(from: Array(peers.prefix(plan.senders)))
        switch plan.pace {
        case .window: traffic.openWindow()
        case .rate(let rate):
            schedule = Schedule(linesPerSecond: rate, traffic: traffic)
            if plan.sleepsBetweenLines { ticker = try Ticker(ticksPerSecond: rate, on: loop) }
        }
    }

    private func measure() throws {
        guard let interval = plan.reportInterval, interval > .zero else { return try turn(for: plan.duration) }
        let start = ContinuousClock.now
        var passed = Duration.zero
        while passed < plan.duration {
            let before = (lines: traffic.sent, deliveries: traffic.deliveries)
            try turn(for: min(interval, plan.duration - passed))
            let now = start.duration(to: .now)
            onInterval?(
                IntervalReport(
                    start: passed / .seconds(1), seconds: (now - passed) / .seconds(1), lines: traffic.sent - before.lines,
                    deliveries: traffic.deliveries - before.deliveries, latency: latencies.takeInterval(), check: check()))
            passed = now
        }
    }

    private func turn(for time: Duration) throws {
        let end = ContinuousClock.now + time
        while true {
            let now = ContinuousClock.now
            if now >= end { return }
            schedule?.sendDue()
            // With lines to send and no ticker, never asleep: a wait is a millisecond at least, which is longer than most lines take.
            try turn(waitingAtMost: schedule == nil || ticker != nil ? now.duration(to: end) : .zero)
        }
    }

    private func turn(waitingAtMost timeout: Duration) throws {
        try loop.runOnce(waitingAtMost: timeout)
        if let loss = traffic.firstLoss { throw LoadFailure("\(plan.address) closed a connection: \(loss)") }
    }

    /// Receives what is under way, and returns how many deliveries never came.
    private func drain() throws -> Int {
        var lastOutstanding = outstanding
        var lastProgress = Nanoseconds.now
        while outstanding > 0 {
            try turn(waitingAtMost: .milliseconds(10))
            let now = Nanoseconds.now
            if outstanding != lastOutstanding {
                lastOutstanding = outstanding
                lastProgress = now
            } else if now - lastProgress > Self.timeout / 5 {
                return outstanding
            }
        }
        return 0
    }

    /// How many deliveries are still due. Where lines of others arrive, too, bytes do not tell: then all check, and their lines do.
    private var outstanding: Int {
        plan.toleratesForeignLines ? traffic.sent * plan.receiversOfEachLine - check().lines : traffic.outstanding
    }

    // MARK: - The report

    private func check() -> LoadReport.Check {
        var check = LoadReport.Check()
        for peer in peers {
            guard peer.verifier != nil else { continue }
            guard let findings = peer.verifier?.findings else { continue }
            check.connections += 1
            check.lines += findings.lines
            check.missing += findings.missing
            check.repeated += findings.repeated
            check.misdirected += findings.misdirected
            check.damaged += findings.damaged
            check.foreign += findings.foreign
        }
        return check
    }

    private func remarks(on report: LoadReport, undelivered: Int, lateness: Schedule?) -> [String] {
        var remarks: [String] = []
        if let lateness {
            if lateness.lateLines * 100 > report.lines {
                remarks.append(
                    "the generator could not keep up: \(lateness.lateLines) of \(report.lines) lines left late, by up to "
                        + "\(lateness.greatestDelay / 1_000) µs")
            }
        } else if report.generatorShare > 0.95 {
            remarks.append("the generator could not keep up: its own core was busy, so the server may be faster than this")
        }
        if report.deliveries == 0 { remarks.append("the server delivered nothing") }
        if undelivered > 0 { remarks.append("\(undelivered) deliveries never came") }
        let lost = peers.count { $0.closeReason != nil }
        if lost > 0 { remarks.append("the server closed \(lost) connections that did not read") }
        return remarks
    }
}
