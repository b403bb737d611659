import Glibc

/// Stops a server's process for a while, has it continue, and sees how long it takes until lines pass as before.
public final class Pause: Attacker {
    /// A line that takes no longer passes as before.
    private static let usual = Duration.milliseconds(50)
    private static let timeout = Duration.seconds(30)

    private enum State {
        case new
        case waiting(until: ContinuousClock.Instant)
        case stopped(until: ContinuousClock.Instant)
        case continued
    }

    private let process: Int32
    private let port: UInt16
    private let delay: Duration
    private let time: Duration
    private var state = State.new
    private var probe: Probe?
    private var recoveryTime: Duration?

    /// - Parameters:
    ///   - delay: When to stop it, from the first step.
    ///   - time: For how long it is stopped.
    public init(_ process: Int32, at port: UInt16, after delay: Duration, for time: Duration) {
        self.process = process
        self.port = port
        self.time = time
        self.delay = delay
    }

    public func step() -> Bool {
        let now = ContinuousClock.now
        if probe == nil { probe = Probe(port: port) }
        switch state {
        case .new:
            state = .waiting(until: now + delay)
        case .waiting(let end) where now >= end:
            kill(process, SIGSTOP)
            state = .stopped(until: now + time)
        case .stopped(let end) where now >= end:
            resume(at: now)
        default: break
        }
        return false
    }

    private func resume(at now: ContinuousClock.Instant) {
        kill(process, SIGCONT)
        state = .continued
        while now.duration(to: .now) < Self.timeout {
            if let time = probe?.roundTrip(within: Self.usual), time <= Self.usual {
                recoveryTime = now.duration(to: .now)
                return
            }
        }
    }

    public func end() {
        kill(process, SIGCONT)
        probe = nil
    }

    public var remarks: [String] {
        recoveryTime.map { ["lines passed as before \(Int($0 / .milliseconds(1))) ms after it continued"] } ?? []
    }

    public var complaint: String? {
        if case .continued = state, recoveryTime == nil { return "did not recover within \(Self.timeout)" }
        return nil
    }
}
