import CLinux
import Glibc

/// Signals of this process, to be read from a descriptor instead of interrupting whatever runs.
private final class SignalQueue {
    let descriptor: OwnedDescriptor

    /// The corresponding C functions are `pthread_sigmask` and `signalfd`.
    init(_ signals: [Int32]) throws(Errno) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        // Blocked, a signal waits to be read.
        let result = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        if result != 0 { throw Errno(rawValue: result) }
        let flags = Int32(SFD_NONBLOCK | SFD_CLOEXEC)
        descriptor = OwnedDescriptor(takingOver: try retryingOnInterrupt { unsafe signalfd(-1, &set, flags) })
    }

    /// The next signal that has arrived, or nil. The corresponding C function is `read`.
    func next() -> Int32? {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        guard unsafe read(descriptor.rawValue, &information, size) == size else { return nil }
        return Int32(truncatingIfNeeded: information.ssi_signo)
    }
}

extension EventLoop {
    /// Calls `handler` on the loop's thread for each of the given signals, between the loop's other events, where anything may be
    /// done about them, instead of what they would do otherwise; until the loop is closed.
    ///
    /// ```swift
    /// try loop.watchSignals([SIGINT, SIGTERM]) { _ in loop.stop() }
    /// ```
    ///
    /// Call it before other threads are started: they inherit that these signals are blocked. A signal that arrives twice before
    /// the loop comes to it is reported once. The corresponding C functions are `pthread_sigmask` and `signalfd`.
    public func watchSignals(_ signals: [Int32], handler: @escaping (Int32) -> Void) throws(Errno) {
        let queue = try SignalQueue(signals)
        try watch(queue.descriptor.rawValue, for: .readable) { _, _ in
            if let signal = queue.next() { handler(signal) }
        }
    }
}
