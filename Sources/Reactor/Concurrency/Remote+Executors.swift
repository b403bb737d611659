/// An actor can live on the loop's thread, and a task can prefer it:
///
/// ```swift
/// actor Room {
///     private let remote: EventLoop.Remote
///     nonisolated var unownedExecutor: UnownedSerialExecutor { remote.asUnownedSerialExecutor() }
///
///     init(on remote: EventLoop.Remote) { self.remote = remote }
/// }
/// ```
///
/// Actors of one loop call each other without a hop. A connection's handler or a timer, which the loop calls on its own thread,
/// may enter any of them by `assumeIsolated`. `Task(executorPreference: remote)` runs nonisolated code on that thread that would
/// otherwise run on Swift's pool.
extension EventLoop.Remote: SerialExecutor, TaskExecutor {
    /// Runs a job on the loop's thread, among the tasks of `execute`, in the order in which both come. From any thread.
    ///
    /// A turn runs only the jobs that are there when it comes to them, so that tasks which never come to rest cannot starve the
    /// sockets. A job that the loop's own thread enqueues costs no system call.
    ///
    /// No job is lost. While no thread runs the loop, jobs wait until one does. Once it is closed or gone, they run on Swift's
    /// global pool, one at a time and in order: actors keep their isolation and tasks come to their end, but whatever they want
    /// of the loop throws `CloseReason.shutdown`.
    public func enqueue(_ job: consuming ExecutorJob) {
        execute(UnownedJob(job))
    }

    /// Whether the calling thread is inside `run`, `runOnce` or `close` of the loop, or opens a connection on it just now.
    ///
    /// Before and after that, the thread that runs the loop is like any other.
    public func isIsolatingCurrentContext() -> Bool? { isOwned }

    /// Ends the process unless the calling thread is the loop's: see `isIsolatingCurrentContext`.
    public func checkIsolated() {
        precondition(isOwned, "this thread is not running the event loop")
    }

    func run(_ job: UnownedJob) {
        unsafe job.runSynchronously(on: asUnownedSerialExecutor())
    }

    func runOrphansOnPool() {
        Task.detached { self.runOrphans() }
    }

    /// Runs the jobs that have come, and leaves those that come meanwhile to another run of this.
    private func runOrphans() {
        enter(nil)
        for case .job(let job) in takeOrphans() { run(job) }
        leave()
        if !isEmptyOfOrphans() { runOrphansOnPool() }
    }
}

extension EventLoop.Remote {
    /// Calls `body` with the loop itself, at once. For an actor or a task that is on the loop's thread; on any other thread, it
    /// ends the process. It does so, too, once the loop is gone, and for jobs that run on the pool once it is closed.
    ///
    /// A connection or a topic that an *actor of the loop* gets in `body` may be kept in the actor's state, although it is not
    /// `Sendable`; the compiler ensures that it stays there. An actor of the loop is one whose `unownedExecutor` is this
    /// remote's.
    ///
    /// **An ordinary actor must not keep it.** If it runs on the loop's thread only because its task prefers that
    /// (`Task(executorPreference:)`), the compiler lets it keep the connection, and another task may later run it on Swift's
    /// pool: a data race that the compiler does not see. While the loop runs, a debug build ends with a sentence when the
    /// connection is used there.
    ///
    /// ```swift
    /// actor Robot {
    ///     private let remote: EventLoop.Remote
    ///     private var link: Connection?
    ///     nonisolated var unownedExecutor: UnownedSerialExecutor { remote.asUnownedSerialExecutor() }
    ///
    ///     init(on remote: EventLoop.Remote) { self.remote = remote }
    ///
    ///     func connect(to address: SocketAddress) throws {
    ///         try remote.assumeIsolated { loop in
    ///             link = try loop.connect(to: address, handler: Deaf())
    ///         }
    ///     }
    ///
    ///     func say(_ text: String) { link?.send(text) }
    /// }
    ///
    /// final class Deaf: ConnectionHandler {
    ///     func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}
    /// }
    /// ```
    public func assumeIsolated<Result: Sendable, Failure: Error>(
        _ body: (EventLoop) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let loop = currentLoop else { preconditionFailure("this thread is not running the event loop") }
        return try body(loop)
    }

    /// Runs `body` on the loop's thread, and waits for its result. From any task. The caller goes on where it was.
    ///
    /// ```swift
    /// print(try await remote.withLoop { loop in loop.turnCount })
    /// ```
    ///
    /// Throws what `body` throws, or `CloseReason.shutdown` if the loop is closed or gone.
    public func withLoop<Result: Sendable>(
        _ body: @Sendable (EventLoop) throws -> Result
    ) async throws -> Result {
        try await LoopActor(on: self).withLoop(body)
    }
}
