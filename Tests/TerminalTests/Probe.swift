import Glibc
import Reactor
import TestSupport
import Testing

/// A TerminalProbe at a terminal of its own, which has entered its mode.
final class Probe {
    /// At a terminal, Swift has a debugger ask what to do about a crash.
    static let withoutBacktrace = "SWIFT_BACKTRACE=enable=no"
    let process: ChildProcess

    init(_ arguments: String...) throws {
        process = try ChildProcess(
            ChildProcess.pathOfExecutable("TerminalProbe"), arguments, environment: [Self.withoutBacktrace], input: .terminal,
            output: .terminal, error: .terminal)
        try process.output.text(through: "\u{1B}[?2004h")
        try process.output.text(through: " active\r\n")
        if arguments == ["wait"] { try process.output.text(through: "waiting\r\n") }
    }

    func mode() throws -> TerminalMode { try TerminalMode(of: process.output.descriptor) }

    /// Waits for the end, and checks that the terminal is as it was.
    func expectEnd(_ expected: ChildProcess.End, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try process.output.text(through: "\u{1B}[?2004l\u{1B}[0m\u{1B}[?25h\r\u{1B}[J")
        let end = try process.waitForEnd()
        #expect(end == expected, sourceLocation: sourceLocation)
        let (screen, _) = try ChildProcess.openTerminal()
        let usual = try TerminalMode(of: screen.descriptor)
        #expect(try mode() == usual, sourceLocation: sourceLocation)
    }
}

/// The mode of a terminal, to be compared.
struct TerminalMode: Equatable {
    var input, output, control, local: tcflag_t
    var characters: [UInt8]

    init(of descriptor: Int32) throws {
        var mode = termios()
        if unsafe tcgetattr(descriptor, &mode) < 0 { throw Errno.last }
        (input, output, control, local) = (mode.c_iflag, mode.c_oflag, mode.c_cflag, mode.c_lflag)
        characters = unsafe withUnsafeBytes(of: mode.c_cc) { unsafe Array($0) }
    }
}
