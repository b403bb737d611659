import Glibc
import TestSupport
import Testing

/// With `--json`, each line of the output is an object, from whatever server.
struct JSONOutputTests {
    private func objects(_ bytes: [UInt8]) throws -> [JSONValue] {
        #expect(bytes.isEmpty || bytes.last == 10)
        return try bytes.split(separator: 10, omittingEmptySubsequences: false).dropLast().map { line in
            try JSONValue(try #require(String(validating: line, as: UTF8.self)))
        }
    }

    @Test func `a chat's objects are those of its protocol, and nothing precedes them`() throws {
        let motd = TemporaryPath()
        try motd.write("be kind\n")
        try withDaemon(["--chat", "--name", "tea", "--motd", motd.path]) { daemon in
            let ana = try daemon.connect()
            try ana.send("/nick ana\nhello\n/topic green\n/ping\n")
            while let line = try ana.receiveLine(), line != "* pong" {}
            let chat = try startChat([daemon.address, "--json", "--linger", "0"])
            try chat.write(
                "hi\n/me waves\n/nick bot\n/who\n/rooms\n/help\n/jion\n/msg ana hi\n/join kitchen\n/history 5\n/ping\n")
            var lines: [String] = []
            while let line = try chat.output.line(), !line.hasPrefix(#"{"type":"pong""#) { lines.append(line) }
            try ana.send("/msg bot \u{1B}[31m\\\"\t\n/quit\n")
            while let line = try chat.output.line() {
                lines.append(line)
                if line.hasPrefix(#"{"type":"private""#) { break }
            }
            chat.closeInput()
            lines += try chat.output.all().split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
            let schema = try ChatDocuments.schema.get()
            let values = try lines.map { try JSONValue($0) }
            for (line, value) in zip(lines, values) { #expect(schema.problems(of: value) == [], "\(line)") }
            let types = values.compactMap { $0["type"]?.string }
            #expect(types.first == "welcome")
            #expect(
                Set(types).isSuperset(of: [
                    "welcome", "sent", "notice", "who", "rooms", "error", "private",
                ]))
            // The client has asked who is there for itself, and the user has asked once.
            #expect(types.count { $0 == "who" } == 1)
            #expect(types.count { $0 == "private" } == 1)
            #expect(try chat.waitForEnd() == .exit(0))
        }
    }

    @Test func `a relay's lines are objects with a type, a time and a text`() throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--json"])
        let client = try server.accept()
        try client.send("hello\n\n{\"type\":\"welcome\"}\r\n\"\\\n\u{1B}[31m\u{9B}1m\u{202E}\u{7F}\0\n")
        try client.send([0xFF, 0xC3, 10, 0xED, 0xA0, 0x80, 10])
        client.close()
        let bytes = try chat.output.all()
        let values = try objects(bytes)
        #expect(
            values.map { $0["text"]?.string } == [
                "hello", "", "{\"type\":\"welcome\"}", "\"\\", "\u{1B}[31m\u{9B}1m\u{202E}\u{7F}\0", "\u{FFFD}\u{FFFD}",
                "\u{FFFD}\u{FFFD}\u{FFFD}",
            ])
        for value in values {
            #expect(value.object?.keys.sorted() == ["text", "time", "type"])
            #expect(value["type"]?.string == "message")
            #expect(value["time"]?.string?.wholeMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/#) != nil)
        }
        expectHarmless(bytes)
        #expect(try chat.waitForEnd() == .exit(EX_TEMPFAIL))
    }

    @Test func `random bytes of a relay are valid objects, and nothing in them could harm a terminal`() throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--json"])
        let client = try server.accept()
        var generator = SeededGenerator()
        let bytes = generator.bytes(200_000)
        try client.send(bytes + [10])
        client.close()
        let output = try chat.output.all()
        let texts = try objects(output).compactMap { $0["text"]?.string }
        let lines = (bytes + [10]).split(separator: 10, omittingEmptySubsequences: false).dropLast()
        #expect(texts == lines.map { String(decoding: $0.last == 13 ? $0.dropLast() : $0, as: UTF8.self) })
        expectHarmless(output)
    }

    @Test func `a line that is longer than any is an object for each of its pieces`() throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--json"])
        let client = try server.accept()
        let line = String(repeating: "€", count: 100_000)
        try client.send("short\n\(line)\nend\n")
        client.close()
        let values = try objects(try chat.output.all())
        #expect(values.compactMap { $0["text"]?.string }.joined() == "short" + line + "end")
        #expect(values.count { $0["partial"] == nil } == 3)
    }

    @Test func `a hostile chat cannot harm a terminal, nor make the output anything but objects`() throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--json"])
        let played = try PlayedChat(accepting: server)
        #expect(try played.commands(1) == ["/json"])
        try played.enter(sequence: 10)
        let hostile: [UInt8] =
            Array(#"{"type":"notice","text":"a"#.utf8) + [0xFF, 0xC2, 0x9B, 0x7F] + Array("1m\u{202E}\"}\n".utf8)
        try played.peer.send(hostile)
        try played.peer.send("\u{1B}[2J no object\n{\"type\":\"notice\" \u{1B}\n{\"type\":\"later\",\"text\":\"\u{9B}\"}\n")
        try played.say(11, "the end")
        try played.end()
        let bytes = try chat.output.all()
        let values = try objects(bytes)
        #expect(values.last?["text"]?.string == "the end")
        #expect(values.contains { $0["text"]?.string == "a\u{FFFD}\u{9B}\u{7F}1m\u{202E}" })
        expectHarmless(bytes)
    }

    /// Nothing that a terminal would obey, or that would reorder what is read.
    private func expectHarmless(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
        let harmful = String(decoding: bytes, as: UTF8.self).unicodeScalars.first { scalar in
            switch scalar.value {
            case 10: false
            case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
            default: false
            }
        }
        #expect(harmful == nil, sourceLocation: sourceLocation)
    }
}
