import Glibc
import TestSupport
import Testing

@testable import ChatReactor

/// The commands have one table: what `/help` says, Docs/chat.md says.
struct CommandDocumentTests {
    @Test("Docs/chat.md has a row for each command, in their order")
    func document() throws {
        let path = #filePath.replacing(#/Tests/[^\/]+/Chat/[^\/]+$/#, with: "Docs/chat.md")
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        let text = String(decoding: try StreamReader(takingOver: descriptor).all(), as: UTF8.self)
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `/") }.map(String.init)
        #expect(rows == CommandTable.builtIn.map { "| `\($0.usage)` | \($0.help) |" })
    }
}
