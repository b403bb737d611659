import Glibc
import TestSupport
import Testing

/// What a package has besides the programs, which Docs/packaging makes from what they say of themselves. `.ci/package` tries the package.
@Suite struct PackagingTests {
    private static let folder = #filePath.replacing(#/Tests/ExecutableTests/[^\/]+$/#, with: "Docs/packaging")

    @Test(
        .enabled(if: ChildProcess.isInstalled("python3")),
        arguments: [
            ("chatd.8", "chatd", []), ("chatd-ctl.8", "chatd", ["ctl"]), ("chatd-passwd.8", "chatd", ["passwd"]),
            ("chat.1", "chat", []),
        ])
    func `a manual page has the options of the help, and no others`(page: String, program: String, words: [String])
        throws
    {
        let path = ChildProcess.pathOfExecutable(program)
        let text = try output(of: "\(Self.folder)/manual", ["\(Self.folder)/\(page)", path] + words).replacing("\\", with: "")
        let items = text.split(separator: "\n").filter { $0.hasPrefix(".It Fl -") || $0.hasPrefix(".It Fl h") }.joined()
        #expect(Set(items.matches(of: #/Fl (-[a-z-]+)/#).map { "-\($0.output.1)" }) == (try options(of: path, words)))
        // The tables of the documentation are found.
        #expect(try #require(text.split(separator: ".Sh EXIT STATUS").last).contains(".It Ic \"0\"\n"))
    }

    @Test(
        .enabled(if: ChildProcess.isInstalled("python3")), arguments: ["bash", "zsh", "fish"],
        [("chatd", ["ctl", "passwd"]), ("chat", [])])
    func `a shell completes the options of the help, and no others`(shell: String, command: (String, [String]))
        throws
    {
        let path = ChildProcess.pathOfExecutable(command.0)
        let script = try output(of: "\(Self.folder)/completions", [shell, path] + command.1)
        let names =
            shell == "fish"
            ? script.matches(of: #/ -l ([a-z-]+)/#).map { "--\($0.output.1)" }
            : script.matches(of: #/--[a-z][a-z-]*/#).map { String($0.output) }
        #expect(Set(names) == (try command.1.reduce(into: options(of: path, [])) { $0.formUnion(try options(of: path, [$1])) }))
        if command.0 == "chatd" { #expect(script.contains("auto line chunk")) }
    }

    @Test(arguments: ["chatd.json", "chatd.container.json"]) func `chatd takes the configuration that is shipped`(file: String)
        throws
    {
        let text = try output(
            of: ChildProcess.pathOfExecutable("chatd"), ["--config", "\(Self.folder)/\(file)", "--check-config"])
        #expect(text.contains("room-log: /var/lib/chatd ("))
        #expect(text.contains("control: unix:/run/chatd/control ("))
    }

    /// What the help lists, those for which it has no room on a screen among them.
    private func options(of path: String, _ words: [String]) throws -> Set<String> {
        let lines = try output(of: path, words + [words.isEmpty ? "--help-hidden" : "--help"]).matches(
            of: #/\n  (?:-h, )?(--[a-z][^ \n]*)/#)
        // As in --print/--no-print.
        let options = Set(lines.flatMap { $0.output.1.split(separator: "/").map(String.init) })
        #expect(options.isSuperset(of: ["--help", "--version"]))
        return options
    }

    private func output(of program: String, _ arguments: [String]) throws -> String {
        let process = try ChildProcess(program, arguments)
        let output = try process.output.all()
        let error = String(decoding: try process.error.all(), as: UTF8.self)
        let end = try process.waitForEnd()
        #expect(error == "")
        #expect(end == .exit(0))
        return String(decoding: output, as: UTF8.self)
    }
}
