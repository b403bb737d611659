import ChatReactor
import Glibc
import TestSupport
import Testing

/// A terminal as a connection.
struct TerminalTests {
    /// EIO from a terminal means that the process is in the background, or that the terminal has hung up. This process has no
    /// background at a terminal that belongs to another session.
    @Test func `the terminal of another session that is left by its programs has ended`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        // The shell leads the session and goes on, but has let go of the terminal.
        let shell = try ChildProcess(
            "sh", ["-c", "echo hello; exec <&- >&- 2>&-; exec sleep 100"], input: .terminal, output: .terminal,
            error: .terminal)
        defer { shell.kill() }
        let handler = RecordingHandler()
        try loop.adopt(OwnedDescriptor(takingOver: dup(shell.output.descriptor)), for: .input, handler: handler)
        let start = ContinuousClock.now
        try loop.run(until: "hung up") { !handler.closeReasons.isEmpty || start.duration(to: .now) > .seconds(10) }
        #expect(handler.texts == ["hello"])
        #expect(handler.closeReasons == [.endOfInput])
        #expect(shell.currentEnd == nil)
    }
}
