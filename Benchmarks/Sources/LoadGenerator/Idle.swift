public import Reactor

/// Connections that only sit, to see what they cost.
public struct IdlePlan: Sendable {
    public var address: SocketAddress
    public var connections: Int
    public var duration: Duration
    public var server: Int32?
    /// Whether they are WebSockets, which answer when the server asks whether they are there.
    public var isWeb = false
    /// What the connections' bytes pass through; nil for plain ones.
    public var transport: TransportFactory?

    public init(address: SocketAddress, connections: Int, duration: Duration, server: Int32?) {
        self.address = address
        self.connections = connections
        self.duration = duration
        self.server = server
    }
}

public struct IdleReport: Codable, Sendable {
    public var connections: Int
    /// From the first connecting to the moment at which the server had accepted all; nil if its process is not known.
    public var secondsToAccept: Double?
    /// The growth of the server's resident memory from the first hundred connections to all of them, for each.
    public var residentBytesPerConnection: Double?
    /// How long was measured.
    public var seconds: Double
    public var server: ServerReport?
    public var remarks: [String] = []
}

/// Opens connections, and then does nothing.
public final class Idle {
    /// The first connections make a server set up what it needs once; the growth is counted from here.
    private static let baseline = 100
    private static let timeLimit = Duration.seconds(60)

    private let plan: IdlePlan
    private let loop: EventLoop
    private let opener: ConnectionOpener
    private let sitter = Sitter()

    public init(_ plan: IdlePlan) throws {
        self.plan = plan
        loop = try EventLoop()
        opener = ConnectionOpener(loop: loop, address: plan.address, transport: plan.transport, isWeb: plan.isWeb)
    }

    public func run() throws -> IdleReport {
        defer { loop.close() }
        let descriptors = plan.server.map { ProcessUsage.openDescriptors(of: $0) } ?? 0
        let clock = ContinuousClock()
        let first = min(Self.baseline, plan.connections)
        let start = clock.now
        try connect(first)
        try awaitDescriptors(descriptors + first)
        let pauseStart = clock.now
        try loop.run(for: .milliseconds(200))
        let before = plan.server.flatMap { ProcessUsage(of: $0) }
        let pause = pauseStart.duration(to: clock.now)

        try connect(plan.connections - first)
        try awaitDescriptors(descriptors + plan.connections)
        let acceptTime = start.duration(to: clock.now) - pause
        try loop.run(for: .milliseconds(500))

        let interval = Interval(server: plan.server)
        try loop.run(for: plan.duration)
        let usage = interval.end()
        var report = IdleReport(connections: plan.connections, seconds: usage.seconds, server: usage.server)
        if let server = usage.server, let before, plan.connections > first {
            report.secondsToAccept = acceptTime / .seconds(1)
            let growth = Double(server.residentBytes) - Double(before.residentBytes)
            report.residentBytesPerConnection = growth / Double(plan.connections - first)
        }
        if sitter.closed > 0 { report.remarks.append("the server closed \(sitter.closed) of the connections") }
        return report
    }

    private func connect(_ count: Int) throws {
        try opener.connect(Array(repeating: sitter, count: count)) { (sitter.opened, sitter.loss) }
    }

    /// Waits until the server has so many descriptors open: a connection may be open long before it is accepted.
    private func awaitDescriptors(_ count: Int) throws {
        guard let server = plan.server else { return }
        let deadline = ContinuousClock.now + Self.timeLimit
        while ProcessUsage.openDescriptors(of: server) < count {
            if ContinuousClock.now > deadline {
                throw LoadFailure("the server has not accepted \(plan.connections) connections in \(Self.timeLimit)")
            }
            try loop.run(for: .milliseconds(5))
        }
    }
}

/// The handler of connections that only sit.
private final class Sitter: ConnectionHandler {
    private(set) var opened = 0
    private(set) var closed = 0
    private(set) var loss: CloseReason?

    func connectionDidOpen(_ connection: Connection) {
        opened += 1
    }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        closed += 1
        loss = loss ?? reason
    }
}
