import ChatTerminal
import Glibc
import Reactor
import TestSupport
import Testing

/// The mode of a terminal is undone however the process ends, and the process ends as it would have without it.
@Suite struct TerminalModeTests {
    @Test func `keys come as they are pressed, without echo, and signals stay signals`() throws {
        let probe = try Probe("wait")
        let mode = try probe.mode()
        #expect(mode.local & tcflag_t(ICANON | ECHO | IEXTEN) == 0)
        #expect(mode.local & tcflag_t(ISIG) != 0)
        #expect(mode.input & tcflag_t(ICRNL | IXON | ISTRIP | INPCK | BRKINT) == 0)
        #expect(mode.output & tcflag_t(OPOST | ONLCR) == tcflag_t(OPOST | ONLCR))
    }

    @Test(arguments: ["leave", "exit"])
    func `it is undone at an ordinary end`(way: String) throws {
        let probe = try Probe(way)
        try probe.expectEnd(.exit(0))
    }

    @Test(arguments: [
        SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM,
        SIGXCPU,
        SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSYS,
    ])
    func `it is undone by every signal that ends a process`(number: Int32) throws {
        let probe = try Probe("wait")
        probe.process.send(signal: number)
        try probe.expectEnd(.signal(number))
    }

    @Test(arguments: [("\u{3}", SIGINT), ("\u{1C}", SIGQUIT)])
    func `it is undone by the keys that are signals`(key: String, number: Int32) throws {
        let probe = try Probe("wait")
        try probe.process.write(key)
        try probe.expectEnd(.signal(number))
    }

    @Test(arguments: ["fault", "overflow"])
    func `it is undone by a fault`(way: String) throws {
        let probe = try Probe(way)
        try probe.expectEnd(.signal(SIGSEGV))
    }

    /// As a debugger or a sanitizer has one.
    @Test func `a handler that was there for crashes is called after it`() throws {
        let probe = try Probe("fault", "handled")
        try probe.process.output.text(through: "\u{1B}[J")
        try probe.process.output.text(through: "handled")
        #expect(try probe.process.waitForEnd() == .exit(3))
    }

    @Test func `it is undone when Swift traps`() throws {
        let probe = try Probe("trap")
        let end = try probe.process.waitForEnd()
        #expect([.signal(SIGILL), .signal(SIGTRAP)].contains(end))
        try probe.expectEnd(end)
    }

    @Test func `a signal that was ignored stays ignored`() throws {
        let path = ChildProcess.pathOfExecutable("TerminalProbe")
        let shell = try ChildProcess(
            "sh", ["-c", "trap '' HUP; exec '\(path)' raise 1"], input: .terminal, output: .terminal, error: .terminal)
        try shell.output.text(through: "still here")
        #expect(try shell.waitForEnd() == .exit(0))
    }

    @Test func `the size is the terminal's, and a change of it is told`() throws {
        let probe = try Probe("wait")
        var size = winsize(ws_row: 7, ws_col: 33, ws_xpixel: 0, ws_ypixel: 0)
        #expect(unsafe ioctl(probe.process.output.descriptor, UInt(TIOCSWINSZ), &size) == 0)
        try probe.process.output.text(through: "size 33x7")
    }

    @Test func `a pipe is no terminal`() throws {
        let (reader, writer) = try makePipe()
        defer { for end in [reader, writer] { close(end) } }
        #expect(!Terminal.isTerminal(reader))
        #expect(throws: Errno(rawValue: ENOTTY)) { try Terminal(input: reader, output: writer) }
    }
}
