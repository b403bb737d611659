import TestSupport
import Testing

@testable import ChatReactor

/// Docs/chat-protocol.md says what the code does.
struct ChatProtocolTests {
    private func rows(_ heading: String) throws -> [[String]] {
        let lines = try ChatProtocol.document.get().split(separator: "\n", omittingEmptySubsequences: false)
        let table = lines.drop { $0 != "| \(heading) |" }.dropFirst(2).prefix { $0.hasPrefix("|") }
        return table.map { row in
            row.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false).map { String($0).trimmed }
        }
    }

    @Test("Its table of commands is the table of commands")
    func commands() throws {
        let rows = try rows("command | what it does")
        #expect(rows == CommandTable.builtIn.map { ["`\($0.usage)`", $0.help] })
    }

    @Test("Every example is as the schema says, and every kind of object has one")
    func examples() throws {
        let schema = try ChatProtocol.schema.get()
        let lines = try ChatProtocol.document.get().split(separator: "\n").filter { $0.hasPrefix("{") }
        let objects = try lines.map { try ChatProtocol.object(String($0)) }
        for (name, definition) in schema.definitions where definition["properties"] != nil {
            let type = definition["properties"]?["type"]?["const"]?.string
            let keys = Set(definition["required"]?.array?.compactMap(\.string) ?? [])
            #expect(objects.contains { $0.type == type && keys.isSubset(of: $0.object?.keys.map { $0 } ?? []) }, "\(name)")
        }
    }

    @Test("The schema refuses what is wrong")
    func refusals() throws {
        let schema = try ChatProtocol.schema.get()
        for line in [
            #"{}"#, #"{"type":"tea"}"#, #"{"type":"pong"}"#, #"{"type":"pong","time":"2026-11-27 19:03:16"}"#,
            #"{"type":"error","text":7}"#, #"{"type":"error","text":"a\nb"}"#, #"{"type":"error","text":"a","seq":1}"#,
            #"{"type":"gap","room":"lobby","missed":0}"#, #"{"type":"history-end","room":"","count":0}"#,
        ] {
            #expect(!schema.problems(of: try JSONValue(line)).isEmpty, "\(line)")
        }
        for text in [#"{"a":1,"a":2}"#, #"{"a":01}"#, "{\"a\":\"\t\"}", #"{"a":"\x"}"#, #"{"a":1}}"#, #"{"a":"\ud800"}"#] {
            #expect(throws: JSONValue.Invalid.self) { try JSONValue(text) }
        }
    }

    @Test("Every line that people are told has its row")
    func lines() throws {
        let templates = try rows("line | when").map { String($0[0].dropFirst().dropLast()) }
        let general = ["* TEXT", "! TEXT"]
        let patterns = try templates.filter { !general.contains($0) }.map { template in
            var pattern = template.map { "\\.+*?()[]{}|^$".contains($0) ? "\\\($0)" : String($0) }.joined()
            for (placeholder, regex) in [
                ("2026-11-26", #"\d{4}-\d\d-\d\d"#), ("19:03", #"\d\d:\d\d"#), ("COMMAND ARGUMENTS", "[a-z]+.*"),
                ("SERVER", ".*"),
                ("ROOM", #"\S+"#), ("NAME, NAME", ".*"), ("NAME", #"\S+"#), ("WHY", "[a-z ]+"), ("TEXT", ".*"),
            ] { pattern = pattern.replacing(placeholder, with: regex) }
            pattern = pattern.replacing(#/\bN\b/#, with: #"\d+"#)
            return try Regex("^\(pattern)$")
        }
        let chat = try ChatFixture { $0.history = 5 }
        let (ana, ben) = (try chat.join("ana", keepsWelcome: true), try chat.join("ben", keepsWelcome: true))
        for line in [
            "hello", "/me waves", "/topic tea", "/topic", "/topic -", "/topic", "/msg ben hi", "/nick anna", "/who", "/rooms",
            "/join tea",
            "/leave", "/history 2", "/ignore zoe", "/unignore zoe", "/help", "/resume lobby 1 1",
        ] { try ana.send(line) }
        try ben.send("/me waves\n/msg anna hi\n/join tea\n/quit")
        try chat.settle()
        for line in ana.takeLines() + ben.takeLines() + ["* pong"] where !line.hasPrefix("! ") || line.contains("missing") {
            #expect(patterns.contains { (try? $0.firstMatch(in: line)) != nil }, "\(line)")
        }
    }
}
