import CReactorLinux
import Glibc
import Synchronization

/// A loop on a thread that nothing else uses. It may be used from any thread.
///
/// ```swift
/// let background = try BackgroundLoop()
/// try await background.remote.serve(on: .loopback(port: 3001)) { connection in
///     for try await message in connection.messages { try await connection.send(message) }
/// }
/// try await background.stop()
/// ```
///
/// Call `stop` or `shutDown` in the end. If it is merely dropped, the loop is stopped and closed as well, some time later.
public final class BackgroundLoop: Sendable {
    /// What other threads use of the loop.
    public let remote: EventLoop.Remote
    private let end: End

    /// Starts a thread that runs a loop of its own.
    ///
    /// The thread blocks all signals, so that those of the process go to other threads, but for those that a fault of the thread
    /// itself raises: SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT and SIGSYS. Blocked, they would end the process without a
    /// backtrace.
    ///
    /// - Throws: What `EventLoop.init` throws, and `EAGAIN` if there can be no more threads.
    ///
    /// The corresponding C functions are `pthread_create` and those of `EventLoop.init`.
    public init(configuration: EventLoop.Configuration = .init()) throws(Errno) {
        let loop = try EventLoop(configuration: configuration)
        remote = loop.remote
        end = End()
        try LoopThread(loop, end).start()
    }

    deinit {
        remote.stop()
    }

    /// Stops the loop after the turn that is under way, closes it, and waits until both is done. What still waits for a peer is
    /// lost. A second call waits for the same.
    ///
    /// Tasks that wait for something of the loop throw `CloseReason.shutdown`.
    ///
    /// - Throws: The error that has ended `run` before its time, if there was one.
    public func stop() async throws(Errno) {
        remote.stop()
        try await join()
    }

    /// Ends the loop in order, as `EventLoop.shutDown(timeout:)` does: stops listening, has every connection finish, and waits
    /// until the last of them is closed, and then the loop.
    ///
    /// - Parameter timeout: After this time the connections that are left are closed.
    /// - Throws: The error that has ended `run` before its time, if there was one.
    public func shutDown(timeout: Duration) async throws(Errno) {
        remote.execute { loop in loop.shutDown(timeout: timeout) }
        try await join()
    }

    /// Waits until the loop has ended and is closed: because `stop` or `shutDown` was called, of this or of the `EventLoop`, or
    /// `EventLoop.close`.
    ///
    /// Cancelling the task that waits changes nothing.
    ///
    /// - Throws: The error that has ended `run` before its time, if there was one.
    public func join() async throws(Errno) {
        if let failure = await end.wait() { throw failure }
    }

    /// The end of the thread, for which tasks wait.
    private final class End: Sendable {
        private struct State {
            var failure: Errno?
            var hasEnded = false
            var waiting: [CheckedContinuation<Errno?, Never>] = []
        }

        private let state = Mutex(State())

        func wait() async -> Errno? {
            await withCheckedContinuation { continuation in
                let ended = state.withLock { state in
                    if !state.hasEnded { state.waiting.append(continuation) }
                    return (state.hasEnded, state.failure)
                }
                if ended.0 { continuation.resume(returning: ended.1) }
            }
        }

        func arrive(_ failure: Errno?) {
            let waiting = state.withLock { state in
                state.failure = failure
                state.hasEnded = true
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume(returning: failure) }
        }
    }

    /// What the thread does. Nothing else has the loop once the thread has been started.
    private final class LoopThread {
        private var loop: EventLoop?
        private let end: End

        init(_ loop: EventLoop, _ end: End) {
            self.loop = loop
            self.end = end
        }

        func start() throws(Errno) {
            try startDetachedThread { [self] in main() }
        }

        private func main() {
            unsafe pthread_setname_np(pthread_self(), "EventLoop")
            end.arrive(runLoop())
        }

        /// Runs the loop to its end, closes it, and releases it.
        private func runLoop() -> Errno? {
            guard let loop = loop.take() else { return nil }
            defer { loop.close() }
            do throws(Errno) {
                try loop.run()
                return nil
            } catch {
                return error
            }
        }
    }
}
