import CLinux
import Glibc

/// Hands signals to the loop, between its other events, where anything may be done about them.
final class SignalWatcher {
    private let loop: EventLoop
    private let handler: (Int32) -> Void
    private let descriptor: OwnedDescriptor
    private var token = Token(slot: .max, generation: .max)

    init(_ signals: [Int32], on loop: EventLoop, handler: @escaping (Int32) -> Void) throws(Errno) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        // Blocked, a signal waits to be read from the descriptor instead of interrupting whatever runs.
        let result = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        if result != 0 { throw Errno(rawValue: result) }
        let flags = Int32(SFD_NONBLOCK | SFD_CLOEXEC)
        descriptor = OwnedDescriptor(takingOver: try retryingOnInterrupt { unsafe signalfd(-1, &set, flags) })
        self.loop = loop
        self.handler = handler
        token = loop.register(self)
        do throws(Errno) {
            try loop.watch(descriptor.rawValue, token: token, from: [], to: .readable)
        } catch {
            loop.unregister(token)
            throw error
        }
    }
}

extension SignalWatcher: EventSource {
    func descriptorIsReady(_ readiness: Readiness) {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        guard unsafe read(descriptor.rawValue, &information, size) == size else { return }
        handler(Int32(truncatingIfNeeded: information.ssi_signo))
    }

    func loopIsClosing() {
        try? loop.watch(descriptor.rawValue, token: token, from: .readable, to: [])
        loop.unregister(token)
    }
}

extension EventLoop {
    /// Calls `handler` on the loop's thread for each of the given signals, instead of what they would do otherwise, until the loop
    /// is closed.
    ///
    /// Call it before other threads are started: they inherit that these signals are blocked. A signal that arrives twice before
    /// the loop comes to it is reported once. The corresponding C functions are `pthread_sigmask` and `signalfd`.
    public func watchSignals(_ signals: [Int32], handler: @escaping (Int32) -> Void) throws(Errno) {
        _ = try SignalWatcher(signals, on: self, handler: handler)
    }
}
