import Foundation
import TestSupport
import Testing

/// The example that the README shows is the program that is built here, is short, and works.
@Suite struct EmbeddingExampleTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    private static func text(of path: String) throws -> String {
        try String(contentsOf: folder.appending(path: path), encoding: .utf8)
    }

    @Test func `is what the README shows, in 15 lines at most`() throws {
        let readme = try Self.text(of: "../README.md")
        let shown = try #require(readme.firstMatch(of: #/```swift\n(?<code>[^`]*)```/#)).code
        #expect(try shown == Self.text(of: "EmbeddingExample/main.swift"))
        #expect(shown.split(separator: "\n", omittingEmptySubsequences: false).dropLast().count <= 15)
    }

    /// It listens where the README says that it does, so nobody else may.
    private static let isPortFree = (try? Peer(port: 3001)) == nil

    @Test(.enabled(if: isPortFree, "port 3001 is in use"))
    func `relays lines`() throws {
        let example = try ChildProcess(ChildProcess.pathOfExecutable("EmbeddingExample"), [])
        defer { example.kill() }
        var one: Peer?
        while one == nil, example.currentEnd == nil { one = try? Peer(port: 3001) }
        let first = try #require(one)
        let second = try Peer(port: 3001)
        try second.send("hello\n")
        #expect(try first.receiveLine() == "hello")
        try first.send("grüße\n")
        #expect(try second.receiveLine() == "grüße")
    }
}
