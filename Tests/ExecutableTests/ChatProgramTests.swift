import Glibc
import TestSupport
import Testing

/// The program in Docs/chat-protocol.md does what is said of it.
@Suite(.enabled(if: ChildProcess.isInstalled("python3")))
struct ChatProgramTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test("It greets everybody once, also those who took a name while it was away")
    func greeter() throws {
        let first = try Daemon(["--chat", "--room-log", directory.path])
        let program = try ChildProcess("python3", ["-c", try script(), "127.0.0.1", "\(first.port)"])
        defer { program.kill() }
        let ana = try first.connect()
        // It greets those who take a name once it is there.
        repeat { try ana.send("/who\n") } while try !wait(for: "* in lobby: ", by: ana).contains("greeter")
        try ana.send("/nick ana\n")
        try wait(for: "greeter: hello, ana", by: ana)
        first.process.kill()
        #expect(try ana.receiveLine() == nil)

        // It tries again after a second. Whoever is faster has a name by then.
        let second = try Daemon(["--chat", "--room-log", directory.path, "--listen", "127.0.0.1:\(first.port)"])
        let ben = try second.connect()
        try ben.send("/nick ben\n")
        try wait(for: "greeter: hello, ben", by: ben)
        try ben.send("/nick cleo\n")
        // Neither itself nor ana again.
        #expect(try wait(for: "greeter: ", by: ben) == "greeter: hello, cleo")
        try second.end()
    }

    /// The next line that begins so.
    @discardableResult
    private func wait(for beginning: String, by peer: Peer) throws -> String {
        while let line = try peer.receiveLine() {
            if line.hasPrefix(beginning) { return line }
        }
        Issue.record("\(beginning) has not come")
        return ""
    }

    private func script() throws -> String {
        let path = #filePath.replacing(#/Tests/[^\/]+/[^\/]+$/#, with: "Docs/chat-protocol.md")
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        let text = String(decoding: try StreamReader(takingOver: descriptor).all(), as: UTF8.self)
        let start = try #require(text.firstRange(of: "```python\n")?.upperBound)
        let end = try #require(text[start...].firstRange(of: "```")?.lowerBound)
        return String(text[start..<end])
    }
}
