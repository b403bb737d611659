import Glibc

/// Has the wall clock of a process jump, twice a second. The process has been started with `Preload/clock_jump.c`, which does that at SIGUSR1.
public final class ClockJumps: Attacker {
    private let process: Int32
    private var next = ContinuousClock.now
    private var count = 0

    public init(of process: Int32) {
        self.process = process
    }

    public func step() -> Bool {
        let now = ContinuousClock.now
        if now < next { return false }
        next = now + .milliseconds(500)
        kill(process, SIGUSR1)
        count += 1
        return true
    }

    public func end() {}

    public var remarks: [String] { ["\(count) jumps of the wall clock, by days"] }
}
