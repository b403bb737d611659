public import ArgumentParser
import Glibc
import Reactor

extension ParsableCommand {
    /// Parses the arguments and runs the command. If either fails, prints one sentence that says why, and ends the process.
    ///
    /// - Parameter arguments: Nil for those of the process.
    public static func runAndExplain(_ arguments: [String]? = nil) {
        explainingFailure {
            var command = try parseAsRoot(arguments)
            try command.run()
        }
    }

    /// Does something. If that fails, prints one sentence that says why, and ends the process.
    public static func explainingFailure(_ body: () throws -> Void) {
        openStandardStreams()
        do {
            try body()
        } catch {
            exit(reporting: error)
        }
    }

    /// Ends the process: prints the help on standard output if `error` asks for that, and one line on standard error otherwise.
    private static func exit(reporting error: any Error) -> Never {
        let name = configuration.commandName ?? _commandName
        if let failure = error as? Failure {
            writeLineToStandardError("\(name): \(failure)")
            for line in failure.details { writeLineToStandardError(line) }
            Glibc.exit(failure.code)
        }
        // Why is said already.
        if let code = error as? ExitCode { Glibc.exit(code.rawValue) }
        let code = exitCode(for: error)
        if code.isSuccess {
            print(fullMessage(for: error))
            // Until it is flushed, the text may be in a buffer, and nobody knows whether the disk is full.
            if fflush(nil) == 0 { Glibc.exit(EX_OK) }
            writeLineToStandardError("\(name): cannot write standard output: \(Errno.last)")
            Glibc.exit(EX_IOERR)
        }
        // Some of the parser's messages have several lines, of which the later ones are indented.
        var sentence = message(for: error).split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: " ")
        if sentence.hasSuffix(".") { sentence.removeLast() }
        // As in "Did you mean '--port'?".
        let hint = sentence.hasSuffix("?") ? " See" : "; see"
        writeLineToStandardError("\(name): \(sentence)\(hint) \(name) --help")
        Glibc.exit(code.rawValue)
    }
}
