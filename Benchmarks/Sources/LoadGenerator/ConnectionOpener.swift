import Reactor
import ReactorWeb

/// Opens many connections, a few at a time, so that a server's queue of callers never overflows because of the generator.
struct ConnectionOpener {
    /// How many connections may be on their way. Some servers let only ten wait to be accepted.
    private static let maximumPending = 8
    private static let timeLimit = Duration.seconds(120)

    let loop: EventLoop
    let address: SocketAddress
    let transport: TransportFactory?
    /// Whether the connections are WebSockets.
    let isWeb: Bool

    /// Connects each handler, and returns once all connections are open.
    ///
    /// - Parameter opened: How many of all connections have opened until now, and why one was lost if one was.
    func connect(_ handlers: [any ConnectionHandler], opened: () -> (count: Int, loss: CloseReason?)) throws {
        var options = Connection.Options()
        options.framing = .chunks
        // A closed loop bounds what waits by its window, an open loop by its schedule.
        options.maximumPendingOutput = .max / 2
        options.transport = transport
        let deadline = ContinuousClock.now + Self.timeLimit
        let openedBefore = opened().count
        var started = 0
        while true {
            let (count, loss) = opened()
            let open = count - openedBefore
            if let loss { throw LoadFailure("\(address) closed a connection: \(loss)") }
            if open == handlers.count { return }
            if ContinuousClock.now > deadline {
                throw LoadFailure("only \(open) of \(handlers.count) connections to \(address) opened in \(Self.timeLimit)")
            }
            while started < handlers.count, started - open < Self.maximumPending {
                do throws(Errno) {
                    if isWeb {
                        try loop.connectWebSocket(
                            to: address, host: "localhost", path: "/ws", deadline: deadline, options: options, pingInterval: nil,
                            handler: handlers[started])
                    } else {
                        try loop.connect(to: address, deadline: deadline, options: options, handler: handlers[started])
                    }
                } catch .wouldBlock {
                    // A Unix socket's queue of callers is full.
                    break
                } catch {
                    throw LoadFailure("cannot connect to \(address): \(error)")
                }
                started += 1
            }
            try loop.runOnce(waitingAtMost: .milliseconds(1))
        }
    }
}
