import ChatCommandLine
import ChatReactor
import Glibc

/// The operator's console: what is typed on standard input goes to every client, and every message of a client is printed on
/// standard output. In a chat, the operator has a name and commands, and everything that happens in a room is printed: see
/// `Operator`.
///
/// The end of standard input ends the typing and nothing else. Output that nobody takes never slows the relay: messages for which
/// there is no room are counted, and the count is printed in their place.
final class Console {
    private let server: ChatServer
    /// Nil in a relay.
    private var chatOperator: Operator?
    private let onWarning: (String) -> Void
    private var input: Connection?
    private var output: TerminalOutput?
    private var unshownCount = 0
    private var finishTimer: EventLoop.Timer?
    private var onFinish: (() -> Void)?

    /// Begins to read and to print, as soon as the loop runs.
    ///
    /// - Parameters:
    ///   - server: The server whose console it is.
    ///   - commands: The operator's commands, for a chat.
    ///   - readsInput: Whether standard input is read.
    ///   - printsMessages: Whether messages are printed on standard output.
    ///   - onWarning: Called on the loop's thread with a sentence for the operator, without a newline.
    /// - Throws: A failure that says which stream cannot be used, and why.
    init(
        server: ChatServer, commands: OperatorCommands?, readsInput: Bool, printsMessages: Bool,
        onWarning: @escaping (String) -> Void
    ) throws(Failure) {
        self.server = server
        self.onWarning = onWarning
        if let chat = server.chat, let commands {
            chatOperator = Operator(of: chat, commands: commands) { [weak self] line in self?.answer(line) }
        }
        if printsMessages {
            do throws(Errno) {
                try startPrinting()
            } catch {
                throw Failure("cannot write standard output: \(error)", code: EX_IOERR)
            }
        }
        if readsInput {
            do throws(Errno) {
                try startReading()
            } catch {
                throw Failure("cannot read standard input: \(error)", code: EX_IOERR)
            }
        }
    }

    /// Whether it reads or prints.
    var isInUse: Bool { input != nil || output != nil }

    /// Stops reading, and prints what waits for standard output.
    ///
    /// - Parameters:
    ///   - timeout: How long that may take.
    ///   - completion: Called once, when all is printed, or the output is gone, or the time is over.
    func finish(timeout: Duration, then completion: @escaping () -> Void) {
        input?.close()
        guard let output else { return completion() }
        printUnshownCount()
        onFinish = completion
        output.finish()
        // The time begins with the next turn of the loop. Even if it is none at all, the output is written once.
        finishTimer = server.loop.schedule(after: .zero) { [weak self] in self?.limitFinish(to: timeout) }
    }

    private func limitFinish(to timeout: Duration) {
        finishTimer = server.loop.schedule(after: timeout) { [weak self] in
            self?.onWarning("the output was not read in time: its last messages are missing")
            self?.completeFinish()
        }
    }

    private func completeFinish() {
        finishTimer?.cancel()
        let completion = onFinish.take()
        completion?()
    }

    // MARK: - Typing

    private func startReading() throws(Errno) {
        var options = Connection.Options()
        options.maximumMessageLength = server.configuration.maximumMessageLength
        // A room may take no more after any line.
        options.batchesMessages = server.chat == nil
        options.closesAtMemoryLimit = false
        let input = try server.loop.adoptStandardStream(
            STDIN_FILENO, for: .input, options: options, handler: Typing(console: self))
        self.input = input
        server.room.topic?.addPublisher(input)
    }

    private func didType(_ lines: borrowing MessageBatch) {
        var first = 0
        let quitWord = server.quitWord.map { Array($0.utf8) }
        while let quitWord, let quit = lines.firstIndex(of: quitWord, from: first) {
            publish(lines, in: first..<quit)
            first = quit + 1
            onWarning("this is how a client leaves; to stop the server, press Ctrl-C")
        }
        publish(lines, in: first..<lines.count)
    }

