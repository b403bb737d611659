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
            var accepted = ""
            repeat { accepted = try #require(try daemon.process.error.line()) } while accepted.contains(" info ")
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
        var accepted: JSONValue
        repeat { accepted = try event(of: process) } while accepted["level"]?.string == "info"
        #expect(accepted["message"]?.string == "accepted" && accepted["level"]?.string == "debug")
        #expect(accepted["clients"]?.integer == 1)
        #expect(accepted["time"]?.string?.wholeMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/#) != nil)
        withExtendedLifetime(client) {}
        process.send(signal: SIGTERM)
        #expect(try process.waitForEnd() == .exit(0))
    }

    @Test(arguments: ["text", "json"]) func `no name that is logged begins a line, ends a value or moves a cursor`(format: String)
        throws
    {
        let directory = try TemporaryDirectory()
        let file = directory.path + "/a\n\u{1B}[2J\"b\\"
        try unsafe "{}".withCString { text in
            let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            defer { close(descriptor) }
            try #require(unsafe write(descriptor, text, 2) == 2)
        }
        let arguments = ["--listen", "127.0.0.1:0", "--log-format", format, "--config", file]
        let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), arguments)
        _ = try process.error.line()
        #expect(unsafe unlink(file) == 0)
        process.send(signal: SIGHUP)
        let line = try #require(try process.error.line())
        let sentence =
            "the configuration is as before: cannot read the configuration \(directory.path)/a^J^[[2J\"b\\: No such file or directory"
        if format == "json" {
            #expect(try JSONValue(line)["message"]?.string == sentence)
        } else {
            #expect(line == "chatd: \(sentence)")
        }
        process.send(signal: SIGTERM)
        #expect(try process.waitForEnd() == .exit(0))
    }

    @Test func `a reader that goes, and another that does not read, hold up nobody`() throws {
        let path = TemporaryPath()
        #expect(unsafe mkfifo(path.path, 0o600) == 0)
        var reader = unsafe open(path.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        let writer = unsafe open(path.path, O_WRONLY | O_CLOEXEC)
        let process = try ChildProcess(
            ChildProcess.pathOfExecutable("chatd"), ["--listen", "127.0.0.1:0", "--log-level", "debug"],
            error: .descriptor(writer))
        close(writer)
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 4_096)
        try wait(for: "the port") {
            let count = unsafe read(reader, &buffer, buffer.count)
            text += String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
            return text.contains(#/listening on 127.0.0.1:[0-9]+\n/#)
        }
        let port = try #require(text.firstMatch(of: #/listening on 127.0.0.1:([0-9]+)\n/#).flatMap { UInt16($0.output.1) })
        close(reader)
        func visit() throws { for _ in 0..<1_000 { try Peer(port: port).close() } }
        try visit()
        reader = unsafe open(path.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        defer { close(reader) }
        try visit()
        let pair = [try Peer(port: port), try Peer(port: port)]
        try pair[0].send("still here\n")
        #expect(try pair[1].receiveLine() == "still here")
        process.send(signal: SIGTERM)
        #expect(try process.waitForEnd() == .exit(0))
    }

    @Test(arguments: [false, true])
    func `a standard error that nobody reads holds up nobody, and what is left out is counted`(isSocket: Bool) throws {
        var ends: [Int32] = [-1, -1]
        let result =
            if isSocket {
                unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
            } else {
                unsafe pipe(&ends)
            }
        #expect(result == 0)
        // Another child must not keep an end of it.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let log = StreamReader(takingOver: ends[0])
        func event() throws -> JSONValue {
            let line = try log.line()
            return try JSONValue(try #require(line))
        }
        let process = try ChildProcess(
            ChildProcess.pathOfExecutable("chatd"),
            ["--listen", "127.0.0.1:0", "--log-level", "debug", "--log-format", "json"], error: .descriptor(ends[1]))
        close(ends[1])
        var listening: JSONValue
        // What the sandbox is comes at a lower level, and may come before.
        repeat { listening = try event() } while listening["level"]?.string == "info"
        let port = try #require(listening["message"]?.string?.split(separator: ":").last.flatMap { UInt16($0) })
        let pair = [try Peer(port: port), try Peer(port: port)]
        // Each comes and goes, in two lines of a hundred bytes: more than there is room for.
        for _ in 0..<Self.visitors { try Peer(port: port).close() }
        try pair[0].send("still here\n")
        #expect(try pair[1].receiveLine() == "still here")
        pair[0].close()
        var (lines, omitted, expected) = (0, 0, 2 + 2 * Self.visitors + 1)
        while lines + omitted < expected {
            // A socket gets the number of those that there was no room for with the next line that there is room for.
            if try waitForInput(on: [log.descriptor], atMost: .zero) == [false] {
                try Peer(port: port).close()
                expected += 2
            }
            let line = try event()
            if line["message"]?.string == "standard error is too slow: lines were left out" {
                #expect(line["level"]?.string == "warning")
                omitted += try #require(line["count"]?.integer)
            } else if line["level"]?.string == "debug" {
                lines += 1
            }
        }
        #expect(lines + omitted == expected && lines > 500 && omitted > 0)
        process.send(signal: SIGTERM)
        #expect(try process.waitForEnd() == .exit(0))
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
