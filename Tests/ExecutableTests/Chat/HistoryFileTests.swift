import Glibc
import TestSupport
import Testing

@testable import chat

/// What was sent is there in the next run, in a file for the user alone.
struct HistoryFileTests {
    private let directory: TemporaryDirectory
    private var path: String { "\(directory.path)/history" }

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test(arguments: [
        "", "a", "\\", "\\n", "\n", "a\nb", "\\\\n", "\n\n\\", "\r\n", "a\r\nb", "\n\u{301}", "\\\u{301}", "n\u{301}",
        "\\n\u{301}", "\u{301}",
        "\r", "👩‍👩‍👧\n👩‍👩‍👧",
    ])
    func `a line becomes one line of the file, and itself again`(line: String) {
        let escaped = HistoryFile.escape(line)
        #expect(!escaped.utf8.contains(UInt8(ascii: "\n")))
        #expect(Array(HistoryFile.unescape(escaped).unicodeScalars) == Array(line.unicodeScalars))
    }

    @Test func `random lines are themselves again in the next run, in their order`() {
        var generator = SeededGenerator()
        let scalars: [Unicode.Scalar] = [
            "a", "n", "\\", "\n", "\r", " ", "\u{301}", "\u{200D}", "é", "👩", "\u{1B}", "\u{0}", "\u{2028}", "\u{FEFF}",
        ]
        let lines = (0..<500).map { _ in
            var view = String.UnicodeScalarView("x".unicodeScalars)
            for _ in 0..<Int.random(in: 0..<8, using: &generator) { view.append(scalars.randomElement(using: &generator) ?? "a") }
            return String(view)
        }
        let file = HistoryFile(at: path)
        for line in lines { file.append(line) }
        #expect(file.failure == nil)
        let loaded = HistoryFile(at: path).load()
        #expect(loaded.map { Array($0.unicodeScalars) } == lines.map { Array($0.unicodeScalars) })
    }

    @Test func `folders are made, and nobody else may read them or the file`() throws {
        let folders = ["state", "state/chat"].map { "\(directory.path)/\($0)" }
        let nested = "\(folders[1])/history"
        defer {
            unsafe unlink(nested)
            for folder in folders.reversed() { unsafe rmdir(folder) }
        }
        let old = umask(0)
        HistoryFile(at: nested).append("a")
        umask(old)
        #expect(HistoryFile(at: nested).load() == ["a"])
        #expect(mode(of: nested) == 0o600)
        for folder in folders { #expect(mode(of: folder) == 0o700) }
    }

    @Test func `a file that has grown long is made short, and keeps the newest`() throws {
        try write((0..<2_000).map { "line \($0)\n" }.joined())
        #expect(HistoryFile(at: path).load() == (1_000..<2_000).map { "line \($0)" })
        #expect(try text().split(separator: "\n").count == 2_000)
        HistoryFile(at: path).append("line 2000")
        #expect(HistoryFile(at: path).load() == (1_001...2_000).map { "line \($0)" })
        #expect(try text().split(separator: "\n").count == 1_000)
        #expect(mode(of: path) == 0o600)
        HistoryFile(at: path).append("line 2001")
        #expect(HistoryFile(at: path).load().last == "line 2001")
    }

    @Test func `what is damaged is told, and is still there`() throws {
        let bytes: [UInt8] = Array("a\n".utf8) + [0xFF, 10]
        try write(bytes)
        let file = HistoryFile(at: path)
        #expect(file.load() == [])
        #expect(file.failure?.contains("\(path) is not UTF-8") == true)
        file.append("b")
        #expect(try content() == bytes + Array("b\n".utf8))
    }

    @Test func `what is no file is told, and nothing ends the client`() {
        let file = HistoryFile(at: directory.path)
        #expect(file.load() == [])
        #expect(file.failure?.contains(directory.path) == true)
        file.append("a")
        #expect(file.failure?.contains("cannot write") == true)
    }

    @Test func `a link is not followed`() throws {
        let target = "\(directory.path)/target"
        #expect(unsafe symlink(target, path) == 0)
        let file = HistoryFile(at: path)
        file.append("a")
        #expect(file.failure?.contains("cannot write") == true)
        #expect(unsafe access(target, F_OK) != 0)
    }

    @Test func `without a file there is no history, and a paste that nobody types again is not kept`() throws {
        let none = HistoryFile(at: nil)
        none.append("a")
        #expect(none.load() == [] && none.failure == nil)
        let file = HistoryFile(at: path)
        #expect(file.load() == [] && file.failure == nil)
        file.append(String(repeating: "a", count: 4_097))
        file.append(String(repeating: "b", count: 4_096))
        #expect(file.load() == [String(repeating: "b", count: 4_096)])
    }

    @Test func `a file that an editor of another system has written has the same lines`() throws {
        try write("\u{FEFF}one\r\ntwo\r\n")
        #expect(HistoryFile(at: path).load() == ["one", "two"])
    }

    private func mode(of path: String) -> mode_t {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    private func content() throws -> [UInt8] {
        try StreamReader(takingOver: unsafe open(path, O_RDONLY | O_CLOEXEC)).all()
    }

    private func text() throws -> String { String(decoding: try content(), as: UTF8.self) }
    private func write(_ text: String) throws { try write(Array(text.utf8)) }

    private func write(_ bytes: [UInt8]) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        try #require(unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }
}
