import Foundation
import TestSupport
import Testing

@testable import chatd

/// The tables of options in the documents are about the options that there are, and have their defaults.
@Suite struct DocumentedOptionsTests {
    private static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The rows of tables that are about options.
    private static func rows(of documents: [String]) throws -> [String] {
        try documents.flatMap { path in
            try String(contentsOf: package.appending(path: path), encoding: .utf8).split(separator: "\n")
                .filter { $0.hasPrefix("| `--") }.map(String.init)
        }
    }

    /// The options of the help, and the default of each, as far as it is a value.
    private static func help() throws -> [String: String?] {
        let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), ["--help"])
        let help = String(decoding: try process.output.all(), as: UTF8.self)
        // What belongs to an option is indented more than it is.
        let entries = help.replacing(#/\n {10,}/#, with: " ").split(separator: "\n").filter { $0.hasPrefix("  --") }
        var options: [String: String?] = [:]
        for entry in entries {
            let value = entry.firstMatch(of: #/default: ([0-9][0-9a-z]*|off|auto|text|notice|backpressure|x)[;)]/#)?.output.1
            for name in entry.prefix(while: { $0 != "<" }).matches(of: #/--([a-z-]+)/#) {
                options.updateValue(value.map(String.init), forKey: String(name.output.1))
            }
        }
        return options
    }

    @Test func `each option is in a table, with the default that the help says`() throws {
        let rows = try Self.rows(of: ["README.md", "Docs/chat.md", "Docs/operations.md", "Docs/scale.md"])
        let options = try Self.help()
        #expect(options.count > 40)
        for (option, value) in options where option != "version" && option != "chat" {
            let its = rows.filter { row in
                let cell = row.dropFirst().prefix { $0 != "|" }
                return ["`", " ", "\\"].contains { cell.contains("`--\(option)\($0)") }
            }
            #expect(!its.isEmpty, "--\(option)")
            guard let value else { continue }
            #expect(its.contains { $0.contains(value) }, "--\(option): \(value)")
        }
    }

    @Test func `the table of what takes effect without a restart has what does`() throws {
        let page = try String(contentsOf: Self.package.appending(path: "Docs/operations.md"), encoding: .utf8)
        let behind = try #require(page.components(separatedBy: "### Reading it again\n").last)
        let part = try #require(behind.components(separatedBy: "\n## ").first)
        let documented = part.split(separator: "\n").filter { $0.hasPrefix("| `") }.flatMap { row in
            row.dropFirst().prefix { $0 != "|" }.matches(of: #/`([a-z-]+)`/#).map { String($0.output.1) }
        }
        let ofTLS = ["tls-certificate", "tls-key", "tls-client-ca", "tls-clients"]
        #expect(documented.sorted() == (LiveOption.all.flatMap(\.names) + ofTLS).sorted())
    }

    @Test func `no table has an option that there is not`() throws {
        let options = try Self.help()
        for row in try Self.rows(of: ["Docs/chat.md", "Docs/operations.md", "Docs/scale.md"]) {
            let cell = row.dropFirst().prefix { $0 != "|" }
            for name in cell.matches(of: #/--([a-z-]+)/#) { #expect(options.keys.contains(String(name.output.1)), "\(row)") }
        }
    }

    @Test func `the client's table has its options, those for which its help has no room among them`() throws {
        let process = try ChildProcess(ChildProcess.pathOfExecutable("chat"), ["--help-hidden"])
        let help = String(decoding: try process.output.all(), as: UTF8.self)
        let options = help.split(separator: "\n").filter { $0.hasPrefix("  --") }.flatMap { line in
            line.prefix(while: { $0 != "<" }).matches(of: #/--([a-z-]+)/#).map { "--" + $0.output.1 }
        }
        let rows = try Self.rows(of: ["Docs/chat-client.md"]).map { row in String(row.dropFirst().prefix { $0 != "|" }) }
        let documented = rows.flatMap { row in row.matches(of: #/--[a-z-]+/#).map { String($0.output) } }
        #expect(options.count > 15)
        #expect(Set(documented) == Set(options).subtracting(["--version"]))
    }
}
