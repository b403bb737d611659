import Glibc
import Reactor
import TestSupport
import Testing

/// Whatever keeps a program from doing its work is said in one line on standard error, with an exit code from sysexits.
@Suite struct BadInvocationTests {
    struct Case: CustomTestStringConvertible {
        let program: String
        let arguments: [String]
        let code: Int32
        let mentions: String

        init(_ program: String, _ arguments: [String], _ code: Int32, mentions: String) {
            self.program = program
            self.arguments = arguments
            self.code = code
            self.mentions = mentions
        }

        var testDescription: String { "\(program) \(arguments.joined(separator: " "))".debugDescription }
    }

    @Test(arguments: [
        Case("chatd", ["--port", "65536"], EX_USAGE, mentions: "65536"),
        Case("chatd", ["--port", "-1"], EX_USAGE, mentions: "--port"),
        Case("chatd", ["--port", "http"], EX_USAGE, mentions: "http"),
        Case("chatd", ["--port"], EX_USAGE, mentions: "--port"),
        Case("chatd", ["--listen", "nonsense"], EX_USAGE, mentions: "nonsense"),
        Case("chatd", ["--listen", "::1:3001"], EX_USAGE, mentions: "brackets"),
        Case("chatd", ["--listen", "[::1:3001"], EX_USAGE, mentions: "bracket"),
        Case("chatd", ["--listen", ":3001"], EX_USAGE, mentions: "host"),
        Case("chatd", ["--listen", "127.0.0.1:99999"], EX_USAGE, mentions: "99999"),
        Case("chatd", ["--listen", "unix:"], EX_USAGE, mentions: "path"),
        Case("chatd", ["--listen", "unix:/" + String(repeating: "a", count: 200)], EX_USAGE, mentions: "longer"),
        Case("chatd", ["--framing", "lines"], EX_USAGE, mentions: "lines"),
        Case("chatd", ["--slow", "nobody"], EX_USAGE, mentions: "nobody"),
        Case("chatd", ["--max-line", "0"], EX_USAGE, mentions: "--max-line"),
        Case("chatd", ["--max-line", "99999999999999999999"], EX_USAGE, mentions: "--max-line"),
        Case(
            "chatd", ["--port", "65536"], EX_USAGE,
            mentions: "'65536' is invalid for '--port <port>': write a number from 0 to 65535"),
        Case("chatd", ["--connect-rate", "0"], EX_USAGE, mentions: "write a number from 1 to 1000000"),
        Case("chatd", ["--loops", "257"], EX_USAGE, mentions: "write a number from 0 to 256"),
        Case(
            "chatd", ["--loops", "2", "--chat", "--room-log", "/tmp"], EX_USAGE,
            mentions: "--room-log is for a chat on one loop, so --loops does not go with it"),
        Case(
            "chatd", ["--loops", "2", "--chat", "--listen", "irc:127.0.0.1:0"], EX_USAGE,
            mentions: "a place for IRC is for a chat on one loop, so --loops does not go with it"),
        Case(
            "chatd", ["--loops", "2", "--listen", "web:127.0.0.1:0"], EX_USAGE,
            mentions: "a relay with a place for the web is served by one loop, so --loops does not go with it"),
        Case("chatd", ["--send-threads", "257"], EX_USAGE, mentions: "write a number from 0 to 256"),
        Case(
            "chatd", ["--loops", "2", "--send-threads", "2"], EX_USAGE,
            mentions: "each of several loops sends by itself, so --send-threads does not go with --loops"),
        Case("chatd", ["--log-level", "warn"], EX_USAGE, mentions: "write one of trace, debug, info, notice, warning,"),
        Case("chatd", ["--chat", "--control", "/tmp/x"], EX_USAGE, mentions: "write unix:PATH, not '/tmp/x'"),
        Case("chatd", ["--max-line", "64K"], EX_USAGE, mentions: "'64K' is invalid for '--max-line <size>': write a"),
        Case("chatd", ["--max-line", ""], EX_USAGE, mentions: "'' is invalid for '--max-line <size>': write a"),
        Case("chatd", ["--log-size", "-5"], EX_USAGE, mentions: "--log-size"),
        Case("chatd", ["--log-size=-5"], EX_USAGE, mentions: "'-5' is invalid for '--log-size <size>': write a"),
        Case("chatd", ["--log-size", "1.5m"], EX_USAGE, mentions: "'1.5m' is invalid for '--log-size <size>': write a"),
        Case("chatd", ["--chat", "--room-size", "2g"], EX_USAGE, mentions: "'2g' is invalid for '--room-size <size>': write a"),
        Case("chatd", ["--drain-timeout", "soon"], EX_USAGE, mentions: "soon"),
        Case("chatd", ["--drain-timeout", "nan"], EX_USAGE, mentions: "nan"),
        Case("chatd", ["--drain-timeout", "-1"], EX_USAGE, mentions: "--drain-timeout"),
        Case("chatd", ["--drain-timeout=-1s"], EX_USAGE, mentions: "'-1s' is invalid for '--drain-timeout <time>': write 500ms"),
        Case("chatd", ["--drain-timeout", "1.5"], EX_USAGE, mentions: "for '--drain-timeout <time>': write 500ms"),
        Case("chatd", ["--drain-timeout", "3651d"], EX_USAGE, mentions: "up to ten years"),
        Case("chatd", ["--line-rate", "-1"], EX_USAGE, mentions: "--line-rate"),
        Case("chatd", ["--line-rate", "1000000001"], EX_USAGE, mentions: "1000000000, or off"),
        Case("chatd", ["--line-rate", "fast"], EX_USAGE, mentions: "fast"),
        Case("chatd", ["--byte-rate", "1x"], EX_USAGE, mentions: "1x"),
        Case("chatd", ["--byte-rate", "4g"], EX_USAGE, mentions: "4g"),
        Case("chatd", ["--burst", "5"], EX_USAGE, mentions: "--burst needs --line-rate"),
        Case("chatd", ["--line-rate", "5", "--burst", "off"], EX_USAGE, mentions: "--burst takes"),
        Case("chatd", ["--idle-timeout", "5min"], EX_USAGE, mentions: "5min"),
        Case("chatd", ["--hello-timeout", "-1"], EX_USAGE, mentions: "--hello-timeout"),
        Case("chatd", ["--unacknowledged-timeout", "11y"], EX_USAGE, mentions: "11y"),
        Case("chatd", ["--quit-word", "two\nlines"], EX_USAGE, mentions: "--quit-word"),
        Case("chatd", ["--log-level", "loud"], EX_USAGE, mentions: "loud"),
        Case("chatd", ["--max-connections", "0"], EX_USAGE, mentions: "--max-connections"),
        Case("chatd", ["--max-per-address", "many"], EX_USAGE, mentions: "many"),
        Case("chatd", ["--connect-rate", "-1"], EX_USAGE, mentions: "--connect-rate"),
        Case("chatd", ["--connect-rate", "1000001"], EX_USAGE, mentions: "1000001"),
        Case("chatd", ["--allow", "10.0.0.0/33"], EX_USAGE, mentions: "'10.0.0.0/33' is no address"),
        Case("chatd", ["--deny", "example.com"], EX_USAGE, mentions: "'example.com' is no address"),
        Case("chatd", ["--allow", "@/no/such/file"], EX_NOINPUT, mentions: "/no/such/file: No such file"),
        Case("chatd", ["--deny", "@/tmp"], EX_NOINPUT, mentions: "/tmp: it is no file"),
        Case("chatd", ["--listen", "unix:/tmp/a,mode=0888"], EX_USAGE, mentions: "'0888' is no mode"),
        Case("chatd", ["--listen", "unix:/tmp/a,mode=1777"], EX_USAGE, mentions: "'1777' is no mode"),
        Case("chatd", ["--listen", "unix:/tmp/a,mdoe=0600"], EX_USAGE, mentions: "'mdoe=0600' says nothing"),
        Case("chatd", ["--listen", "unix:/tmp/a,mode=0600,"], EX_USAGE, mentions: "'' says nothing"),
        Case("chatd", ["--listen", "unix:/tmp/a,owner="], EX_USAGE, mentions: "'owner=' says nothing"),
        Case("chatd", ["--listen", "unix:,mode=0600"], EX_USAGE, mentions: "names no path"),
        Case("chatd", ["--listen", "unix:/tmp/a,owner=no-such-user"], EX_NOUSER, mentions: "there is no user 'no-such-user'"),
        Case("chatd", ["--listen", "unix:/tmp/a,group=no-such-group"], EX_NOUSER, mentions: "no group 'no-such-group'"),
        Case("chatd", ["--listen", "localhost:0,mode=0600"], EX_USAGE, mentions: "'0,mode=0600' is no port"),
        Case("chatd", ["--no-such-option"], EX_USAGE, mentions: "--no-such-option"),
        Case("chatd", ["argument"], EX_USAGE, mentions: "argument"),
        Case("chatd", ["--prot", "1"], EX_USAGE, mentions: "Did you mean '--port'? See chatd --help"),
        Case("chatd", ["--generate-completion-script", "csh"], EX_USAGE, mentions: "'csh'. Please use --generate"),
        Case("chat", ["\u{1B}[2J\nhost.invalid"], EX_NOHOST, mentions: "'^[[2J^Jhost.invalid'"),
        Case("chatd", ["--listen", "no-such-host.invalid:0"], EX_NOHOST, mentions: "no-such-host.invalid"),
        // An address for documentation, which no machine has.
        Case("chatd", ["--listen", "192.0.2.1:0"], EX_UNAVAILABLE, mentions: "192.0.2.1"),
        Case("chatd", ["--listen", "127.0.0.1:0", "--listen", "192.0.2.1:0"], EX_UNAVAILABLE, mentions: "192.0.2.1"),
        Case("chatd", ["--listen", "unix:/no/such/directory/socket"], EX_UNAVAILABLE, mentions: "/no/such/directory/socket"),
        Case("chat", ["localhost:none"], EX_USAGE, mentions: "none"),
        Case("chat", ["unix:"], EX_USAGE, mentions: "path"),
        Case("chat", ["::1"], EX_USAGE, mentions: "brackets"),
        Case("chat", ["--linger", "long"], EX_USAGE, mentions: "long"),
        Case("chat", ["--linger", "5w"], EX_USAGE, mentions: "'5w' is invalid for '--linger <time>': write 500ms"),
        Case("chat", ["--connect-timeout", ""], EX_USAGE, mentions: "'' is invalid for '--connect-timeout': write 500ms"),
        Case("chat", ["--no-such-option"], EX_USAGE, mentions: "--no-such-option"),
        Case("chat", ["one", "two"], EX_USAGE, mentions: "two"),
        Case("chat", ["--quit-word", "two\nlines"], EX_USAGE, mentions: "--quit-word"),
        Case("chat", ["no-such-host.invalid"], EX_NOHOST, mentions: "no-such-host.invalid"),
        Case("chat", ["unix:/no/such/socket"], EX_UNAVAILABLE, mentions: "/no/such/socket"),
    ])
    func `is one line and an exit code`(_ test: Case) throws {
        try expectFailure(test)
    }

