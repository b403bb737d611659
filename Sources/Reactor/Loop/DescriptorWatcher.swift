/// Calls a handler while a descriptor of somebody else's is ready: a pipe, a child's output, inotify, another library's socket.
///
/// It is made by `EventLoop.watch`, and watches until it is cancelled or its loop is closed, whether or not anybody keeps it. It
/// belongs to the loop's thread.
///
/// **Whose the descriptor is.** Its owner's, never the watcher's, which neither reads nor closes it. The owner cancels first and
/// closes then, at once if it likes: once `cancel` has returned, the handler is not called any more, not even for an event that is
/// already in the turn's batch, and whoever is given the same number next has nothing to do with it. A descriptor that is closed
/// *before* its watcher is cancelled is the owner's mistake. The kernel then ends the watch by itself, unless the open file lives
/// on in a duplicate or a child process, for which the handler goes on being called; and the late `cancel` or `setInterest` strikes
/// whoever has the number by then.
///
/// **When the handler is called.** Once a turn at most, in every turn in which the descriptor is ready: it is level-triggered, so a
/// handler may leave some for later, and one that does nothing about what it is told keeps the loop busy. Readiness may be spurious,
/// so the descriptor should not block. `Readiness.hangUp` and `.error` come unasked for as long as they last; a handler answers them
/// by reading to the end, and then by `cancel` or by an empty interest.
public final class DescriptorWatcher {
    /// What is called on the loop's thread, with the watcher itself and what of its interest the descriptor is ready for, or in
    /// trouble with.
    public typealias Handler = (_ watcher: DescriptorWatcher, _ readiness: Readiness) -> Void

    /// The loop that the watcher belongs to.
    public let loop: EventLoop
    /// The number of the descriptor, which is not the watcher's.
    public let descriptor: Int32
    /// What the descriptor is watched for; empty once the watcher is cancelled.
    public private(set) var interest: Interest = []
    /// Nil once the watcher is cancelled: what the handler has captured is let go.
    private var handler: Handler?
    private var token = Token(slot: .max, generation: .max)

    init(_ descriptor: Int32, for interest: Interest, on loop: EventLoop, handler: @escaping Handler) throws(Errno) {
        self.loop = loop
        self.descriptor = descriptor
        self.handler = handler
        token = loop.register(self)
        do throws(Errno) {
            try setInterest(interest)
        } catch {
            loop.unregister(token)
            throw error
        }
    }

    /// Whether the watcher was cancelled, or its loop closed.
    public var isCancelled: Bool { handler == nil }

    /// Watches for exactly this from now on, also as far as the turn's remaining events are concerned. Nothing to watch for means
    /// that nothing at all is reported until there is something again. Does nothing once the watcher is cancelled.
    ///
    /// Throws what the kernel says, as `EventLoop.watch` does; then the interest is the old one. The corresponding C function is
    /// `epoll_ctl`.
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
        loop.unregister(token)
        handler = nil
    }
}

extension DescriptorWatcher: EventSource {
    func descriptorIsReady(_ readiness: Readiness) {
        // Whoever was called before in this turn may have narrowed the interest.
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
    /// The descriptor stays its owner's, who cancels the watcher before closing it. See `DescriptorWatcher`.
    ///
    /// - Throws: `Errno.notPermitted` for a regular file or a directory, which epoll refuses, since they never keep anybody waiting;
    ///   `.fileExists` for a descriptor that this loop watches already, though a duplicate of it is another one; `EBADF` for a
    ///   number that is not open; `.noMemory`, and `.noSpace` for the limit on watches. With an empty interest, nothing is thrown
    ///   until there is something to watch for.
    ///
    /// The corresponding C function is `epoll_ctl`.
    @discardableResult
    public func watch(
        _ descriptor: Int32, for interest: Interest, handler: @escaping DescriptorWatcher.Handler
    ) throws(Errno) -> DescriptorWatcher {
        try DescriptorWatcher(descriptor, for: interest, on: self, handler: handler)
    }
}
