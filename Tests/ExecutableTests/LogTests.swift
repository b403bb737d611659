import Glibc
import TestSupport
import Testing

/// chatd's log on standard error.
@Suite struct LogTests {
    /// How many come and go at a standard error that nobody reads.
    private static let visitors = 8_000

    /// The next line, which is an object.
    private func event(of process: ChildProcess) throws -> JSONValue {
        let line = try process.error.line()
        return try JSONValue(try #require(line))
    }

    /// The port that it says it listens at.
    private func port(of process: ChildProcess) throws -> UInt16 {
        let event = try event(of: process)
        let message = try #require(event["message"]?.string)
        #expect(event["level"]?.string == "notice")
        let port = try #require(UInt16(message.split(separator: ":").last ?? ""))
        #expect(message == "listening on 127.0.0.1:\(port)")
        return port
    }

    @Test func `text: a line has its time, its level, its event and its fields`() throws {
        try withDaemon(["--listen", "127.0.0.1:0", "--log-level", "debug"]) { daemon in
            let client = try daemon.connect()
            let accepted = try #require(try daemon.process.error.line())
            let time = #/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /#
            #expect(
                accepted.replacing(time, with: "").wholeMatch(of: #/debug accepted client=\S+ clients=1/#) != nil, "\(accepted)")
            client.close()
            let closed = try #require(try daemon.process.error.line())
            #expect(
                closed.replacing(time, with: "").wholeMatch(of: #/debug closed client=\S+ clients=0 reason="[^"]+"/#) != nil,
                "\(closed)")
        }
    }

    @Test func `json: each line is an object, also what the operator is told`() throws {
        let process = try ChildProcess(
            ChildProcess.pathOfExecutable("chatd"), ["--listen", "127.0.0.1:0", "--log-format", "json", "--log-level", "debug"])
        let client = try Peer(port: try port(of: process))
        let accepted = try event(of: process)
        #expect(accepted["message"]?.string == "accepted" && accepted["level"]?.string == "debug")
        #expect(accepted["clients"]?.integer == 1)
        #expect(accepted["time"]?.string?.wholeMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/#) != nil)
        withExtendedLifetime(client) {}
        process.send(signal: SIGTERM)
        #expect(try process.waitForEnd() == .exit(0))
    }

    @Test(arguments: ["text", "json"]) func `what a client has chosen neither begins a line nor ends a value`(format: String)
        throws
    {
        let directory = try TemporaryDirectory()
        // A room whose name the log quotes, because its file is none.
        let arguments = ["--chat", "--room-log", directory.path, "--log-level", "debug", "--log-format", format]
        let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), ["--listen", "127.0.0.1:0"] + arguments)
        let listening = try process.error.text(through: "listening on 127.0.0.1:")
        #expect(listening != "")
        let port = try #require(try process.error.line().flatMap { UInt16($0.prefix { $0.isNumber }) })
        let client = try Peer(port: port)
        try client.send("/join a\u{7}b\n/join caf\u{E9}\n")
        let opened = try process.error.text(through: "caf\u{E9}")
        #expect(!opened.utf8.contains(7))
        process.send(signal: SIGTERM)
        #expect(try process.waitForEnd() == .exit(0))
    }

    @Test func `a standard error that nobody reads holds up nobody, and what is left out is counted`() throws {
        let arguments = ["--listen", "127.0.0.1:0", "--log-level", "debug", "--log-format", "json"]
        try withDaemon(arguments, listeners: 0) { daemon in
            let port = try port(of: daemon.process)
            let pair = [try Peer(port: port), try Peer(port: port)]
            // Each comes and goes, in two lines of some hundred bytes: more than a pipe and what chatd keeps have room for.
            for _ in 0..<Self.visitors { try Peer(port: port).close() }
            try pair[0].send("still here\n")
            #expect(try pair[1].receiveLine() == "still here")
            pair[0].close()
            // Each of the others has come and gone.
            var (lines, omitted) = (0, 0)
            while lines + omitted < 2 + 2 * Self.visitors + 1 {
                let line = try event(of: daemon.process)
                if line["message"]?.string == "standard error is too slow: lines were left out" {
                    #expect(line["level"]?.string == "warning")
                    omitted += try #require(line["count"]?.integer)
                } else {
                    lines += 1
                }
            }
            #expect(lines > 1_000 && omitted > 0)
            #expect(lines + omitted == 2 + 2 * Self.visitors + 1)
            // What comes after that is logged again.
            pair[1].close()
            #expect(try event(of: daemon.process)["message"]?.string == "closed")
        }
    }

    @Test func `the log of the end is written before chatd ends`() throws {
        let daemon = try Daemon(["--log-level", "debug"])
        let clients = try daemon.join(3)
        daemon.process.send(signal: SIGTERM)
        let rest = String(decoding: try daemon.process.error.all(), as: UTF8.self)
        #expect(try daemon.process.waitForEnd() == .exit(0))
        // The usher has gone before.
        #expect(rest.split(separator: "\n").filter { $0.contains(" closed ") }.count == 4)
        withExtendedLifetime(clients) {}
    }
}
