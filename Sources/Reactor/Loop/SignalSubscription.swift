import CReactorLinux
import CReactorSignals
import Glibc
import Synchronization

/// A descriptor that becomes readable when one of some signals has arrived. The subscription ends with this object.
///
/// The handler that the kernel calls is in C, since it may interrupt any function: see CReactorSignals. Here is the table of how many
/// subscriptions a signal has, so that the handler is installed for the first, and removed with the last.
@safe final class SignalSubscription {
    /// An eventfd, which the handler writes to.
    let descriptor: OwnedDescriptor
    private let signals: Set<Int32>
    private let watch: OpaquePointer

    private struct Entry {
        var count = 0
        /// Threads that blocked the signal before they subscribed.
        var unblockedThreads: Set<pthread_t> = []
    }

    /// The signals that have subscriptions. Locked for all calls of CReactorSignals but `signal_watch_take`.
    private static let entries = Mutex<[Int32: Entry]>([:])
    /// The kernel raises these because of the instruction that a thread is at, which would run again after the handler, for ever.
    private static let faults: Set<Int32> = [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP]

    /// The corresponding C functions are `eventfd`, `sigaction` and `pthread_sigmask`.
    init(to signals: [Int32]) throws(Errno) {
        let signals = Set(signals)
        guard signals.allSatisfy({ (1...64).contains($0) }), signals.isDisjoint(with: Self.faults) else { throw .invalidArgument }
        let descriptor = OwnedDescriptor(takingOver: try retryingOnInterrupt { eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) })
        let bits = signals.reduce(0 as UInt64) { $0 | 1 << UInt64($1 - 1) }
        let number = descriptor.rawValue
        unsafe watch = try Self.entries.withLock { entries throws(Errno) in
            guard let watch = unsafe signal_watch_add(bits, number) else { throw .noMemory }
            var installed: [Int32] = []
            for signal in signals where entries[signal] == nil {
                let result = signal_handler_install(signal)
                if result == 0 {
                    installed.append(signal)
                    continue
                }
                for signal in installed { signal_handler_restore(signal) }
                unsafe signal_watch_remove(watch)
                throw Errno(rawValue: result)
            }
            for signal in signals {
                entries[signal, default: Entry()].count += 1
                if Self.setMask(SIG_UNBLOCK, signal) { entries[signal]?.unblockedThreads.insert(pthread_self()) }
            }
            return unsafe watch
        }
        self.descriptor = descriptor
        self.signals = signals
    }

    deinit {
        Self.entries.withLock { entries in
            for signal in signals {
                entries[signal]?.count -= 1
                guard let entry = entries[signal], entry.count == 0 else { continue }
                entries[signal] = nil
                // Blocked first: a signal that comes in between stays pending, as it would have without a watcher.
                if entry.unblockedThreads.contains(pthread_self()) { Self.setMask(SIG_BLOCK, signal) }
                signal_handler_restore(signal)
            }
            unsafe signal_watch_remove(watch)
        }
    }

    /// Blocks or unblocks a signal on the calling thread. Returns whether it was blocked before.
    @discardableResult
    private static func setMask(_ how: Int32, _ signal: Int32) -> Bool {
        var (set, old) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, signal)
        unsafe pthread_sigmask(how, &set, &old)
        return unsafe sigismember(&old, signal) == 1
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
