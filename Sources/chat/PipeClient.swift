import ChatCommandLine
import Glibc
import Reactor

/// The client in a pipe: standard input goes to a server, and what the server sends to standard output, byte for byte where no terminal is.
///
/// Neither side outruns the other: input is not read while the server does not take it, and the server is not read while the output does not take it.
final class PipeClient {
    /// How a client behaves.
    struct Configuration {
        /// How long to wait for a connection to each of the server's addresses.
        var connectTimeout = Duration.seconds(10)
        /// How long to stay after the end of the input for what is still coming. Zero leaves at once.
        var linger = Duration.zero
        /// Whether people type the input: then it is lines. If not, it is sent byte for byte.
        var isInputTerminal = true
        /// Whether people read the output: then it is lines, and nothing in them could harm a terminal. If not, the output is what the
        /// server sends, byte for byte.
        var isOutputTerminal = true
        /// The typed line that ends the client. It is sent, so that the server knows. Nil makes it a line like any other.
        var quitWord: String?
        /// How TLS is spoken with the server; nil if it is not.
        var trust: ServerTrust?
        /// How long all may take; nil for as long as it likes.
        var timeout: Duration?
    }

    /// How much may wait for the server before the input is paused.
    private static let sendCapacity = 262_144
    /// How long a pause must be for the unfinished line of a server to be shown.
    private static let idleTime = Duration.milliseconds(50)

