import TestSupport
import Testing

/// A shell puts chatd into the background of its terminal, and brings it back by `fg`.
@Suite(.enabled(if: ChildProcess.isInstalled("bash"))) struct ForegroundTests {
    @Test func `in the background the console does not listen, and in the foreground it does again`() throws {
        // bash controls its jobs through the terminal of its standard error.
        let script = """
            exec 3>&2 2>&1
            set -m
            "$@" 2>&3 &
            while read -r line; do
                echo "shell: $line"
                if [ "$line" = fg ]; then break; fi
            done
            fg %1 >&3
            """
        let daemon = try Daemon(launcher: ["bash", "-c", script, "bash"], input: .terminal, output: .terminal)
        let client = try daemon.join(1)[0]
        // For each of these the terminal tells chatd that it can be read, and answers its read with EIO.
        for line in ["one", "two", "fg"] {
            try daemon.process.write(line + "\n")
            while let shown = try daemon.process.output.line(), !shown.hasPrefix("shell: \(line)") {}
        }
        try daemon.process.write("typed\n")
        #expect(try client.receiveLine() == "typed")
        // Ctrl-C
        try daemon.process.write("\u{3}")
        #expect(try daemon.process.waitForEnd() == .exit(0))
    }
}
