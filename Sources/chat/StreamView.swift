import ChatCommandLine
import ChatReactorText
import Glibc
import Reactor

/// The talk line by line: on a terminal without an editor, in a pipe, or for a program that reads JSON.
final class StreamView: Session.Delegate {
    enum Form {
        /// Lines for people, made harmless.
        case text
        /// An object for each message.
        case json
    }

    struct Options {
        var form = Form.text
        /// What to send, in place of the input; then the client leaves as soon as the server has it.
        var message: String?
        /// After how many messages to leave.
        var messageCount: Int?
        /// How long to stay after the end of the input.
        var linger = Duration.zero
        /// Whether the quit word in the input leaves.
        var takesQuitWord = false
    }

    private let session: Session
    private let options: Options
    private let output: TerminalOutput
    private var input: Connection?
    private var isInputPaused = false
    private var hasInputEnded = false
    private var inputFailure: CloseReason?
    private var hasBegun = false
    private var received = 0
    private var isMessageSent = false
    private var outcome: Outcome?
    private let onEnd: (Outcome) -> Void
    private lazy var lingerTimer = session.loop.makeTimer { [weak self] in self?.session.finish() }

    /// - Parameter onEnd: Called once, when all is printed.
    /// - Throws: What `EventLoop.adoptStandardStream` says about standard output.
    init(of session: Session, options: Options, onEnd: @escaping (Outcome) -> Void) throws(Errno) {
        self.session = session
        self.options = options
        self.onEnd = onEnd
        output = try TerminalOutput(STDOUT_FILENO, style: .text, on: session.loop)
        session.delegate = self
        output.didDrain = { [weak self] in self?.session.resumeReading() }
        output.didClose = { [weak self] reason in
            guard let self else { return }
            self.onEnd(reason == .requested ? self.outcome ?? .finished : .outputGone(reason))
        }
    }

    /// Whether what comes is printed: one who sends a message and waits for none wants to see nothing.
    private var isPrinting: Bool {
        guard let count = options.messageCount else { return options.message == nil || options.form == .json }
        // What came together with the last one that was asked for is too much.
        return received < count
    }

    private func leaveIfDone() {
        if let count = options.messageCount, received < count { return }
        if options.message != nil, !isMessageSent { return }
        if options.messageCount != nil || options.message != nil { session.finish() }
    }

    // MARK: - The input

    private func begin() {
        if let message = options.message {
            session.send(message)
            // The answer comes after those to all that was sent before. A relay has it when it has read to the end.
            if session.isChat { session.command("/ping\n") } else { isMessageSent = true }
            return leaveIfDone()
        }
        do throws(Errno) {
            input = try session.loop.adoptStandardStream(STDIN_FILENO, for: .input, handler: FromInput(view: self))
        } catch {
            inputDidEnd(.failed(error))
        }
    }

    private func didRead(_ messages: borrowing MessageBatch) {
        for index in 0..<messages.count where outcome == nil {
            let line = messages.text(at: index)
            if options.takesQuitWord, line == session.configuration.quitWord { return session.leave() }
            session.send(line)
        }
        updateInput()
    }

    /// Reads the input only while somebody takes it.
    private func updateInput() {
        guard let input else { return }
        let isToBePaused = !session.isReady || session.isBacklogged
        if isToBePaused == isInputPaused { return }
        isInputPaused = isToBePaused
        if isToBePaused { input.pauseReading() } else { input.resumeReading() }
    }

    private func inputDidEnd(_ reason: CloseReason) {
        input = nil
        hasInputEnded = true
        if case .failed = reason { inputFailure = reason }
        lingerAtTheEnd()
    }

    private func lingerAtTheEnd() {
        guard hasInputEnded, options.messageCount == nil, session.pendingOutput == 0 else { return }
        lingerTimer.arm(after: options.linger)
    }

    private final class FromInput: ConnectionHandler {
        weak let view: StreamView?

        init(view: StreamView) {
            self.view = view
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            view?.didRead(messages)
        }

        func connectionDidDiscardMessage(_ connection: Connection) {
            PipeClient.explainDiscardedLine()
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) {
            if reason != .requested { view?.inputDidEnd(reason) }
        }
    }

    // MARK: - What the session tells

    var isFull: Bool { output.isFull }

    func session(didReceive line: Span<UInt8>, endsLine: Bool, isPrelude: Bool) {
        guard isPrinting else { return }
        switch options.form {
        case .text: output.writeText(line, endsLine: endsLine)
        case .json where isPrelude: return
        case .json: writeObject(Self.object(of: line, isWhole: endsLine).span)
        }
        if endsLine, !isPrelude { didReceiveMessage() }
    }

    /// A line of a server that does not speak JSON.
    private static func object(of line: Span<UInt8>, isWhole: Bool) -> [UInt8] {
        var object = Array(#"{"type":"message","time":"\#(Timestamp.rfc3339(Timestamp.now))","text":"#.utf8)
        JSONString.append(String(copying: line).utf8.span, to: &object)
        object += Array((isWhole ? "}" : ",\"partial\":true}").utf8)
        return object
    }

    /// Writes an object and a newline, without what a terminal would obey.
    private func writeObject(_ object: Span<UInt8>) {
        var bytes: [UInt8] = []
        HarmlessJSON.append(object, to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        output.write(bytes.span)
    }

    func session(didReceive event: ChatEvent, as line: Span<UInt8>, isNews: Bool) {
        // The answer to a question of the client itself.
        let isOwnPong = event.kind == .pong && options.message != nil
        switch options.form {
        case _ where !isPrinting || isOwnPong: break
        case .json: writeObject(line)
        case .text where isNews:
            var bytes: [UInt8] = []
            for line in session.words.lines(for: event).lines { line.append(to: &bytes, isColored: false) }
            output.write(bytes.span)
        case .text: break
        }
        if options.message != nil, !isMessageSent {
            // After a goodbye the end of the connection follows, and that is what has happened.
            if event.kind == .error, let reason = event.text, !reason.hasPrefix("goodbye: ") {
                return session.end(.refused(reason))
            }
            if event.kind == .pong {
                isMessageSent = true
                leaveIfDone()
            }
        }
        if event.isMessage, !event.isReplayed { didReceiveMessage() }
    }

    private func didReceiveMessage() {
        received += 1
        leaveIfDone()
    }

    func session(didNote text: String) {
        // What nobody looks at, when nothing is to be printed, is still for the user.
        if options.form == .text, isPrinting {
            output.writeLine("* \(text)".utf8.span)
        } else {
            writeLineToStandardError("chat: \(text)")
        }
    }

    func sessionDidChangeState() {
        if session.isReady, !hasBegun {
            hasBegun = true
            begin()
        } else {
            updateInput()
        }
    }

    func sessionDidPause() {}

    func sessionDidDrain() {
        updateInput()
        lingerAtTheEnd()
    }

    func sessionDidEnd(_ outcome: Outcome) {
        if case .finished = outcome, let inputFailure {
            self.outcome = .inputFailed(inputFailure)
        } else {
            self.outcome = outcome
        }
        lingerTimer.cancel()
        input?.close()
        // A reader that takes nothing would otherwise make it take longer still.
        if outcome.isTimeout { output.close() } else { output.finish() }
    }
}
