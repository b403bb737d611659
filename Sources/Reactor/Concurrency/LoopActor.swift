/// An actor of a loop, for functions that have no actor of their own to be isolated to.
actor LoopActor {
    let remote: EventLoop.Remote

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe remote.asUnownedSerialExecutor() }

    init(on remote: EventLoop.Remote) {
        self.remote = remote
    }

    /// Throws `CloseReason.shutdown` if the loop is closed or gone.
    func withLoop<Result: Sendable>(_ body: (EventLoop) throws -> Result) throws -> Result {
        try body(openLoop)
    }

    /// Throws `CloseReason.shutdown` if the loop is closed or gone.
    var openLoop: EventLoop {
        get throws(CloseReason) {
            guard let loop = remote.currentLoop, !loop.isClosed else { throw .shutdown }
            return loop
        }
    }
}
