import ChatdSandbox
import Glibc
import RawSystemCalls
import Reactor
import TestSupport
import Testing

/// What chatd gives up when it has started. That everything else still works is what all other tests show: it is on by default.
@Suite(.enabled(if: !Sandbox.isInstrumented, "the library of a sanitizer makes system calls of its own"))
struct SandboxTests {
    private static let calls = sequence(state: Int32(0)) { number -> String? in
        defer { number += 1 }
        return unsafe raw_system_call_name(number).map { unsafe String(cString: $0) }
    }.map(\.self)

    private struct Outcome {
        let inForce: String
        /// What came of it; nil if the program was killed before that.
        let result: Int32?
        let end: ChildProcess.End
    }

    private func probe(_ arguments: String...) throws -> Outcome {
        let process = try ChildProcess(ChildProcess.pathOfExecutable("SandboxProbe"), arguments)
        let lines = String(decoding: try process.output.all(), as: UTF8.self).split(separator: "\n")
        return Outcome(
            inForce: String(lines.first ?? ""), result: lines.count > 1 ? Int32(lines[1]) : nil, end: try process.waitForEnd())
    }

    // MARK: - System calls

    @Test(arguments: calls) func `a call that chatd never makes ends the process`(call: String) throws {
        let outcome = try probe("call", call)
        // A kernel without seccomp has nothing to show here.
        if outcome.inForce.contains("no seccomp") { return }
        #expect(outcome.end == .signal(SIGSYS) && outcome.result == nil, "\(outcome)")
    }

    @Test func `and the process itself goes on to its end`() throws {
        #expect(Self.calls.count >= 20)
        let outcome = try probe("nothing")
        #expect(outcome.end == .exit(0) && outcome.result == 0, "\(outcome)")
    }

    @Test func `thirty calls are allowed to a chatd without options`() {
        #expect(Sandbox().systemCalls.count <= 30)
        // Each row is in use by something.
        for rule in SystemCallRule.all { #expect(!rule.parts.isEmpty, "\(rule.name)") }
    }

    // MARK: - Files

    @Test func `only a folder that is named is written`() throws {
        let (mine, other) = (try TemporaryDirectory(), try TemporaryDirectory())
        let outcome = try probe("write", mine.path, mine.path + "/new")
        #expect(outcome.result == 0 && outcome.end == .exit(0), "\(outcome)")
        if outcome.inForce.contains("no Landlock") { return }
        #expect(try probe("write", mine.path, other.path + "/new").result == -EACCES)
        #expect(try probe("write", mine.path, mine.path + "/../new").result == -EACCES)
        #expect(try probe("read", mine.path, "/etc/passwd").result == -EACCES)
        #expect(try probe("read", mine.path, mine.path + "/new").result == 0)
        // Who may read may not write.
        #expect(try probe("read", "/etc", "/etc/passwd").result == 0)
        // A folder that is not there is none that is allowed.
        #expect(try probe("read", mine.path + "/none", mine.path + "/new").result == -EACCES)
    }

    // MARK: - chatd

    private func status(of daemon: Daemon, _ field: String) throws -> String? {
        let descriptor = unsafe open("/proc/\(daemon.process.pid)/status", O_RDONLY | O_CLOEXEC)
        let text = String(decoding: try StreamReader(takingOver: descriptor).all(), as: UTF8.self)
        return text.split(separator: "\n").first { $0.hasPrefix("\(field):") }?.split(separator: "\t").last.map(String.init)
    }

    @Test func `chatd is in it, and says so`() throws {
        try withDaemon(["--listen", "127.0.0.1:0", "--log-level", "info"]) { daemon in
            let line = try daemon.process.error.line() ?? ""
            #expect(line.contains(" sandboxed (no_new_privs, "), "\(line)")
            #expect(try status(of: daemon, "NoNewPrivs") == "1")
            if !line.contains("no seccomp") { #expect(try status(of: daemon, "Seccomp") == "2") }
            _ = try daemon.join(2)
        }
    }

    @Test func `unless it is told not to be`() throws {
        try withDaemon(["--listen", "127.0.0.1:0", "--log-level", "info", "--no-sandbox"]) { daemon in
            #expect(try daemon.process.error.line()?.hasSuffix("not sandboxed (--no-sandbox)") == true)
            #expect(try status(of: daemon, "NoNewPrivs") == "0")
            #expect(try status(of: daemon, "Seccomp") == "0")
            _ = try daemon.join(2)
        }
    }

    @Test func `a file in another folder needs a restart`() throws {
        let (mine, other) = (try TemporaryDirectory(), try TemporaryDirectory())
        let (file, near, far) = (mine.path + "/chatd.json", mine.path + "/near", other.path + "/far")
        for (path, text) in [(file, #"{"chat": true, "name": "tea"}"#), (near, "near\n"), (far, "far\n")] {
            try write(text, to: path)
        }
        let control = "unix:\(mine.path)/control"
        try withDaemon(["--listen", "127.0.0.1:0", "--config", file, "--control", control, "--log-level", "info"]) { daemon in
            let line = try daemon.process.error.line() ?? ""
            // A file that was not named before, in a folder that was.
            try write(#"{"chat": true, "name": "tea", "motd": "\#(near)"}"#, to: file)
            #expect(try reload(control) == "the configuration was read again; changed: motd\n")
            if line.contains("no Landlock") { return }
            try write(#"{"chat": true, "name": "coffee", "motd": "\#(far)"}"#, to: file)
            #expect(
                try reload(control).hasSuffix(
                    "Permission denied; if its folder is another than before, that needs a restart, or --no-sandbox\n"))
            // All is as before.
            let ana = try daemon.connect()
            #expect(try ana.receiveLine() == "* welcome to tea; you are guest1; 1 online")
        }
    }

    @Test func `bans that are kept only since the configuration was read again`() throws {
        let directory = try TemporaryDirectory()
        let file = directory.path + "/chatd.json"
        try write(#"{"chat": true, "name": "tea"}"#, to: file)
        let control = "unix:\(directory.path)/control"
        try withDaemon(["--listen", "127.0.0.1:0", "--config", file, "--control", control]) { daemon in
            try write(#"{"chat": true, "name": "tea", "bans": "\#(directory.path)/bans"}"#, to: file)
            // It may be allowed or not to make that file, but it must not end the daemon.
            _ = try reload(control)
            _ = try ctl(control, "ban", "ana")
            let ben = try daemon.connect()
            #expect(try ben.receiveLine() == "* welcome to tea; you are guest1; 1 online")
        }
    }

    private func reload(_ control: String) throws -> String { try ctl(control, "reload") }

    private func ctl(_ control: String, _ words: String...) throws -> String {
        let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), ["ctl", "--control", control] + words)
        let answer = try process.output.all() + process.error.all()
        _ = try process.waitForEnd()
        return String(decoding: answer, as: UTF8.self)
    }

    private func write(_ text: String, to path: String) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        #expect(unsafe Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count)
    }
}