    private let loop: EventLoop
    private let configuration: Configuration
    private let quitWord: [UInt8]?
    private let addresses: [SocketAddress]
    private var dialer: Dialer?
    private let output: TerminalOutput
    /// Standard input, once the server is connected.
    private var input: Connection?
    private var server: Connection?
    private var isInputPaused = false
    private var isServerPaused = false
    private var hasInputEnded = false
    private var inputFailure: CloseReason?
    private var shownLines = LineSplitter()
    private var lastLine = LastLine()
    private lazy var idleTimer = loop.makeTimer { [weak self] in self?.serverDidPause() }
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
        self.loop = loop
        self.configuration = configuration
        quitWord = configuration.isInputTerminal ? configuration.quitWord.map { Array($0.utf8) } : nil
        self.addresses = addresses
        self.onEnd = onEnd
        output = try TerminalOutput(STDOUT_FILENO, style: configuration.isOutputTerminal ? .text : .bytes, on: loop)
    }

    /// Begins to connect. To be called once; the loop has to be run then.
    func start() {
        output.didDrain = { [weak self] in self?.resumeServer() }
        output.didClose = { [weak self] reason in self?.outputDidClose(reason) }
        if let timeout = configuration.timeout {
            loop.schedule(after: timeout) { [weak self] in self?.timeOut() }
        }
        var options = Connection.Options()
        options.transport = configuration.trust?.transport
        options.handshakeTimeout = configuration.connectTimeout
        dialer = Dialer(
            to: addresses, on: loop, timeout: configuration.connectTimeout, options: options, handler: FromServer(client: self)
        ) { [weak self] connection, failures in
            if let connection { self?.didConnect(connection) } else { self?.couldNotConnect(failures) }
        }
    }

    private func timeOut() {
        let isSilent = server != nil && lastLine.isEmpty && configuration.trust == nil
        finish(isSilent ? .silentlyTimedOut : .timedOut)
        server?.close()
    }

    /// Closes the output once everything that came is printed, and then ends.
    private func finish(_ outcome: Outcome) {
        if pendingOutcome != nil { return }
        pendingOutcome = outcome
        // What is typed from now on belongs to the shell, however long the output takes.
        input?.close()
        // A reader that takes nothing would otherwise make it take longer still.
        if outcome.isTimeout { output.close() } else { output.finish() }
    }

    private func outputDidClose(_ reason: CloseReason) {
        if reason != .requested { return onEnd(.outputGone(reason)) }
        onEnd(pendingOutcome ?? .outputGone(reason))
    }

    // MARK: - The server's side

    private func couldNotConnect(_ failures: [Dialer.Failure]) {
        finish(configuration.trust?.outcome(of: failures) ?? .couldNotConnect(failures))
    }

    private func didConnect(_ connection: Connection) {
        server = connection
        do throws(Failure) {
            if let note = try configuration.trust?.didConnect() { writeLineToStandardError("chat: \(note)") }
        } catch {
            finish(.failed(error))
            return connection.close()
        }
        do throws(Errno) {
            var options = Connection.Options()
            options.framing = configuration.isInputTerminal ? .lines : .chunks
            input = try loop.adoptStandardStream(
                STDIN_FILENO, for: .input, options: options, handler: FromInput(client: self))
        } catch {
            inputDidEnd(.failed(error))
        }
    }

    private func didReceive(_ chunks: borrowing MessageBatch) {
        chunks.forEach { lastLine.receive($0) }
        if configuration.isOutputTerminal {
            chunks.forEach { shownLines.receive($0, show: output.writeText) }
            if shownLines.isUnfinished { idleTimer.arm(after: Self.idleTime) } else { idleTimer.cancel() }
        } else {
            output.write(chunks, in: 0..<chunks.count)
        }
        if output.isFull, !isServerPaused {
            isServerPaused = true
            server?.pauseReading()
        }
    }

    private func serverDidPause() {
        shownLines.pause(show: output.writeText)
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
        if configuration.trust == nil, lastLine.isAlertOfTLS { return finish(.speaksTLS) }
        if shownLines.isUnfinished { shownLines.finishLine(show: output.writeText) }
        if reason != .requested {
            if lastLine.isEmpty, let words = configuration.trust?.refusal(reason) { return finish(.refused(words)) }
            if lastLine.isEmpty, configuration.trust == nil { return finish(.silentlyGone(reason)) }
            switch lastLine.explanation {
            case .goodbye(let words): finish(.serverGone(reason, explanation: words))
            case .refusal(let words): finish(.refused(words))
            case nil: finish(.serverGone(reason, explanation: nil))
            }
        } else {
            finish(inputFailure.map { .inputFailed($0) } ?? .finished)
        }
    }

    private final class FromServer: ConnectionHandler {
        let client: PipeClient

        init(client: PipeClient) {
            self.client = client
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            client.didReceive(messages)
        }

        func connectionDidDrain(_ connection: Connection) {
            client.serverDidDrain()
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) {
            client.serverDidClose(reason)
        }
    }

    // MARK: - The user's side

    static func explainDiscardedLine() {
        let limit = Connection.Options().maximumMessageLength
        writeLineToStandardError("chat: that line was too long to send: the limit is \(limit) bytes")
    }

    private func didRead(_ messages: borrowing MessageBatch) {
        guard let server else { return }
        // What follows the quit word is not sent.
        let quit = quitWord.flatMap { messages.firstIndex(of: $0) }
        messages.withWireBytes(in: 0..<(quit.map { $0 + 1 } ?? messages.count)) { bytes in _ = server.send(bytes) }
        if quit != nil {
            server.finish()
            input?.close()
        } else if server.pendingOutput >= Self.sendCapacity, !isInputPaused {
            isInputPaused = true
            input?.pauseReading()
        }
    }

    private func inputDidEnd(_ reason: CloseReason) {
        hasInputEnded = true
        if case .failed = reason { inputFailure = reason }
        // If not, the server takes the rest first: see `serverDidDrain`.
        if server?.pendingOutput == 0 { lingerTimer.arm(after: configuration.linger) }
    }

    private final class FromInput: ConnectionHandler {
        let client: PipeClient

        init(client: PipeClient) {
            self.client = client
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            client.didRead(messages)
        }

        func connectionDidDiscardMessage(_ connection: Connection) {
            PipeClient.explainDiscardedLine()
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) {
            client.inputDidEnd(reason)
        }
    }
}
