import Glibc
import Reactor
import TestSupport
import Testing

/// `chatd ctl`, and the socket at which a daemon takes its commands.
@Suite struct ControlTests {
    private let directory: TemporaryDirectory
    private let path: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path + "/control"
    }

    private struct Result: Equatable {
        let output: String
        let error: String
        let code: Int32
    }

    private func run(_ program: String, _ arguments: [String], environment: [String] = []) throws -> Result {
        let process = try ChildProcess(program, arguments, environment: environment)
        let output = String(decoding: try process.output.all(), as: UTF8.self)
        let error = String(decoding: try process.error.all(), as: UTF8.self)
        guard case .exit(let code) = try process.waitForEnd() else { throw TimedOut("an exit of \(program)") }
        return Result(output: output, error: error, code: code)
    }

    private func ctl(_ arguments: String..., environment: [String] = []) throws -> Result {
        try run(ChildProcess.pathOfExecutable("chatd"), ["ctl"] + arguments, environment: environment)
    }

    private func withChat(_ arguments: [String] = [], launcher: [String] = [], _ body: (Daemon) throws -> Void) throws {
        try withDaemon(["--chat", "--control", "unix:\(path)"] + arguments, launcher: launcher, body)
    }

    private func join(_ daemon: Daemon, _ name: String) throws -> Peer {
        let peer = try daemon.connect()
        try peer.send("/nick \(name)\n")
        while let line = try peer.receiveLine(), line != "* you are now \(name)" {}
        return peer
    }

    // MARK: - Commands

    @Test func commandsFromAnotherTerminal() throws {
        try withChat { daemon in
            let ana = try join(daemon, "ana")
            let control = "--control=unix:\(path)"
            let who = try ctl(control, "who")
            #expect(
                who.output.wholeMatch(of: #/ana in lobby from 127\.0\.0\.1:\d+, idle \d+s, 0 bytes behind\n/#) != nil, "\(who)")
            #expect(who.code == 0 && who.error == "")
            #expect(try ctl(control, "say", "back", "in  a", "minute") == Result(output: "said\n", error: "", code: 0))
            #expect(try ana.receiveLine() == "* back in  a minute")
            let kick = try ctl(control, "kick", "ben")
            #expect(kick == Result(output: "", error: "chatd ctl: nobody is called ben\n", code: EX_DATAERR))
            let unknown = try ctl(control, "kik", "ana")
            #expect(unknown.error == "chatd ctl: there is no command kik; did you mean kick?\n" && unknown.code == EX_DATAERR)
            #expect(try ctl("kick", control, "ana", "--", "-rude").output == "kicked ana\n")
            #expect(try ana.receiveLine() == "! kicked: -rude")
            #expect(try ana.receiveLine() == nil)
        }
    }

    @Test func objectsForPrograms() throws {
        try withChat { _ throws in
            let control = "--control=unix:\(path)"
            #expect(try ctl(control, "--json", "bans") == Result(output: "", error: "", code: 0))
            let rooms = #"{"type":"room","room":"lobby","online":0}"# + "\n"
            #expect(try ctl("rooms", "--json", control) == Result(output: rooms, error: "", code: 0))
            let error = #"{"type":"error","text":"nobody is called ben"}"# + "\n"
            #expect(try ctl(control, "--json", "kick", "ben") == Result(output: error, error: "", code: EX_DATAERR))
        }
    }

    @Test func manyAnswers() throws {
        try withChat { daemon in
            let people = try (0..<300).map { _ in try daemon.connect() }
            for peer in people { _ = try peer.receiveLine() }
            let output = try ctl("--control=unix:\(path)", "who").output
            #expect(output.split(separator: "\n").count == 300)
        }
    }

    // MARK: - The protocol

    @Test func linesOverTheSocket() throws {
        try withChat { _ in
            let peer = try Peer(path: path)
            try peer.send("bans\nkick nobody\nnonsense\n\nban 10.0.0.0/8 x\r\nbans\njson\nbans\nkick nobody\n")
            #expect(
                try peer.receiveLines(12) == [
                    "* there are no bans", "ok", "! nobody is called nobody",
                    "! there is no command nonsense; help lists what there is",
                    "! there is no command; help lists what there is", "* banned 10.0.0.0/8; closed 0", "ok", "* 10.0.0.0/8: x",
                    "ok",
                    #"{"type":"done"}"#, #"{"type":"ban","address":"10.0.0.0/8","reason":"x"}"#, #"{"type":"done"}"#,
                ])
            #expect(try peer.receiveLine() == #"{"type":"error","text":"nobody is called nobody"}"#)
            // As `printf 'bans\n' | nc -U` does.
            let other = try Peer(path: path)
            try other.send("bans")
            other.shutDownSending()
            #expect(try other.receiveLines(2) == ["* 10.0.0.0/8: x", "ok"])
            #expect(try other.receiveLine() == nil)
        }
    }

    @Test func aLineThatIsTooLong() throws {
        try withChat { _ in
            let line = String(repeating: "a", count: 70_000) + "\n"
            let peer = try Peer(path: path)
            try peer.send(line)
            #expect(try peer.receiveLine() == "! that line is too long")
            #expect(try peer.receiveLine() == nil)
            let program = try Peer(path: path)
            try program.send("json\n" + line)
            #expect(
                try program.receiveLines(2) == [#"{"type":"done"}"#, #"{"type":"error","text":"that line is too long"}"#])
            #expect(try program.receiveLine() == nil)
        }
    }

    /// Otherwise they would take all memory, and everybody in the chat would wait for them.
    @Test func commandsWhoseAnswersAreNotReadWait() throws {
        try withChat { daemon in
            let peer = try Peer(path: path)
            // What the kernel keeps for both ends, and what the daemon reads at once, is far less.
            let command = "help" + String(repeating: " ", count: 1_019) + "\n"
            let commands = Array(String(repeating: command, count: 1_024).utf8)
            var sent = 0
            while sent < commands.count, case let count = peer.sendAvailable(Array(commands[sent...])), count > 0 {
                sent += count
                // All that came before has been heard by now, or waits.
                for _ in 0..<3 { _ = try ctl("--control=unix:\(path)", "rooms") }
            }
            #expect(sent < commands.count)
            peer.shutDownSending()
            let answers = String(decoding: try peer.receiveAll(), as: UTF8.self).split(separator: "\n")
            #expect(answers.count { $0 == "ok" } >= sent / command.utf8.count)
        }
    }

    // MARK: - Who may

    @Test(arguments: ["000", "022", "777"]) func noOtherUserCanConnect(umask: String) throws {
        try withChat(launcher: ["/bin/sh", "-c", "umask \(umask); exec \"$0\" \"$@\""]) { _ in
            var status = stat()
            #expect(unsafe stat(path, &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o600)
        }
    }

    @Test func theUmaskOfTheDaemonStays() throws {
        let other = directory.path + "/people"
        try withChat(
            ["--listen", "127.0.0.1:0", "--listen", "unix:\(other)"],
            launcher: ["/bin/sh", "-c", "umask 007; exec \"$0\" \"$@\""]
        ) { _ in
            var status = stat()
            #expect(unsafe stat(other, &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o770)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can be somebody else")) func anotherUserIsToldAndClosed() throws {
        unsafe chmod(directory.path, 0o755)
        try withChat { _ in
            // A copy, since the folder of this one may be closed to others.
            let copy = directory.path + "/chatd"
            #expect(try run("cp", [ChildProcess.pathOfExecutable("chatd"), copy]).code == 0)
            func asNobody(_ command: String) throws -> Result {
                try run(
                    "setpriv",
                    ["--reuid=65534", "--regid=65534", "--clear-groups", copy, "ctl", "--control", "unix:\(path)"]
                        + command.split(separator: " ").map(String.init))
            }
            let refused = try asNobody("who")
            let hint = "only root, and the user as whom it runs, may give it commands"
            #expect(refused.error == "chatd ctl: cannot reach the chatd at \(path): Permission denied; \(hint)\n")
            #expect(refused.code == EX_NOPERM)
            // Somebody has changed the permissions.
            unsafe chmod(path, 0o666)
            for command in ["who", "--json who"] {
                let told = try asNobody(command)
                let reason = "only root and the user of this chatd may give it commands"
                #expect(told == Result(output: "", error: "chatd ctl: \(reason)\n", code: EX_DATAERR))
            }
            #expect(try ctl("--control=unix:\(path)", "rooms").code == 0)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can be somebody else")) func rootMayCommandTheDaemonOfAnother() throws {
        unsafe chmod(directory.path, 0o777)
        let copy = directory.path + "/chatd"
        #expect(try run("cp", [ChildProcess.pathOfExecutable("chatd"), copy]).code == 0)
        let daemon = try ChildProcess(
            "setpriv",
            ["--reuid=65534", "--regid=65534", "--clear-groups", copy, "--chat", "--port", "0", "--control", "unix:\(path)"])
        _ = try daemon.error.line()
        #expect(try ctl("--control=unix:\(path)", "rooms").output == "lobby (0 online)\n")
        daemon.send(signal: SIGTERM)
        #expect(try daemon.waitForEnd() == .exit(0))
    }

    // MARK: - No daemon

    @Test func noDaemon() throws {
        let result = try ctl("--control=unix:\(path)", "who")
        #expect(
            result
                == Result(
                    output: "", error: "chatd ctl: there is no chatd at \(path): No such file or directory\n",
                    code: EX_UNAVAILABLE))
        try withChat { _ in }
        // The path went with it.
        #expect(unsafe access(path, F_OK) != 0)
        let killed = try Daemon(["--chat", "--control", "unix:\(path)"])
        killed.process.kill()
        #expect(try ctl("--control=unix:\(path)", "who").error == "chatd ctl: there is no chatd at \(path): Connection refused\n")
        // What was left behind is replaced.
        try withChat { _ throws in #expect(try ctl("--control=unix:\(path)", "rooms").code == 0) }
    }

    @Test func itIsFoundWithoutBeingTold() throws {
        let control = directory.path + "/chatd.control"
        try withDaemon(["--chat", "--control", "unix:\(control)"]) { _ throws in
            // Another chatd may be the system's.
            guard unsafe access("/run/chatd/control", F_OK) != 0 else { return }
            #expect(try ctl("rooms", environment: ["XDG_RUNTIME_DIR=\(directory.path)"]).output == "lobby (0 online)\n")
        }
    }

    @Test(arguments: [
        (["ctl"], "give a command"), (["ctl", ""], "give a command"), (["ctl", "say", "a\nb"], "a command is one line"),
        (["ctl", "--control", "127.0.0.1:80", "who"], "unix:PATH"), (["ctl", "--control", "unix:", "who"], "path"),
        (["ctl", "--no-such-option", "who"], "--no-such-option"), (["--control", "unix:/tmp/x"], "--control needs --chat"),
        (["--bans", "/tmp/x"], "--bans needs --chat"), (["--chat", "--control", "localhost:80"], "unix:PATH"),
    ])
    func badInvocations(_ arguments: [String], _ mentions: String) throws {
        let result = try run(ChildProcess.pathOfExecutable("chatd"), arguments)
        #expect(result.code == EX_USAGE && result.output == "" && result.error.contains(mentions), "\(result)")
        #expect(result.error.count { $0 == "\n" } == 1)
    }

    /// That is the line by which a program asks for JSON.
    @Test func jsonIsNoCommand() throws {
        try withChat { _ in
            let result = try ctl("--control=unix:\(path)", "json")
            #expect(result.error.hasPrefix("chatd ctl: there is no command json") && result.output == "")
            #expect(result.code == EX_DATAERR)
        }
    }

    @Test func aDaemonThatDoesNotAnswer() throws {
        let silent = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(silent) }
        #expect(unsafe withSystemAddress(.unix(path: path)) { address, length in unsafe bind(silent, address, length) } == 0)
        #expect(listen(silent, 1) == 0)
        let result = try ctl("--control=unix:\(path)", "rooms")
        #expect(
            result == Result(output: "", error: "chatd ctl: the chatd at \(path) does not answer\n", code: EX_TEMPFAIL))
    }

    @Test func aDaemonWithoutDescriptors() throws {
        try withChat(launcher: ["sh", "-c", "ulimit -n 32; exec \"$0\" \"$@\""]) { daemon in
            var people: [Peer] = []
            while let peer = try? daemon.connect(), people.count < 32 {
                people.append(peer)
                if try peer.receiveLine()?.hasPrefix("!") == true { break }
            }
            let control = "--control=unix:\(path)"
            #expect(try ctl(control, "rooms").code == 0)
            // Those who are closed make place for the next command.
            #expect(try ctl(control, "ban", "127.0.0.1").output.hasPrefix("banned 127.0.0.1; closed "))
            #expect(try ctl(control, "bans").output == "127.0.0.1\n")
        }
    }

    /// A mark makes one character with the space before it.
    @Test func aLineThatBeginsWithAMark() throws {
        let file = TemporaryPath()
        try file.write("\u{301}x\n")
        try withChat(["--motd", file.path]) { _ throws in
            #expect(try ctl("--control=unix:\(path)", "motd").output == "\u{301}x\n")
        }
    }

    @Test func helpAndVersion() throws {
        let help = try ctl("--help")
        #expect(help.code == 0 && help.output.contains("USAGE: chatd ctl") && help.output.contains("--json"))
        #expect(help.output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(help.output)")
        #expect(try ctl("--version").output.hasPrefix("chatd "))
    }

    @Test func aDiskThatIsFull() throws {
        try withChat { _ in
            let disk = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
            defer { close(disk) }
            let arguments = ["ctl", "--control=unix:\(path)", "rooms"]
            let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), arguments, output: .descriptor(disk))
            #expect(try process.error.line() == "chatd ctl: cannot write standard output: No space left on device")
            #expect(try process.waitForEnd() == .exit(EX_IOERR))
        }
    }

    @Test func aPathThatIsNotPermittedOrInUse() throws {
        try withChat { _ in
            let chatd = ChildProcess.pathOfExecutable("chatd")
            let second = try run(chatd, ["--chat", "--port", "0", "--control", "unix:\(path)"])
            #expect(second.code == EX_UNAVAILABLE)
            #expect(second.error == "chatd: cannot take commands at \(path): Address already in use\n")
        }
    }

    // MARK: - Shutting down

    @Test func shutdown() throws {
        let daemon = try Daemon(["--chat", "--control", "unix:\(path)"])
        let ana = try join(daemon, "ana")
        let control = "--control=unix:\(path)"
        #expect(try ctl(control, "shutdown", "IN", "2h", "new disks").output == "the server shuts down in 2h: new disks\n")
        #expect(try ana.receiveLine() == "* the server shuts down in 2h: new disks")
        #expect(try ctl(control, "shutdown", "cancel").output == "the shutdown is cancelled\n")
        #expect(try ana.receiveLine() == "* the server does not shut down after all")
        let now = try ctl(control, "shutdown", "now", "then")
        #expect(now == Result(output: "the server shuts down now: now then\n", error: "", code: 0))
        #expect(try ana.receiveLine() == "* the server shuts down now: now then")
        #expect(try ana.receiveLine() == "! goodbye: the server is shutting down")
        #expect(try ana.receiveLine() == nil)
        #expect(try daemon.process.waitForEnd() == .exit(0))
        #expect(unsafe access(path, F_OK) != 0)
    }

    @Test func shutdownOfAnEmptyServerIsAnswered() throws {
        let daemon = try Daemon(["--chat", "--control", "unix:\(path)"])
        #expect(try ctl("--control=unix:\(path)", "shutdown").output == "the server shuts down now\n")
        #expect(try daemon.process.waitForEnd() == .exit(0))
    }

    // MARK: - The console and the file

    @Test func theConsoleHasTheSameCommands() throws {
        let daemon = try Daemon(["--chat", "--console", "--print"], input: .pipe)
        let ana = try join(daemon, "ana")
        try daemon.process.write("/mute ana FOR 5m\n/kik ana\n/kick ana \u{7}loud\n/bans\n/shutdown\n")
        #expect(try ana.receiveLine() == "! you are muted for 5m")
        #expect(try ana.receiveLine() == "! kicked: ^Gloud")
        let printed = String(decoding: try daemon.process.output.all(), as: UTF8.self).split(separator: "\n").map(String.init)
        for line in [
            "muted ana for 5m", "there is no command kik; did you mean kick?", "kicked ana", "the server shuts down now",
        ] {
            #expect(printed.contains(line), "\(printed)")
        }
        #expect(try daemon.process.waitForEnd() == .exit(0))
    }

    @Test func bansOutliveTheDaemon() throws {
        let file = directory.path + "/bans"
        try withChat(["--bans", file]) { daemon in
            #expect(unsafe access(file, F_OK) == 0)
            let ana = try join(daemon, "ana")
            #expect(try ctl("--control=unix:\(path)", "ban", "127.0.0.1", "FOR", "2h", "rude").code == 0)
            #expect(try ana.receiveLine() == "! banned: rude")
        }
        let daemon = try Daemon(["--chat", "--control", "unix:\(path)", "--bans", file])
        let refused = try daemon.connect()
        #expect(try refused.receiveLines(2) == ["! banned: rude"])
        #expect(try ctl("--control=unix:\(path)", "unban", "127.0.0.1").code == 0)
        #expect(try daemon.connect().receiveLine()?.hasPrefix("* welcome") == true)
        try daemon.end()
    }

    @Test func aDamagedFileOfBansIsRefused() throws {
        let file = TemporaryPath()
        try file.write("ana -\n10.0.0.0/1")
        let result = try run(ChildProcess.pathOfExecutable("chatd"), ["--chat", "--port", "0", "--bans", file.path])
        #expect(
            result
                == Result(
                    output: "",
                    error: "chatd: cannot use the bans \(file.path): line 2: the file ends within it, without a newline\n",
                    code: EX_DATAERR)
        )
        #expect(try file.text == "ana -\n10.0.0.0/1")
    }
}
