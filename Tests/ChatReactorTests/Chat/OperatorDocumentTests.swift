import Glibc
import TestSupport
import Testing

@testable import ChatReactor

/// The commands of operators have one table: what `help` lists, Docs/operations.md explains.
struct OperatorDocumentTests {
    @Test("Docs/operations.md has a row for each command, in their order")
    func document() throws {
        let path = #filePath.replacing(#/Tests/[^\/]+/Chat/[^\/]+$/#, with: "Docs/operations.md")
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        let text = String(decoding: try StreamReader(takingOver: descriptor).all(), as: UTF8.self)
        let section = text.split(separator: "## The operator of a chat", maxSplits: 1).last ?? ""
        let rows = section.prefix(upTo: section.firstRange(of: "\n## ")?.lowerBound ?? section.endIndex).split(separator: "\n")
            .filter { $0.hasPrefix("| `") }
        let usages = rows.map { String($0.dropFirst(3).prefix { $0 != "`" }).replacing("\\|", with: "|") }
        #expect(usages == OperatorCommand.all.map(\.usage))
    }
}
