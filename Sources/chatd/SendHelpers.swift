import ChatCommandLine
import ChatReactor
import ChatdSandbox
import Glibc
import Synchronization

/// The threads that help the loop with sending. They begin once the daemon is in order, with the rights that it has then.
final class SendHelpers: Sendable {
    let threads: SendThreads
    private let count: Int
    private let start: Start

    /// What they wait for.
    private final class Start: Sendable {
        let body = Mutex<@Sendable (_ index: Int) -> Void>({ _ in })
        let nextIndex = Atomic<Int>(0)
        let opening = Semaphore()
        let arrivals = Semaphore()
    }

    /// - Parameter count: How many: 255 at most, since `begin` waits for so many, and there are no more of them.
    /// - Throws: A `Failure` if there can be no more threads.
    init(_ count: Int) throws(Failure) {
        self.count = count
        let start = Start()
        self.start = start
        do throws(Errno) {
            threads = try SendThreads(count) {
                start.opening.wait()
                start.body.withLock { $0 }(start.nextIndex.add(1, ordering: .relaxed).oldValue)
                start.arrivals.signal()
            }
        } catch {
            throw Failure("cannot start: \(error)", code: EX_OSERR)
        }
    }

    /// Has them begin, and waits until all have.
    ///
    /// - Parameters:
    ///   - processors: Those that the daemon's threads are kept on; nil if they may be on any.
    ///   - sandbox: What they may reach; nil for everything.
    func begin(on processors: [Int]?, in sandbox: Sandbox?) {
        start.body.withLock {
            $0 = { index in
                if let processors { Processors.pinThread(index + 1, among: processors) }
                sandbox?.restrictThread()
            }
        }
        // In the sandbox no thread can end, for want of the system call. So they are there as long as the process is.
        if sandbox != nil { _ = unsafe Unmanaged.passRetained(threads) }
        start.opening.signal(count)
        start.arrivals.wait(for: count)
    }
}
