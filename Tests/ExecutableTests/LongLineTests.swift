import TestSupport
import Testing

/// A line longer than `--max-line` is discarded, and its sender is told; the third one within a minute closes its connection.
@Suite struct LongLineTests {
    private static let options = ["--max-line", "100"]

    private static func line(of length: Int) -> String {
        String(repeating: "a", count: length) + "\n"
    }

    @Test func `the longest line passes, and a longer one is answered, and the connection lives`() throws {
        try withDaemon(Self.options) { daemon in
            let clients = try daemon.join(2)
            try clients[0].send(Self.line(of: 100) + Self.line(of: 101) + "short\n")
            #expect(try clients[0].receiveLine() == "! line too long: the limit is 100 bytes")
            #expect(try clients[1].receiveLines(2) == [String(repeating: "a", count: 100), "short"])
            try clients[1].send("for the sender, and nothing before it\n")
            #expect(try clients[0].receiveLine() == "for the sender, and nothing before it")
        }
    }

    @Test func `by default the limit is 65,536 bytes`() throws {
        try withDaemon { daemon in
            let clients = try daemon.join(2)
            try clients[0].send(Self.line(of: 65_536) + Self.line(of: 65_537) + "short\n")
            #expect(try clients[1].receiveLine()?.utf8.count == 65_536)
            #expect(try clients[1].receiveLine() == "short")
            #expect(try clients[0].receiveLine() == "! line too long: the limit is 65536 bytes")
        }
    }

    @Test func `a line without an end is answered once, and discarded up to its newline`() throws {
        try withDaemon(Self.options) { daemon in
            let clients = try daemon.join(2)
            try clients[0].send(String(repeating: "b", count: 300_000))
            #expect(try clients[0].receiveLine()?.hasPrefix("! ") == true)
            try clients[0].send(String(repeating: "b", count: 300_000) + "\nshort\n")
            #expect(try clients[1].receiveLine() == "short")
            try clients[1].send("once\n")
            #expect(try clients[0].receiveLine() == "once")
        }
    }

    @Test(arguments: [true, false]) func `the third strike closes the connection, and that of nobody else`(atOnce: Bool) throws {
        try withDaemon(Self.options) { daemon in
            let clients = try daemon.join(3)
            // A strike of another client does not count.
            try clients[2].send(Self.line(of: 101))
            #expect(try clients[2].receiveLine()?.hasPrefix("! ") == true)
            if atOnce {
                try clients[0].send(String(repeating: Self.line(of: 101), count: 3) + "too late\n")
            } else {
                for _ in 0..<2 {
                    try clients[0].send(Self.line(of: 101) + "between\n")
                    #expect(try clients[1].receiveLine() == "between")
                }
                try clients[0].send(Self.line(of: 101))
            }
            var replies = String(decoding: try clients[0].receiveAll(), as: UTF8.self).split(separator: "\n")
            #expect(replies.count == 4)
            replies.removeAll { $0.hasPrefix("! line too long") }
            #expect(replies == ["! goodbye: three lines were too long within a minute"])
            try clients[2].send("still here\n")
            #expect(try clients[1].receiveLine() == "still here")
        }
    }

    /// What a client still lacks of a long line is not output of its own, and does not count as such.
    @Test func `a client that has yet to take a line of megabytes is answered as well`() throws {
        try withDaemon(["--max-line", "4000000"]) { daemon in
            let clients = try daemon.join(2)
            let slow = try daemon.connect(receiveBuffer: 4_096)
            try slow.send("here\n")
            #expect(try clients[0].receiveLine() == "here")
            try clients[0].send(Self.line(of: 3_900_000))
            #expect(try clients[1].receiveLine() == "here")
            #expect(try clients[1].receiveLine()?.utf8.count == 3_900_000)
            // By now the daemon has sent the slow client as much as the kernel takes, which is less than the line.
            try slow.send(Self.line(of: 4_000_001) + "short\n")
            #expect(try clients[0].receiveLine() == "short")
            #expect(try slow.receiveLine()?.utf8.count == 3_900_000)
            #expect(try slow.receiveLine() == "! line too long: the limit is 4000000 bytes")
            try clients[0].send("still here?\n")
            #expect(try slow.receiveLine() == "still here?")
        }
    }
}