    @Test(arguments: ["chatd", "chat"]) func `a standard stream that is not open in the right direction`(program: String) throws {
        let directory = try TemporaryDirectory()
        let place = "unix:\(directory.path)/socket"
        let arguments = program == "chatd" ? ["--console", "--print", "--listen", place] : [place]
        let readable = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        let writable = unsafe open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer { for descriptor in [readable, writable] { close(descriptor) } }
        let server = program == "chat" ? try PlayedServer(at: .unix(path: "\(directory.path)/socket")) : nil
        for (input, output, what) in [
            (readable, readable, "write standard output"), (writable, writable, "read standard input"),
        ] {
            let process = try ChildProcess(
                ChildProcess.pathOfExecutable(program), arguments, input: .descriptor(input), output: .descriptor(output))
            let error = String(decoding: try process.error.all(), as: UTF8.self)
            #expect(error == "\(program): cannot \(what): Bad file descriptor\n")
            #expect(try process.waitForEnd() == .exit(EX_IOERR))
        }
        // No path is left behind.
        if server == nil { #expect(unsafe access("\(directory.path)/socket", F_OK) != 0) }
    }

    @Test func `a port that is in use`() throws {
        try withDaemon { daemon in
            let arguments = ["--listen", "127.0.0.1:\(daemon.port)"]
            try expectFailure(Case("chatd", arguments, EX_UNAVAILABLE, mentions: "\(daemon.port)"))
            try expectFailure(Case("chatd", ["--port", "\(daemon.port)"], EX_UNAVAILABLE, mentions: "\(daemon.port)"))
        }
    }

    @Test func `a port at which nobody listens`() throws {
        let daemon = try Daemon()
        try daemon.end()
        try expectFailure(Case("chat", ["127.0.0.1:\(daemon.port)"], EX_UNAVAILABLE, mentions: "127.0.0.1:\(daemon.port)"))
    }

    @Test func `a path that is in use, by a server or by a file`() throws {
        let directory = try TemporaryDirectory()
        try withDaemon(["--listen", "unix:\(directory.path)/socket"]) { _ in
            let arguments = ["--listen", "unix:\(directory.path)/socket"]
            try expectFailure(Case("chatd", arguments, EX_UNAVAILABLE, mentions: "socket"))
            // The one that was there first is not harmed.
            _ = try Peer(path: "\(directory.path)/socket")
        }
        let path = "\(directory.path)/file"
        close(unsafe open(path, O_CREAT | O_WRONLY, 0o600))
        try expectFailure(Case("chatd", ["--listen", "unix:\(path)"], EX_UNAVAILABLE, mentions: "\(path): File exists"))
        #expect(unsafe access(path, F_OK) == 0)
    }

    @Test func `one place of several that cannot be had, and nothing of the others is left behind`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/socket"
        let arguments = ["--listen", "unix:\(path)", "--listen", "192.0.2.1:0"]
        try expectFailure(Case("chatd", arguments, EX_UNAVAILABLE, mentions: "192.0.2.1"))
        #expect(unsafe access(path, F_OK) != 0)
    }

    @Test(.enabled(if: geteuid() != 0, "root may do everything"))
    func `a place that is not permitted`() throws {
        let directory = try TemporaryDirectory()
        #expect(unsafe chmod(directory.path, 0o500) == 0)
        let arguments = ["--listen", "unix:\(directory.path)/socket"]
        try expectFailure(Case("chatd", arguments, EX_NOPERM, mentions: "denied"))
    }

    private func expectFailure(_ test: Case) throws {
        let process = try ChildProcess(ChildProcess.pathOfExecutable(test.program), test.arguments)
        let output = try process.output.all()
        let error = String(decoding: try process.error.all(), as: UTF8.self)
        let end = try process.waitForEnd()
        #expect(end == .exit(test.code))
        #expect(output == [])
        #expect(error.hasPrefix("\(test.program): "), "\(error)")
        #expect(error.contains(test.mentions), "\(error)")
        #expect(error.count { $0 == "\n" } == 1 && error.hasSuffix("\n"), "\(error)")
    }
}
