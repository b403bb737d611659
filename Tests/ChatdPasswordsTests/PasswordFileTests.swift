import ChatReactor
import Glibc
import TestSupport
import Testing

@testable import ChatdPasswords

/// The file of those who can log in: what its lines say, and how one is changed.
struct PasswordFileTests {
    private static let yescrypt = "$y$j9T$CsTJ3laU/ZXsKN5mM.NY30$WwozDxJ2G6q.jcLtXOfZEKGXREefR0kG5tlsSiW9cOC"
    private static let sha512 = "$6$rounds=1000$salt$" + String(repeating: "a", count: 86)
    private static let bcrypt = "$2b$05$" + String(repeating: "b", count: 53)

    private func name(_ text: String) throws -> ChatName { try ChatName(text) }

    @Test func `a line has a name, a hash, and who is an operator`() throws {
        let file = try PasswordFile(
            "# who\n\nana:\(Self.yescrypt):operator\r\nŁukasz:\(Self.sha512)\n \t\nbot:*\ncleo:\(Self.bcrypt)")
        #expect(file.entries.count == 4)
        #expect(try file.entries[name("ANA")] == .init(hash: PasswordHash(Self.yescrypt), isOperator: true))
        #expect(try file.entries[name("łukasz")] == .init(hash: PasswordHash(Self.sha512)))
        #expect(try file.entries[name("bot")] == .init(hash: nil))
        #expect(try file.entries[name("cleo")]?.hash != nil)
    }

    @Test(arguments: [
        ("ana", "write NAME:HASH or NAME:HASH:operator"),
        ("ana:*:operator:x", "write NAME:HASH or NAME:HASH:operator"),
        ("ana:*:admin", "after the second colon there may be 'operator' alone"),
        ("ana b:*", "a name has letters, digits, _ and - only, and not a space"),
        ("server:*", "this name is reserved for the server"),
        ("ben:secret", "the hash of ben is not of yescrypt, scrypt, bcrypt, sha512crypt or sha256crypt, or not whole"),
        // Too weak: DES, MD5, an empty hash.
        ("ben:rqXexS6ZhobKA", "the hash of ben is not of yescrypt, scrypt, bcrypt, sha512crypt or sha256crypt, or not whole"),
        (
            "ben:$1$abc$XXXXXXXXXXXXXXXXXXXXXX",
            "the hash of ben is not of yescrypt, scrypt, bcrypt, sha512crypt or sha256crypt, or not whole"
        ),
        ("ben:", "the hash of ben is not of yescrypt, scrypt, bcrypt, sha512crypt or sha256crypt, or not whole"),
        ("ANA:*", "ANA is in line 1 already"),
    ])
    func `a bad line is named`(line: String, reason: String) {
        let error = #expect(throws: PasswordFile.Damage.self) { try PasswordFile("ana:*\n# two\n\(line)\n") }
        #expect(error == .init(line: 3, reason: reason))
    }

    @Test func `a hash that has lost a piece, or got one, is none`() {
        for whole in [Self.yescrypt, Self.sha512, Self.bcrypt] {
            #expect(PasswordHash(whole) != nil)
            for count in 0..<whole.count { #expect(PasswordHash(String(whole.prefix(count))) == nil, "\(whole.prefix(count))") }
            for more in ["a", "$", " ", ":"] { #expect(PasswordHash(whole + more) == nil) }
        }
    }

    /// Beside a reader that knows no more than the form of a line.
    @Test func `any text is read as a naive reader does`() throws {
        var random = SeededGenerator()
        let pieces = [
            "ana", "Ana", "ben", ":", ":", "*", "operator", "#", "\n", "\n", "\r\n", " ", Self.bcrypt, "$6$x", "\u{301}",
        ]
        var counts = (good: 0, bad: 0)
        for _ in 0..<2_000 {
            let count = Int.random(in: 0...14, using: &random)
            let text = (0..<count).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &random)] }.joined()
            let expected = Self.naive(text)
            let file = try? PasswordFile(text)
            #expect(file.map { $0.entries.mapValues(\.isOperator) } == expected, "\(text.debugDescription), seed \(random.seed)")
            if expected == nil { counts.bad += 1 } else { counts.good += 1 }
        }
        #expect(counts.good > 100 && counts.bad > 100)
    }

    private static func naive(_ text: String) -> [ChatName: Bool]? {
        var entries: [ChatName: Bool] = [:]
        for line in String(text.unicodeScalars.map { $0 == "\r" ? "" : String($0) }.joined()).unicodeScalars.split(
            separator: "\n")
        {
            if line.first == "#" || line.allSatisfy({ $0 == " " }) { continue }
            let fields = line.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
            guard fields.count == 2 || fields.count == 3 && fields[2].unicodeScalars.elementsEqual("operator".unicodeScalars),
                let name = try? ChatName(fields[0]), entries[name] == nil,
                fields[1].unicodeScalars.elementsEqual("*".unicodeScalars)
                    || fields[1].unicodeScalars.elementsEqual(bcrypt.unicodeScalars)
            else { return nil }
            entries[name] = fields.count == 3
        }
        return entries
    }

    @Test func `a change leaves the other lines as they are`() throws {
        var file = try PasswordFile("# who\nana:*\n\nben:*:operator\n# end\n")
        file.set(.init(hash: PasswordHash(Self.bcrypt), isOperator: true), for: try name("Ana"))
        file.set(.init(hash: nil), for: try name("cleo"))
        #expect(file.text == "# who\nAna:\(Self.bcrypt):operator\n\nben:*:operator\n# end\ncleo:*\n")
        let removals = [file.remove(try name("ana")), file.remove(try name("ana"))]
        #expect(removals == [true, false])
        file.set(.init(hash: nil), for: try name("ben"))
        #expect(file.text == "# who\n\nben:*\n# end\ncleo:*\n")
        #expect(try PasswordFile(file.text).entries == file.entries)
    }

    @Test func `a file that others may read or write is refused`() throws {
        let path = TemporaryPath()
        try path.write("ana:*\n")
        for (mode, isRefused) in [(0o600, false), (0o640, false), (0o400, false), (0o644, true), (0o604, true), (0o660, true)] {
            #expect(unsafe chmod(path.path, mode_t(mode)) == 0)
            let file = try? PasswordFile(reading: path.path)
            #expect((file == nil) == isRefused, "\(String(mode, radix: 8))")
        }
        #expect(throws: PasswordFileError.self) { try PasswordFile(reading: path.path + ".none") }
    }

    @Test func `a new file is its owner's alone, and another one keeps its mode`() throws {
        let path = TemporaryPath()
        var status = stat()
        try PasswordFile("ana:*\n").write(to: path.path)
        #expect(unsafe stat(path.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(unsafe chmod(path.path, 0o640) == 0)
        try PasswordFile("ben:*\n").write(to: path.path)
        #expect(unsafe stat(path.path, &status) == 0 && status.st_mode & 0o777 == 0o640)
        #expect(try PasswordFile(reading: path.path).entries.keys.map(\.text) == ["ben"])
    }
}
