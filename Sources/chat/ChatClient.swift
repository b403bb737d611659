import CommandLineSupport
import Glibc
import Reactor

/// The client: standard input and a connection to a server, on one loop.
///
/// What comes on standard input goes to the server, and what the server sends goes to standard output. Neither side outruns the other:
/// input is not read while the server does not take it, and the server is not read while the output does not take it.
final class ChatClient {
    /// How a client behaves.
    struct Configuration {
        /// How long to wait for a connection to each of the server's addresses.
        var connectTimeout = Duration.seconds(10)
        /// How long to stay after the end of the input for what is still coming. Zero leaves at once.
        var linger = Duration.zero
        /// The line that ends the client. It is sent, so that the server knows.
        var quitWord = "x"
        /// Whether what comes is printed for a terminal, with nothing in it that could harm one, or byte for byte.
        var isTerminal = true
    }

    /// How the talk ended.
    enum Outcome {
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
    /// The outcome that is reported once everything that came is printed.
    private var pendingOutcome: Outcome?
    private let onEnd: (Outcome) -> Void

    /// A client that is not connected yet.
    ///
    /// - Parameters:
    ///   - addresses: Where the server may be, to be tried in this order. At least one: none at all ends the process.
    ///   - loop: The loop to run on.
    ///   - configuration: How the client behaves.
    ///   - onEnd: Called once, on the loop's thread, when the talk has ended.
    /// - Throws: What `EventLoop.adoptStandardStream` says about standard output.
    init(
        to addresses: [SocketAddress], on loop: EventLoop, configuration: Configuration,
        onEnd: @escaping (Outcome) -> Void
    ) throws(Errno) {
        precondition(!addresses.isEmpty, "a client needs an address to connect to")
        self.loop = loop
        self.configuration = configuration
        untried = addresses[...]
        self.onEnd = onEnd
        output = try TerminalOutput(STDOUT_FILENO, style: configuration.isTerminal ? .text : .bytes, on: loop)
    }

    /// Begins to connect. To be called once; the loop has to be run then.
    func start() {
        output.didDrain = { [weak self] in self?.resumeServer() }
        output.didClose = { [weak self] _ in self?.end() }
        connectToNext()
    }

    /// Closes the output once everything that came is printed, and then ends.
    private func finish(_ outcome: Outcome) {
        if pendingOutcome != nil { return }
        pendingOutcome = outcome
        output.finish()
    }

    private func end() {
        onEnd(pendingOutcome ?? .outputGone)
    }

    // MARK: - The server's side

    private func connectToNext() {
        guard let address = untried.popFirst() else { return }
        do throws(Errno) {
            var options = Connection.Options()
            // Some servers relay what has no newline; it is shown all the same.
            options.framing = .automatic()
            try loop.connect(
                to: address, deadline: .now.advanced(by: configuration.connectTimeout), options: options,
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
            input = try loop.adoptStandardStream(STDIN_FILENO, for: .input, handler: FromInput(client: self))
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
