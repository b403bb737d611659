import ArgumentParser
import ChatCommandLine
import ChatReactor
import Glibc

/// `chatd ctl`: gives one command to a daemon that runs, and prints what it answers.
struct ControlCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chatd ctl",
        abstract: "Give a command to a chatd that runs with --control.",
        discussion: """
            The command help lists what there is. Without --control, this is for the chatd at /run/chatd/control, or else \
            at $XDG_RUNTIME_DIR/chatd.control.
            """,
        version: "chatd \(version)")

    @Option(help: ArgumentHelp("Where the chatd takes commands.", valueName: "unix:path"), transform: { try ControlPath($0) })
    var control: ControlPath?

    @Flag(help: "Print JSON, an object a line.")
    var json = false

    @Argument(help: ArgumentHelp("The command and what belongs to it.", valueName: "command"))
    var words: [String] = []

    func validate() throws {
        if words.allSatisfy(\.isEmpty) { throw ValidationError("give a command, such as who or help") }
        if words.contains(where: { $0.utf8.contains(10) }) { throw ValidationError("a command is one line") }
    }

    func run() throws {
        guard let path = (control ?? .standard)?.path else {
            throw Failure("there is no chatd at /run/chatd/control; say where it is by --control", code: EX_UNAVAILABLE)
        }
        let conversation = ControlConversation(words.joined(separator: " "), json: json)
        let outcome: ControlConversation.Outcome
        do throws(Errno) {
            outcome = try conversation.hold(at: path)
        } catch {
            let isThere = error != .connectionRefused && error != Errno(rawValue: ENOENT)
            let code = error == .permissionDenied ? EX_NOPERM : EX_UNAVAILABLE
            let hint = error == .permissionDenied ? "; only root, and the user as whom it runs, may give it commands" : ""
            throw Failure("\(isThere ? "cannot reach the" : "there is no") chatd at \(path): \(error)\(hint)", code: code)
        }
        try StandardOutput.write(conversation.output)
        switch outcome {
        case .done: break
        case .notDone(let reason?): throw Failure(reason, code: EX_DATAERR)
        case .notDone(nil): throw ExitCode(EX_DATAERR)
        case .broken: throw Failure("the chatd at \(path) has ended the connection before its answer", code: EX_PROTOCOL)
        case .silent: throw Failure("the chatd at \(path) does not answer", code: EX_TEMPFAIL)
        }
    }
}

/// A command over a control socket, and its answer.
private final class ControlConversation: ConnectionHandler {
    enum Outcome {
        case done
        /// With why not, unless that is printed already.
        case notDone(String?)
        case broken
        case silent
    }

    private static let patience = Duration.seconds(10)

    private let command: String
    private let json: Bool
    private var outcome = Outcome.silent
    /// What is to be printed.
    private(set) var output = ""
    private var timer: EventLoop.Timer?
    /// How many ends of answers are awaited.
    private var awaited = 1

    init(_ command: String, json: Bool) {
        self.command = command
        self.json = json
        awaited = json ? 2 : 1
    }

    /// - Throws: Why the daemon cannot be reached.
    func hold(at path: String) throws(Errno) -> Outcome {
        let loop = try EventLoop()
        var options = Connection.Options()
        options.maximumMessageLength = .max
        timer = loop.makeTimer { loop.stop() }
        timer?.arm(after: Self.patience)
        let connection = try loop.connect(to: .unix(path: path), options: options, handler: self)
        // The space keeps a command that is called so from being the line that asks for JSON.
        connection.send((json ? "json\n" : "") + " " + command + "\n")
        try loop.run()
        timer = nil
        // To close the loop closes the connection, which the daemon has not done.
        let outcome = outcome
        loop.close()
        return outcome
    }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        timer?.arm(after: Self.patience)
        for index in 0..<messages.count {
            guard awaited > 0 else { return }
            hear(messages.text(at: index))
            if awaited == 0 { connection.loop.stop() }
        }
    }

    private func hear(_ line: String) {
        if json {
            if line == #"{"type":"done"}"# {
                awaited -= 1
                if awaited == 0 { outcome = .done }
            } else if line.hasPrefix(#"{"type":"error""#) {
                show(line)
                (awaited, outcome) = (0, .notDone(nil))
            } else if let reason = rest(of: line, after: "! ") {
                // It is refused before it has said that it wants JSON.
                (awaited, outcome) = (0, .notDone(reason))
            } else {
                show(line)
            }
        } else if line == "ok" {
            (awaited, outcome) = (0, .done)
        } else if let reason = rest(of: line, after: "! ") {
            (awaited, outcome) = (0, .notDone(reason))
        } else {
            show(rest(of: line, after: "* ") ?? line)
        }
    }

    /// What follows a beginning of a line, or nil if it begins otherwise. By bytes: a space is another character with a mark after it.
    private func rest(of line: String, after beginning: String) -> String? {
        line.utf8.starts(with: beginning.utf8) ? String(Substring(line.utf8.dropFirst(beginning.utf8.count))) : nil
    }

    private func show(_ line: String) {
        output += line + "\n"
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        if awaited > 0 { outcome = .broken }
        connection.loop.stop()
    }
}
