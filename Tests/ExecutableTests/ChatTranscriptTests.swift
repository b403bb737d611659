import Glibc
import TestSupport
import Testing

/// The transcript in Docs/chat.md is what happens.
@Suite struct ChatTranscriptTests {
    @Test("What Docs/chat.md shows is typed, and shown")
    func transcript() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/motd.txt"
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        #expect(unsafe write(descriptor, "be kind\n", 8) == 8)
        close(descriptor)
        try withDaemon(["--chat", "--name", "tea", "--motd", path]) { daemon in
            var people: [String: Peer] = [:]
            for line in try lines() {
                let words = line.split(separator: " ", maxSplits: 2).map(String.init)
                try #require(words.count == 3, "\(line)")
                let peer = try people[words[0]] ?? daemon.connect()
                people[words[0]] = peer
                if words[1] == ">" {
                    try peer.send(words[2] + "\n")
                } else {
                    #expect(try peer.receiveLine().map(timeless) == timeless(words[2]))
                }
            }
            try people["ana"]?.send("/ping\n")
            #expect(try people["ana"]?.receiveLine() == "* pong")
        }
    }

    private func timeless(_ line: String) -> String { line.replacing(#/^\[\d\d:\d\d\]/#, with: "[]") }

    private func lines() throws -> [Substring] {
        let path = #filePath.replacing(#/Tests/[^\/]+/[^\/]+$/#, with: "Docs/chat.md")
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        let text = String(decoding: try StreamReader(takingOver: descriptor).all(), as: UTF8.self)
        let start = try #require(text.firstRange(of: "```transcript\n")?.upperBound)
        let end = try #require(text[start...].firstRange(of: "\n```")?.lowerBound)
        return text[start..<end].split(separator: "\n")
    }
}
