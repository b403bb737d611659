import ChatCommandLine
import ChatLineEditing
import ChatTerminal
import Glibc
import Reactor

/// The talk on a terminal: what comes is printed, and under it is the row on which the user types.
///
/// All that is written belongs to the terminal's own scrollback, but for that row, which is taken off before something is printed and painted
/// again after it. Everything that one read has brought is written together.
final class TerminalView: Session.Delegate {
    struct Options {
        var isColored = true
        var ringsBell = false
    }

    /// So much may wait for a slow terminal. The echo of a key waits behind it.
    private static let capacity = 16_384
    /// How long after Escape another byte may come that belongs to the same key.
    private static let escapeTime = Duration.milliseconds(50)

    private let session: Session
    private let options: Options
    private let terminal: Terminal
    private let output: TerminalOutput
    private var input: Connection?
    private var watcher: SignalWatcher?
    private var decoder = KeyDecoder()
    private var editor: LineEditor
    private var painter: LinePainter
    private let historyFile: HistoryFile
    /// An Enter that was pressed before it was known who the server is, and all keys after it. They are for then: what is typed at once is sent.
    private var heldKeys: [Key] = []
    /// What is to be printed with the next refresh.
    private var unprinted: [UInt8] = []
    private var isBellDue = false
    private var outcome: Outcome?
    private let onEnd: (Outcome) -> Void
    private lazy var escapeTimer = session.loop.makeTimer { [weak self] in self?.escapeDidEnd() }

    /// - Parameter onEnd: Called once, when all is printed and the terminal is as it was.
    /// - Throws: What the system says about the terminal.
    init(
        of session: Session, options: Options, historyFile: HistoryFile, onEnd: @escaping (Outcome) -> Void
    ) throws(Errno) {
        self.session = session
        self.options = options
        self.historyFile = historyFile
        self.onEnd = onEnd
        terminal = try Terminal()
        output = try TerminalOutput(STDOUT_FILENO, style: .bytes, capacity: Self.capacity, on: session.loop)
        painter = LinePainter(columns: terminal.size.columns)
        editor = LineEditor(history: CommandHistory(entries: historyFile.load()))
        session.delegate = self
        output.didDrain = { [weak self] in self?.session.resumeReading() }
        output.didClose = { [weak self] reason in self?.outputDidClose(reason) }
    }

    /// Takes the terminal, once there is a server: until then, the user may want to leave with the keys of a shell.
    private func begin() throws(Errno) {
        if input != nil || outcome != nil { return }
        try terminal.enter()
        watcher = try session.loop.watchSignals([SIGCONT, SIGWINCH]) { [weak self] signal in self?.receive(signal) }
        var options = Connection.Options()
        options.framing = .chunks
        input = try session.loop.adoptStandardStream(
            STDIN_FILENO, for: .input, options: options, handler: FromKeyboard(view: self))
        if let failure = historyFile.failure { print(StyledLine("! \(failure)")) }
    }

    private func outputDidClose(_ reason: CloseReason) {
        watcher?.cancel()
        terminal.leave()
        onEnd(reason == .requested ? outcome ?? .finished : .outputGone(reason))
    }

    // MARK: - Drawing

    private func print(_ line: StyledLine) {
        line.append(to: &unprinted, isColored: options.isColored)
    }

    /// Prints what is to be printed, and brings the row up to date.
    private func refresh() {
        var bytes: [UInt8] = []
        if !terminal.isActive {
            // Another job has the terminal, and its row must not be touched.
            swap(&bytes, &unprinted)
        } else {
            if !unprinted.isEmpty || outcome != nil { painter.erase(to: &bytes) }
            bytes += unprinted
            unprinted.removeAll(keepingCapacity: true)
            if isBellDue { bytes.append(7) }
            if outcome == nil, input != nil { painter.paint(editor, prompt: prompt, to: &bytes) }
        }
        isBellDue = false
        if !bytes.isEmpty { output.write(bytes.span) }
    }

    private var prompt: Prompt {
        switch session.state {
        case .waiting: Prompt("(not connected) > ")
        case .connecting where session.hasBeenConnected: Prompt("(not connected) > ")
        default: Prompt((session.server == .chat ? session.chat.places.current ?? "" : "") + "> ")
        }
    }

    private func receive(_ signal: Int32) {
        if signal == SIGCONT, !resume() { return }
        painter.resize(columns: terminal.size.columns)
        refresh()
    }

    /// Takes the terminal again. Returns whether it could.
    @discardableResult private func resume() -> Bool {
        guard terminal.resume() else { return false }
        // What the row had was taken off when the job was stopped, and much may have been written since.
        var nothing: [UInt8] = []
        painter.erase(to: &nothing)
        return true
    }

    // MARK: - Typing

    private func type(_ bytes: Span<UInt8>) {
        // The shell may have brought the job to the foreground without a signal.
        if !terminal.isActive { resume() }
        var keys: [Key] = []
        decoder.decode(bytes) { keys.append($0) }
        if decoder.isPending { escapeTimer.arm(after: Self.escapeTime) } else { escapeTimer.cancel() }
        press(keys)
    }

