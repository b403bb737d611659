import Glibc
import Reactor
import TestSupport
import Testing

/// The console is a peer: what the operator types goes to every client, and every message is printed, safe for a terminal.
@Suite struct ConsoleTests {
    // MARK: - Typing

    @Test func `what is typed at a terminal goes to every client`() throws {
        try withDaemon(input: .terminal, output: .terminal) { daemon in
            let clients = try daemon.join(2)
            try daemon.process.write("Achtung, \u{1F6A8}!\n")
            for client in clients { #expect(try client.receiveLine() == "Achtung, \u{1F6A8}!") }
        }
    }

    @Test(arguments: [
        (["--console"], ChildProcess.Stream.pipe, true), ([], .pipe, false), (["--no-console"], .terminal, false),
    ])
    func `is read as asked, and by default only from a terminal`(
        arguments: [String], input: ChildProcess.Stream, isRead: Bool
    ) throws {
        try withDaemon(arguments, input: input) { daemon in
            let clients = try daemon.join(2)
            try daemon.process.write("typed\n")
            if isRead { #expect(try clients[1].receiveLine() == "typed") }
            // The loop looks at everything that is ready: had it been going to read what was typed, it would have done so by now.
            for number in 0..<3 {
                try clients[0].send("probe \(number)\n")
                #expect(try clients[1].receiveLine() == "probe \(number)")
            }
        }
    }

    @Test func `the quit word is not relayed, and the operator is told what to do instead`() throws {
        try withDaemon(["--console"], listeners: Self.listeners, input: .pipe) { daemon in
            let client = try daemon.join(1)[0]
            try daemon.process.write("before\nx\nafter\n")
            #expect(try client.receiveLines(2) == ["before", "after"])
            #expect(try daemon.process.error.line()?.contains("Ctrl-C") == true)
        }
    }

    @Test func `a line that is too long is not relayed, and the operator is told`() throws {
        try withDaemon(["--console", "--max-line", "100"], listeners: Self.listeners, input: .pipe) { daemon in
            let client = try daemon.join(1)[0]
            try daemon.process.write(String(repeating: "a", count: 101) + "\nshort\n")
            #expect(try client.receiveLine() == "short")
            #expect(try daemon.process.error.line()?.contains("too long") == true)
        }
    }

    @Test func `the end of standard input ends nothing`() throws {
        try withDaemon(["--console"], input: .pipe) { daemon in
            let clients = try daemon.join(2)
            try daemon.process.write("no newline at the end")
            daemon.process.closeInput()
            for client in clients { #expect(try client.receiveLine() == "no newline at the end") }
            try clients[0].send("still here\n")
            #expect(try clients[1].receiveLine() == "still here")
        }
    }

    @Test func `Ctrl-D at a terminal ends nothing`() throws {
        try withDaemon(input: .terminal, output: .terminal) { daemon in
            let clients = try daemon.join(2)
            try daemon.process.write("last words\n\u{4}")
            for client in clients { #expect(try client.receiveLine() == "last words") }
            try clients[0].send("still here\n")
            #expect(try clients[1].receiveLine() == "still here")
        }
    }

    @Test(arguments: ["/dev/null", #filePath])
    func `the null device or a file as standard input ends nothing`(path: String) throws {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        try withDaemon(["--console"], input: .descriptor(file)) { daemon in
            let listener = try daemon.connect()
            // Accepted after the listener, which may have come while the file was still being relayed.
            let speaker = try daemon.connect()
            try speaker.send("still here\n")
            while let line = try listener.receiveLine(), line != "still here" {}
            try speaker.send("for ever\n")
            #expect(try listener.receiveLine() == "for ever")
        }
    }

    @Test(arguments: [(ChildProcess.Stream.closed, ChildProcess.Stream.null), (.null, .closed), (.closed, .closed)])
    func `standard streams that are closed do not end the daemon`(
        input: ChildProcess.Stream, output: ChildProcess.Stream
    ) throws {
        try withDaemon(["--console", "--print"], input: input, output: output) { daemon in
            let clients = try daemon.join(2)
            for message in ["still", "here"] {
                try clients[0].send(message + "\n")
                #expect(try clients[1].receiveLine() == message)
            }
        }
    }

    // MARK: - Printing

    @Test func `every message of every client is printed, made safe`() throws {
        try withDaemon(["--print"]) { daemon in
            let clients = try daemon.join(2)
            #expect(try daemon.process.output.line() == "joined")
            let cases: [(sent: [UInt8], printed: String)] = [
                (Array("plain, grüße, 你好 \u{1F44B}".utf8), "plain, grüße, 你好 \u{1F44B}"),
                (Array("\u{1B}[31mred\u{7}\u{7F}\0".utf8), "^[[31mred^G^?^@"),
                (Array("a\rb\tc".utf8), "a^Mb\tc"),
                ([0x61, 0xFF, 0xC3, 0x28, 0xE2, 0x82], "a\\xFF\\xC3(\\xE2\\x82"),
                (Array("user\u{202E}txt.exe\u{2066}".utf8), "user\\u{202E}txt.exe\\u{2066}"),
                (Array("\u{85}\u{2028}".utf8), "\\u{85}\\u{2028}"),
                ([], ""),
            ]
            for (sent, printed) in cases {
                try clients[0].send(sent + [10])
                #expect(try daemon.process.output.line() == printed)
            }
            try clients[1].send("x\n")
            #expect(try clients[1].receiveAll().isEmpty == false)
            try clients[0].send("the quit word was not printed\n")
            #expect(try daemon.process.output.line() == "the quit word was not printed")
        }
    }

    @Test(arguments: [
        ([], ChildProcess.Stream.terminal, true), (["--no-print"], .terminal, false), ([], .pipe, false),
        (["--print"], .pipe, true),
    ])
    func `is printed as asked, and by default only on a terminal`(
        arguments: [String], output: ChildProcess.Stream, isPrinted: Bool
    ) throws {
        try withDaemon(arguments, output: output) { daemon in
            let clients = try daemon.join(2)
            try clients[0].send("a message\n")
            #expect(try clients[1].receiveLine() == "a message")
            for client in clients { client.close() }
            try daemon.end()
            let printed = String(decoding: try daemon.process.output.all(), as: UTF8.self)
            #expect(printed.replacing("\r\n", with: "\n") == (isPrinted ? "joined\na message\n" : ""))
        }
    }

    @Test(arguments: [ChildProcess.Stream.pipe, .terminal])
    func `an output that nobody reads slows nobody down, and tells later what it lacks`(output: ChildProcess.Stream) throws {
        try withDaemon(["--print"], output: output) { daemon in
            let clients = try daemon.join(2)
            let line = [UInt8](repeating: UInt8(ascii: "a"), count: 1_023) + [10]
            let block = [UInt8]((0..<64).map { _ in line }.joined())
            for _ in 0..<128 {
                try clients[0].send(block)
                var count = 0
                while count < block.count { count += try clients[1].receiveSome().count }
                #expect(count == block.count)
            }
            // What is shown now, and what is said not to be, makes up everything: "joined", and 8 MiB.
            #expect(try daemon.process.output.line()?.hasPrefix("joined") == true)
            var shown = 0
            var unshown: Int?
            while unshown == nil {
                let line = try #require(try daemon.process.output.line())
                if line.hasPrefix("a") { shown += 1 } else { unshown = Int(line.split(separator: " ").dropFirst().first ?? "") }
            }
            #expect(shown + (unshown ?? 0) == 128 * 64)
            #expect(shown > 0)
        }
    }

    @Test func `messages that are not shown are counted before newer ones are printed`() throws {
        try withDaemon(["--print"]) { daemon in
            let clients = try daemon.join(2)
            let line = String(repeating: "a", count: 1_023)
            // More than the pipe takes and the console keeps.
            try clients[0].send(String(repeating: line + "\n", count: 1_000))
            #expect(try clients[1].receiveLines(1_000).count == 1_000)
            // Now there is room again, but not everything is written.
            #expect(try daemon.process.output.bytes(200_000).count == 200_000)
            try clients[0].send("late\n")
            #expect(try clients[1].receiveLine() == "late")
            var printed: [String] = []
            while printed.last != "late" { printed.append(try #require(try daemon.process.output.line())) }
            let notice = try #require(printed.dropLast().last)
            #expect(notice.hasPrefix("! ") && notice.hasSuffix(" messages not shown: the terminal is too slow"), "\(notice)")
            #expect(printed.count { $0.hasPrefix("! ") } == 1)
        }
    }

    @Test func `an output whose reader has gone ends nothing`() throws {
        try withDaemon(["--print"], listeners: Self.listeners) { daemon in
            let clients = try daemon.join(2)
            #expect(try daemon.process.output.line() == "joined")
            daemon.process.closeOutput()
            for message in ["still", "here"] {
                try clients[0].send(message + "\n")
                #expect(try clients[1].receiveLine() == message)
            }
            #expect(try daemon.process.error.line() == "chatd: messages are not printed any more: Broken pipe")
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `what was relayed before an orderly end is printed, though its reader is late`(signal: Int32) throws {
        let daemon = try Daemon(["--print"])
        let clients = try daemon.join(2)
        // More than a pipe takes, and less than what the console keeps for a reader that is slow.
        let lines = (0..<3_000).map { "\($0) \(String(repeating: "a", count: 50))" }
        try clients[0].send(lines.map { $0 + "\n" }.joined())
        #expect(try clients[1].receiveLines(lines.count) == lines)
        daemon.process.send(signal: signal)
        for client in clients {
            #expect(try client.receiveLine() == "! goodbye: the server is shutting down")
            client.close()
        }
        // It ends, and has nothing left to do but to print.
        try waitUntilRefused(at: .loopback(port: daemon.port))
        let printed = String(decoding: try daemon.process.output.all(), as: UTF8.self)
        #expect(printed.split(separator: "\n").map(String.init) == ["joined"] + lines)
        #expect(try daemon.process.waitForEnd() == .exit(0))
    }

    @Test func `an output that nobody reads does not hold up the end beyond the drain timeout, and that is said`() throws {
        let daemon = try Daemon(["--print", "--drain-timeout", "300ms"], listeners: Self.listeners)
        let clients = try daemon.join(2)
        let line = String(repeating: "a", count: 50)
        try clients[0].send(String(repeating: line + "\n", count: 3_000))
        #expect(try clients[1].receiveLines(3_000).count == 3_000)
        for client in clients { client.close() }
        daemon.process.send(signal: SIGTERM)
        #expect(try daemon.process.waitForEnd() == .exit(0))
        #expect(try daemon.process.error.line()?.contains("not read in time") == true)
    }

    @Test func `with no time to end, what the output takes at once is printed, and nothing is said to be missing`() throws {
        let daemon = try Daemon(["--print", "--drain-timeout", "0"], listeners: Self.listeners)
        let clients = try daemon.join(2)
        #expect(try daemon.process.output.line() == "joined")
        // What comes in one turn of the loop together with the signal counts, too.
        daemon.process.send(signal: SIGSTOP)
        try clients[0].send("last words\n")
        daemon.process.send(signal: SIGTERM)
        daemon.process.send(signal: SIGCONT)
        #expect(try daemon.process.waitForEnd() == .exit(0))
        #expect(try daemon.process.error.all() == [])
        let printed = String(decoding: try daemon.process.output.all(), as: UTF8.self)
        // The signal may have come first: then nothing was relayed any more.
        #expect(printed == "last words\n" || printed.isEmpty)
    }

    @Test func `a full disk is called that, and ends nothing`() throws {
        let disk = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(disk) }
        try withDaemon(["--print"], listeners: Self.listeners, output: .descriptor(disk)) { daemon in
            let clients = try daemon.join(2)
            #expect(try daemon.process.error.line() == "chatd: messages are not printed any more: No space left on device")
            try clients[0].send("still here\n")
            #expect(try clients[1].receiveLine() == "still here")
        }
    }

    /// How many listeners chatd has by default, and so how many lines precede what a test waits for on standard error.
    private static let listeners = hasIPv6Loopback ? 2 : 1
}
