import Reactor

/// The open loop: line after line at a fixed rate, from each sender in turn, whatever the server makes of them.
///
/// Each line carries the time at which it should have left. Whatever keeps it from leaving then, here or there, is part of
/// its latency: a server that stalls cannot make the load wait for it, and so look better than it is.
struct Schedule {
    /// What may wait for a connection before its lines are left to become late.
    private static let mostPending = 4_194_304
    /// How much later than it should a line may leave before it counts as late.
    private static let tolerance: Nanoseconds = 1_000_000

    private let traffic: Traffic
    private let nanosecondsPerLine: Double
    private let start = Nanoseconds.now
    private var next = 0
    private(set) var lateLines = 0
    private(set) var greatestDelay: Nanoseconds = 0

    init(linesPerSecond: Double, traffic: Traffic) {
        self.traffic = traffic
        nanosecondsPerLine = 1e9 / linesPerSecond
    }

    /// Sends the lines that are due, or so many that the loop has other work by now.
    mutating func sendDue() {
        let now = Nanoseconds.now
        for _ in 0..<1_024 {
            let due = start + Nanoseconds(Double(next) * nanosecondsPerLine)
            if due > now { return }
            let sender = next % traffic.senders.count
            if let connection = traffic.senders[sender].connection, connection.pendingOutput > Self.mostPending { return }
            traffic.send(1, from: sender, at: Tick(due))
            next += 1
            greatestDelay = max(greatestDelay, now - due)
            if now - due > Self.tolerance { lateLines += 1 }
        }
    }

    /// Forgets how late lines were: they may be while a load begins.
    mutating func beginMeasuring() {
        lateLines = 0
        greatestDelay = 0
    }
}
