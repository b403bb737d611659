import Glibc
import SimulatedKernel

/// A child process that plays scenarios: one that traps, or never ends, takes nothing else with it.
final class Worker {
    let report = WorkerReport()
    private let identifier: Int32

    /// How many seconds of processor time one scenario may take. The longest take a hundredth of it.
    static let timeLimit = 20

    /// - Parameters:
    ///   - isQuiet: Whether what the child says of its own crash is left out.
    ///   - body: What the child does. A finding that it throws is written on the report.
    init(isQuiet: Bool = false, _ body: (WorkerReport) throws(Finding) -> Void) {
        identifier = world_fork()
        if identifier < 0 { fatalError("fork: \(errno)") }
        if identifier > 0 { return }
        if isQuiet {
            let nowhere = unsafe open("/dev/null", O_WRONLY)
            dup2(nowhere, 2)
        }
        report.takeNotes()
        do throws(Finding) {
            try body(report)
        } catch {
            report.finding = error
        }
        world_exit(report.finding == nil ? 0 : 1)
    }

    /// Waits for its end, and returns what it has found.
    func wait() -> Finding? {
        var status: Int32 = 0
        while unsafe waitpid(identifier, &status, 0) < 0, errno == EINTR {}
        if let finding = report.finding { return finding }
        let signal = status & 0x7F
        if signal == 0 { return status == 0 ? nil : Finding("the process ends", "exit code \(status >> 8)") }
        if !report.note.isEmpty { return Finding(report.note) }
        if signal == SIGPROF { return Finding("an endless loop", "longer than \(Self.timeLimit) seconds") }
        if signal == SIGALRM { return Finding("a wait without an end") }
        return Finding("a crash", "signal \(signal)")
    }

    func stop() {
        kill(identifier, SIGKILL)
        var status: Int32 = 0
        unsafe waitpid(identifier, &status, 0)
    }

    /// Has the process end by a signal if it is still at the same scenario after too long a time.
    static func guardTime() {
        // Time in which the machine does something else does not count, or a busy one would fail what is right.
        var limit = itimerval(it_interval: timeval(), it_value: timeval(tv_sec: timeLimit, tv_usec: 0))
        unsafe setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &limit, nil)
        // A process that waits takes no time of the processor.
        alarm(UInt32(30 * timeLimit))
    }
}
