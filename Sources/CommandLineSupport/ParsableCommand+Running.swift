public import ArgumentParser
import Glibc

extension ParsableCommand {
    /// Parses the arguments and runs the command. If either fails, prints one sentence that says why, and ends the process.
    public static func runAndExplain() {
        openStandardStreams()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            exit(reporting: error)
        }
    }

    /// Ends the process: prints the help on standard output if `error` asks for that, and one line on standard error otherwise.
    private static func exit(reporting error: any Error) -> Never {
        let name = configuration.commandName ?? _commandName
        if let failure = error as? Failure {
            writeToStandardError("\(name): \(failure)\n")
            Glibc.exit(failure.code)
        }
        let code = exitCode(for: error)
        if code.isSuccess { exit(withError: error) }
        var sentence = message(for: error)
        if sentence.hasSuffix(".") { sentence.removeLast() }
        writeToStandardError("\(name): \(sentence); see \(name) --help\n")
        Glibc.exit(code.rawValue)
    }
}
