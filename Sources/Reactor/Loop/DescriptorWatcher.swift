/// Calls a handler while a descriptor that the library does not own is ready: a pipe, a child's output, inotify, another
/// library's socket.
///
/// `EventLoop.watch` makes it. It watches until it is cancelled or its loop is closed, even if nothing else refers to it. It
/// belongs to the loop's thread.
///
/// **The owner of the descriptor.** The watcher neither reads nor closes the descriptor. The owner cancels the watcher first and
/// closes the descriptor then, at once if it likes: once `cancel` has returned, the handler is not called any more, not even for
/// an event that is already in the turn's batch, and the next descriptor with the same number is not affected. To close the
/// descriptor *before* the watcher is cancelled is a mistake. The kernel then ends the watch by itself, unless the open file
/// lives on in a duplicate or a child process: then the handler goes on being called. The late `cancel` or `setInterest` strikes
/// the descriptor that has the number by then.
///
/// **When the handler is called.** Once a turn at most, in every turn in which the descriptor is ready. The watch is
/// level-triggered: a handler may leave some input for later, and one that never reads keeps the loop busy. Readiness may be
/// spurious, so the descriptor should not block. `Readiness.hangUp` and `.error` are reported without being asked for, as long as
/// they last; a handler answers them by reading to the end, and then by `cancel` or by an empty interest.
public final class DescriptorWatcher {
    /// Called on the loop's thread, with the watcher itself, and with that part of its interest for which the descriptor is
    /// ready, a hang-up or an error included.
    public typealias Handler = (_ watcher: DescriptorWatcher, _ readiness: Readiness) -> Void

    /// The loop that the watcher belongs to.
    public let loop: EventLoop
    /// The number of the descriptor, which the watcher does not own.
    public let descriptor: Int32
    /// What the descriptor is watched for; empty once the watcher is cancelled.
    public private(set) var interest: Interest = []
    /// Nil once the watcher is cancelled, which releases what the handler has captured.
    private var handler: Handler?
    private var token = Token.none

    init(_ descriptor: Int32, for interest: Interest, on loop: EventLoop, handler: @escaping Handler) throws(Errno) {
        self.loop = loop
        self.descriptor = descriptor
        self.handler = handler
        token = try loop.register(self)
        do throws(Errno) {
            try setInterest(interest)
        } catch {
            loop.unregister(token)
            throw error
        }
    }

    /// Whether the watcher was cancelled, or its loop closed.
    public var isCancelled: Bool { handler == nil }

    /// Watches for exactly this from now on, also as far as the turn's remaining events are concerned. With an empty interest
    /// nothing at all is reported, until the interest is set again. Does nothing once the watcher is cancelled.
    ///
    /// - Throws: What the kernel says, as `EventLoop.watch` does; then the interest is the old one.
    ///
    /// The corresponding C function is `epoll_ctl`.
    public func setInterest(_ new: Interest) throws(Errno) {
        if isCancelled { return }
        try loop.setInterest(of: descriptor, token: token, from: interest, to: new)
        interest = new
    }

    /// Ends the watch, at once and for good; the handler may do so itself. Does nothing if the watcher is cancelled already.
    ///
    /// The corresponding C function is `epoll_ctl(EPOLL_CTL_DEL)`.
    public func cancel() {
        if isCancelled { return }
        // Removing, which is all that is done here, cannot fail.
        try? setInterest([])
        // Taken out first and released at the end: what the handler has captured may call this watcher when it is released.
        let handler = handler.take()
        loop.unregister(token)
        withExtendedLifetime(handler) {}
    }
}

extension DescriptorWatcher: EventSource {
    func descriptorIsReady(_ readiness: Readiness) {
        // A handler that was called before in this turn may have narrowed the interest.
        let wanted = readiness.intersection(Readiness(reportedFor: interest))
        if !wanted.isEmpty { handler?(self, wanted) }
    }

    func loopIsClosing() {
        cancel()
    }
}

extension EventLoop {
    /// Calls `handler` on the loop's thread while a descriptor is ready, until the watcher is cancelled or the loop is closed.
    ///
    /// ```swift
    /// try loop.watch(pipe, for: .readable) { watcher, _ in
    ///     var buffer = [UInt8](repeating: 0, count: 4_096)
    ///     let count = read(watcher.descriptor, &buffer, buffer.count)
    ///     if count == 0 {
    ///         watcher.cancel()
    ///         close(pipe)
    ///     }
    /// }
    /// ```
    ///
    /// The descriptor stays its owner's, who cancels the watcher before closing the descriptor. See `DescriptorWatcher`.
    ///
    /// - Throws: `Errno.notPermitted` for a regular file or a directory, which epoll refuses, since they never block;
    ///   `.fileExists` for a descriptor that this loop watches already (a duplicate is another descriptor); `EBADF` for a
    ///   number that is not open; `.noMemory`; `.noSpace` for the limit on watches; `.canceled` if the loop is closed. With an
    ///   empty interest, only the last is thrown before the interest is set.
    ///
    /// The corresponding C function is `epoll_ctl`.
    @discardableResult
    public func watch(
        _ descriptor: Int32, for interest: Interest, handler: @escaping DescriptorWatcher.Handler
    ) throws(Errno) -> DescriptorWatcher {
        try DescriptorWatcher(descriptor, for: interest, on: self, handler: handler)
    }
}
