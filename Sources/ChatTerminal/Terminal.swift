import CChatTerminal
import Glibc
public import Reactor

/// A terminal in the mode of a line editor: keys come as they are pressed, and are not echoed.
///
/// Ctrl-C, Ctrl-Z and Ctrl-\ stay signals for the whole job, and output stays as it was. Pastes come in marks (see `KeyDecoder`).
///
/// The mode is undone however the process ends: by `leave`, `exit`, a crash, or any signal but SIGKILL. The process ends as it would have
/// otherwise, by that signal. One that was ignored stays ignored. One that is handled already when `enter` is called stays that handler's,
/// which has to call `leave`; so does a watcher of `EventLoop.watchSignals`, whenever it begins.
///
/// Ctrl-Z undoes the mode, too. When the job continues, SIGCONT follows. A host watches it:
///
/// ```swift
/// try loop.watchSignals([SIGCONT]) { _ in if terminal.resume() { paintAnew() } }
/// ```
///
/// In the background the terminal is another job's. There the mode is not entered; `isActive` is false, and nothing should be drawn.
///
/// One terminal of a process can be entered at a time, since a signal has one handler. A terminal belongs to one thread.
public final class Terminal {
    private let input: Int32
    private let output: Int32
    private var isEntered = false

    /// A terminal whose mode is as it was.
    ///
    /// - Parameters:
    ///   - input: Where keys come from. It has to stay open until `leave`, as does the other.
    ///   - output: What is written to, and has the size.
    /// - Throws: `ENOTTY` if either is no terminal, and `EBADF`.
    ///
    /// The corresponding C function is `isatty`.
    public init(input: Int32, output: Int32) throws(Errno) {
        for descriptor in [input, output] where isatty(descriptor) != 1 { throw .last }
        self.input = input
        self.output = output
    }

    /// The terminal at standard input and standard output, whose mode is as it was. Throws as the other initializer does.
    public convenience init() throws(Errno) {
        try self.init(input: STDIN_FILENO, output: STDOUT_FILENO)
    }

    deinit {
        leave()
    }

    /// Enters the mode, if the process is in the foreground. If not, `resume` does so later. Does nothing if it is entered already.
    ///
    /// - Throws: `EBUSY` if another one is entered, and what `tcsetattr` says.
    ///
    /// The corresponding C functions are `tcsetattr`, `sigaction` and `atexit`.
    public func enter() throws(Errno) {
        if isEntered { return }
        let result = terminal_mode_begin(input, output)
        if result != 0 { throw Errno(rawValue: result) }
        isEntered = true
    }

    /// Restores the mode, and what signals do. Erases the row of the cursor and what is below. Does nothing if it is not entered.
    public func leave() {
        if !isEntered { return }
        isEntered = false
        terminal_mode_end()
    }

    /// Enters the mode again: to be called after SIGCONT, and when input shows that the process is in the foreground. Returns `isActive`.
    @discardableResult
    public func resume() -> Bool {
        isEntered && terminal_mode_resume()
    }

    /// Whether the mode is in force: it is entered, and the process was not stopped or in the background when it last tried.
    public var isActive: Bool { isEntered && terminal_mode_is_in_force() }

    /// How large it is now; SIGWINCH says when that changes. What the terminal does not know comes from the environment's COLUMNS and
    /// LINES, or else is 80 by 24. Never zero.
    ///
    /// The corresponding C function is `ioctl` with `TIOCGWINSZ`.
    public var size: TerminalSize {
        var (columns, rows): (Int32, Int32) = (0, 0)
        unsafe terminal_size(output, &columns, &rows)
        return TerminalSize(
            reported: TerminalSize(columns: Int(columns), rows: Int(rows)), columns: Self.variable("COLUMNS"),
            lines: Self.variable("LINES"))
    }

    private static func variable(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    /// Whether a descriptor is a terminal. The corresponding C function is `isatty`.
    public static func isTerminal(_ descriptor: Int32) -> Bool {
        isatty(descriptor) == 1
    }

    /// Whether a terminal of this type moves its cursor: what the environment's TERM says. A shell within an editor does not.
    public static func canRedraw(_ type: String?) -> Bool {
        !["", "dumb", "emacs", "unknown"].contains(type ?? "")
    }
}
