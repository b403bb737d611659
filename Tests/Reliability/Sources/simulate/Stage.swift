import Reactor
import SimulatedKernel

/// What is played on the simulated kernel: a loop, and what must hold after every turn of it and whenever it is at rest.
protocol Stage: AnyObject {
    var loop: EventLoop { get }
    /// Grows with what happens in the program without a system call: a loop that turns without anything happening spins.
    var unseenProgress: UInt64 { get }
    var peerCount: Int { get }
    /// The first promise that was broken.
    var finding: Finding? { get set }

    func checkTurn(startedAt start: Int64) throws
    func checkRest() throws
}

extension Stage {
    /// Only the first finding counts: what follows may be a consequence.
    func record(_ finding: Finding) {
        if self.finding == nil { self.finding = finding }
    }

    func noting(_ body: () throws(Finding) -> Void) {
        do throws(Finding) { try body() } catch { record(error) }
    }

    func throwFinding() throws {
        if let complaint = unsafe kernel_complaint() {
            record(Finding("misuse of the kernel", unsafe String(cString: complaint)))
        }
        if let finding { throw finding }
    }

    func liftLimit() {
        kernel_limit_descriptors(-1)
        kernel_exhaust(0)
    }

    func turn(waitingAtMost timeout: Duration?) throws {
        let start = kernel_now()
        try loop.runOnce(waitingAtMost: timeout)
        try checkTurn(startedAt: start)
    }

    /// Makes turns until a wait finds nothing to do. No time passes.
    func settle() throws {
        kernel_may_wait(false)
        _ = kernel_is_idle()
        var idleTurns = 0
        for _ in 0..<200_000 {
            let progress = kernel_progress()
            let unseen = unseenProgress
            try turn(waitingAtMost: nil)
            if kernel_is_idle() { return try checkRest() }
            idleTurns = kernel_progress() == progress && unseenProgress == unseen ? idleTurns + 1 : 0
            if idleTurns > 4 { throw Finding("the loop spins", "\(idleTurns) turns in which nothing happened") }
        }
        throw Finding("the loop does not come to rest")
    }

    /// Lets time pass, in which the loop runs.
    func wait(_ milliseconds: Int) throws {
        kernel_may_wait(true)
        let end = kernel_now() + Int64(milliseconds) * 1_000_000
        var idleTurns = 0
        var emptyTurns = 0
        // The library's own timers: a lagging peer's, an idle line's, a starved listener's.
        let allowed = 40 + 8 * peerCount + milliseconds / 20
        let events = kernel_counted(KERNEL_COUNT_EVENTS)
        while kernel_now() < end {
            let progress = kernel_progress()
            let unseen = unseenProgress
            let start = kernel_now()
            try turn(waitingAtMost: .nanoseconds(end - start))
            if kernel_progress() != progress || unseenProgress != unseen {
                idleTurns = 0
                continue
            }
            emptyTurns += 1
            idleTurns = kernel_now() - start < 1_000_000 ? idleTurns + 1 : 0
            if idleTurns > 4 { throw Finding("the loop spins", "\(idleTurns) turns in which nothing happened, nor time passed") }
            // What a wait has reported beyond the intake budget gets turns of its own, even if there is nothing in it.
            let reported = Int(kernel_counted(KERNEL_COUNT_EVENTS) - events)
            if emptyTurns > allowed + reported {
                throw Finding("the loop wakes for nothing", "\(emptyTurns) turns in \(milliseconds) ms")
            }
        }
    }
}

/// Plays something on a kernel that a seed determines. The result is a hash of all system calls.
func playOnKernel(
    _ faults: kernel_faults, seed: UInt64, isTraced: Bool, _ body: () throws -> Void
) throws(Finding) -> UInt64 {
    var faults = faults
    unsafe kernel_begin(&faults)
    defer { kernel_end() }
    kernel_seed(seed)
    kernel_trace(isTraced)
    do {
        try body()
    } catch let finding as Finding {
        throw finding
    } catch {
        throw Finding("the loop fails", "\(error)")
    }
    if kernel_open_descriptors() != 0 { throw Finding("descriptors are left open", "\(kernel_open_descriptors())") }
    return kernel_hash()
}
