import Reactor

/// Connects to the first of a server's addresses at which somebody answers.
final class Dialer {
    /// An address that could not be connected to, and why.
    typealias Failure = (address: SocketAddress, reason: CloseReason)

    private let loop: EventLoop
    private let timeout: Duration
    private var untried: ArraySlice<SocketAddress>
    private var failures: [Failure] = []
    private let options: Connection.Options
    private let handler: any ConnectionHandler
    private let onEnd: (Connection?, [Failure]) -> Void
    private var connection: Connection?
    private var isCancelled = false
    /// What may wait for the server: more than the longest line of an editor, behind what waits when no more is to be sent.
    private static let maximumPendingOutput = 4 << 20

    /// Begins to connect.
    ///
    /// - Parameters:
    ///   - addresses: To be tried in this order. At least one: none at all ends the process.
    ///   - timeout: How long each may take.
    ///   - options: Those of the connection, but for what the client needs in any case: chunks, and room for what waits.
    ///   - handler: The handler of the connection. It is not told that the connection opens: `onEnd` is.
    ///   - onEnd: Called once, unless the dialer is released before, with the connection, or with none if no address could be connected to.
    ///     It may be called before this returns.
    init(
        to addresses: [SocketAddress], on loop: EventLoop, timeout: Duration, options: Connection.Options = .init(),
        handler: any ConnectionHandler,
        onEnd: @escaping (Connection?, [Failure]) -> Void
    ) {
        precondition(!addresses.isEmpty, "a client needs an address to connect to")
        self.loop = loop
        self.timeout = timeout
        var options = options
        // Whatever comes is passed on at once, however long its lines are.
        options.framing = .chunks
        options.maximumPendingOutput = Self.maximumPendingOutput
        self.options = options
        self.handler = handler
        self.onEnd = onEnd
        untried = addresses[...]
        connectToNext()
    }

    /// Stops trying. `onEnd` is not called any more.
    func cancel() {
        isCancelled = true
        connection?.close()
    }

    private func connectToNext() {
        guard let address = untried.popFirst() else { return onEnd(nil, failures) }
        do throws(Errno) {
            connection = try loop.connect(
                to: address, deadline: .now.advanced(by: timeout), options: options, handler: Attempt(dialer: self, at: address))
        } catch {
            didFail(at: address, .failed(error))
        }
    }

    private func didFail(at address: SocketAddress, _ reason: CloseReason) {
        if isCancelled { return }
        failures.append((address, reason))
        connectToNext()
    }

    /// The handler of a connection that is not there yet.
    private final class Attempt: ConnectionHandler {
        weak let dialer: Dialer?
        let address: SocketAddress

        init(dialer: Dialer, at address: SocketAddress) {
            self.dialer = dialer
            self.address = address
        }

        func connectionDidOpen(_ connection: Connection) {
            guard let dialer else { return connection.close() }
            connection.upgrade(to: connection.options, handler: dialer.handler)
            dialer.onEnd(connection, [])
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            assertionFailure("what opens has another handler")
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) {
            dialer?.didFail(at: address, reason)
        }
    }
}