    private func publish(_ lines: borrowing MessageBatch, in range: Range<Int>) {
        guard let chatOperator else {
            server.room.publish(lines, in: range)
            return
        }
        for index in range where chatOperator.hear(lines.text(at: index), from: input) { waitForNextTurn() }
    }

    /// Has the next line wait until what a command has said is sent. Thousands that are piped in at once would make the logs of rooms grow
    /// by more than those who read can follow, who would be closed for being too slow.
    private func waitForNextTurn() {
        input?.pauseReading()
        server.loop.schedule(after: .zero) { [weak self] in self?.input?.resumeReading() }
    }

    /// Tells the operator what came of a command: where the messages are, if they are anywhere.
    private func answer(_ line: String) {
        if let output { output.writeLine(line.utf8.span) } else { onWarning(line) }
    }

    private func inputDidClose(_ reason: CloseReason) {
        input = nil
        if case .failed(let error) = reason { onWarning("standard input cannot be read any more: \(error)") }
    }

    private final class Typing: ConnectionHandler {
        weak let console: Console?

        init(console: Console) {
            self.console = console
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            console?.didType(messages)
        }

        func connectionDidDiscardMessage(_ connection: Connection) {
            guard let console else { return }
            let limit = console.server.configuration.maximumMessageLength
            console.onWarning("that line was too long to send: the limit is \(limit) bytes")
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) {
            console?.inputDidClose(reason)
        }
    }

    // MARK: - Printing

    private func startPrinting() throws(Errno) {
        let output = try TerminalOutput(STDOUT_FILENO, style: .text, on: server.loop)
        output.didDrain = { [weak self] in self?.printUnshownCount() }
        output.didClose = { [weak self] reason in self?.outputDidClose(reason) }
        self.output = output
        server.addObserver(Printer(console: self))
    }

    private func didRelay(_ messages: borrowing MessageBatch, in range: Range<Int>) {
        if let output = output(forMessages: range.count) { output.write(messages, in: range) }
    }

    /// Prints what clients of another loop have said.
    ///
    /// - Parameter unshown: How much more they have said, for which there was no room on the way.
    func show(_ lines: [[UInt8]], besides unshown: Int) {
        unshownCount += unshown
        guard let output = output(forMessages: lines.count) else { return }
        for line in lines { output.writeLine(line.span) }
    }

    private func didPublish(_ event: ChatServer.Event) {
        // The operator has just seen it, by typing it.
        if event.person == nil, event.name == ChatName.server.text, chatOperator?.isSpeaking == true { return }
        guard let output = output(forMessages: 1) else { return }
        let place = event.room === server.room ? "" : "[\(event.room.name)] "
        output.writeLine((place + event.description).utf8.span)
    }

    /// The output, or nil if it has no room for so many messages: then these are counted.
    private func output(forMessages count: Int) -> TerminalOutput? {
        guard let output else { return nil }
        if output.isFull {
            unshownCount += count
            return nil
        }
        // There is room before everything is written. The count must not come after newer messages.
        printUnshownCount()
        return output
    }

    private func printUnshownCount() {
        if unshownCount == 0 { return }
        let notice = "! \(unshownCount) messages not shown: the terminal is too slow"
        unshownCount = 0
        output?.writeLine(notice.utf8.span)
    }

    private func outputDidClose(_ reason: CloseReason) {
        output = nil
        if case .failed(let error) = reason { onWarning("messages are not printed any more: \(error)") }
        completeFinish()
    }

    private final class Printer: ChatServerObserver {
        weak let console: Console?

        init(console: Console) {
            self.console = console
        }

        func server(
            _ server: ChatServer, didRelay messages: borrowing MessageBatch, in range: Range<Int>,
            from client: ChatServer.Client
        ) {
            console?.didRelay(messages, in: range)
        }

        func server(_ server: ChatServer, didPublish event: ChatServer.Event) {
            console?.didPublish(event)
        }
    }
}
