import CReactorLinux
import Glibc
public import Reactor
import Synchronization

/// Threads that do what takes long, in the order in which it comes: a hash is made to take a tenth of a second, for which nobody in a chat is
/// to wait.
///
/// They wait in a system call of the loop's own set, and end with the process.
public final class PasswordWorkers: Sendable {
    /// Two, so that a hash which was made to take very long leaves one for all others.
    public static let threadCount = 2

    private typealias Job = @Sendable () -> Void

    private let jobs = Mutex<[Job]>([])
    /// A semaphore of the kernel's: how many jobs there are.
    private let count: OwnedDescriptor

    /// Starts the threads.
    ///
    /// The corresponding C functions are `eventfd` and `pthread_create`.
    public init() throws(Errno) {
        count = OwnedDescriptor(takingOver: eventfd(0, Int32(EFD_CLOEXEC | EFD_SEMAPHORE)))
        if count.rawValue < 0 { throw .last }
        for _ in 0..<Self.threadCount { try startDetachedThread { [self] in work() } }
    }

    private func work() {
        var one: UInt64 = 0
        while true {
            let result = unsafe read(count.rawValue, &one, MemoryLayout<UInt64>.size)
            if result < 0, errno != EINTR { return }
            if result < 0 { continue }
            let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            job?()
        }
    }

    /// Has a thread do something, after what has come before.
    ///
    /// The corresponding C function is `eventfd_write`.
    public func run(_ job: @escaping @Sendable () -> Void) {
        jobs.withLock { $0.append(job) }
        var one: UInt64 = 1
        while unsafe write(count.rawValue, &one, MemoryLayout<UInt64>.size) < 0, errno == EINTR {}
    }
}
