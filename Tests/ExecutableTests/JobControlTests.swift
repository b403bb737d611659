import TestSupport
import Testing

/// At a shell's terminal, chat is a job like any other: it can be put into the background, and hears again in the foreground.
@Suite struct JobControlTests {
    @Test func `from the background to the foreground`() throws {
        let server = try PlayedServer()
        let shell = try startShell()
        try shell.write("\(chat) --plain \(server.address) &\n")
        let client = try server.accept()
        try exchange(with: shell)
        try client.send("to the background\n")
        // chat may have printed it before it was stopped, for it reads the terminal no sooner than something is typed.
        let shown = try run("fg", in: shell, naming: server)
        if !shown.contains("to the background") { try shell.output.text(through: "to the background\r\n") }
        try shell.write("from the foreground\n")
        #expect(try client.receiveLine() == "from the foreground")
    }

    @Test func `to the background and back`() throws {
        let server = try PlayedServer()
        let shell = try startShell()
        try shell.write("\(chat) --plain \(server.address)\n")
        let client = try server.accept()
        try shell.write("before\n")
        #expect(try client.receiveLine() == "before")
        // Ctrl-Z.
        try shell.write("\u{1A}")
        try shell.output.text(through: "Stopped")
        try exchange(with: shell)
        try run("bg", in: shell, naming: server)
        try exchange(with: shell)
        try run("fg", in: shell, naming: server)
        try shell.write("after\n")
        #expect(try client.receiveLine() == "after")
        try client.send("answer\n")
        try shell.output.text(through: "answer\r\n")
    }

    private var chat: String { ChildProcess.pathOfExecutable("chat") }

    private func startShell() throws -> ChildProcess {
        try ChildProcess("sh", ["-i"], input: .terminal, output: .terminal, error: .terminal)
    }

    /// Has the shell run a command that names the job, and waits for that. Returns what the terminal has shown meanwhile.
    @discardableResult
    private func run(_ command: String, in shell: ChildProcess, naming server: PlayedServer) throws -> String {
        try shell.write("\(command)\n")
        // The shell may have something to say about the job before it has read the command.
        return try shell.output.text(through: "\(command)\r\n") + shell.output.text(through: "chat --plain \(server.address)")
    }

    /// Has the shell itself run a command, and sees its output.
    private func exchange(with shell: ChildProcess) throws {
        try shell.write("echo $((4000000 + 200002))\n")
        // A prompt may precede it, if the shell was not ready yet. What was typed does not contain the sum, and no port is that long.
        try shell.output.text(through: "4200002\r\n")
    }
}
