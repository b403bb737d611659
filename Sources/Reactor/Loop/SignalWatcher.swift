/// Calls a handler on a loop's thread for signals of this process, between the loop's other events.
///
/// `EventLoop.watchSignals` makes it. It watches until it is cancelled or its loop is closed, even if nothing else refers to it.
/// It belongs to the loop's thread.
///
/// While a signal is watched, it does not do what it would do otherwise. Several watchers, of one loop or of several, may watch
/// the same signal: each of them is called. Once the last of them is cancelled, the signal does again what it did before the
/// first.
///
/// No signal is blocked, and `exec` restores what a signal does by default: child processes are not affected. A system call that
/// a signal interrupts is restarted, as sigaction(2) says of `SA_RESTART`.
public final class SignalWatcher {
    /// Called on the loop's thread, with the number of the signal.
    public typealias Handler = (_ signal: Int32) -> Void

    /// The loop that the watcher belongs to.
    public let loop: EventLoop
    /// Nil once the watcher is cancelled.
    private var subscription: SignalSubscription?
    private var handler: Handler?
    private var token = Token.none

    fileprivate init(_ signals: [Int32], on loop: EventLoop, handler: @escaping Handler) throws(Errno) {
        try loop.checkIsNotClosed()
        self.loop = loop
        let subscription = try SignalSubscription(to: signals)
        self.subscription = subscription
        self.handler = handler
        token = try loop.register(self)
        do throws(Errno) {
            try loop.setInterest(of: subscription.descriptor.rawValue, token: token, from: [], to: .readable)
        } catch {
            loop.unregister(token)
            throw error
        }
    }

    /// Whether the watcher was cancelled, or its loop closed.
    public var isCancelled: Bool { subscription == nil }

    /// Ends the watch, at once and for good; the handler may do so itself. Does nothing if the watcher is cancelled already.
    ///
    /// A signal that has come and that the handler was not called for is lost. One that was sent and that no thread has taken yet does
    /// what it did before it was watched. The corresponding C function is `sigaction`.
    public func cancel() {
        guard let subscription = subscription.take() else { return }
        // Removing cannot fail.
        try? loop.setInterest(of: subscription.descriptor.rawValue, token: token, from: .readable, to: [])
        // Taken out first and released at the end: what the handler has captured may call this watcher when it is released.
        let handler = handler.take()
        loop.unregister(token)
        withExtendedLifetime(handler) {}
    }
}

extension SignalWatcher: EventSource {
    func descriptorIsReady(_ readiness: Readiness) {
        guard let arrived = subscription?.takeArrived() else { return }
        // A handler may cancel the watcher, also between two signals.
        for signal in arrived { handler?(signal) }
    }

    func loopIsClosing() {
        cancel()
    }
}

extension EventLoop {
    /// Calls `handler` on the loop's thread for each of the given signals, until the watcher is cancelled or the loop is closed.
    /// It may do anything: it does not run inside a signal handler.
    ///
    /// ```swift
    /// try loop.watchSignals([SIGINT, SIGTERM]) { _ in loop.stop() }
    /// ```
    ///
    /// A signal that arrives twice before the loop comes to it is reported once. A signal that every thread of the process blocks
    /// never arrives; so if the calling thread blocks one of these, it is unblocked there. It is blocked again when its last watcher is
    /// cancelled on the same thread.
    ///
    /// - Throws: `Errno.invalidArgument` for a number that is no signal, for SIGKILL and SIGSTOP, and for SIGSEGV, SIGBUS,
    ///   SIGILL, SIGFPE and SIGTRAP, which mean that a thread cannot go on; `.tooManyOpenFiles` and `.tooManyOpenFilesInSystem`,
    ///   since each watcher takes a descriptor; `.noMemory`, and `.canceled` if the loop is closed.
    ///
    /// The corresponding C functions are `sigaction` and `eventfd`.
    @discardableResult
    public func watchSignals(_ signals: [Int32], handler: @escaping SignalWatcher.Handler) throws(Errno) -> SignalWatcher {
        try SignalWatcher(signals, on: self, handler: handler)
    }
}
