import Glibc
import TestSupport
import Testing

/// Under a shell, a job that is stopped leaves the terminal to the shell, and takes it again when it is in the foreground.
@Suite struct JobControlTests {
    private let shell: ChildProcess

    init() throws {
        shell = try ChildProcess(
            "sh", ["-i"], environment: ["PS1=$ ", "ENV=", Probe.withoutBacktrace], input: .terminal, output: .terminal,
            error: .terminal)
        try run("echo beg''in", showing: "begin\r\n")
    }

    @Test func `to the background and back`() throws {
        let before = try shellMode()
        let own = try TerminalMode(of: shell.output.descriptor)
        try startProbe(inBackground: false)
        #expect(try TerminalMode(of: shell.output.descriptor) != own)
        // Twice: the handlers are there again.
        for _ in 0..<2 {
            try shell.write("\u{1A}")
            try shell.output.text(through: "\u{1B}[?2004l")
            try shell.output.text(through: "Stopped")
            #expect(try shellMode() == before)
            try run("fg", showing: "\u{1B}[?2004h")
            try shell.output.text(through: "resumed active\r\n")
            #expect(try TerminalMode(of: shell.output.descriptor).local & tcflag_t(ICANON | ECHO) == 0)
        }
        try shell.write("\u{3}")
        #expect(try lastStatus() == "130")
        #expect(try shellMode() == before)
    }

    @Test func `what runs in the background leaves the terminal alone`() throws {
        let before = try shellMode()
        let pid = try startProbe(inBackground: false)
        try shell.write("\u{1A}")
        try shell.output.text(through: "Stopped")
        try run("bg", showing: "resumed inactive\r\n")
        #expect(try shellMode() == before)
        try shell.write("fg\n")
        // It runs already, so no signal comes.
        try wait(for: "the foreground") { tcgetpgrp(shell.output.descriptor) == pid }
        try shell.write("\u{1A}")
        try shell.output.text(through: "Stopped")
        try run("fg", showing: "resumed active\r\n")
        try shell.write("\u{3}")
        #expect(try lastStatus() == "130")
        #expect(try shellMode() == before)
    }

    @Test func `what begins in the background is not stopped, and enters when it comes to the foreground`() throws {
        let before = try shellMode()
        let pid = try startProbe(inBackground: true)
        #expect(try shellMode() == before)
        kill(pid, SIGSTOP)
        try run("fg", showing: "resumed active\r\n")
        try shell.write("\u{3}")
        #expect(try lastStatus() == "130")
        #expect(try shellMode() == before)
    }

    @Test func `what is killed in the background leaves the terminal alone`() throws {
        let pid = try startProbe(inBackground: false)
        // No handler hears of this one.
        kill(pid, SIGSTOP)
        try shell.output.text(through: "Stopped")
        try run("stty sane; bg", showing: "resumed inactive\r\n")
        let sane = try shellMode()
        kill(pid, SIGTERM)
        try run("wait; echo en''ded", showing: "ended\r\n")
        #expect(try shellMode() == sane)
    }

    // MARK: - The shell

    private func run(_ command: String, showing text: String) throws {
        try shell.write("\(command)\n")
        try shell.output.text(through: text)
    }

    /// What the shell gives to its jobs. Some shells have another mode for themselves.
    private func shellMode() throws -> String {
        try run("echo mode: $(stty -g)", showing: "mode: ")
        // The command itself was echoed.
        var mode = try shell.output.text(through: "\r\n")
        if mode.contains("stty") {
            try shell.output.text(through: "mode: ")
            mode = try shell.output.text(through: "\r\n")
        }
        return mode
    }

    private func lastStatus() throws -> String {
        try run("echo stat''us: $?", showing: "status: ")
        return String(try shell.output.text(through: "\r\n").dropLast(1))
    }

    @discardableResult
    private func startProbe(inBackground: Bool) throws -> pid_t {
        let path = ChildProcess.pathOfExecutable("TerminalProbe")
        try run("'\(path)' wait\(inBackground ? " &" : "")", showing: "ready ")
        let pid = try shell.output.text(through: " ")
        try shell.output.text(through: inBackground ? "inactive" : " active")
        try shell.output.text(through: "waiting\r\n")
        return try #require(pid_t(pid.dropLast()))
    }
}
