/// Clients that come for a moment, at a fixed rate, and leave as they should not.
public final class BriefClients: Attacker {
    public enum Manner: Sendable {
        /// Says a line, ends its own side, and waits for the other.
        case halfClosing
        /// Says a line, and resets the connection at once.
        case hittingAndRunning
        /// Reads nothing until there is output queued for it, and resets the connection then.
        case resettingWithOutput
        /// Says a line and leaves in order.
        case polite
        /// Says a line longer than most, and leaves in order.
        case wordy
    }

    static let shortLine = "#" + String(repeating: "v", count: 40) + "\n"

    private struct Visit {
        var socket: HostileSocket
        var end: ContinuousClock.Instant
    }

    private let port: UInt16
    private let manner: Manner
    private let interval: Duration
    private let line: String
    private var next = ContinuousClock.now
    private var visits: [Visit] = []
    private var buffer = [UInt8](repeating: 0, count: 65_536)
    private var count = 0
    private var unanswered = 0

    public init(_ manner: Manner, perSecond rate: Double, at port: UInt16) {
        self.manner = manner
        self.port = port
        interval = .seconds(1) / rate
        line = manner == .wordy ? "#" + String(repeating: "v", count: 32_000) + "\n" : Self.shortLine
    }

    /// For how long a visitor stays at most.
    private var stay: Duration {
        switch manner {
        case .halfClosing, .polite, .wordy: .seconds(2)
        case .resettingWithOutput: .milliseconds(500)
        case .hittingAndRunning: .zero
        }
    }

    public func step() -> Bool {
        let now = ContinuousClock.now
        visits.removeAll { !goesOn($0, now) }
        if now < next { return false }
        // Those that could not be made in time are not made up for.
        next = max(next + interval, now - interval)
        guard let socket = HostileSocket(to: port, receiveBuffer: manner == .resettingWithOutput ? 4_096 : nil) else {
            return true
        }
        count += 1
        if manner == .hittingAndRunning || manner == .resettingWithOutput { socket.resetWhenDropped() }
        if manner != .resettingWithOutput { socket.send(line) }
        if manner != .hittingAndRunning, manner != .resettingWithOutput { socket.finishSending() }
        visits.append(Visit(socket: socket, end: now + stay))
        return true
    }

    private func goesOn(_ visit: Visit, _ now: ContinuousClock.Instant) -> Bool {
        if manner != .resettingWithOutput, manner != .hittingAndRunning {
            while true {
                switch visit.socket.receive(into: &buffer) {
                case .bytes: continue
                case .nothing: break
                case .ended: return false
                }
                break
            }
        }
        if now < visit.end { return true }
        if manner == .halfClosing { unanswered += 1 }
        return false
    }

    public func end() {
        visits = []
    }

    public var remarks: [String] {
        ["\(count) visits (\(manner))"]
            + (unanswered > 0 ? ["\(unanswered) half-closed connections were not closed within 2 s"] : [])
    }
}
