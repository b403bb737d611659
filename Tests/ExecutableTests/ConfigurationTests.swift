import Glibc
import TestSupport
import Testing

/// Options of `chatd` that come from a file or from the environment.
@Suite struct ConfigurationTests {
    private let file = TemporaryPath()

    // MARK: - Where values come from

    @Test func `a file sets every kind of option`() throws {
        let socket = TemporaryPath()
        try file.write(
            """
            {
              "chat": true,
              "name": "t\\u0065a \\ud83c\\udf75",
              "listen": ["127.0.0.1:0", "unix:\(socket.path)"],
              "max-line": 100,
              "print": false,
              "no-quit-word": true
            }
            """)
        let daemon = try Daemon(["--config", file.path], listeners: 2)
        let peer = try daemon.connect()
        #expect(try peer.receiveLine() == "* welcome to tea 🍵; you are guest1; 1 online")
        try peer.send(String(repeating: "a", count: 101) + "\nx\n/ping\n")
        #expect(try peer.receiveLines(2) == ["! line too long: the limit is 100 bytes", "* pong"])
        try daemon.end()
    }

    @Test func `the example in the documentation is what chatd runs with`() throws {
        let path = "\(#filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined())/Docs/operations.md"
        let documentation = String(
            decoding: try StreamReader(takingOver: unsafe open(path, O_RDONLY | O_CLOEXEC)).all(), as: UTF8.self)
        let example = try #require(documentation.split(separator: "```json\n").last?.split(separator: "```").first)
        // Tests share a machine, so the port is another one.
        try file.write(String(example.replacing(":3001", with: ":0")))
        try withDaemon(["--config", file.path]) { daemon in
            let peer = try daemon.connect()
            #expect(try peer.receiveLine()?.hasPrefix("* welcome to tea; ") == true)
        }
    }

