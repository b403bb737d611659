public import Reactor

/// Connections that come and go, as fast as they can.
public struct ChurnPlan: Sendable {
    public var address: SocketAddress
    /// How many come and go at the same time.
    public var connections: Int
    public var duration: Duration
    public var server: Int32?
    /// What the connections' bytes pass through; nil for plain ones.
    public var transport: TransportFactory?

    public init(address: SocketAddress, connections: Int, duration: Duration, server: Int32?) {
        self.address = address
        self.connections = connections
        self.duration = duration
        self.server = server
    }
}

public struct ChurnReport: Codable, Sendable {
    public var seconds: Double
    public var cycles: Int
    public var cyclesPerSecond: Double
    public var server: ServerReport?
    public var generatorShare: Double
    public var remarks: [String] = []

    public var cpuNanosecondsPerCycle: Double? {
        server.flatMap { cycles > 0 ? Double($0.cpuNanoseconds) / Double(cycles) : nil }
    }
}

/// A cycle is a connection that opens, says that it has nothing to say, and is closed by the server: so each was accepted,
/// noticed and closed, and none is left in the queue to be forgotten.
public final class Churn {
    private let plan: ChurnPlan
    private let loop: EventLoop
    private let callers: Callers

    public init(_ plan: ChurnPlan) throws {
        self.plan = plan
        loop = try EventLoop()
        callers = Callers(plan, loop: loop)
    }

    public func run() throws -> ChurnReport {
        defer { loop.close() }
        for _ in 0..<plan.connections { callers.call() }
        try loop.run(for: .milliseconds(200))
        let before = (cycles: callers.cycles, failures: callers.failures)
        let interval = Interval(server: plan.server)
        try loop.run(for: plan.duration)
        let usage = interval.end()
        let cycles = callers.cycles - before.cycles
        var report = ChurnReport(
            seconds: usage.seconds, cycles: cycles, cyclesPerSecond: Double(cycles) / usage.seconds, server: usage.server,
            generatorShare: usage.generatorShare)
        if usage.generatorShare > 0.95 {
            report.remarks.append("the generator could not keep up: its own core was busy, so the server may be faster than this")
        }
        let failures = callers.failures - before.failures
        if failures > 0 {
            report.remarks.append("\(failures) connections failed, for want of a free port or otherwise")
        }
        if cycles == 0 { report.remarks.append("the server closed no connection") }
        callers.isCalling = false
        return report
    }
}

/// The handler of connections that come and go: when one goes, the next one comes.
private final class Callers: ConnectionHandler {
    private let address: SocketAddress
    private let loop: EventLoop
    private let options: Connection.Options
    var isCalling = true
    private(set) var cycles = 0
    private(set) var failures = 0

    init(_ plan: ChurnPlan, loop: EventLoop) {
        address = plan.address
        self.loop = loop
        var options = Connection.Options()
        options.framing = .chunks
        options.lingerTimeout = .seconds(5)
        options.transport = plan.transport
        self.options = options
    }

    func call() {
        do throws(Errno) {
            try loop.connect(to: address, deadline: .now + .seconds(5), options: options, handler: self)
        } catch {
            failures += 1
            callLater()
        }
    }

    /// The system has run out of ports or of room in a queue: it needs a moment.
    private func callLater() {
        if isCalling { loop.schedule(after: .milliseconds(10)) { [weak self] in self?.call() } }
    }

    func connectionDidOpen(_ connection: Connection) {
        connection.finish()
    }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        switch reason {
        case .requested, .endOfInput:
            cycles += 1
            if isCalling { call() }
        case .shutdown:
            break
        default:
            failures += 1
            callLater()
        }
    }
}
