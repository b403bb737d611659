import CLinux
import CSignals
import Glibc
import Synchronization

/// A descriptor that becomes readable when one of some signals has arrived. The subscription ends with this object.
///
/// The handler that the kernel calls is in C, since it may interrupt any function: see CSignals. Here is the count of how many
/// subscriptions a signal has, so that the handler is installed for the first, and removed with the last.
@safe final class SignalSubscription {
    /// An eventfd, which the handler writes to.
    let descriptor: OwnedDescriptor
    private let signals: Set<Int32>
    private let watch: OpaquePointer
    /// The signals that the thread blocked which has made this.
    private var unblocked = sigset_t()
    private let thread = pthread_self()

    /// How many subscriptions each signal has. Locked for all calls of CSignals but `signal_watch_take`.
    private static let counts = Mutex<[Int32: Int]>([:])
    /// The kernel raises these because of the instruction that a thread is at, which would run again after the handler, for ever.
    private static let faults: Set<Int32> = [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP]

    /// The corresponding C functions are `eventfd`, `sigaction` and `pthread_sigmask`.
    init(to signals: [Int32]) throws(Errno) {
        let signals = Set(signals)
        guard signals.allSatisfy({ (1...64).contains($0) }), signals.isDisjoint(with: Self.faults) else { throw .invalidArgument }
        let descriptor = OwnedDescriptor(takingOver: try retryingOnInterrupt { eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) })
        let bits = signals.reduce(0 as UInt64) { $0 | 1 << UInt64($1 - 1) }
        let number = descriptor.rawValue
        unsafe watch = try Self.counts.withLock { counts throws(Errno) in
            guard let watch = unsafe signal_watch_add(bits, number) else { throw .noMemory }
            var installed: [Int32] = []
            for signal in signals where counts[signal] == nil {
                let result = signal_handler_install(signal)
                if result == 0 {
                    installed.append(signal)
                    continue
                }
                for signal in installed { signal_handler_restore(signal) }
                unsafe signal_watch_remove(watch)
                throw Errno(rawValue: result)
            }
            for signal in signals { counts[signal, default: 0] += 1 }
            return unsafe watch
        }
        self.descriptor = descriptor
        self.signals = signals
        unblock()
    }

    deinit {
        Self.counts.withLock { counts in
            for signal in signals {
                let count = (counts[signal] ?? 0) - 1
                counts[signal] = count > 0 ? count : nil
                if count == 0 { signal_handler_restore(signal) }
            }
            unsafe signal_watch_remove(watch)
        }
        if pthread_self() == thread { unsafe pthread_sigmask(SIG_BLOCK, &unblocked, nil) }
    }

    private func unblock() {
        var (watched, blocked) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&watched)
        for signal in signals { unsafe sigaddset(&watched, signal) }
        unsafe pthread_sigmask(SIG_UNBLOCK, &watched, &blocked)
        unsafe sigemptyset(&unblocked)
        for signal in signals where unsafe sigismember(&blocked, signal) == 1 { unsafe sigaddset(&unblocked, signal) }
    }

    /// The signals that have arrived since the last call, in the order of their numbers. The corresponding C function is
    /// `eventfd_read`.
    func takeArrived() -> [Int32] {
        var count: eventfd_t = 0
        // The counter first: a signal that comes after that makes the descriptor readable again.
        _ = unsafe eventfd_read(descriptor.rawValue, &count)
        let arrived = unsafe signal_watch_take(watch)
        return (1...64).filter { arrived & 1 << UInt64($0 - 1) != 0 }
    }
}
