import ChatLineEditing
import Foundation
import Testing

/// The document of the client says of each key what the table of the keys says.
@Suite struct KeyDocumentTests {
    @Test func `the document has the table of the keys`() throws {
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let document = try String(contentsOf: package.appending(path: "Docs/chat-client.md"), encoding: .utf8)
        let table = KeyBindings.all.map { "| \($0.name) | \($0.help) |\n" }.joined()
        #expect(document.contains("| key | what it does |\n|---|---|\n" + table + "\n"), "\(table)")
    }
}
