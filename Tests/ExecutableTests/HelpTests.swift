import Glibc
import TestSupport
import Testing

/// What the programs say about themselves.
@Suite struct HelpTests {
    @Test(arguments: ["chatd", "chat"]) func `the help of each mode fits a screen of 24 lines by 80 columns`(program: String)
        throws
    {
        let text = try output(of: program, "--help")
        var sections = text.split(separator: "\n\n").map { $0.split(separator: "\n") }
        // Options of one kind are a screen of their own.
        for title in [
            "OPERATION:", "TLS:", "WEB:", "IRC:", "CLUSTER:", "ACCESS:", "SLOW CLIENTS:", "LIMITS:", "LOGINS:",
            "OPTIONS OF A CHAT:",
        ] {
            if let section = sections.firstIndex(where: { $0.first == title[...] }) {
                let lines = sections.remove(at: section)
                // The prompt takes the last line.
                #expect(lines.count < 24, "\(text)")
            }
            #expect((program == "chatd" || title == "TLS:") == text.contains(title))
        }
        #expect(sections.joined().count + sections.count <= 24, "\(text)")
        for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
        #expect(text.contains("USAGE: \(program)"))
    }

    @Test(arguments: ["chatd", "chat"]) func `the version is a line with a number`(program: String) throws {
        #expect(try output(of: program, "--version").wholeMatch(of: #/chatd? [0-9]+\.[0-9]+\.[0-9]+\n/#) != nil)
    }

    @Test(arguments: ["chatd", "chat"], ["--help", "--version"])
    func `a disk that is full is told`(program: String, argument: String) throws {
        let disk = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(disk) }
        let process = try ChildProcess(ChildProcess.pathOfExecutable(program), [argument], output: .descriptor(disk))
        let sentence = "\(program): cannot write standard output: No space left on device\n"
        #expect(try process.error.all() == Array(sentence.utf8))
        #expect(try process.waitForEnd() == .exit(EX_IOERR))
    }

    private func output(of program: String, _ argument: String) throws -> String {
        let process = try ChildProcess(ChildProcess.pathOfExecutable(program), [argument])
        let output = try process.output.all()
        let error = try process.error.all()
        let end = try process.waitForEnd()
        #expect(error == [])
        #expect(end == .exit(0))
        return String(decoding: output, as: UTF8.self)
    }
}
