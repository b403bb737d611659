import Glibc
import TestSupport
import Testing

/// `--slow` decides what happens to a client that does not read, while the others go on.
@Suite struct SlowClientTests {
    private static let lineCount = 40_000

    @Test func `skip: it is told exactly how many messages it has missed`() throws {
        try withDaemon(["--slow", "skip"]) { daemon in
            let stuck = try daemon.join(1, receiveBuffer: 4_096)[0]
            let speaker = try talkPast(stuck, at: daemon)
            // Now it reads again, up to the newest message.
            let reader = StreamReader(takingOver: dup(stuck.descriptor))
            #expect(try reader.line() == "joined")
            var next = 0
            var gaps = 0
            while next < Self.lineCount {
                let line = try #require(try reader.line())
                if line.hasPrefix("! ") {
                    next += try #require(Int(line.split(separator: " ")[1]))
                    gaps += 1
                } else {
                    try #require(Int(line.prefix { $0 != " " }) == next)
                    next += 1
                }
            }
            #expect(gaps > 0)
            try speaker.send("welcome back\n")
            #expect(try reader.line() == "welcome back")
        }
    }

    @Test(arguments: ["disconnect", "backpressure"])
    func `disconnect and backpressure: it is told and closed, and what it got is a beginning`(policy: String) throws {
        try withDaemon(["--slow", policy]) { daemon in
            let stuck = try daemon.join(1, receiveBuffer: 4_096)[0]
            _ = try talkPast(stuck, at: daemon)
            let received = try StreamReader(takingOver: dup(stuck.descriptor)).all()
            try daemon.process.error.text(through: "too slow")
            let lines = String(decoding: received, as: UTF8.self).split(separator: "\n").dropFirst()
            #expect(lines.count < Self.lineCount)
            #expect(lines.last == "! goodbye: you are reading too slowly")
            for (number, line) in lines.dropLast().enumerated() { #expect(line == Self.line(number).dropLast()) }
        }
    }

    @Test func `backpressure: one that reads slowly gets everything, though the sender is fast`() throws {
        try withDaemon { daemon in
            // Made before anything is sent: a client that does not read meanwhile is taken for dead.
            var expected: [UInt8] = []
            for number in 1...300_000 { expected += Array("\(number)\n".utf8) }
            let slow = try daemon.join(1, receiveBuffer: 4_096)[0]
            let script = "seq 300000 | \"$0\" --linger 0 \"$1\""
            let sender = try ChildProcess("sh", ["-c", script, ChildProcess.pathOfExecutable("chat"), daemon.address])
            let reader = StreamReader(takingOver: dup(slow.descriptor))
            var position = 0
            while position < expected.count {
                // A pace that the sender outruns by far, and that the daemon never takes for a stall.
                usleep(5_000)
                let some = try reader.bytes(min(32_768, expected.count - position))
                try #require(!some.isEmpty, "the daemon has closed it after \(position) bytes")
                try #require(some.elementsEqual(expected[position..<position + some.count]))
                position += some.count
            }
            #expect(try sender.waitForEnd() == .exit(0))
        }
    }

    @Test(arguments: [("4m", false), ("1m", true)])
    func `high-water: how far behind one is slow`(highWater: String, isSlow: Bool) throws {
        try withDaemon(["--slow", "disconnect", "--log-size", "8m", "--high-water", highWater]) { daemon in
            let stuck = try daemon.join(1, receiveBuffer: 4_096)[0]
            // Some 2.7 MB, of which the kernel may have a few hundred KB.
            let speaker = try talkPast(stuck, at: daemon, lineCount: 28_000)
            if isSlow {
                try daemon.process.error.text(through: "too slow")
            } else {
                let reader = StreamReader(takingOver: dup(stuck.descriptor))
                #expect(try reader.line() == "joined")
                for number in 0..<28_000 { try #require(try reader.line() == String(Self.line(number).dropLast())) }
                try speaker.send("and\n")
                #expect(try reader.line() == "and")
            }
        }
    }

    @Test(arguments: [["--stall", "300ms", "--grace", "1h"], ["--stall", "1h", "--grace", "300ms"]])
    func `stall and grace: how long senders wait for one that does not read`(arguments: [String]) throws {
        try withDaemon(arguments) { daemon in
            let stuck = try daemon.join(1, receiveBuffer: 4_096)[0]
            let start = ContinuousClock.now
            _ = try talkPast(stuck, at: daemon)
            try daemon.process.error.text(through: "too slow")
            #expect(start.duration(to: .now) >= .milliseconds(300))
        }
    }

    @Test func `stall and grace: until then, senders wait, and nothing is lost`() throws {
        try withDaemon(["--stall", "1h", "--grace", "1h"]) { daemon in
            let stuck = try daemon.join(1, receiveBuffer: 4_096)[0]
            let script = "seq 300000 | \"$0\" --linger 0 \"$1\""
            let sender = try ChildProcess("sh", ["-c", script, ChildProcess.pathOfExecutable("chat"), daemon.address])
            // By default it would be closed by now: it holds up the sender, and takes nothing for longer than a second.
            usleep(2_000_000)
            let reader = StreamReader(takingOver: dup(stuck.descriptor))
            for number in 1...300_000 { try #require(try reader.line() == String(number)) }
            #expect(try sender.waitForEnd() == .exit(0))
        }
    }

    private static func line(_ number: Int) -> String {
        "\(number) " + String(repeating: "a", count: 90) + "\n"
    }

    /// Sends more than is kept for a client that does not read, to one that does.
    private func talkPast(_ stuck: Peer, at daemon: Daemon, lineCount: Int = lineCount) throws -> Peer {
        let clients = try daemon.join(2)
        for start in stride(from: 0, to: lineCount, by: 1_000) {
            let text = (start..<start + 1_000).map(Self.line).joined()
            try clients[0].send(text)
            var received: [UInt8] = []
            while received.count < text.utf8.count { received += try clients[1].receiveSome() }
            #expect(received == Array(text.utf8))
        }
        return clients[0]
    }
}