    private func escapeDidEnd() {
        var keys: [Key] = []
        decoder.flush { keys.append($0) }
        press(keys)
    }

    private func press(_ keys: [Key]) {
        for key in keys where outcome == nil {
            if !heldKeys.isEmpty || key.submits, case .greeting = session.state {
                heldKeys.append(key)
                continue
            }
            // What cannot be sent stays where it is.
            if key.submits, !session.isReady || session.isBacklogged, !editor.text.isEmpty,
                editor.text != session.configuration.quitWord
            {
                isBellDue = true
                continue
            }
            switch editor.handle(key) {
            case .changed, .unchanged: break
            case .refused: isBellDue = true
            case .submitted(let text): submit(text)
            // Others at a relay need not read the quit word of one who has not typed it.
            case .endOfInput: if session.isChat { session.leave() } else { session.finish() }
            case .complete: complete()
            case .clearScreen:
                painter.erase(to: &unprinted)
                unprinted += Array("\u{1B}[H\u{1B}[2J".utf8)
            }
        }
        refresh()
    }

    private func submit(_ typed: String) {
        if typed == session.configuration.quitWord { return session.leave() }
        if typed.isEmpty { return }
        let failure = historyFile.failure
        let lines = typed.split(separator: "\n", omittingEmptySubsequences: false)
        // A password is for the server alone.
        if lines.contains(where: { Credentials.areIn(String($0)) }) { editor.forget(typed) } else { historyFile.append(typed) }
        if let new = historyFile.failure, new != failure { print(StyledLine("! \(new)")) }
        send(lines[...])
    }

    private func send(_ typed: ArraySlice<Substring>) {
        var lines = typed
        if session.isChat {
            // A chat says nothing of a line without a word.
            lines = lines.filter { !$0.allSatisfy { $0 == " " || $0 == "\t" } }[...]
            // What has several lines was pasted, and is no command: a path, a comment in a program.
            if lines.count > 1 { lines = lines.map { $0.utf8.first == UInt8(ascii: "/") ? "/\($0)" : $0 }[...] }
        }
        for line in lines {
            print(echo(of: Credentials.areIn(String(line)) ? Credentials.shown(String(line)) : String(line)))
            session.send(String(line))
        }
    }

    /// A line that was sent, as it stays on the screen. What is said to a chat looks as it does to the others.
    private func echo(of line: String) -> StyledLine {
        guard session.isChat else { return StyledLine("> \(line)") }
        switch line.commandName {
        case nil where !line.isEmpty: return session.words.own(line.saidText)
        case "/me" where !line.argument.isEmpty: return session.words.own("*\(line.argument)*")
        default: return StyledLine("> \(line)")
        }
    }

    private func complete() {
        let context = editor.completionContext
        let names = session.chat.places.current.map { session.chat.people.names(in: $0) } ?? []
        let choices = editor.complete(
            with: session.server == .chat
                ? Completer.candidates(for: context, line: editor.text, names: names, rooms: session.chat.places.rooms) : [])
        if !choices.isEmpty { print(StyledLine(choices.prefix(200).joined(separator: "  "))) }
    }

    private func inputDidEnd() {
        input = nil
        session.finish()
    }

    private final class FromKeyboard: ConnectionHandler {
        weak let view: TerminalView?

        init(view: TerminalView) {
            self.view = view
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            messages.forEach { view?.type($0) }
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) {
            if reason != .requested { view?.inputDidEnd() }
        }
    }

    // MARK: - What the session tells

    var isFull: Bool { output.isFull || unprinted.count >= Self.capacity }

    func session(didReceive line: Span<UInt8>, endsLine: Bool, isPrelude: Bool) {
        // Of a line that comes in pieces, each is a line here: the row is under it.
        print(StyledLine(String(copying: line)))
    }

    func session(didReceive event: ChatEvent, as line: Span<UInt8>, isNews: Bool) {
        guard isNews else { return }
        let (lines, isMention) = session.words.lines(for: event)
        for line in lines { print(line) }
        if isMention, options.ringsBell, !event.isReplayed { isBellDue = true }
    }

    func session(didNote text: String) {
        print(StyledLine("* \(text)"))
    }

    func sessionDidChangeState() {
        if case .greeting = session.state {
            do throws(Errno) { try begin() } catch { return session.end(.inputFailed(.failed(error))) }
        } else if !heldKeys.isEmpty {
            let keys = heldKeys
            heldKeys = []
            return press(keys)
        }
        refresh()
    }

    func sessionDidPause() {
        refresh()
    }

    func sessionDidDrain() {}

    func sessionDidEnd(_ outcome: Outcome) {
        self.outcome = outcome
        // What is typed from now on belongs to the shell.
        input?.close()
        refresh()
        output.finish()
    }
}
