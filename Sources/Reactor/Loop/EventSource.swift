/// An object whose descriptor is registered with a loop.
protocol EventSource: AnyObject {
    /// The descriptor may be ready. An event can be spurious: only the system call that follows can tell.
    func descriptorIsReady(_ readiness: Readiness)

    /// Lets go of the descriptor at once, because the loop closes.
    func loopIsClosing()

    /// Lets go of the descriptor as soon as that loses nothing, because `EventLoop.shutDown` was called. The default does
    /// nothing.
    func loopIsShuttingDown()
}

extension EventSource {
    func loopIsShuttingDown() {}
}
