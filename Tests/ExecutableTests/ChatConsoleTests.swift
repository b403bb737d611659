import TestSupport
import Testing

/// The console of a chat shows what happens in all rooms, and its operator speaks to everybody as `server`.
@Suite struct ChatConsoleTests {
    private static let listeners = hasIPv6Loopback ? 2 : 1

    @Test("What happens is printed, with the room if it is not the lobby, and safe for a terminal")
    func printing() throws {
        try withDaemon(["--chat", "--print"]) { daemon in
            let output = daemon.process.output
            let (ana, ben) = (try daemon.connect(), try daemon.connect())
            #expect(try output.lines(2) == ["* guest1 joined (1 online)", "* guest2 joined (2 online)"])
            try ana.send("/nick ana\nolá \u{1B}[31m\u{202E}\n/me waves\n")
            #expect(
                try output.lines(3) == ["* guest1 is now ana", "ana: olá ^[[31m\\u{202E}", "ana: *waves*"])
            try ben.send("/join tea\n/topic green\nhello\n/msg ana secret\nx\n")
            #expect(
                try output.lines(5) == [
                    "* guest2 left: moved (1 online)", "[tea] * guest2 joined (1 online)", "[tea] * guest2 set the topic: green",
                    "[tea] guest2: hello", "[tea] * guest2 left: quit (0 online)",
                ])
        }
    }

    @Test("The operator speaks as server, in every room, and does not see that twice")
    func speaking() throws {
        try withDaemon(["--chat", "--print", "--console"], input: .pipe) { daemon in
            let (ana, ben) = (try daemon.connect(), try daemon.connect())
            for peer in [ana, ben] { #expect(try peer.receiveLine()?.hasPrefix("* welcome") == true) }
            try ben.send("/join tea\n")
            #expect(try ben.receiveLine() == "* you are in tea; 1 online")
            #expect(try ana.receiveLines(2).last == "* guest2 left: moved (1 online)")
            try daemon.process.write("tea is\n\n  \n//ready\n")
            for peer in [ana, ben] { #expect(try peer.receiveLines(2) == ["server: tea is", "server: /ready"]) }
            try ana.send("thanks\n")
            _ = try daemon.process.output.text(through: "[tea] * guest2 joined (1 online)\n")
            #expect(try daemon.process.output.line() == "guest1: thanks")
            // Nobody else can be called so.
            try ana.send("/nick Server\n")
            #expect(try ana.receiveLine() == "! this name is reserved for the server")
        }
    }

    @Test("A line that begins with a slash is a command, and is not said")
    func commands() throws {
        try withDaemon(["--chat", "--console"], listeners: Self.listeners, input: .pipe) { daemon in
            let ana = try daemon.connect()
            #expect(try ana.receiveLine()?.hasPrefix("* welcome") == true)
            try daemon.process.write("/no-such-command now\nx\nsaid\n")
            #expect(try daemon.process.error.line()?.hasPrefix("chatd: there is no command no-such-command") == true)
            #expect(try daemon.process.error.line()?.contains("Ctrl-C") == true)
            #expect(try ana.receiveLine() == "server: said")
        }
    }

    @Test("What came of a command is shown where the messages are")
    func answers() throws {
        try withDaemon(["--chat", "--console", "--print"], input: .pipe) { daemon in
            let (ana, ben) = (try daemon.connect(), try daemon.connect())
            #expect(try daemon.process.output.lines(2).last == "* guest2 joined (2 online)")
            try daemon.process.write("/rooms\n/kick guest2 too loud\n")
            #expect(try daemon.process.output.line() == "lobby (2 online)")
            #expect(try daemon.process.output.lines(2).sorted() == ["* guest2 left: kicked (1 online)", "kicked guest2"])
            #expect(try ben.receiveLines(2).last == "! kicked: too loud")
            #expect(try ana.receiveLines(3).last == "* guest2 left: kicked (1 online)")
        }
    }

    @Test("The operator's shutdown ends chatd in order")
    func shutdown() throws {
        let daemon = try Daemon(["--chat", "--console"], input: .pipe)
        let ana = try daemon.connect()
        #expect(try ana.receiveLine()?.hasPrefix("* welcome") == true)
        try daemon.process.write("/shutdown\n")
        #expect(String(decoding: try ana.receiveAll(), as: UTF8.self).hasSuffix("! goodbye: the server is shutting down\n"))
        #expect(try daemon.process.waitForEnd() == .exit(0))
    }

    @Test("What is piped in at once waits for those who read, and none of it is lost")
    func piping() throws {
        try withDaemon(["--chat", "--console"], input: .pipe) { daemon in
            let ana = try daemon.connect()
            #expect(try ana.receiveLine()?.hasPrefix("* welcome") == true)
            for _ in 0..<5 {
                // Each line becomes five times as long: together they are more than the room could take at once.
                try daemon.process.write(String(repeating: "a\n", count: 32_000))
                let line = Array("server: a\n".utf8)
                let received = try ana.receive(32_000 * line.count)
                #expect(received.count == 32_000 * line.count)
                #expect(
                    stride(from: 0, to: received.count, by: line.count).allSatisfy { received[$0..<$0 + line.count] == line[...] }
                )
            }
        }
    }

    @Test("So do commands that are piped in")
    func pipingCommands() throws {
        try withDaemon(["--chat", "--console", "--print"], input: .pipe) { daemon in
            let bot = try daemon.connect()
            try bot.send("/json\n")
            while let line = try bot.receiveLine(), !line.hasPrefix(#"{"type":"welcome""#) {}
            // As many as one read takes. Each becomes twelve times as long.
            try daemon.process.write(String(repeating: "/say a\n", count: 9_000))
            for _ in 0..<9_000 {
                let line = try bot.receiveLine() ?? "the end"
                try #require(line.hasSuffix(#""text":"a"}"#), "\(line)")
            }
        }
    }
}
