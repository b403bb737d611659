import Glibc
import TestSupport
import Testing

/// `--send` leaves once the server has the text, prints nothing, and says by its exit code whether it has.
struct SendOptionTests {
    @Test func `a chat says to the room what was sent, once`() throws {
        try withDaemon(["--chat"]) { daemon in
            let ana = try daemon.connect()
            _ = try ana.receiveLine()
            for (arguments, lines) in [
                (["--send", "hello"], ["guest: hello"]), (["--send", "//etc"], ["guest: /etc"]),
                (["--send", "/me waves"], ["guest: *waves*"]),
                (["--name", "bot", "--send", "hello"], ["* guest is now bot", "bot: hello"]), (["--send", "x"], ["guest: x"]),
                (
                    ["--name", "bot", "--room", "lobby", "--history", "3", "--send", "hello"],
                    ["* guest is now bot", "bot: hello"]
                ),
            ] {
                let chat = try startChat([daemon.address] + arguments)
                try expectEnd(of: chat, 0)
                try ana.send("/ping\n")
                var heard: [String] = []
                while let line = try ana.receiveLine(), line != "* pong" { heard.append(line) }
                #expect(
                    heard.filter { !$0.contains(#/ joined | left/#) }.map { $0.replacing(#/guest\d+/#, with: "guest") } == lines,
                    "\(arguments)")
            }
        }
    }

    @Test func `a text for another room is said there, once`() throws {
        try withDaemon(["--chat"]) { daemon in
            let ana = try daemon.connect()
            try ana.send("/join kitchen\n/ping\n")
            while let line = try ana.receiveLine(), line != "* pong" {}
            try expectEnd(of: try startChat([daemon.address, "--name", "bot", "--room", "kitchen", "--send", "hello"]), 0)
            #expect(try ana.receiveLines(3).map { $0.prefix(10) } == ["* bot join", "bot: hello", "* bot left"])
        }
    }

    @Test func `a relay gets the line, whoever else talks there`() throws {
        try withDaemon { daemon in
            let peer = try daemon.join(1)[0]
            for text in ["hello", "/nick ana", "x y"] {
                let chat = try startChat([daemon.address, "--send", text])
                #expect(try peer.receiveLine() == text)
                try peer.send("answer\n")
                try expectEnd(of: chat, 0)
            }
        }
    }

    @Test(arguments: [
        ("/msg nobody hi", "nobody has the name nobody"), ("/jion tea", "there is no /jion; did you mean /join?"),
    ])
    func `what a chat refuses is told`(text: String, reason: String) throws {
        try withDaemon(["--chat"]) { daemon in
            let chat = try startChat([daemon.address, "--send", text])
            let error = String(decoding: try chat.error.all(), as: UTF8.self)
            #expect(error.hasPrefix("chat: the server has refused: "), "\(error), expected \(reason)")
            #expect(error.count { $0 == "\n" } == 1)
            #expect(try chat.output.all() == [])
            #expect(try chat.waitForEnd() == .exit(EX_NOPERM))
        }
    }

    @Test(arguments: [["--name", "ana"], ["--room", "no:room"]])
    func `what was to be said by another name or in another room is not said at all`(arguments: [String]) throws {
        try withDaemon(["--chat"]) { daemon in
            let ana = try daemon.connect()
            try ana.send("/nick ana\n/ping\n")
            while let line = try ana.receiveLine(), line != "* pong" {}
            let chat = try startChat([daemon.address] + arguments + ["--send", "secret"])
            #expect(try chat.waitForEnd() == .exit(EX_NOPERM))
            try ana.send("/history 10\n/ping\n")
            while let line = try ana.receiveLine(), line != "* pong" { #expect(!line.contains("secret")) }
        }
    }

    @Test(arguments: ["lobby", "#Lobby"]) func `the room in which one is already is no other`(room: String) throws {
        try withDaemon(["--chat"]) { daemon in
            try expectEnd(of: try startChat([daemon.address, "--room", room, "--send", "hello"]), 0)
        }
    }

    @Test func `a name that somebody has is refused, too`() throws {
        try withDaemon(["--chat"]) { daemon in
            let ana = try daemon.connect()
            try ana.send("/nick ana\n/ping\n")
            while let line = try ana.receiveLine(), line != "* pong" {}
            let chat = try startChat([daemon.address, "--name", "ana", "--send", "hello"])
            #expect(try chat.waitForEnd() == .exit(EX_NOPERM))
            #expect(try chat.error.line() == "chat: the server has refused: somebody else has that name")
        }
    }

    /// When the server goes away.
    enum Moment: CaseIterable { case atOnce, beforeJSON, afterWelcome, afterGoodbye, byReset }

    @Test(arguments: Moment.allCases) func `a chat that goes before it has the text`(moment: Moment) throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--send", "hello"])
        if moment == .atOnce {
            try server.accept().close()
        } else {
            let played = try PlayedChat(accepting: server)
            #expect(try played.commandsAndPings(1) == ["/json"])
            if moment != .beforeJSON {
                try played.enter(sequence: 10)
                #expect(try played.commandsAndPings(2) == ["hello", "/ping"])
                if moment == .afterGoodbye { try played.tell("'type':'error','text':'goodbye: the server is shutting down'") }
            }
            if moment == .byReset { played.peer.reset() } else { played.peer.close() }
        }
        try expectEnd(of: chat, EX_TEMPFAIL)
    }

    @Test func `the text is sent once, whatever the server says meanwhile`() throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--name", "bot", "--room", "tea", "--send", "hello"])
        let played = try PlayedChat(accepting: server)
        #expect(try played.commandsAndPings(2) == ["/json", "/nick bot"])
        try played.enter(sequence: 10)
        try played.tell("'type':'notice','text':'you are now bot','name':'bot'")
        try played.enter("tea", name: "bot", sequence: 5)
        #expect(try played.commandsAndPings(2) == ["/join tea", "/ping"])
        try played.pong()
        #expect(try played.commandsAndPings(2) == ["hello", "/ping"])
        try played.confirm(6, room: "tea")
        try played.pong()
        #expect(try played.commandsAndPings(.max) == [])
        played.peer.close()
        try expectEnd(of: chat, 0)
    }

    /// Checks how it ends, and that it prints nothing.
    private func expectEnd(of chat: ChildProcess, _ code: Int32, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let output = String(decoding: try chat.output.all(), as: UTF8.self)
        let error = String(decoding: try chat.error.all(), as: UTF8.self)
        #expect(output == "", sourceLocation: sourceLocation)
        #expect((error == "") == (code == 0), "\(error)", sourceLocation: sourceLocation)
        #expect(try chat.waitForEnd() == .exit(code), "\(error)", sourceLocation: sourceLocation)
    }
}
