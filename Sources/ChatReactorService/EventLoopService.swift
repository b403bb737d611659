#if ServiceLifecycle
    public import Reactor
    public import ServiceLifecycle

    /// An event loop, and everything that is registered with it, as a service of swift-service-lifecycle.
    ///
    ///     let lobby = EventLoopService { loop in
    ///         try ChatServer(on: loop).listen(on: .loopback(port: 3001))
    ///     }
    ///     let group = ServiceGroup(services: [lobby], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    ///     try await group.run()
    ///
    /// The loop has a thread of its own. A *graceful shutdown* of the group ends it in order, as `EventLoop.shutDown(timeout:)`
    /// does: no connection is accepted any more, everything that waits for a peer is sent, and the service returns once the last
    /// connection has closed, or `drainTimeout` is over. A *cancellation* closes everything at once.
    ///
    /// The service also returns when a handler on the loop calls `EventLoop.stop` or `EventLoop.close`; the group's configuration
    /// decides what follows from that.
    public struct EventLoopService: Service {
        /// What bounds the loop's turns.
        public var configuration: EventLoop.Configuration
        /// How long a graceful shutdown may take.
        public var drainTimeout: Duration
        private let start: @Sendable (EventLoop) throws -> Void

        /// - Parameter start: Registers listeners, connections and timers with the loop. It is called first, on the loop's
        ///   thread. If it throws, the service ends, and `run` throws the error.
        public init(
            configuration: EventLoop.Configuration = .init(), drainTimeout: Duration = .seconds(5),
            start: @escaping @Sendable (EventLoop) throws -> Void
        ) {
            self.configuration = configuration
            self.drainTimeout = drainTimeout
            self.start = start
        }

        /// Runs the loop until it has ended, and closes all that is left on it. A service group calls this.
        ///
        /// Throws what `start` throws, and the `Errno` of a system call that the loop cannot do without.
        public func run() async throws {
            let background = try BackgroundLoop(configuration: configuration)
            let remote = background.remote
            do {
                try await remote.withLoop(start)
            } catch {
                try? await background.stop()
                throw error
            }
            try await withTaskCancellationHandler {
                try await withGracefulShutdownHandler {
                    try await background.join()
                } onGracefulShutdown: { [drainTimeout] in
                    remote.execute { loop in loop.shutDown(timeout: drainTimeout) }
                }
            } onCancel: {
                remote.stop()
            }
        }
    }
#else
    /// Needs the package trait `ServiceLifecycle`.
    @available(*, unavailable, message: "depend on ChatReactor with traits: [\"ServiceLifecycle\"]")
    public struct EventLoopService {
        // Takes any arguments, so that every use gets the message above, and not one about the arguments.
        public init(_ anything: Any...) {}
    }
#endif
