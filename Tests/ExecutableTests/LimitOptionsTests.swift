import Glibc
import TestSupport
import Testing

/// The options of chatd that limit what one client may do.
@Suite struct LimitOptionsTests {
    /// Has a client send lines, and returns how long it takes until another has all of them, in order.
    private func time(toRelay lines: [String], _ arguments: [String]) throws -> Duration {
        var time = Duration.zero
        try withDaemon(arguments) { daemon in
            let listener = try daemon.join(1)[0]
            let speaker = try daemon.connect()
            let start = ContinuousClock.now
            try speaker.send(lines.map { $0 + "\n" }.joined())
            #expect(try listener.receiveLines(lines.count) == lines)
            time = start.duration(to: .now)
        }
        return time
    }

    private let lines = (0..<21).map { "line \($0)" }

    @Test func `--line-rate and --burst: who sends more is delayed, and loses nothing`() throws {
        #expect(try time(toRelay: lines, ["--line-rate", "40", "--burst", "10"]) >= .milliseconds(275))
        // The burst is three seconds' worth: 18, and half a second for three more.
        #expect(try time(toRelay: lines, ["--line-rate", "6"]) >= .milliseconds(500))
    }

    @Test func `--burst: as many lines as that are not delayed`() throws {
        // The last of them would come after a minute and more.
        #expect(try time(toRelay: lines, ["--line-rate", "1", "--burst", "21"]) < .seconds(20))
    }

    @Test func `--byte-rate: who sends more is delayed, and loses nothing`() throws {
        let long = (0..<30).map { "\($0) " + String(repeating: "x", count: 997) }
        // The first 10 KiB at once; at most the last read, of 4 KiB, comes before it is paid for.
        #expect(try time(toRelay: long, ["--byte-rate", "10k"]) >= .milliseconds(1_500))
        #expect(try time(toRelay: long, ["--byte-rate", "40k"]) < .seconds(20))
    }

    @Test func `a chat does not limit the clients of its own machine, unless it is told to`() throws {
        for (arguments, isDelayed) in [([], false), (["--line-rate", "10"], true), (["--line-rate", "off"], false)] {
            try withDaemon(["--chat"] + arguments) { daemon in
                let speaker = try daemon.connect()
                let start = ContinuousClock.now
                try speaker.send(String(repeating: "/ping\n", count: isDelayed ? 36 : 400))
                _ = try speaker.receiveLine()
                _ = try speaker.receiveLines(isDelayed ? 36 : 400)
                // At ten lines a second, four hundred would take 37 s.
                let time = start.duration(to: .now)
                #expect(isDelayed ? time >= .milliseconds(600) : time < .seconds(30))
            }
        }
    }

    @Test func `--idle-timeout: who sends nothing is told and closed, and who sends now and then is not`() throws {
        try withDaemon(["--idle-timeout", "600ms", "--log-level", "debug"]) { daemon in
            let silent = try daemon.connect()
            let speaker = try daemon.connect()
            let start = ContinuousClock.now
            var received: [UInt8] = []
            while let bytes = silent.receiveAvailable() {
                received += bytes
                try speaker.send("hello\n")
                usleep(50_000)
            }
            #expect(start.duration(to: .now) >= .milliseconds(600))
            let text = String(decoding: received, as: UTF8.self)
            #expect(text.hasSuffix("hello\n! goodbye: nothing has come from you for too long\n"))
            silent.close()
            try daemon.process.error.text(through: "idle for too long")
            #expect(!speaker.hasEnded)
        }
    }

    @Test func `--hello-timeout: who has neither sent nor received anything is closed`() throws {
        try withDaemon(["--hello-timeout", "700ms", "--log-level", "debug"]) { daemon in
            // It gets what the other one says: it has come before that.
            let listener = try daemon.join(1)[0]
            let speaker = try daemon.connect()
            try speaker.send("hello\n")
            #expect(try listener.receiveLine() == "hello")
            let silent = try daemon.connect()
            let start = ContinuousClock.now
            #expect(try silent.receiveAll() == Array("! goodbye: nothing has come from you for too long\n".utf8))
            #expect(start.duration(to: .now) >= .milliseconds(690))
            silent.close()
            try daemon.process.error.text(through: "no first message")
            try speaker.send("still here\n")
            #expect(try listener.receiveLine() == "still here")
        }
    }

    @Test func `--hello-timeout: 0 and off are no limit`() throws {
        for off in ["0", "off", "0s"] {
            try withDaemon(["--hello-timeout", off, "--idle-timeout", off, "--unacknowledged-timeout", off, "--byte-rate", "0"]) {
                daemon in
                let silent = try daemon.connect()
                usleep(200_000)
                #expect(!silent.hasEnded)
            }
        }
    }

    @Test func `--unacknowledged-timeout: a client that takes nothing is ended by the kernel`() throws {
        try withDaemon(["--unacknowledged-timeout", "500ms", "--slow", "skip", "--log-level", "debug"]) { daemon in
            let stuck = try daemon.join(1, receiveBuffer: 4_096)[0]
            let speaker = try daemon.connect()
            let line = String(repeating: "x", count: 9_999) + "\n"
            for _ in 0..<200 { try speaker.send(line) }
            try daemon.process.error.text(through: "Connection timed out")
            withExtendedLifetime(stuck) {}
        }
    }
}
