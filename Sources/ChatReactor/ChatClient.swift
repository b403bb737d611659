public import Reactor

/// The terminal client: standard input and a server's socket, in one loop.
///
/// What is typed goes to the server, line by line; what comes from it is printed. Neither side outruns the other: input is not
/// read while the server does not take it, nor the server while the terminal does not.
///
/// ```swift
/// let loop = try EventLoop()
/// let client = try ChatClient(to: Endpoint("localhost:3001").resolve(), on: loop)
/// print(try client.run())
/// ```
public final class ChatClient {
    /// How a client behaves.
    public struct Configuration: Sendable {
        /// How long to wait for a connection to each of the server's addresses.
        public var connectTimeout = Duration.seconds(10)
        /// How long to stay after the end of the input for what is still coming. Zero leaves at once.
        public var linger = Duration.zero
        /// The line that ends the client. It is sent, so that the server knows.
        public var quitWord = "x"
        /// Whether what comes is printed for a terminal, with nothing in it that could harm one, or byte for byte.
        public var isTerminal = true

        /// What `chat` does on a terminal, without any option.
        public init() {}
    }

    /// How it ended. A later version may have more ways, so a `switch` over them has an `@unknown default`.
    @nonexhaustive
    public enum Outcome: Hashable, Sendable {
        /// The user said so, or the input came to its end.
        case finished
        /// No address of the server could be connected to; the last one and the reason.
        case couldNotConnect(SocketAddress, CloseReason)
        /// The server has closed the connection, or was lost.
        case serverGone(CloseReason)
        /// Nobody reads the output any more.
        case outputGone
    }

    /// How much may wait for the server before the input is paused.
    private static let sendCapacity = 262_144

    private let loop: EventLoop
    private let configuration: Configuration
    private var untried: ArraySlice<SocketAddress>
    private let output: TerminalOutput
    private var input: Connection?
    private var server: Connection?
    private var isInputPaused = false
    private var isServerPaused = false
    private var hasInputEnded = false
    private lazy var lingerTimer = loop.makeTimer { [weak self] in self?.server?.finish() }
    /// How it will have ended, once everything that came is printed.
    private var verdict: Outcome?
    private var outcome: Outcome?

    /// A client that is not connected yet.
    ///
    /// - Parameters:
    ///   - addresses: Where the server may be, to be tried in this order. At least one: none at all ends the process.
    ///   - loop: The loop to run on.
    ///   - configuration: How the client behaves.
    /// - Throws: What `OwnedDescriptor.reopening` says about standard output.
    public init(
        to addresses: [SocketAddress], on loop: EventLoop, configuration: Configuration = Configuration()
    ) throws(Errno) {
        precondition(!addresses.isEmpty, "a client needs an address to connect to")
        self.loop = loop
        self.configuration = configuration
        untried = addresses[...]
        output = try TerminalOutput(1, style: configuration.isTerminal ? .text : .bytes, on: loop)
    }

    /// Connects, runs the loop until the talk has ended, and says how it did. To be called once. Throws what `EventLoop.run`
    /// does.
    public func run() throws(Errno) -> Outcome {
        output.didDrain = { [weak self] in self?.resumeServer() }
        output.didClose = { [weak self] _ in self?.end() }
        connectToNext()
        while true {
            if let outcome { return outcome }
            try loop.run()
        }
    }

    /// Prints what is left to be printed, and then ends.
    private func finish(_ outcome: Outcome) {
        if verdict != nil { return }
        verdict = outcome
        output.finish()
    }

    private func end() {
        outcome = verdict ?? .outputGone
        loop.stop()
    }

    // MARK: - The server's side

    private func connectToNext() {
        guard let address = untried.popFirst() else { return }
        do throws(Errno) {
            var options = Connection.Options()
            // Some servers relay what has no newline; it is shown all the same.
            options.framing = .automatic()
            try loop.connect(
                to: address, deadline: .now.advanced(clamping: configuration.connectTimeout), options: options,
                handler: FromServer(client: self, address: address))
        } catch {
            couldNotConnect(to: address, .failed(error))
        }
    }

    private func couldNotConnect(to address: SocketAddress, _ reason: CloseReason) {
        if untried.isEmpty { finish(.couldNotConnect(address, reason)) } else { connectToNext() }
    }

    private func didConnect(_ connection: Connection) {
        server = connection
        do throws(Errno) {
            input = try loop.adopt(.reopening(0, for: .input), for: .input, handler: FromInput(client: self))
        } catch {
            // There is no standard input: listening is all that is left to do.
        }
    }

    private func didReceive(_ messages: borrowing MessageBatch) {
        output.write(messages, in: 0..<messages.count)
        if output.isFull, !isServerPaused {
            isServerPaused = true
            server?.pauseReading()
        }
    }

    private func resumeServer() {
        if !isServerPaused { return }
        isServerPaused = false
        server?.resumeReading()
    }

    private func serverDidDrain() {
        if isInputPaused {
            isInputPaused = false
            input?.resumeReading()
        }
        if hasInputEnded { lingerTimer.arm(after: configuration.linger) }
    }

    private func serverDidClose(_ reason: CloseReason) {
        finish(reason == .requested ? .finished : .serverGone(reason))
    }

    private final class FromServer: ConnectionHandler {
        let client: ChatClient
        let address: SocketAddress
        var didOpen = false

        init(client: ChatClient, address: SocketAddress) {
            self.client = client
            self.address = address
        }

        func connectionDidOpen(_ connection: Connection) {
            didOpen = true
            client.didConnect(connection)
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            client.didReceive(messages)
        }

        func connectionDidDrain(_ connection: Connection) {
            client.serverDidDrain()
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) {
            if didOpen { client.serverDidClose(reason) } else { client.couldNotConnect(to: address, reason) }
        }
    }

    // MARK: - The user's side

    private func didType(_ lines: borrowing MessageBatch) {
        guard let server else { return }
        let quit = lines.firstIndex(of: Array(configuration.quitWord.utf8))
        lines.withWireBytes(in: 0..<(quit.map { $0 + 1 } ?? lines.count)) { bytes in _ = server.send(bytes) }
        if quit != nil {
            server.finish()
            input?.close()
        } else if server.pendingOutput >= Self.sendCapacity, !isInputPaused {
            isInputPaused = true
            input?.pauseReading()
        }
    }

    private func inputDidEnd() {
        hasInputEnded = true
        if server?.pendingOutput == 0 { lingerTimer.arm(after: configuration.linger) }
    }

    private final class FromInput: ConnectionHandler {
        let client: ChatClient

        init(client: ChatClient) {
            self.client = client
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            client.didType(messages)
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) {
            client.inputDidEnd()
        }
    }
}
