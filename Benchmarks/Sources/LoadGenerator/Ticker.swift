import CTimer
import Glibc
import Reactor

/// Wakes a loop at a fixed rate, to the microsecond: the loop's own timers are exact to the millisecond only.
final class Ticker: ConnectionHandler {
    private var connection: Connection?

    /// The corresponding C functions are `timerfd_create` and `timerfd_settime`.
    init(ticksPerSecond: Double, on loop: EventLoop) throws {
        let result = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_NONBLOCK) | Int32(TFD_CLOEXEC))
        if result < 0 { throw LoadFailure("cannot make a timer: \(Errno(rawValue: errno))") }
        let descriptor = OwnedDescriptor(takingOver: result)
        let interval = Int(max(1e9 / ticksPerSecond, 1_000))
        let time = timespec(tv_sec: interval / 1_000_000_000, tv_nsec: interval % 1_000_000_000)
        var setting = itimerspec(it_interval: time, it_value: time)
        if unsafe timerfd_settime(result, 0, &setting, nil) < 0 {
            throw LoadFailure("cannot set a timer: \(Errno(rawValue: errno))")
        }
        var options = Connection.Options()
        options.framing = .chunks
        connection = try loop.adopt(descriptor, for: .input, options: options, handler: self)
    }

    func stop() {
        connection?.close()
        connection = nil
    }

    // The loop is awake: that is all.
    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}

    func connectionDidOpen(_ connection: Connection) {}

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {}
}

extension EventLoop {
    /// Makes turns for that long, whatever happens in them.
    func run(for time: Duration) throws {
        let end = ContinuousClock.now + time
        while true {
            let left = ContinuousClock.now.duration(to: end)
            if left <= .zero { return }
            try runOnce(waitingAtMost: left)
        }
    }
}
