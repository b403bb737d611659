import Glibc
import TestSupport
import Testing

/// SIGHUP and `chatd ctl reload` have the configuration read again.
@Suite struct ReloadTests {
    private let file = TemporaryPath()
    private let control = TemporaryPath()
    private let bans = TemporaryPath()
    private let motd = TemporaryPath()

    private var arguments: [String] { ["--listen", "127.0.0.1:0", "--config", file.path, "--control", "unix:\(control.path)"] }

    @Test func `what can be applied is applied to clients who are there, and the rest is named`() throws {
        try file.write(#"{"chat": true, "name": "tea", "history": 1}"#)
        try withDaemon(arguments) { daemon in
            let ana = try daemon.connect()
            _ = try ana.receiveLine()
            try ana.send("one\ntwo\n/ping\n")
            _ = try ana.receiveLine()

            try motd.write("be kind\n")
            try file.write(
                """
                {"chat": true, "name": "coffee", "history": 2, "quit-word": "bye", "motd": "\(motd.path)", "max-line": 100,
                 "log-size": "2m", "log-level": "debug", "drain-timeout": "9s"}
                """)
            #expect(
                try reload() == [
                    "the configuration was read again; changed: log-level, quit-word, drain-timeout, name, history, motd",
                    "a restart is needed for: max-line, log-size",
                ])
            // What still needs a restart is named again.
            #expect(
                try reload() == [
                    "the configuration was read again; nothing was changed", "a restart is needed for: max-line, log-size",
                ])

            let ben = try daemon.connect()
            #expect(try daemon.process.error.line()?.contains("accepted") == true)
            #expect(try ben.receiveLine() == "* welcome to coffee; you are guest2; 2 online")
            #expect(try ben.receiveLine() == "* be kind")
            let history = try ben.receiveLines(3)
            #expect(history[0].hasSuffix("guest1: one") && history[1].hasSuffix("guest1: two"), "\(history)")
            #expect(history[2] == "* end of history (2)")
            try ana.send("x\nbye\n")
            #expect(try ben.receiveLine() == "guest1: x")
            #expect(try ben.receiveLine()?.contains("left: quit") == true)
        }
    }

    @Test func `the file of bans is read again, and who is banned is closed`() throws {
        try file.write(#"{"chat": true, "bans": "\#(bans.path)"}"#)
        try withDaemon(arguments) { daemon in
            let ana = try daemon.connect()
            _ = try ana.receiveLine()
            try ana.send("/nick ana\n")
            _ = try ana.receiveLine()
            try bans.write("ana - rude\n")
            #expect(try reload() == ["the configuration was read again; changed: bans"])
            #expect(try ana.receiveLine() == "! banned: rude")
            #expect(try reload() == ["the configuration was read again; nothing was changed"])
            try bans.write("")
            #expect(try reload() == ["the configuration was read again; changed: bans"])
        }
    }

    @Test func `limits are read again, and hold for clients who are there`() throws {
        try file.write("{}")
        try withDaemon(["--listen", "127.0.0.1:0", "--config", file.path]) { daemon in
            let clients = try daemon.join(2)
            try file.write(#"{"line-rate": 10, "burst": 10, "idle-timeout": "1s"}"#)
            daemon.process.send(signal: SIGHUP)
            #expect(
                try daemon.process.error.line()
                    == "chatd: the configuration was read again; changed: line-rate, burst, idle-timeout")
            let start = ContinuousClock.now
            let lines = (0..<14).map { "line \($0)" }
            try clients[0].send(lines.map { $0 + "\n" }.joined())
            #expect(try clients[1].receiveLines(14) == lines)
            #expect(start.duration(to: .now) >= .milliseconds(300))
            #expect(try clients[1].receiveLine() == "! goodbye: nothing has come from you for too long")
        }
    }

    @Test func `a chat keeps its limits as long as it is one`() throws {
        try file.write(#"{"chat": true}"#)
        try withDaemon(["--listen", "127.0.0.1:0", "--config", file.path]) { daemon in
            try file.write("{}")
            daemon.process.send(signal: SIGHUP)
            #expect(try daemon.process.error.line() == "chatd: the configuration was read again; nothing was changed")
            #expect(try daemon.process.error.line() == "chatd: a restart is needed for: chat")
        }
    }

    @Test func `who may come in is read again, and whoever is there stays`() throws {
        try file.write(#"{"max-connections": 3}"#)
        try withDaemon(["--listen", "127.0.0.1:0", "--config", file.path]) { daemon in
            let clients = try daemon.join(2)
            try file.write(#"{"max-connections": 2, "deny": ["@\#(bans.path)"]}"#)
            try bans.write("127.0.0.0/8\n")
            daemon.process.send(signal: SIGHUP)
            #expect(try daemon.process.error.line() == "chatd: the configuration was read again; changed: max-connections, deny")
            #expect(try daemon.connect().receiveLine() == "! you may not connect from your address")
            try clients[0].send("still here\n")
            #expect(try clients[1].receiveLine() == "still here")
            // The file is another one by now, though the options are as before.
            try bans.write("10.0.0.0/8\n")
            daemon.process.send(signal: SIGHUP)
            #expect(try daemon.process.error.line() == "chatd: the configuration was read again; changed: allow, deny")
            #expect(try daemon.connect().receiveLine() == "! the server is full, try again later")
        }
    }

    @Test(arguments: [
        ("{\n  \"name\" 5}", "line 2, column 10: a colon is expected after a key"),
        (#"{"chat": true, "name": "coffee", "histroy": 5}"#, "there is no option histroy; did you mean history?"),
        (#"{"chat": true, "name": "coffee", "motd": "/no/such/motd"}"#, "/no/such/motd: No such file or directory"),
        (#"{"chat": true, "name": "coffee", "bans": "/no/such/bans"}"#, "/no/such/bans: No such file or directory"),
    ])
    func `a bad file changes nothing, and is said`(text: String, mentions: String) throws {
        try file.write(#"{"chat": true, "name": "tea"}"#)
        try withDaemon(arguments) { daemon in
            try file.write(text)
            let process = try ctl()
            #expect(String(decoding: try process.error.all(), as: UTF8.self).contains(mentions))
            #expect(try process.waitForEnd() == .exit(EX_DATAERR))
            daemon.process.send(signal: SIGHUP)
            let line = try daemon.process.error.line() ?? ""
            #expect(line.hasPrefix("chatd: the configuration is as before: ") && line.contains(mentions), "\(line)")
            let peer = try daemon.connect()
            #expect(try peer.receiveLine() == "* welcome to tea; you are guest1; 1 online")
        }
    }

    @Test func `options stay over the file`() throws {
        try file.write(#"{"chat": true, "name": "tea"}"#)
        try withDaemon(arguments + ["--name", "mine"]) { _ in
            try file.write(#"{"chat": true, "name": "coffee"}"#)
            #expect(try reload() == ["the configuration was read again; nothing was changed"])
        }
    }

    @Test func `a relay reloads by SIGHUP in the midst of traffic, a hundred times, and loses nothing`() throws {
        try file.write(#"{"quit-word": "q0"}"#)
        try withDaemon(["--listen", "127.0.0.1:0", "--config", file.path]) { daemon in
            let clients = try daemon.join(2)
            let (sender, receiver) = (clients[0], clients[1])
            for round in 1...100 {
                try file.write(#"{"quit-word": "q\#(round)"}"#)
                // Neither the lines before the signal nor those after it are lost, whenever it is handled.
                try sender.send((0..<50).map { "line \(round) \($0)\n" }.joined())
                daemon.process.send(signal: SIGHUP)
                try sender.send((50..<100).map { "line \(round) \($0)\n" }.joined())
                for number in 0..<100 { #expect(try receiver.receiveLine() == "line \(round) \(number)") }
                #expect(try daemon.process.error.line() == "chatd: the configuration was read again; changed: quit-word")
            }
            try sender.send("q99\nq100\n")
            #expect(try receiver.receiveLine() == "q99")
            #expect(try sender.receiveLine() == nil)
        }
    }

    @Test func `without a file, SIGHUP ends chatd, and there is nothing to read again`() throws {
        let daemon = try Daemon(["--chat", "--control", "unix:\(control.path)"])
        let process = try ctl()
        #expect(
            String(decoding: try process.error.all(), as: UTF8.self) == "chatd ctl: there is no configuration to read again\n")
        #expect(try process.waitForEnd() == .exit(EX_DATAERR))
        daemon.process.send(signal: SIGHUP)
        #expect(try daemon.process.waitForEnd() == .signal(SIGHUP))
    }

    private func ctl() throws -> ChildProcess {
        try ChildProcess(ChildProcess.pathOfExecutable("chatd"), ["ctl", "--control", "unix:\(control.path)", "reload"])
    }

    /// What `chatd ctl reload` answers.
    private func reload() throws -> [String] {
        let process = try ctl()
        let output = String(decoding: try process.output.all(), as: UTF8.self)
        #expect(try process.waitForEnd() == .exit(0))
        return output.split(separator: "\n").map(String.init)
    }
}
