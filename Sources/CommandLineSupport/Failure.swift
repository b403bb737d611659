package import ArgumentParser
import Glibc

/// The product's version.
package let version = "0.1.0"

/// Why a program ends: one sentence for the user, and an exit code from sysexits.
package struct Failure: Error, CustomStringConvertible {
    package let description: String
    package let code: Int32

    package init(_ description: String, code: Int32) {
        self.description = description
        self.code = code
    }
}

/// Writes to standard error, whole and at once: stdio could tear a line. What cannot be written is lost.
package func writeToStandardError(_ text: String) {
    var text = text
    text.withUTF8 { _ = unsafe write(2, $0.baseAddress, $0.count) }
}

extension ParsableCommand {
    /// Parses the arguments and runs the command; if that fails, ends the process with a sentence that says why.
    package static func runAndExplain() {
        openStandardStreams()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            exit(reporting: error)
        }
    }

    /// Ends the process as `error` has it: with help on standard output, or with one line on standard error.
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
