import CLinux
import Glibc

extension EventLoop {
    /// Starts a thread that runs a loop of its own.
    ///
    /// ```swift
    /// let background = try EventLoop.runInBackground()
    /// try await background.remote.serve(on: .loopback(port: 3001)) { connection in
    ///     for try await message in connection.messages { try await connection.send(message) }
    /// }
    /// try await background.shutDown()
    /// ```
    ///
    /// The thread takes no signals: those of the process are left to the others. The corresponding C functions are `pthread_create` and
    /// those of `EventLoop.init`.
    public static func runInBackground(configuration: Configuration = Configuration()) throws(Errno) -> BackgroundLoop {
        try BackgroundLoop(EventLoop(configuration: configuration))
    }
}

/// A loop on a thread that nothing else uses. From any thread.
///
/// It is to be shut down. If it is merely dropped, the loop is stopped and closed as well, but nobody knows when.
public final class BackgroundLoop: Sendable {
    /// The loop, as other threads may use it.
    public let remote: EventLoop.Remote
    /// Its value is what ended the loop before its time, if anything did.
    private let end: Task<Errno?, Never>

    /// Takes over a loop that nothing else uses.
    fileprivate init(_ loop: EventLoop) throws(Errno) {
        remote = loop.remote
        let (ends, end) = AsyncStream<Errno?>.makeStream()
        try Work(on: loop) { end.yield($0) }.start()
        self.end = Task.detached {
            for await failure in ends { return failure }
            return nil
        }
    }

    deinit {
        remote.stop()
    }

    /// Stops the loop after the turn that is under way, closes it, and waits until both is done. Whoever calls it again waits for the
    /// same.
    ///
    /// What tasks wait for on the loop throws `CloseReason.shutdown`. Throws what ended `run` before its time, if anything did.
    public func shutDown() async throws(Errno) {
        remote.stop()
        try await join()
    }

    /// Waits until the loop has ended and is closed, because something on it has called `EventLoop.stop`, or `EventLoop.shutDown`, or
    /// because somebody has called `shutDown` of this.
    ///
    /// Cancelling the task that waits changes nothing. Throws what ended `run` before its time, if anything did.
    public func join() async throws(Errno) {
        if let failure = await end.value { throw failure }
    }

    /// What the thread does.
    private final class Work {
        private var loop: EventLoop?
        private let onEnd: (Errno?) -> Void

        init(on loop: EventLoop, onEnd: @escaping (Errno?) -> Void) {
            self.loop = loop
            self.onEnd = onEnd
        }

        func start() throws(Errno) {
            var (all, own) = (sigset_t(), sigset_t())
            unsafe sigfillset(&all)
            // A thread begins with the mask of the one that starts it.
            unsafe pthread_sigmask(SIG_SETMASK, &all, &own)
            defer { unsafe pthread_sigmask(SIG_SETMASK, &own, nil) }
            let work = unsafe Unmanaged.passRetained(self)
            var thread = pthread_t()
            let result = unsafe pthread_create(
                &thread, nil,
                { argument in
                    if let argument = unsafe argument { unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run() }
                    return nil
                }, work.toOpaque())
            if result != 0 {
                unsafe work.release()
                throw Errno(rawValue: result)
            }
            pthread_detach(thread)
        }

        private func run() {
            unsafe pthread_setname_np(pthread_self(), "EventLoop")
            onEnd(runLoop())
        }

        /// Runs the loop to its end, and lets go of it.
        private func runLoop() -> Errno? {
            guard let loop else { return nil }
            self.loop = nil
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
