import TestSupport
import Testing

/// Started with no option, chatd relays between all kinds of clients: each to all others, and not to itself.
@Suite struct RelayBetweenRealClientsTests {
    /// A program that sends its standard input to the server, and prints what comes from there.
    struct Talker {
        let name: String
        let command: [String]

        /// All that are installed. chat comes with chatd.
        static func installed(at port: UInt16) -> [Talker] {
            let script = #filePath.replacing(#/[^/]+$/#, with: "Clients/seed_client.py")
            return [
                Talker(name: "chat", command: [ChildProcess.pathOfExecutable("chat"), "127.0.0.1:\(port)"]),
                Talker(name: "another chat", command: [ChildProcess.pathOfExecutable("chat"), "localhost:\(port)"]),
                Talker(name: "nc", command: ["nc", "127.0.0.1", "\(port)"]),
                Talker(name: "ncat", command: ["ncat", "127.0.0.1", "\(port)"]),
                Talker(name: "socat", command: ["socat", "-", "TCP:127.0.0.1:\(port)"]),
                Talker(name: "the seed's client", command: ["python3", script, "127.0.0.1", "\(port)"]),
            ].filter { $0.command[0].hasPrefix("/") || ChildProcess.isInstalled($0.command[0]) }
        }
    }

    @Test func `each reaches all others and not itself, and non-ASCII stays intact`() throws {
        try withDaemon { daemon in
            let witness = try daemon.join(1)[0]
            let talkers = Talker.installed(at: daemon.port)
            let running = try talkers.map { talker in
                let process = try ChildProcess(talker.command[0], Array(talker.command.dropFirst()), input: .pipe)
                // Joined, as the witness sees: from here on it gets what the others say.
                try process.write("\(talker.name) is here\n")
                #expect(try witness.receiveLine() == "\(talker.name) is here")
                return process
            }
            let sayings = talkers.map { "grüße, 你好, 👋🏽 — from \($0.name)" }
            for (process, saying) in zip(running, sayings) {
                try process.write(saying + "\n")
                // One after the other: so the order in which they are relayed is known.
                #expect(try witness.receiveLine() == saying)
            }
            try witness.send("the end\n")
            for (index, process) in running.enumerated() {
                var heard = talkers[(index + 1)...].map { "\($0.name) is here" } + sayings + ["the end"]
                heard.remove(at: talkers.count - 1)
                #expect(try process.output.lines(heard.count) == heard, "\(talkers[index].name)")
                try process.write("x\n")
            }
            // The connection of each is closed, so its output ends, with nothing more in it.
            for (process, talker) in zip(running, talkers) {
                process.closeInput()
                #expect(try process.output.all() == [], "\(talker.name)")
            }
        }
    }

    @Test(.enabled(if: ChildProcess.isInstalled("nc"))) func `a piped text without a newline is a message`() throws {
        try withDaemon { daemon in
            let listener = try daemon.join(1)[0]
            let script = "printf 'no newline' | nc -N 127.0.0.1 \(daemon.port)"
            let process = try ChildProcess("sh", ["-c", script])
            #expect(try listener.receiveLine() == "no newline")
            #expect(try process.waitForEnd() == .exit(0))
        }
    }

    @Test(arguments: ["nc", "ncat", "socat"].filter(ChildProcess.isInstalled))
    func `random bytes arrive as they were sent`(program: String) throws {
        try withDaemon(["--no-quit-word"]) { daemon in
            let place = program == "socat" ? ["-", "TCP:127.0.0.1:\(daemon.port)"] : ["127.0.0.1", "\(daemon.port)"]
            let peer = try daemon.join(1)[0]
            let process = try ChildProcess(program, place, input: .pipe)
            try process.write("ready\n")
            #expect(try peer.receiveLine() == "ready")
            // Of the bytes 0 to 255 only the carriage return is kept out: right before a newline it is dropped.
            var generator = SeededGenerator(seed: 1)
            let there = generator.bytes(200_000).map { $0 == 13 ? 10 : $0 } + [10]
            let back = generator.bytes(200_000).map { $0 == 13 ? 10 : $0 } + [10]
            try process.write(there)
            var received: [UInt8] = []
            while received.count < there.count { received += try peer.receiveSome() }
            #expect(received == there)
            try peer.send(back)
            #expect(try process.output.bytes(back.count) == back)
        }
    }
}
