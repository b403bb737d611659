import Glibc
import TestSupport
import Testing

/// chatd as a job of a shell: while another job has the terminal it goes on, and after `fg` the console listens again.
@Suite(.enabled(if: ChildProcess.isInstalled("bash"))) struct DaemonJobControlTests {
    /// A shell at a terminal, in which `$chatd` is the daemon.
    private struct Shell {
        let process: ChildProcess
        var screen: StreamReader { process.output }

        init() throws {
            process = try ChildProcess(
                "bash", ["--norc", "--noprofile", "--noediting", "-i"], environment: ["PS1=$ "],
                input: .terminal, output: .terminal, error: .terminal)
            try type("chatd=\(ChildProcess.pathOfExecutable("chatd"))")
        }

        func type(_ line: String) throws { try process.write(line + "\n") }

        /// Waits for the port that the daemon says it listens on.
        func port() throws -> UInt16 {
            try screen.text(through: "listening on 127.0.0.1:")
            let port = try screen.line()?.split(separator: "\r").first.flatMap { UInt16($0) }
            return try #require(port)
        }

        /// Has the shell read a line and run it, and waits until it has.
        func work(_ number: Int) throws {
            try type("echo $((\(number) * 1000))-done")
            try screen.text(through: "\(number * 1_000)-done")
        }

        func bringToForeground() throws {
            try type("fg")
            // The shell shows what it brings: not what was typed, where the name is written with a dollar, but the same here.
            try screen.text(through: "$chatd --print --port 0")
        }

        /// Ends the daemon by Ctrl-C, and the shell.
        func end() throws {
            try process.write("\u{3}")
            // What is typed before the shell has the terminal again is still the daemon's.
            try screen.text(through: "^C")
            try screen.text(through: "$ ")
            try work(9)
            try type("exit")
            _ = try process.waitForEnd()
        }
    }

    @Test func `started in the background, it hears what is typed after fg`() throws {
        let shell = try Shell()
        try shell.type("$chatd --print --port 0 &")
        let client = try Peer(port: shell.port())
        for round in 1...2 {
            try shell.work(round)
            try client.send("while the shell has the terminal \(round)\n")
            try shell.screen.text(through: "while the shell has the terminal \(round)\r\n")
        }
        try shell.bringToForeground()
        try shell.type("hello after fg")
        #expect(try client.receiveLine() == "hello after fg")
        client.close()
        try shell.end()
    }

    @Test func `stopped and sent to the background, it hears what is typed after fg`() throws {
        let shell = try Shell()
        try shell.type("$chatd --print --port 0")
        let client = try Peer(port: shell.port())
        // What is printed has come from a client that was accepted.
        try client.send("joined\n")
        try shell.screen.text(through: "joined\r\n")
        try shell.type("hello")
        #expect(try client.receiveLine() == "hello")
        try shell.process.write("\u{1A}")
        try shell.screen.text(through: "Stopped")
        try shell.type("bg")
        try shell.work(1)
        try client.send("in the background\n")
        try shell.screen.text(through: "in the background\r\n")
        try shell.bringToForeground()
        try shell.type("hello again")
        #expect(try client.receiveLine() == "hello again")
        client.close()
        try shell.end()
    }
}