    @Test func `options are over the environment, and the environment over the file`() throws {
        try file.write(#"{"max-line": "1k", "log-size": "2m", "drain-timeout": "3s", "listen": ["127.0.0.1:1", "127.0.0.1:2"]}"#)
        let output = try check(
            ["--max-line", "3k"], environment: ["CHATD_MAX_LINE=2k", "CHATD_LOG_SIZE=4m", "CHATD_LISTEN=127.0.0.1:3,127.0.0.1:4"])
        #expect(output["max-line"] == "3k (option)")
        #expect(output["log-size"] == "4m (environment, CHATD_LOG_SIZE)")
        #expect(output["drain-timeout"] == "3s (\(file.path), line 1)")
        // Nothing is appended to what a higher source says.
        #expect(output["listen"] == "127.0.0.1:3, 127.0.0.1:4 (environment, CHATD_LISTEN)")
        #expect(output["framing"] == "auto (default)")
        #expect(output["motd"] == "- (default)")
    }

    @Test func `a flag that the file has set is taken back by a higher source`() throws {
        try file.write(#"{"print": true, "no-quit-word": true, "console": false}"#)
        let output = try check(["--no-print"], environment: ["CHATD_NO_QUIT_WORD=false", "CHATD_CONSOLE=1"])
        #expect(output["print"] == "false (option)")
        #expect(output["no-quit-word"] == "false (environment, CHATD_NO_QUIT_WORD)")
        #expect(output["console"] == "true (environment, CHATD_CONSOLE)")
    }

    @Test func `the environment may name the file, and is enough without one`() throws {
        try file.write(#"{"port": 0}"#)
        #expect(try check([], environment: ["CHATD_CONFIG=\(file.path)"], names: false)["port"] == "0 (\(file.path), line 1)")
        #expect(try check([], environment: ["CHATD_PORT=7"], names: false)["port"] == "7 (environment, CHATD_PORT)")
    }

    @Test func `what Kubernetes and Docker set for a service that is called chatd is no option`() throws {
        try file.write(#"{"port": 7}"#)
        let output = try check(
            [],
            environment: [
                "CHATD_PORT=tcp://10.0.0.7:3001", "CHATD_PORT_3001_TCP=tcp://10.0.0.7:3001", "CHATD_SERVICE_HOST=10.0.0.7",
                "CHATD_SERVICE_PORT=3001",
            ])
        #expect(output["port"] == "7 (\(file.path), line 1)")
    }

    @Test func `what is printed has no key of a room in it`() throws {
        try file.write(#"{"chat": true, "secret-room": ["tea:leaves", "attic"]}"#)
        #expect(try check([])["secret-room"] == "tea:***, attic (\(file.path), line 1)")
        #expect(try check(["--secret-room", "cellar:wine"])["secret-room"] == "cellar:*** (option)")
        #expect(try check([], environment: ["CHATD_SECRET_ROOM=a:b,c:d"])["secret-room"]?.hasPrefix("a:***, c:*** (") == true)
    }

    @Test func `every option of the help can be configured`() throws {
        let help = try run(["--help"]).output
        let names = help.matches(of: #/\n  --([a-z-]+)/#).map { String($0.output.1) }
        try file.write("{}")
        let configured = Set(try check([]).keys)
        #expect(configured.count > 15)
        #expect(Set(names) == configured.union(["config", "check-config", "version"]))
    }

    // MARK: - What is refused

    @Test(arguments: [
        (#"{"max-lin": 5}"#, "line 1, column 2: there is no option max-lin; did you mean max-line?"),
        (#"{"max_line": 5}"#, "line 1, column 2: there is no option max_line; did you mean max-line?"),
        (#"{"no-print": true}"#, "line 1, column 2: there is no option no-print; did you mean print?"),
        (#"{"config": "file"}"#, "line 1, column 2: there is no option config"),
        (#"{"version": true}"#, "line 1, column 2: there is no option version"),
        ("{\n  \"port\": true\n}", "line 2, column 3: port takes a string or a number"),
        (#"{"listen": "localhost:1"}"#, "line 1, column 2: listen takes an array"),
        (#"{"listen": [true]}"#, "line 1, column 2: listen takes an array of strings or numbers"),
        (#"{"chat": "true"}"#, "line 1, column 2: chat takes true or false"),
        (
            #"{"max-line": "5x"}"#,
            "column 2: max-line: The value '5x' is invalid: write a number of bytes, 64k, 4m or 1g, from 1 to 1g"
        ),
        (#"{"max-line": 0}"#, "max-line: The value '0' is invalid: write a number of bytes"),
        (#"{"slow": "nobody"}"#, "slow: The value 'nobody' is invalid. Please provide one of"),
        (#"{"port": 65536}"#, "port: The value '65536' is invalid"), (#"{"motd": "file"}"#, "motd: --motd needs --chat"),
        (#"{"listen": ["127.0.0.1:0", "nonsense"]}"#, "listen: The value 'nonsense' is invalid: 'nonsense' names no port"),
        (#"{"framing": "chunk", "chat": true}"#, "column 22: chat: --chat is made of lines"),
        (#"{"name": "a\nb", "chat": true}"#, "column 2: name: --name takes a name of one line"),
        ("", "line 1, column 1: a value is expected"),
        ("[]", "line 1, column 1: a configuration is an object"), ("{} {}", "line 1, column 4: nothing is expected"),
        ("{\n  \"port\" 5}", "line 2, column 10: a colon is expected after a key"),
        (#"{"chat": true,}"#, "line 1, column 15: a key is expected"),
        (#"{"chat": tru}"#, "line 1, column 10: a value is expected"),
        (#"{"chat": true"#, "line 1, column 14: a comma or } is expected, but the file ends"),
        (#"{"port": 01}"#, "line 1, column 11: a comma or } is expected"),
        (#"{"port": 1.}"#, "line 1, column 12: a digit is expected"),
        (#"{"port": null}"#, "line 1, column 10: null is no value"), (#"{"port": {}}"#, "line 1, column 10: objects"),
        (#"{"listen": [[]]}"#, "line 1, column 13: objects, and arrays within arrays"),
        (#"{"chat": true, "chat": false}"#, "line 1, column 16: chat is there twice"),
        ("{\"name\": \"a\nb\"}", "line 1, column 10: a string does not end in its line"),
        (#"{"name": "\x"}"#, "line 1, column 12: \\ is followed by one of"),
        (#"{"name": "\ud800"}"#, "line 1, column 17: half of a surrogate pair"),
        (#"{"name": "\u12g4"}"#, "line 1, column 15: \\u is followed by four hexadecimal digits"),
    ])
    func `what is wrong in a file is named with its place`(text: String, mentions: String) throws {
        try file.write(text)
        for arguments in [["--check-config"], []] {
            let (_, error, end) = try run(["--config", file.path] + arguments)
            #expect(end == .exit(EX_CONFIG))
            #expect(error.hasPrefix("chatd: \(file.path), line "), "\(error)")
            #expect(error.contains(mentions), "\(error)")
            #expect(error.count { $0 == "\n" } == 1 && error.hasSuffix("\n"), "\(error)")
        }
    }

    @Test(arguments: [
        ("CHATD_CHAT=maybe", "chatd: CHATD_CHAT takes true or false, not 'maybe'\n"),
        ("CHATD_DRAIN_TIMEOUT=1.5", "chatd: CHATD_DRAIN_TIMEOUT: The value '1.5' is invalid: write 500ms, "),
        ("CHATD_HISTORY=5", "chatd: CHATD_HISTORY: --history needs --chat\n"),
    ])
    func `what is wrong in the environment is named with the variable`(variable: String, beginning: String) throws {
        let (_, error, end) = try run([], environment: [variable])
        #expect(end == .exit(EX_CONFIG))
        #expect(error.hasPrefix(beginning), "\(error)")
    }

    @Test func `a file that cannot be read, and one that is no text`() throws {
        let (_, missing, end) = try run(["--config", "/no/such/file"])
        #expect(missing == "chatd: cannot read the configuration /no/such/file: No such file or directory\n")
        #expect(end == .exit(EX_NOINPUT))
        try file.write([UInt8(ascii: "{"), 0xE1, UInt8(ascii: "}")])
        let (_, error, badEnd) = try run(["--config", file.path])
        #expect(error == "chatd: the configuration \(file.path) is not UTF-8\n")
        #expect(badEnd == .exit(EX_CONFIG))
    }

    @Test func `what is wrong on the command line is said as without a file, and the help is shown whatever the file`() throws {
        try file.write(#"{"port": 0}"#)
        let (_, error, end) = try run(["--config", file.path, "--max-line", "5x"])
        #expect(error.contains("'5x' is invalid for '--max-line <size>'") && error.hasSuffix("; see chatd --help\n"), "\(error)")
        #expect(end == .exit(EX_USAGE))
        try file.write("{")
        let (help, _, helpEnd) = try run(["--config", file.path, "--help"])
        #expect(help.contains("USAGE: chatd"))
        #expect(helpEnd == .exit(0))
    }

    @Test func `what the options name is checked too`() throws {
        try file.write(#"{"chat": true, "motd": "/no/such/motd"}"#)
        let (_, error, end) = try run(["--config", file.path, "--check-config"])
        #expect(error.contains("/no/such/motd: No such file"))
        #expect(end == .exit(EX_NOINPUT))
    }

    // MARK: - Running chatd

    /// What `--check-config` prints: for each option its value, and where it was set.
    private func check(_ arguments: [String], environment: [String] = [], names: Bool = true) throws -> [String: String] {
        let (output, error, end) = try run(
            (names ? ["--config", file.path] : []) + ["--check-config"] + arguments,
            environment: environment)
        #expect(error == "")
        #expect(end == .exit(0))
        return Dictionary(
            uniqueKeysWithValues: try output.split(separator: "\n").map { line in
                let colon = try #require(line.firstIndex(of: ":"))
                return (String(line[..<colon]), String(line[colon...].dropFirst(2)))
            })
    }

    private func run(
        _ arguments: [String], environment: [String] = []
    ) throws -> (output: String, error: String, end: ChildProcess.End) {
        let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), arguments, environment: environment)
        let output = String(decoding: try process.output.all(), as: UTF8.self)
        let error = String(decoding: try process.error.all(), as: UTF8.self)
        return (output, error, try process.waitForEnd())
    }
}
