public import Broadcast
public import Reactor

/// A line relay: what one client sends reaches every other client. It is all of the daemon `chatd` but its arguments and its log.
///
/// ```swift
/// let loop = try EventLoop()
/// let server = try ChatServer(on: loop)
/// for address in try Endpoint("localhost:3001").resolve() { try server.listen(on: address) }
/// try loop.run()
/// ```
///
/// It belongs to its loop's thread; another thread reaches it through the loop's `remote`.
public final class ChatServer {
    /// What a server is set to. What is out of range is brought into it.
    public struct Configuration: Sendable {
        /// How what a client sends becomes messages. What the server says itself are lines, whatever the framing.
        public var framing: any Framing = .automatic()
        /// How long a message may be, in bytes: a line without its newline. From 1 to 1 GiB. The sender of a longer one is told, and after
        /// three within a minute it is closed.
        public var maximumMessageLength = 65_536
        /// The line with which a client leaves. It is relayed to nobody. Nil makes it a line like any other.
        public var quitWord: String? = "x"
        /// How many bytes of messages are kept for clients that take them slowly. At least four times what one read of the loop can
        /// complete, which is the longest message and a read.
        public var logCapacity = 1_048_576
        /// What is done about a client that falls behind by half of that.
        public var slowClients = SlowSubscriberPolicy.backpressure()

        /// What `chatd` does without any option.
        public init() {}
    }

    /// The loop that the server and its clients belong to.
    public let loop: EventLoop
    /// As it was given, with the longest message brought into its range.
    public let configuration: Configuration
    package let topic: Topic
    private var listeners: [Listener] = []
    private var drainTimer: EventLoop.Timer?
    private var didShutDown: (() -> Void)?

    /// Told what happens at the server, in the order in which they were added.
    public private(set) var observers: [any ChatServerObserver] = []

    /// How many clients are connected.
    public private(set) var clientCount = 0

    /// A server that listens nowhere yet.
    ///
    /// - Throws: `Errno.noMemory` for a log that there is no room for, and what else the kernel says.
    ///
    /// The corresponding C functions are `memfd_create` and `mmap`.
    public init(on loop: EventLoop, configuration: Configuration = Configuration()) throws(Errno) {
        var configuration = configuration
        configuration.maximumMessageLength = Connection.Options.messageLength(nearest: configuration.maximumMessageLength)
        self.loop = loop
        self.configuration = configuration
        var topic = Topic.Configuration()
        topic.capacity = max(
            configuration.logCapacity, 4 * (configuration.maximumMessageLength + loop.configuration.readSize))
        topic.policy = configuration.slowClients
        topic.skipNotice = { Array("! \($0) messages skipped: you are reading too slowly\n".utf8) }
        self.topic = try Topic(on: loop, configuration: topic)
        // Without memory for it, the server would relay nothing: better told now than with the first message.
        try self.topic.allocateLog()
    }

    /// Has an observer told what happens from now on. The server keeps it.
    public func addObserver(_ observer: any ChatServerObserver) {
        observers.append(observer)
    }

    /// Accepts clients at an address, until `shutDown`. The result knows the port that was really bound.
    ///
    /// May be called for several addresses: all of their clients are in one room. Throws what `EventLoop.listen` does.
    @discardableResult
    public func listen(on address: SocketAddress) throws(Errno) -> Listener {
        var options = Connection.Options()
        options.framing = configuration.framing
        options.maximumMessageLength = configuration.maximumMessageLength
        let listener = try loop.listen(on: address, options: options, handler: Relay(server: self))
        listener.rejectionMessage = "! the server is full, try again later\n"
        let boundAddress = listener.address
        listener.onAcceptFailure = { [weak self] error in
            guard let self else { return }
            for observer in observers { observer.server(self, cannotAcceptAt: boundAddress, error: error) }
        }
        listeners.append(listener)
        return listener
    }

    /// Says one line, given without its newline, to every client. Says whether it was short enough to be published: a quarter of
    /// the log, with its newline.
    @discardableResult
    public func announce(_ line: String) -> Bool {
        topic.publish(line + "\n")
    }

    /// Stops accepting, sends what waits, and closes every client. Whoever does not take its output in `timeout` is closed without it.
    ///
    /// ```swift
    /// try loop.watchSignals([SIGTERM]) { _ in
    ///     server.shutDown(timeout: .seconds(5)) { loop.stop() }
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - timeout: How long it may take at most. Less than none counts as none.
    ///   - completion: Called on the loop's thread once the last client has gone; at once if there is none.
    public func shutDown(timeout: Duration, then completion: @escaping () -> Void) {
        for listener in listeners { listener.close() }
        listeners = []
        didShutDown = completion
        for connection in topic.connections { connection.finish(reason: .shutdown) }
        drainTimer = loop.schedule(after: max(timeout, .zero)) { [weak self] in
            guard let self else { return }
            for connection in topic.connections { connection.close(reason: .shutdown) }
        }
        finishShutDownIfEmpty()
    }

    private func finishShutDownIfEmpty() {
        guard clientCount == 0, let completion = didShutDown else { return }
        didShutDown = nil
        drainTimer?.cancel()
        completion()
    }

    // MARK: - What the relay tells

    func clientDidJoin(_ connection: Connection) {
        clientCount += 1
        for observer in observers { observer.server(self, didAccept: connection) }
    }

    func clientDidLeave(_ connection: Connection, reason: CloseReason) {
        clientCount -= 1
        for observer in observers { observer.server(self, didClose: connection, reason: reason) }
        finishShutDownIfEmpty()
    }
}

/// What happens at a server. Each of these may be left out, and all are called on the loop's thread.
public protocol ChatServerObserver: AnyObject {
    /// A client has connected, and gets what is published from now on.
    func server(_ server: ChatServer, didAccept connection: Connection)

    /// A client has sent messages that are relayed: those of a batch whose indices are in the range.
    func server(
        _ server: ChatServer, didRelay messages: borrowing MessageBatch, in range: Range<Int>, from connection: Connection)

    /// A client has gone, for whatever reason.
    func server(_ server: ChatServer, didClose connection: Connection, reason: CloseReason)

    /// The system lets no more clients in for now; the server goes on trying, and says so each time.
    func server(_ server: ChatServer, cannotAcceptAt address: SocketAddress, error: Errno)
}

extension ChatServerObserver {
    /// Does nothing.
    public func server(_ server: ChatServer, didAccept connection: Connection) {}

    /// Does nothing.
    public func server(
        _ server: ChatServer, didRelay messages: borrowing MessageBatch, in range: Range<Int>, from connection: Connection
    ) {}

    /// Does nothing.
    public func server(_ server: ChatServer, didClose connection: Connection, reason: CloseReason) {}

    /// Does nothing.
    public func server(_ server: ChatServer, cannotAcceptAt address: SocketAddress, error: Errno) {}
}
