import Glibc
import TestSupport
import Testing

/// Started with `--chat`, chatd is a chat for all kinds of clients.
@Suite struct ChatBetweenRealClientsTests {
    @Test("Two chats, an nc and a client that sends no newline talk", .enabled(if: ChildProcess.isInstalled("nc")))
    func talk() throws {
        let script = #filePath.replacing(#/[^/]+$/#, with: "Clients/seed_client.py")
        try withDaemon(["--chat", "--name", "tea"]) { daemon in
            let chat = ChildProcess.pathOfExecutable("chat")
            let commands: [(name: String, command: [String])] = [
                ("ana", [chat, "127.0.0.1:\(daemon.port)"]), ("ben", [chat, "127.0.0.1:\(daemon.port)"]),
                ("nce", ["nc", "127.0.0.1", "\(daemon.port)"]), ("sid", ["python3", script, "127.0.0.1", "\(daemon.port)"]),
            ]
            var talkers: [(name: String, process: ChildProcess)] = []
            for (number, (name, command)) in zip(1..., commands) {
                let process = try ChildProcess(command[0], Array(command.dropFirst()), input: .pipe)
                let online = "\(number) online"
                #expect(try process.output.line() == "* welcome to tea; you are guest\(number); \(online)")
                for (_, other) in talkers { #expect(try other.output.line() == "* guest\(number) joined (\(online))") }
                talkers.append((name, process))
                try process.write("/nick \(name)\n")
                #expect(try process.output.line() == "* you are now \(name)")
                for (_, other) in talkers.dropLast() { #expect(try other.output.line() == "* guest\(number) is now \(name)") }
            }
            for (name, speaker) in talkers {
                try speaker.write("grüße, 你好, 👋🏽\n")
                for (other, listener) in talkers where other != name {
                    #expect(try listener.output.line() == "\(name): grüße, 你好, 👋🏽")
                }
            }
            try talkers[3].process.write("/msg nce only you\n")
            #expect(try talkers[2].process.output.line() == "sid to you: only you")
            #expect(try talkers[3].process.output.line() == "you to nce: only you")
            try talkers[2].process.write("/who\n")
            #expect(try talkers[2].process.output.line() == "* in lobby: ana, ben, nce, sid")
            // The quit word is for all of them.
            for (number, (name, process)) in zip(0..., talkers) {
                try process.write("x\n")
                process.closeInput()
                let rest = String(decoding: try process.output.all(), as: UTF8.self)
                #expect(rest.split(separator: "\n").allSatisfy { $0.contains(" left") }, "\(rest)")
                // The others may only be counted: they leave within a second.
                if number == 0 {
                    let line = try talkers[1].process.output.line()
                    #expect(line == "* \(name) left: quit (3 online)")
                }
            }
        }
    }

    @Test("chat at a terminal is a client like any other")
    func terminal() throws {
        try withDaemon(["--chat", "--name", "tea"]) { daemon in
            let chat = try startChat(["127.0.0.1:\(daemon.port)"], input: .terminal, output: .terminal, error: .terminal)
            try chat.output.text(through: "* welcome to tea; you are guest1; 1 online\r\n")
            let peer = try daemon.connect()
            #expect(try peer.receiveLine() == "* welcome to tea; you are guest2; 2 online")
            try chat.output.text(through: "* guest2 joined (2 online)\r\n")
            try chat.write("/nick ana\n")
            try chat.output.text(through: "* you are now ana\r\n")
            #expect(try peer.receiveLine() == "* guest1 is now ana")
            try peer.send("hello \u{1B}[31mana\n")
            try chat.output.text(through: "guest2: hello ^[[31mana\r\n")
            try chat.write("bye\nx\n")
            #expect(try peer.receiveLines(2) == ["ana: bye", "* ana left: quit (1 online)"])
            #expect(try chat.waitForEnd() == .exit(0))
        }
    }

    @Test("A client that is refused or closed is told why, and chat says it")
    func shutDown() throws {
        let daemon = try Daemon(["--chat"])
        let chat = try startChat(["127.0.0.1:\(daemon.port)"])
        #expect(try chat.output.line()?.hasPrefix("* welcome") == true)
        try daemon.end()
        #expect(try chat.output.line() == "! goodbye: the server is shutting down")
        #expect(try chat.error.line()?.contains("the server is shutting down") == true)
        #expect(try chat.waitForEnd() == .exit(75))
    }
}
